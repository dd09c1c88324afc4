"""Gradient descent against its update formula."""

from inr.optimizer import sgd
from tests.optimizer.descent import GRADIENTS, START, descend
from tests.tolerance import assert_close


def test_a_step_goes_down_the_gradient() -> None:
    first, second = descend(sgd, lr=0.1)
    assert_close(first, START - 0.1 * GRADIENTS[0])
    assert_close(second, first - 0.1 * GRADIENTS[1])


def test_momentum_keeps_a_share_of_the_last_step() -> None:
    first, second = descend(sgd, lr=0.1, momentum=0.9)
    assert_close(first, START - 0.1 * GRADIENTS[0])
    assert_close(second, first - 0.1 * (0.9 * GRADIENTS[0] + GRADIENTS[1]))


def test_nesterov_momentum_looks_ahead() -> None:
    first, second = descend(sgd, lr=0.1, momentum=0.9, nesterov=True)
    assert_close(first, START - 0.1 * 1.9 * GRADIENTS[0])
    velocity = 0.9 * GRADIENTS[0] + GRADIENTS[1]
    assert_close(second, first - 0.1 * (GRADIENTS[1] + 0.9 * velocity))


def test_weight_decay_is_an_l2_penalty() -> None:
    first, _ = descend(sgd, lr=0.1, weight_decay=0.5)
    assert_close(first, START - 0.1 * (GRADIENTS[0] + 0.5 * START))
