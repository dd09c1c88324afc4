"""Values as pixels of pictures: beside their target, below each other, in colours."""

import torch
from torch import Tensor

TITLE = "target | reconstruction | error"


def compare_images(
    target: Tensor,
    values: Tensor,
    value_range: tuple[float, float],
    *,
    error_scale: float,
    max_pixels: int,
) -> Tensor:
    """Target, reconstruction and error beside each other, thinned: ``(h, 3 w + gaps, 3)`` bytes.

    Args:
        target: ``(H, W, c)``.
        values: Likewise; clipped to the range.
        value_range: What is shown darkest and brightest.
        error_scale: The error, as a share of the range, that is shown brightest.
        max_pixels: Most pixels of each of the three.
    """
    import matplotlib

    stride = 1
    while target[::stride, ::stride, 0].numel() > max_pixels:
        stride += 1
    lower, upper = value_range
    shown = [
        (part[::stride, ::stride].float().cpu().clamp(lower, upper) - lower) / (upper - lower)
        for part in (target, values)
    ]
    error = (shown[1] - shown[0]).abs().mean(-1) / error_scale
    heat = matplotlib.colormaps["magma"](error.clamp(0, 1).numpy())[..., :3]
    panels = [*(displayed(part) for part in shown), torch.from_numpy(heat).float()]
    gap = torch.ones(len(heat), 4, 3)
    row = [panels[0], gap, panels[1], gap, panels[2]]
    return (torch.cat(row, dim=1) * 255).round().byte()


def displayed(values: Tensor) -> Tensor:
    """``(H, W, C)`` values on [0, 1] as RGB, with alpha over white and other channels left out."""
    channels = values.shape[-1]
    color = values[..., :1].expand(*values.shape[:-1], 3) if channels < 3 else values[..., :3]
    if channels in (2, 4):
        alpha = values[..., -1:]
        color = alpha * color + (1 - alpha)
    return color.clamp(0, 1)


def colored(values: Tensor) -> Tensor:
    """Channels ``(h, w, c)`` as one or three: a volume has no alpha.

    Two are magenta and green; of more than three, the first three are shown.
    """
    channels = values.shape[-1]
    return values[..., [0, 1, 0]] if channels == 2 else values[..., : min(channels, 3)]


def stack(rows: list[Tensor]) -> Tensor:
    """Pictures ``(h, w, 3)`` below each other, on white."""
    width = max(row.shape[1] for row in rows)
    padded = []
    for row in rows:
        canvas = torch.full((row.shape[0] + 4, width, 3), 255, dtype=torch.uint8)
        canvas[: row.shape[0], : row.shape[1]] = row
        padded.append(canvas)
    return torch.cat(padded)[:-4]
