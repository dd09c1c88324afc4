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
    """Gradient descent, optionally with momentum, on every trainable parameter.

    On full batches and without momentum it follows the theory of the tangent kernel: it is stable
    below a learning rate of 2/λmax, with the largest eigenvalue of the loss's Hessian.

    Args:
        module: Module whose parameters are trained.
        lr: Learning rate.
        momentum: Heavy-ball coefficient.
        nesterov: Whether the momentum looks ahead by one gradient.
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
