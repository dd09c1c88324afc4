"""The choice of the cheapest way to compute a kernel."""

from typing import NamedTuple

from torch import Tensor

from inr.ntk.kernel.function import PointFunction
from inr.ntk.kernel.outputs import Outputs, select
from inr.ntk.kernel.structured import NotStructuredError, layer_factors, linear_parameters

TRIED_POINTS = 5


class Plan(NamedTuple):
    """How a kernel is computed.

    Attributes:
        layers: Parameters of linear layers, which are summed without Jacobians.
        contracted: The other parameters, whose Jacobians are formed.
        multiplications: Number of multiplications that this takes.
    """

    layers: tuple[str, ...]
    contracted: tuple[str, ...]
    multiplications: int

    @property
    def method(self) -> str:
        """``structured`` or ``contraction``."""
        return "structured" if self.layers else "contraction"

    def __str__(self) -> str:
        parts = []
        if self.layers:
            parts.append(f"{len(self.layers)} parameters of linear layers by their factors")
        if self.contracted:
            parts.append(f"Jacobians of {', '.join(self.contracted)}")
        return f"{self.method}: {' and '.join(parts)}, {self.multiplications:.2g} multiplications"


def plan_ntk(
    function: PointFunction,
    x: Tensor,
    x2: Tensor | None = None,
    *,
    outputs: Outputs = "full",
    method: str = "auto",
    weighted: bool = False,
) -> Plan:
    r"""Chooses how to compute a kernel between n and m points, with P pairs of outputs.

    The cost model counts the multiplications of Gram matrices; the passes through the function are
    much the same for each way. By factors, a ``(v, w)`` weight of a linear layer costs
    ``nm(w + Pv)``, and a bias ``nmPv``. By Jacobians, or weighted, a parameter of p numbers costs
    ``nmPp``. P is c² for ``full``, c for ``mean`` and 1 for a number.

    Args:
        function: Function to differentiate.
        x: ``(n, ...)`` points.
        x2: ``(m, ...)`` other points; ``x`` when None.
        outputs: Selection of outputs of the kernel.
        method: ``auto`` takes the cheaper way, if it holds for a few of the points; ``structured``
            covers all parameters that it can.
        weighted: Whether the parameters are weighted one by one.

    Raises:
        ValueError: The method is ``structured``, and the function has no linear layer for it.
    """
    covered = frozenset() if method == "contraction" else linear_parameters(function, x)
    if method == "structured" and not covered:
        raise ValueError(
            f"method='structured' covers linear layers that are each used once on (n, w) inputs, "
            f"and {function.name} has none; expected method='auto' or 'contraction'."
        )
    if method == "auto" and covered:
        try:
            layer_factors(function, x[:TRIED_POINTS], covered, outputs)
        except NotStructuredError:
            covered = frozenset()
    count = select(function(x[:1]), outputs).shape[1]
    pairs = len(x) * len(x if x2 is None else x2)
    columns = count**2 if outputs == "full" else count
    by_jacobians = {name: pairs * columns * p.numel() for name, p in function.params.items()}
    by_factors = dict(by_jacobians)
    for name in covered if not weighted else ():
        rows, *width = function.params[name].shape
        by_factors[name] = pairs * (sum(width) + columns * rows)
    if method == "auto" and sum(by_jacobians.values()) < sum(by_factors.values()):
        covered = frozenset()
    costs = by_factors if covered else by_jacobians
    return Plan(
        tuple(name for name in function.params if name in covered),
        tuple(name for name in function.params if name not in covered),
        sum(costs.values()),
    )
