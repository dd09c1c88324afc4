"""Features that are precomputed for a training, and the field with a compiled network."""

from typing import cast

import torch
from torch import nn

from inr.field import Field
from inr.field.precomputed import PrecomputedFeatures, precompute_features
from inr.network import Network
from inr.signal import LatticeSignal, Signal


def find_features(
    field: nn.Module, signal: Signal, autocast_dtype: torch.dtype | None, *, memory: int
) -> PrecomputedFeatures | None:
    """Precomputed features of a field's encoding, where they save work.

    Args:
        field: Field with an encoding and a network; another module has no features.
        signal: Signal whose lattice the points of batches are of, if it has one.
        autocast_dtype: Dtype that autocast rounds the inputs of layers to, if it is on: features
            that the network would round are stored so.
        memory: Most bytes of the features of all points; beyond it they are multiplied at each
            step.
    """
    encoding, network = getattr(field, "encoding", None), getattr(field, "network", None)
    if encoding is None or network is None or not isinstance(signal, LatticeSignal):
        return None
    dtype = signal.dtype
    if autocast_dtype is not None and getattr(network, "rounds_features", False):
        dtype = autocast_dtype
    return precompute_features(
        encoding, signal.lattice, dtype=dtype, device=signal.device, budget=memory
    )


def with_compiled_network(field: nn.Module, features: PrecomputedFeatures | None) -> nn.Module:
    """The field for the steps of a training, compiled at the first points that it sees.

    The field itself is left as it is, for all others that evaluate it.

    Args:
        field: Field that is trained.
        features: Precomputed features, of which only the network is compiled.
    """
    if features is None or not isinstance(field, Field):
        return _compiled(field)
    return Field(field.encoding, cast(Network, _compiled(field.network)))


def _compiled(module: nn.Module) -> nn.Module:
    return cast(nn.Module, torch.compile(module, dynamic=False))
