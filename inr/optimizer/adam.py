"""Gradient descent with adaptive moments."""

from torch import nn, optim

from inr.argument import check_positive
from inr.optimizer._groups import lr_groups


def adam(
    module: nn.Module,
    *,
    lr: float = 5e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> optim.Optimizer:
    """Adam on every trainable parameter.

    Args:
        module: Module whose parameters are trained.
        lr: Learning rate. Layers may have factors of it.
        beta1: Decay of the mean of gradients.
        beta2: Decay of the mean of squared gradients.
        eps: Added to the denominator.

    References:
        Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1.
    """
    check_positive("lr", lr)
    return optim.Adam(lr_groups(module, lr), lr=lr, betas=(beta1, beta2), eps=eps, fused=True)
