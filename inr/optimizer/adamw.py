"""Gradient descent with adaptive moments and decoupled weight decay."""

from torch import nn, optim

from inr.argument import check_positive
from inr.optimizer._groups import lr_groups


def adamw(
    module: nn.Module,
    *,
    lr: float = 5e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
) -> optim.Optimizer:
    """Adam with decoupled weight decay on every trainable parameter.

    Args:
        module: Module whose parameters are trained.
        lr: Learning rate. Layers may have factors of it.
        beta1: Decay of the mean of gradients.
        beta2: Decay of the mean of squared gradients.
        eps: Added to the denominator.
        weight_decay: Share of the weights that a step removes, in units of the learning rate. It is
            the same for all layers, whatever their factors.

    References:
        Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
    """
    check_positive("lr", lr)
    groups = lr_groups(module, lr)
    for group in groups:
        # PyTorch multiplies the decay by the group's own rate.
        group["weight_decay"] = weight_decay * lr / group["lr"]
    return optim.AdamW(
        groups, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay, fused=True
    )
