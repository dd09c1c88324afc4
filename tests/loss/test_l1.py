"""Mean absolute error against numpy."""

import numpy as np

from inr.loss import l1
from tests.loss.given import draw_case
from tests.tolerance import assert_close


def test_value_and_gradient_follow_the_formula() -> None:
    field, batch = draw_case()
    error = field.values.detach().numpy() - batch.values.numpy()
    loss = l1(field, batch)
    loss.backward()
    assert_close(loss, np.abs(error).sum() / (9 * 3))
    assert_close(field.values.grad, np.sign(error) / (9 * 3))
