"""Gradient descent."""

from torch import nn, optim

from inr.argument import check_flag, check_positive


def sgd(
    module: nn.Module,
    *,
    lr: float = 1e-2,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> optim.Optimizer:
    """Gradient descent, with momentum when asked, on every trainable parameter.

    Plain and full-batch it follows the tangent kernel's theory: stable below 2/λmax of the loss.

    Args:
        module: Its parameters are trained.
        lr: Learning rate.
        momentum: Heavy-ball coefficient.
        nesterov: Whether the momentum looks ahead.
        weight_decay: Coefficient of an L2 penalty.
    """
    check_positive("lr", lr)
    check_flag("nesterov", nesterov)
    parameters = [p for p in module.parameters() if p.requires_grad]
    return optim.SGD(
        parameters,
        lr=lr,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
        fused=True,
    )
