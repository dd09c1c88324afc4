"""Cross-entropy against its definition."""

import numpy as np
import torch

from inr.loss import bce, target_kind_of
from tests.loss.given import draw_case, make_case
from tests.tolerance import assert_close


def test_it_is_the_mean_cross_entropy_and_its_gradient_the_error_of_probabilities() -> None:
    field, batch = draw_case()
    batch = batch._replace(values=batch.values.abs().clamp(max=1))
    f, y = field.values.detach().numpy(), batch.values.numpy()
    p = 1 / (1 + np.exp(-f))
    loss = bce(field, batch)
    loss.backward()
    assert_close(loss, -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())
    assert_close(field.values.grad, (p - y) / (9 * 3))


def test_what_is_wrong_and_certain_is_still_corrected() -> None:
    field, batch = make_case([500.0], [0.0])
    loss = bce(field, batch)
    loss.backward()
    assert_close(loss, 500.0)
    assert_close(field.values.grad, torch.ones(1, 1))


def test_it_is_for_labels() -> None:
    assert target_kind_of(bce) == "labels"
