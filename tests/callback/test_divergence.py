"""The guard ends a run at the step that went wrong."""

from types import SimpleNamespace

import pytest
import torch

from inr.callback import DivergenceCallback, DivergenceError


def run_through(losses: list[float], **options: float) -> None:
    """Shows a guard some losses, with a found every third step."""
    guard = DivergenceCallback(**options)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    for step, loss in enumerate(losses, 1):
        trainer = SimpleNamespace(
            global_step=step,
            max_steps=len(losses),
            log_every_n_steps=3,
            optimizers=[optimizer],
            precision="32-true",
            default_root_dir=".",
        )
        guard.on_train_batch_end(trainer, None, {"losses": [torch.tensor(loss)]}, None, step - 1)


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        ([1.0, 1.0, 1.0, float("nan"), 1.0, 1.0], 4),
        ([1.0, 1.0, float("inf"), 1.0, 1.0], 3),
        ([1.0, 2.0, 3.0, 4.0, 101.0], 5),
    ],
)
def test_the_first_bad_step_is_named(losses: list[float], step: int) -> None:
    with pytest.raises(DivergenceError, match=f"at step {step};.*try lr=0.05"):
        run_through(losses, factor=100)


def test_a_bad_start_is_not_the_learning_rates_fault() -> None:
    with pytest.raises(DivergenceError, match=r"at step 1;.*no step had been taken"):
        run_through([float("nan"), 1.0])


def test_a_loss_may_rise_up_to_its_limit() -> None:
    run_through([1.0, 99.0, 1.0, 99.0], factor=100)
