"""Orthogonal steps for matrices."""

from torch import nn, optim

from inr.argument import check_count, check_flag, check_positive
from inr.optimizer._groups import hidden_matrix_groups, lr_groups
from inr.optimizer._muon import ADAM, MUON, Muon


def muon(
    module: nn.Module,
    *,
    lr: float = 0.1,
    adam_lr: float = 5e-3,
    momentum: float = 0.95,
    nesterov: bool = True,
    weight_decay: float = 0.0,
    ns_steps: int = 5,
    first_layer: bool = True,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> optim.Optimizer:
    r"""Muon on the weights of hidden layers, Adam on everything else.

    Hidden weights are those of linear layers before the last, if both sides are longer than 4; so a
    weight on bare coordinates is not one of them. Adam steps all other parameters: the last layer,
    biases, trainable frequencies. A module without hidden weights is left to Adam.

    In Muon's steps all directions have the same size, whether their gradient is large or small, so
    that a layer learns from weak components of its inputs as fast as from strong ones. The learning
    rate is the largest singular value of a step, times √(out / in) for tall matrices. Weights that
    start smaller than PyTorch's, as in a SIREN, have a learning rate that is smaller in proportion.

    Args:
        module: Module whose parameters are trained. A weight of shape ``(F, out, in)`` is F
            matrices.
        lr: Learning rate of hidden weights.
        adam_lr: Learning rate of the other parameters. Layers may have factors of it.
        momentum: Decay of the mean of the gradients of hidden weights.
        nesterov: Whether that mean looks ahead by one gradient.
        weight_decay: Share of the hidden weights that a step removes, in units of ``lr``.
        ns_steps: Number of Newton-Schulz steps that make a matrix orthogonal.
        first_layer: Whether the first layer's weight can be a hidden weight.
        beta1: Decay of Adam's mean of gradients.
        beta2: Decay of Adam's mean of squared gradients.
        eps: Added to Adam's denominator.

    References:
        Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
        https://kellerjordan.github.io/posts/muon/.

    Differs from:
        ``torch.optim.Muon``, which takes only matrices, steps them one by one, and always computes
        in bfloat16.
    """
    check_positive("lr", lr)
    check_positive("adam_lr", adam_lr)
    check_positive("weight_decay", weight_decay, zero=True)
    groups = hidden_matrix_groups(module, lr, first_layer=check_flag("first_layer", first_layer))
    for group in groups:
        # The same share of all weights, whatever the factors of their layers.
        group |= {"rule": MUON, "weight_decay": weight_decay * lr / group["lr"]}
    matrices = [p for group in groups for p in group["params"]]
    others = lr_groups(module, adam_lr, without=matrices)
    return Muon(
        groups + [group | {"rule": ADAM} for group in others],
        momentum=_check_decay("momentum", momentum),
        nesterov=check_flag("nesterov", nesterov),
        weight_decay=weight_decay,
        ns_steps=check_count("ns_steps", ns_steps),
        betas=(_check_decay("beta1", beta1), _check_decay("beta2", beta2)),
        eps=check_positive("eps", eps, zero=True),
    )


def _check_decay(name: str, value: float) -> float:
    if not check_positive(name, value, zero=True) < 1:
        raise ValueError(f"{name} is {value}; expected a number from 0 to below 1.")
    return value
