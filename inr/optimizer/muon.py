"""Orthogonal steps of matrices."""

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

    A hidden weight is one of a linear layer before the last, with both sides longer than 4: one on
    bare coordinates is none. Adam has the last layer, biases, trainable frequencies and what else
    there is; a module without hidden weights is Adam's alone.

    Muon gives each direction of a step the same size, large gradient or small, so that a layer
    learns what is faint in its inputs as fast as what is strong. The learning rate is thus a
    length: that of the step's largest singular value, times √(out / in) for tall matrices. Weights
    that begin smaller than PyTorch's, such as a SIREN's, have a smaller one in proportion.

    Args:
        module: Its parameters are trained. A weight of shape ``(F, out, in)`` is F matrices.
        lr: Learning rate of hidden weights.
        adam_lr: Learning rate of the others; layers that name factors of their own multiply it.
        momentum: Decay of the mean of hidden weights' gradients.
        nesterov: Whether that mean looks ahead by one gradient.
        weight_decay: Share of the hidden weights taken off per step, in units of ``lr``.
        ns_steps: Newton-Schulz steps that make a matrix orthogonal.
        first_layer: Whether the first layer's weight can count as hidden.
        beta1: Decay of Adam's mean of gradients.
        beta2: Decay of Adam's mean of squared gradients.
        eps: Added to Adam's denominator.

    References:
        Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
        https://kellerjordan.github.io/posts/muon/.

    Differs from:
        ``torch.optim.Muon``, which takes matrices alone, one by one, and computes in bfloat16
        always.
    """
    check_positive("lr", lr)
    check_positive("adam_lr", adam_lr)
    check_positive("weight_decay", weight_decay, zero=True)
    groups = hidden_matrix_groups(module, lr, first_layer=check_flag("first_layer", first_layer))
    for group in groups:
        # Of all weights the same share, whatever their layers' factors.
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
