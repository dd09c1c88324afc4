"""Huber's loss against numpy, on both of its branches."""

import numpy as np
import pytest

from inr.loss import huber
from tests.loss.given import draw_case, make_case
from tests.tolerance import assert_close


@pytest.mark.parametrize("delta", [0.1, 0.7, 3.0])
def test_value_and_gradient_follow_the_formula(delta: float) -> None:
    field, batch = draw_case()
    error = field.values.detach().numpy() - batch.values.numpy()
    size = np.abs(error)
    loss = huber(field, batch, delta=delta)
    loss.backward()
    assert_close(loss, np.where(size <= delta, size**2 / 2, delta * (size - delta / 2)).mean())
    assert_close(field.values.grad, np.clip(error, -delta, delta) / (9 * 3))


@pytest.mark.parametrize(
    ("error", "expected"), [(0.3, 0.045), (-0.3, 0.045), (0.5, 0.125), (0.8, 0.275), (-4.0, 1.875)]
)
def test_it_is_squared_up_to_delta_and_straight_beyond(error: float, expected: float) -> None:
    assert_close(huber(*make_case([1 + error], [1.0]), delta=0.5), expected)


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan")])
def test_a_delta_that_is_not_positive_is_rejected(delta: float) -> None:
    with pytest.raises(ValueError, match=r"delta is .*; expected a finite number above 0"):
        huber(*draw_case(), delta=delta)
