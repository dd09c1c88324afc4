"""What a loss sees of a field while it trains."""

import torch
from torch import nn

from inr.mapping import MappedField, map_lattice
from inr.signal import LatticeSignal


def training_view(
    field: nn.Module,
    signal: LatticeSignal,
    autocast_dtype: torch.dtype | None,
    *,
    mapping_memory: int,
) -> nn.Module:
    """The field with the features of its encoding looked up, where that is worth while.

    Args:
        field: Itself where it has no encoding, or one that is trained.
        signal: Its lattice is mapped.
        autocast_dtype: What layers round their inputs to, if they do: features that the network
            would round may be stored so.
        mapping_memory: Bytes for the features of all points; beyond that they are multiplied.
    """
    encoding, network = getattr(field, "encoding", None), getattr(field, "network", None)
    if encoding is None or network is None:
        return field
    dtype = signal.values.dtype
    if autocast_dtype is not None and getattr(network, "rounds_features", False):
        dtype = autocast_dtype
    mapping = map_lattice(
        encoding,
        signal.lattice,
        dtype=dtype,
        device=signal.device,
        budget=mapping_memory,
    )
    return field if mapping is None else MappedField(field, mapping)
