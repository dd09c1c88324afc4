"""Learning rates under which a training ends."""

from inr.ntk import Prediction


def check_stable(prediction: Prediction, lr: float) -> None:
    """Rejects a learning rate at which modes grow.

    Args:
        prediction: Of the training.
        lr: The rate as the experiment's option has it, in units of its own.

    Raises:
        ValueError: Some modes grow.
    """
    if prediction.num_unstable:
        limit = lr * prediction.max_lr / prediction.lr
        raise ValueError(f"training diverges at lr={lr:g}; expected less than {limit:.3g}.")
