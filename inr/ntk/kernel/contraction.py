"""The tangent kernel by contracting Jacobians: the reference, for any function of points."""

import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.func import jacrev, vmap

from inr.ntk.kernel.function import PointFunction
from inr.ntk.kernel.outputs import Outputs, arrange, select

JACOBIAN_BYTES = 2**28


def contracted_ntk(
    function: PointFunction,
    x: Tensor,
    x2: Tensor | None = None,
    *,
    outputs: Outputs = "full",
    names: Collection[str] | None = None,
    weighting: Mapping[str, Tensor] | None = None,
    chunk_size: int | None = None,
) -> Tensor:
    r"""Kernel from the Jacobians of single points.

    .. math:: \Theta = J P J^\top

    Jacobians are formed for a chunk of points and a group of parameters at a time.

    Args:
        function: Function to differentiate.
        x: ``(n, ...)`` points.
        x2: ``(m, ...)`` other points; ``x`` when None.
        outputs: ``full``, ``mean`` or the number of one output.
        names: Parameters to sum over; all when None.
        weighting: Diagonal of P, by name; ones when None.
        chunk_size: Points whose Jacobians are held at once, on each side; as many as fit into
            256 MiB when None.

    Shape:
        ``(n·c, m·c)`` for ``full``, else ``(n, m)``.
    """
    other = x if x2 is None else x2
    kernel = torch.zeros((), dtype=function.dtype, device=function.device)
    count = select(function(x[:1]), outputs).shape[1]
    for group in _groups(function, names or function.params, max(len(x), len(other)) * count):
        size = chunk_size or _affordable_points(function, group, count)
        kernel = kernel + _contract(function, x, x2, outputs, group, weighting, size)
    return kernel


def _contract(
    function: PointFunction,
    x: Tensor,
    x2: Tensor | None,
    outputs: Outputs,
    names: Collection[str],
    weighting: Mapping[str, Tensor] | None,
    size: int,
) -> Tensor:
    """The contribution of one group of parameters, in blocks of points."""
    chunks = x.split(size)
    others = chunks if x2 is None else x2.split(size)
    rows: list[list[Tensor]] = []
    for i, chunk in enumerate(chunks):
        left = arrange(jacobian(function, chunk, names, outputs, weighting), outputs)
        row: list[Tensor] = []
        for j, other in enumerate(others):
            if x2 is None and j < i:
                row.append(rows[j][i].T)
            elif x2 is None and j == i:
                row.append(left @ left.T)
            else:
                right = jacobian(function, other, names, outputs, weighting)
                row.append(left @ arrange(right, outputs).T)
        rows.append(row)
    return torch.cat([torch.cat(row, dim=1) for row in rows])


def jacobian(
    function: PointFunction,
    x: Tensor,
    names: Collection[str],
    outputs: Outputs = "full",
    weighting: Mapping[str, Tensor] | None = None,
) -> Tensor:
    """Jacobians of the selected outputs in the named parameters, times √P: ``(n, c, p)``.

    Raises:
        ValueError: The function cannot be differentiated.
    """

    def values(moving: dict[str, Tensor], point: Tensor) -> Tensor:
        return select(function(point[None], moving), outputs)[0]

    moving = {name: function.params[name].detach() for name in names}
    try:
        with quiet_torch():
            blocks = vmap(jacrev(values), in_dims=(None, 0))(moving, x)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:
        # Some operations are unknown to torch.func.
        blocks = _by_backward_passes(function, x, names, outputs)
    parts = []
    for name, block in blocks.items():
        if weighting is not None:
            block = block * weighting[name].sqrt()
        parts.append(block.flatten(2) if block.ndim > 2 else block[..., None])
    return torch.cat(parts, dim=2)


@torch.enable_grad()
def _by_backward_passes(
    function: PointFunction, x: Tensor, names: Collection[str], outputs: Outputs
) -> dict[str, Tensor]:
    """Jacobians ``(n, c, *shape)`` by name, from a backward pass for each output of each point."""
    params = [function.params[name] for name in names]
    rows = []
    for point in x:
        values = select(function(point[None]), outputs)[0]
        try:
            gradients = [
                torch.autograd.grad(
                    value, params, retain_graph=True, allow_unused=True, materialize_grads=True
                )
                for value in values
            ]
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{function.name} cannot be differentiated in {', '.join(names)} ({reason})."
            ) from error
        rows.append([torch.stack(parts) for parts in zip(*gradients, strict=True)])
    stacked = [torch.stack(parts) for parts in zip(*rows, strict=True)]
    return dict(zip(names, stacked, strict=True))


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Silences PyTorch's warnings about its own slow paths and deprecated internals."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
        warnings.filterwarnings("ignore", ".*torch.jit.script", DeprecationWarning)
        yield


def _groups(function: PointFunction, names: Collection[str], num_rows: int) -> Iterator[list[str]]:
    """Names in as few groups as allow the Jacobians of a group at all points to be held."""
    group: list[str] = []
    held = 0
    for name in names:
        size = num_rows * function.params[name].numel() * function.dtype.itemsize
        if group and held + size > JACOBIAN_BYTES:
            yield group
            group, held = [], 0
        group.append(name)
        held += size
    yield group


def _affordable_points(function: PointFunction, names: Collection[str], count: int) -> int:
    numbers = sum(function.params[name].numel() for name in names)
    return max(1, JACOBIAN_BYTES // (count * numbers * function.dtype.itemsize))
