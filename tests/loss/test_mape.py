"""Relative absolute errors against numpy."""

import numpy as np
import pytest

from inr.loss import mape
from tests.loss.given import draw_case, make_case
from tests.tolerance import assert_close


@pytest.mark.parametrize("epsilon", [0.01, 2.0])
def test_errors_are_divided_by_the_size_of_the_target(epsilon: float) -> None:
    field, batch = draw_case()
    f, y = field.values.detach().numpy(), batch.values.numpy()
    loss = mape(field, batch, epsilon=epsilon)
    loss.backward()
    assert_close(loss, (np.abs(f - y) / (np.abs(y) + epsilon)).mean())
    assert_close(field.values.grad, np.sign(f - y) / (np.abs(y) + epsilon) / (9 * 3))


def test_epsilon_is_a_hundredth_by_default() -> None:
    assert_close(mape(*make_case([1.0], [0.0])), 100.0)


@pytest.mark.parametrize("epsilon", [0.0, -1.0])
def test_an_epsilon_that_is_not_positive_is_rejected(epsilon: float) -> None:
    with pytest.raises(ValueError, match="epsilon is"):
        mape(*draw_case(), epsilon=epsilon)
