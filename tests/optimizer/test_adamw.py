"""AdamW against its update formula."""

import torch

from inr.optimizer import adamw
from tests.optimizer.descent import GRADIENTS, START, Weights, descend, descend_adam
from tests.tolerance import assert_close


def test_steps_follow_the_formula() -> None:
    steps = descend(adamw, lr=0.1, beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=0.2)
    assert_close(steps, descend_adam(0.1, 0.8, 0.95, 1e-3, decay=0.2))


def test_the_decay_is_taken_off_the_weights_and_not_through_the_moments() -> None:
    module = Weights()
    optimizer = adamw(module, lr=0.1, weight_decay=0.2)
    module.trained.grad = torch.zeros(3, dtype=torch.float64)
    optimizer.step()
    assert_close(module.trained, START * (1 - 0.1 * 0.2))


def test_the_first_step_is_the_sign_of_the_gradient_without_decay() -> None:
    first, _ = descend(adamw, lr=0.1, eps=1e-15, weight_decay=0.0)
    assert_close(first, START - 0.1 * GRADIENTS[0].sign())
