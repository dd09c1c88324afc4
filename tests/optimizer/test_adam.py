"""Adam against its update formula."""

from inr.optimizer import adam
from tests.optimizer.descent import GRADIENTS, START, descend, descend_adam
from tests.tolerance import assert_close


def test_the_first_step_is_the_sign_of_the_gradient() -> None:
    first, _ = descend(adam, lr=0.1, eps=1e-15)
    assert_close(first, START - 0.1 * GRADIENTS[0].sign())


def test_steps_follow_the_formula() -> None:
    steps = descend(adam, lr=0.1, beta1=0.8, beta2=0.95, eps=1e-3)
    assert_close(steps, descend_adam(0.1, 0.8, 0.95, 1e-3))


def test_moments_decay_as_usual_by_default() -> None:
    assert_close(descend(adam, lr=0.1), descend_adam(0.1, 0.9, 0.999, 1e-8))
