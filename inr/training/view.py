"""What a loss sees of a field while it trains."""

from typing import cast

import torch
from torch import nn

from inr.field.precomputed import MappedField, map_lattice
from inr.signal import LatticeSignal, Signal


def training_view(
    field: nn.Module,
    signal: Signal,
    autocast_dtype: torch.dtype | None,
    *,
    mapping_memory: int,
    compiled: bool = False,
) -> nn.Module:
    """The field with the features of its encoding looked up, where that is worth while.

    The field itself is left as it is: whoever looks at it from elsewhere sees no compiled one.

    Args:
        field: Itself where it has no encoding, or one that is trained.
        signal: If its points are those of a lattice, that is mapped.
        autocast_dtype: What layers round their inputs to, if they do: features that the network
            would round may be stored so.
        mapping_memory: Bytes for the features of all points; beyond that they are multiplied.
        compiled: Whether its network is compiled, at the first points that it sees.
    """
    encoding, network = getattr(field, "encoding", None), getattr(field, "network", None)
    if encoding is None or network is None or not isinstance(signal, LatticeSignal):
        return _compiled(field) if compiled else field
    dtype = signal.dtype
    if autocast_dtype is not None and getattr(network, "rounds_features", False):
        dtype = autocast_dtype
    mapping = map_lattice(
        encoding,
        signal.lattice,
        dtype=dtype,
        device=signal.device,
        budget=mapping_memory,
    )
    if mapping is None:
        return _compiled(field) if compiled else field
    return MappedField(field, mapping, _compiled(network) if compiled else None)


def _compiled(module: nn.Module) -> nn.Module:
    return cast(nn.Module, torch.compile(module, dynamic=False))
