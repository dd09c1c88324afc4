"""Dual activations: expectations of an activation at two Gaussian numbers."""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import grad
from torch.nn import functional

from inr.argument import check_choice

# (q11, q12, q22) -> (E[φ(u)φ(v)], E[φ'(u)φ'(v)]), all of shapes that broadcast.
Dual = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]

HERMITE_ORDER = 192
# Correlations that differ from one by less than this are one but for rounding.
COINCIDENT = 64 * torch.finfo(torch.float64).eps
# Smaller variances count as this one, whose root is far above rounding and keeps the slope at zero.
LEAST_VARIANCE = 1e-16


class Activation(NamedTuple):
    """An activation and its dual.

    Attributes:
        function: Elementwise function φ that ``torch.func.grad`` can differentiate.
        dual: Dual of the activation, and of its derivative.
    """

    function: Callable[[Tensor], Tensor]
    dual: Dual


def dual_activation(
    activation: str, q11: Tensor, q12: Tensor, q22: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Expectations of an activation, and of its derivative, at two Gaussian numbers.

    .. math::
        E[\phi(u)\,\phi(v)], \quad E[\phi'(u)\,\phi'(v)], \qquad
        (u, v) \sim N\left(0, \begin{pmatrix} q_{11} & q_{12} \\ q_{12} & q_{22} \end{pmatrix}
        \right)

    The results for ``identity``, ``relu``, ``leaky_relu``, ``erf`` and ``sine`` are closed forms.
    The others use Gauss-Hermite quadrature of order 192 in each of two dimensions. For the smooth
    ones (``gelu``, ``silu``, ``softplus``, ``tanh``, ``sigmoid``) the error, relative to
    √(E[φ(u)²] E[φ(v)²]), is below 1e-13 up to variances of 1. At variances of 10 it is at most 1e-5
    for the values and 6e-4 for the derivatives (``tanh`` of equal numbers), and it grows from
    there. For ``elu``, whose second derivative jumps, it is 1e-5 and 3e-3 at variances of 1, and
    5e-5 and 9e-3 at 10.

    Args:
        activation: Name of the activation φ.
        q11: Variances of u.
        q12: Covariances of u and v.
        q22: Variances of v.

    Shape:
        Two tensors of the broadcast shape of the three.

    Raises:
        ValueError: The name of the activation is unknown.

    References:
        Cho and Saul 2009, "Kernel Methods for Deep Learning", section 2 (``relu``); Williams 1997,
        "Computing with Infinite Networks" (``erf``); Daniely, Frostig and Singer 2016, "Toward
        Deeper Understanding of Neural Networks" (duals as series of Hermite coefficients).
    """
    return ACTIVATIONS[check_choice("activation", activation, ACTIVATIONS)].dual(q11, q12, q22)


def leaky_relu_dual(slope: float) -> Dual:
    r"""The dual of :math:`\max(u, \alpha u)`: the arc-cosine kernels of degree 1 and 0.

    Args:
        slope: Slope α of the negative half, and derivative at zero.
    """
    mean, half = (1 + slope) / 2, (1 - slope) / 2

    def dual(q11: Tensor, q12: Tensor, q22: Tensor) -> tuple[Tensor, Tensor]:
        # φ(u) = mean u + half |u|, and the product of the odd and the even part has mean zero.
        scale = _safe_sqrt(q11) * _safe_sqrt(q22)
        angle, cosine = _angle(q12, scale)
        moduli = 2 / math.pi * scale * (torch.sin(angle) + (math.pi / 2 - angle) * cosine)
        # A number that is always zero has the sign -1, since φ'(0) is the slope below zero.
        left, right = (-(q == 0).to(q.dtype) for q in (q11, q22))
        signs = torch.where(scale > 0, 1 - 2 / math.pi * angle, left * right)
        return (
            mean**2 * q12 + half**2 * moduli,
            mean**2 + mean * half * (left + right) + half**2 * signs,
        )

    return dual


def sine_dual(frequency: float = 1.0, spread: float = 1.0) -> Dual:
    r"""The dual of :math:`\sin(\omega (u + b))`, from characteristic functions.

    They are those of u - v and of u + v + 2b:

    .. math:: E[\sin\sin] = \tfrac12 (\chi_- - s \chi_+), \quad E[\cos\cos] =
              \tfrac12 (\chi_- + s \chi_+), \quad
              \chi_\mp = e^{-\omega^2 (q_{11} + q_{22} \mp 2 q_{12}) / 2}

    Args:
        frequency: Frequency ω, in radians.
        spread: s = E[cos 2ωb] of a bias b that u and v share and that is not in their covariance;
            1 without such a bias.
    """

    def dual(q11: Tensor, q12: Tensor, q22: Tensor) -> tuple[Tensor, Tensor]:
        apart = torch.exp(-(frequency**2) / 2 * (q11 + q22 - 2 * q12))
        together = spread * torch.exp(-(frequency**2) / 2 * (q11 + q22 + 2 * q12))
        return (apart - together) / 2, frequency**2 * (apart + together) / 2

    return dual


def hermite_dual(function: Callable[[Tensor], Tensor], order: int = HERMITE_ORDER) -> Dual:
    r"""The dual of any elementwise function, by Gauss-Hermite quadrature in two dimensions.

    .. math:: E[\phi(u)\,\phi(v)] = \sum_{k < K} \rho^k c_k(q_{11})\, c_k(q_{22}), \quad
              c_k(q) = \sum_j w_j\, \phi(\sqrt{q}\, z_j)\, h_k(z_j), \quad
              \rho = q_{12} / \sqrt{q_{11} q_{22}}

    By Mehler's formula, the sum over the second dimension's nodes is a sum for each point and not
    for each pair of points: a pair costs K and not K² terms. Nothing in it is singular at ρ = 1.

    Args:
        function: Elementwise function φ that ``torch.func.grad`` can differentiate.
        order: Number K of nodes.
    """

    def dual(q11: Tensor, q12: Tensor, q22: Tensor) -> tuple[Tensor, Tensor]:
        nodes, basis = (part.to(q12.device) for part in _hermite_basis(order))
        left, right = (q.clamp(min=LEAST_VARIANCE) for q in (q11, q22))
        # A correlation that rounding takes beyond one would grow with each power.
        correlation = (q12 / (left.sqrt() * right.sqrt())).clamp(-1, 1)
        values: list[Tensor] = []
        slopes: list[Tensor] = []
        for q in (left, right):
            inputs = q.sqrt()[..., None] * nodes
            values.append(function(inputs) @ basis)
            slopes.append(derivative(function)(inputs) @ basis)
        return _power_series(correlation, *values), _power_series(correlation, *slopes)

    return dual


def derivative(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The derivative of an elementwise function."""
    slopes: Callable[[Tensor], Tensor] = grad(lambda inputs: function(inputs).sum())
    return slopes


def _identity_dual(q11: Tensor, q12: Tensor, q22: Tensor) -> tuple[Tensor, Tensor]:
    value = q12 + torch.zeros_like(q11 * q22)
    return value, torch.ones_like(value)


def _erf_dual(q11: Tensor, q12: Tensor, q22: Tensor) -> tuple[Tensor, Tensor]:
    norms = (1 + 2 * q11) * (1 + 2 * q22)
    value = 2 / math.pi * torch.asin(2 * q12 / norms.sqrt())
    return value, 4 / math.pi / (norms - 4 * q12.square()).sqrt()


def _safe_sqrt(q: Tensor) -> Tensor:
    """The root, with a slope of zero at zero."""
    return torch.where(q > 0, torch.where(q > 0, q, 1).sqrt(), 0)


def _angle(q12: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
    """The angle between two points and its cosine, with a slope of zero where they coincide.

    The slope of the arc cosine is infinite there. In E[φφ] the angle's slope is multiplied by zero.
    In E[φ'φ'], which has a kink there, zero is the middle of the slopes on both sides.
    """
    cosine = q12 / torch.where(scale > 0, scale, 1)
    apart = cosine.abs() < 1 - COINCIDENT
    inner = torch.acos(torch.where(apart, cosine, 0))
    return torch.where(apart, inner, math.pi * (cosine < 0).to(cosine.dtype)), cosine


def _power_series(variable: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """``Σ_k variable^k left_k right_k`` by Horner's rule, with k along the last axes."""
    total = torch.zeros_like(variable)
    for k in reversed(range(left.shape[-1])):
        total = total * variable + left[..., k] * right[..., k]
    return total


@cache
def _hermite_basis(order: int) -> tuple[Tensor, Tensor]:
    """Nodes z_j of the standard normal, and ``w_j h_k(z_j)`` as ``(j, k)`` (Golub, Welsch 1969)."""
    off_diagonal = torch.arange(1, order, dtype=torch.float64).sqrt()
    jacobi = torch.diag(off_diagonal, 1) + torch.diag(off_diagonal, -1)
    nodes, vectors = torch.linalg.eigh(jacobi)
    # Eigenvectors are √w_j h_k(z_j) up to their signs, and h_0 is 1.
    return nodes, vectors[0, :, None] * vectors.T


SMOOTH: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": functional.elu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "softplus": functional.softplus,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(lambda u: u, _identity_dual),
    "relu": Activation(functional.relu, leaky_relu_dual(0.0)),
    "leaky_relu": Activation(functional.leaky_relu, leaky_relu_dual(0.01)),
    "erf": Activation(torch.erf, _erf_dual),
    "sine": Activation(torch.sin, sine_dual()),
} | {name: Activation(function, hermite_dual(function)) for name, function in SMOOTH.items()}
