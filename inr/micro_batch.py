"""The number of points that a device takes best at once."""

from typing import Any

import torch
from torch import nn

# Where PyTorch does not say; most processors of the last ten years have more.
L2_BYTES_PER_CORE = 2**20
GPU_MEMORY_SHARE = 1 / 32


def fitting_points(field: nn.Module, device: torch.device, itemsize: int) -> int | None:
    """Points whose widest layer of activations fills the processor's second-level caches.

    With fewer, starting an operation takes longer than the operation; with more, activations go
    out to memory and back. A GPU hides that: there it is a share of its memory.

    Args:
        field: Its widest layer or mapping counts.
        device: Where it is trained.
        itemsize: Bytes of an activation.

    Returns:
        A power of two; None where nothing is known about the device, or the field's layers.
    """
    widths = [getattr(module, "out_features", None) for module in field.modules()]
    sizes = [width for width in widths if isinstance(width, int)]
    capacity = _capacity(device)
    if capacity is None or not sizes:
        return None
    return 2 ** max(0, int(capacity / (max(sizes) * itemsize)).bit_length() - 1)


def _capacity(device: torch.device) -> int | None:
    """Bytes."""
    if device.type == "cpu":
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        per_core = capabilities.get("l2_cache_size") or L2_BYTES_PER_CORE
        return int(per_core) * torch.get_num_threads()
    if device.type == "cuda":
        return int(GPU_MEMORY_SHARE * torch.cuda.get_device_properties(device).total_memory)
    return None
