"""A check of the learning rate of a predicted training."""

from inr.ntk import Prediction


def check_stable(prediction: Prediction, lr: float) -> None:
    """Rejects a learning rate at which modes grow.

    Args:
        prediction: Prediction of the training.
        lr: Learning rate as the option of the experiment, which may have other units.

    Raises:
        ValueError: Some modes grow.
    """
    if prediction.num_unstable:
        limit = lr * prediction.max_lr / prediction.lr
        raise ValueError(f"training diverges at lr={lr:g}; expected less than {limit:.3g}.")
