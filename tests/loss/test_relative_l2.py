"""Relative squared error against numpy."""

import pytest
import torch

from inr.loss import relative_l2
from tests.loss.given import draw_case, make_case
from tests.tolerance import assert_close


@pytest.mark.parametrize("epsilon", [0.01, 2.0])
def test_the_gradient_holds_the_weight_constant(epsilon: float) -> None:
    field, batch = draw_case()
    f, y = field.values.detach().numpy(), batch.values.numpy()
    loss = relative_l2(field, batch, epsilon=epsilon)
    loss.backward()
    assert_close(loss, ((f - y) ** 2 / (f**2 + epsilon)).mean())
    assert_close(field.values.grad, 2 * (f - y) / (f**2 + epsilon) / (9 * 3))


def test_epsilon_is_a_hundredth_by_default() -> None:
    assert_close(relative_l2(*make_case([0.0], [1.0])), 100.0)


def test_equal_ratios_weigh_alike_at_any_brightness() -> None:
    field, batch = make_case([100.0, 1.0], [110.0, 1.1])
    loss = relative_l2(field, batch, epsilon=1e-12)
    loss.backward()
    assert_close(loss, 0.01)
    gradient = field.values.grad
    assert isinstance(gradient, torch.Tensor)
    assert_close(gradient[1], 100 * gradient[0])


@pytest.mark.parametrize("epsilon", [0.0, -0.1])
def test_an_epsilon_that_is_not_positive_is_rejected(epsilon: float) -> None:
    with pytest.raises(ValueError, match=r"epsilon is .*; expected a finite number above 0"):
        relative_l2(*draw_case(), epsilon=epsilon)
