"""How well a field fits its signal."""

import torch
from torch import Tensor, nn

from inr.metric import psnr, ssim
from inr.render import render
from inr.signal import LatticeSignal


def reconstruct(field: nn.Module, signal: LatticeSignal) -> Tensor:
    """The field on the signal's lattice, clipped to its range: ``(*lattice, c)``."""
    return render(field, signal.lattice).clamp(*signal.value_range)


def measure(reconstruction: Tensor, signal: LatticeSignal) -> dict[str, float]:
    """PSNR (dB) over the whole lattice and over each part, SSIM of images, and what is exact.

    Args:
        reconstruction: ``(*lattice, c)``.
        signal: The truth.

    Returns:
        ``psnr``, and ``train_psnr``, ``test_psnr``, ``ssim`` and ``exact_share``, the share of
        values that are right after rounding, where they have a meaning.
    """
    values = reconstruction.flatten(0, -2)
    metrics = {"psnr": psnr(values, signal.values, signal.peak)}
    for part, index in (("train", signal.train_index), ("test", signal.test_index)):
        if index is not None:
            metrics[f"{part}_psnr"] = psnr(values[index], signal.values[index], signal.peak)
    if signal.step is not None:
        right = ((values - signal.values).abs() < signal.step / 2).sum().item()
        metrics["exact_share"] = right / values.numel()
    if len(signal.lattice) == 2:
        # On [0, 1]: SSIM's luminance depends on where zero is.
        lower, truth = signal.value_range[0], signal.values.view_as(reconstruction)
        similarity = ssim(
            (reconstruction - lower) / signal.peak, (truth - lower) / signal.peak, peak=1.0
        )
        if similarity is not None:
            metrics["ssim"] = similarity
    return metrics


@torch.no_grad()
def measure_batch(field: nn.Module, coords: Tensor, values: Tensor, peak: float) -> float:
    """PSNR (dB) of a field at given points."""
    return psnr(field(coords), values, peak)
