"""Kernels of infinitely wide perceptrons."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from inr.argument import check_choice, check_count, check_positive
from inr.ntk.infinite.dual_activation import ACTIVATIONS, Dual

PARAMETERIZATIONS = ("standard", "ntk", "mean_field")
TILE = 512


class InfiniteKernel(NamedTuple):
    """Kernels of an infinitely wide network's output, in float64.

    They are the kernels of each single output. Different outputs are independent: the kernel of c
    outputs is the Kronecker product with the identity.

    Attributes:
        nngp: ``(*batch, n, m)`` covariance of the outputs over initial weights.
        ntk: ``(*batch, n, m)`` tangent kernel, a sum over the trained weights.
    """

    nngp: Tensor
    ntk: Tensor


class Gram(NamedTuple):
    """Inner products of two sets of points, in shapes that broadcast.

    Attributes:
        left: ``(*batch, n, 1)`` squared lengths of the first set.
        cross: ``(*batch, n, m)`` inner products.
        right: ``(*batch, 1, m)`` squared lengths of the second set.
    """

    left: Tensor
    cross: Tensor
    right: Tensor

    def scale(self, factor: float, shift: float = 0.0) -> "Gram":
        """Each number times the factor, plus the shift."""
        return Gram(*(factor * part + shift for part in self))

    def add(self, other: "Gram") -> "Gram":
        """The inner products of concatenated points."""
        return Gram(*(a + b for a, b in zip(self, other, strict=True)))


# Mean products of activations at two sets of points, and ``(*batch, n, m)`` of their derivatives.
Moments = tuple[Gram, Tensor]


class WideLayer(NamedTuple):
    """A linear layer at initialisation, and the activations after it.

    Attributes:
        weight_variance: Variance of a weight, as it multiplies its input.
        bias_variance: Variance of a bias, as it is added. Biases that the dual of the activation
            includes do not count.
        weight_rate: Square of the factor from a trained parameter to its weight; 0 if frozen.
        bias_rate: Square of the factor from a trained parameter to its bias; 0 if frozen or absent.
        width: Number of activations that follow.
        dual: Dual of the activation that follows; None after the last layer.
        skip: Whether the network's inputs are concatenated to the layer's inputs.
    """

    weight_variance: float
    bias_variance: float
    weight_rate: float
    bias_rate: float
    width: int = 1
    dual: Dual | None = None
    skip: bool = False


def infinite_ntk(
    x1: Tensor,
    x2: Tensor | None = None,
    *,
    hidden_layers: int,
    hidden_features: int,
    activation: str = "relu",
    parameterization: str = "standard",
    weight_std: float = 1.0,
    bias_std: float | None = None,
    chunk_size: int | None = None,
) -> InfiniteKernel:
    r"""Kernels of a perceptron with infinitely wide hidden layers, as functions of its features.

    .. math::
        K^{l+1} = \sigma_w^2\, E[\phi(u) \phi(v)] + \sigma_b^2, \quad
        \Theta^{l+1} = s_w^2 m\, E[\phi(u) \phi(v)] + s_b^2
                       + \sigma_w^2\, E[\phi'(u) \phi'(v)]\, \Theta^l,

    where u and v are Gaussian with the covariance K^l between two points: see
    :func:`dual_activation`. In the first layer, features take the place of activations. A layer of
    m inputs with the parameters W and b has the weights s_w W and the biases s_b b:

    - ``standard``: W ~ N(0, σ_w²/m), b ~ N(0, σ_b²), and both factors are 1. Θ is that of networks
      of width ``hidden_features``, and grows with the width.
    - ``ntk``: W, b ~ N(0, 1), s_w = σ_w/√m, s_b = σ_b. The kernels do not depend on the width.
    - ``mean_field``: s_w W and s_b b start as in ``standard``, but in the last layer 1/√n as large.
      s_w is √(n/d) in the first layer of d features, 1 in the other hidden ones and 1/√n in the
      last; s_b is √n before the last. Θ does not depend on the width, and K falls as 1/n.

    Args:
        x1: ``(*batch, n, d)`` features.
        x2: ``(*batch, m, d)`` features of other points; ``x1`` when None.
        hidden_layers: Number L of hidden layers; 0 is a linear map.
        hidden_features: Width n of the hidden layers.
        activation: Name of the activation φ.
        parameterization: ``standard``, ``ntk`` or ``mean_field``.
        weight_std: Standard deviation σ_w of the weights.
        bias_std: Standard deviation σ_b of the biases; None is a network without biases. With 0,
            the biases of ``standard`` and ``mean_field`` start at 0 and are trained, and those of
            ``ntk`` have the factor 0.
        chunk_size: Points on each side of a tile that is computed at once; 512 when None, fewer
            for batches.

    Shape:
        Two tensors ``(*batch, n, m)`` in float64, with gradients in the features.

    Raises:
        ValueError: The shapes of the features do not match, or an argument is out of range.

    References:
        Jacot, Gabriel and Hongler 2018, "Neural Tangent Kernel", theorem 1 (``ntk``);
        Sohl-Dickstein et al. 2020, "On the infinite width limit of neural networks with a standard
        parameterization" (``standard``); Yang and Hu 2021, "Feature Learning in
        Infinite-Width Neural Networks", table 1 (``mean_field``).

    Example:
        >>> x = torch.eye(2)
        >>> infinite_ntk(x, hidden_layers=1, hidden_features=4, parameterization="ntk").ntk
        tensor([[0.5000, 0.0796],
                [0.0796, 0.5000]], dtype=torch.float64)
    """
    check_features(x1, x2)
    check_count("hidden_layers", hidden_layers, minimum=0)
    check_count("hidden_features", hidden_features)
    check_choice("parameterization", parameterization, PARAMETERIZATIONS)
    check_positive("weight_std", weight_std)
    if bias_std is not None:
        check_positive("bias_std", bias_std, zero=True)
    dual = ACTIVATIONS[check_choice("activation", activation, ACTIVATIONS)].dual
    widths = [x1.shape[-1]] + hidden_layers * [hidden_features]
    layers = [
        _layer(widths, number, dual, parameterization, weight_std, bias_std)
        for number in range(hidden_layers + 1)
    ]
    return tile_kernels(
        lambda left, right: propagate(left, right, layers), x1, x2, chunk_size=chunk_size
    )


def _layer(
    widths: Sequence[int],
    number: int,
    dual: Dual,
    parameterization: str,
    weight_std: float,
    bias_std: float | None,
) -> WideLayer:
    """A layer of :func:`infinite_ntk`; ``widths`` are the numbers of inputs of all layers."""
    fan_in, last = widths[number], number == len(widths) - 1
    deviation = bias_std or 0.0
    layer = WideLayer(
        weight_variance=weight_std**2 / fan_in,
        bias_variance=deviation**2,
        weight_rate=1.0,
        bias_rate=float(bias_std is not None),
        width=1 if last else widths[number + 1],
        dual=None if last else dual,
    )
    if parameterization == "ntk":
        return layer._replace(weight_rate=layer.weight_variance, bias_rate=layer.bias_variance)
    if parameterization == "mean_field" and not last:
        width = layer.width
        return layer._replace(weight_rate=width / fan_in, bias_rate=width * layer.bias_rate)
    if parameterization == "mean_field":
        # A network without hidden layers has no width n.
        width = fan_in if number > 0 else 1
        return layer._replace(
            weight_variance=layer.weight_variance / width,
            bias_variance=layer.bias_variance / width,
            weight_rate=1 / fan_in,
        )
    return layer


def propagate(
    x1: Tensor,
    x2: Tensor,
    layers: Sequence[WideLayer],
    first_moments: Callable[[Tensor, Tensor], Moments] | None = None,
) -> InfiniteKernel:
    """The kernels of wide layers, by the recursion over layers.

    Args:
        x1: ``(*batch, n, d)`` features, in float64.
        x2: ``(*batch, m, d)`` features, in float64.
        layers: Layers from first to last.
        first_moments: Function of the features of two sets of points that returns the moments of
            the first layer's activations, if the layer's results are not Gaussian.

    Shape:
        Two tensors ``(*batch, n, m)``.
    """
    inputs = Gram(x1.square().sum(-1)[..., :, None], x1 @ x2.mT, x2.square().sum(-1)[..., None, :])
    gram, tangent = inputs, torch.zeros_like(inputs.cross)
    for number, layer in enumerate(layers):
        if layer.skip:
            gram = gram.add(inputs)
        nngp = gram.scale(layer.weight_variance, layer.bias_variance)
        ntk = layer.weight_rate * gram.cross + layer.bias_rate + layer.weight_variance * tangent
        if layer.dual is None:
            break
        if number == 0 and first_moments is not None:
            means, slopes = first_moments(x1, x2)
        else:
            means, slopes = _moments(layer.dual, nngp)
        gram, tangent = means.scale(layer.width), layer.width * slopes * ntk
    return InfiniteKernel(nngp.cross, ntk)


def _moments(dual: Dual, covariance: Gram) -> Moments:
    """Mean products of activations, and of their derivatives, at Gaussian numbers."""
    left, cross, right = covariance
    values, slopes = dual(left, cross, right)
    return Gram(dual(left, left, left)[0], values, dual(right, right, right)[0]), slopes


def check_features(x1: Tensor, x2: Tensor | None) -> None:
    """Checks the shapes of the features of two sets of points.

    Raises:
        ValueError: The features are not matrices of the same width, or their batches do not
            broadcast.
    """
    right = x1 if x2 is None else x2
    shapes = " and ".join(str(tuple(x.shape)) for x in (x1, right))
    width = x1.shape[-1] if x1.ndim else 0
    if min(x1.ndim, right.ndim) < 2 or not width or width != right.shape[-1]:
        raise ValueError(
            f"features have shapes {shapes}; expected (*batch, n, d), with the same d."
        )
    batches = zip(reversed(x1.shape[:-2]), reversed(right.shape[:-2]), strict=False)
    if any(a != b and 1 not in (a, b) for a, b in batches):
        raise ValueError(f"features have shapes {shapes}; expected batches that broadcast.")


def tile_kernels(
    kernels: Callable[[Tensor, Tensor], InfiniteKernel],
    x1: Tensor,
    x2: Tensor | None,
    *,
    chunk_size: int | None,
) -> InfiniteKernel:
    """Kernels of features in tiles of bounded memory.

    Without ``x2`` the kernels are symmetric, and tiles below the diagonal are transposed copies.
    """
    right = x1 if x2 is None else x2
    batch = torch.broadcast_shapes(x1.shape[:-2], right.shape[:-2])
    size = max(1, int(TILE / math.sqrt(max(1, math.prod(batch)))))
    if chunk_size is not None:
        size = check_count("chunk_size", chunk_size)
    rows, columns = (x.double().split(size, dim=-2) for x in (x1, right))
    tiles: list[list[InfiniteKernel]] = []
    for i, left in enumerate(rows):
        tiles.append([])
        for j, other in enumerate(columns):
            mirrored = x2 is None and j < i
            tile = (
                InfiniteKernel(*(t.mT for t in tiles[j][i])) if mirrored else kernels(left, other)
            )
            tiles[i].append(tile)
    nngp, ntk = (
        torch.cat([torch.cat([tile[part] for tile in row], -1) for row in tiles], -2)
        for part in range(2)
    )
    return InfiniteKernel(nngp, ntk)
