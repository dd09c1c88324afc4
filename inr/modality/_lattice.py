"""What signals on a lattice have in common."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.metric import psnr
from inr.modality._modality import Modality, Reading
from inr.signal import LatticeSignal

PSNR = Reading("psnr", "PSNR", "{:.2f} dB")
PARTS = (
    Reading("train_psnr", "PSNR, trained on", "{:.2f} dB"),
    Reading("test_psnr", "PSNR, held out", "{:.2f} dB"),
)


class LatticeModality(Modality):
    """Measures by PSNR, over the whole lattice and over each part, and what is exact."""

    readings: tuple[Reading, ...] = (PSNR, *PARTS)

    def measure(
        self,
        field: nn.Module,
        signal: LatticeSignal,
        rendering: Tensor,
        *,
        thorough: bool = False,
    ) -> dict[str, float]:
        """``psnr`` (dB) and, where they have a meaning, ``train_psnr``, ``test_psnr`` and
        ``exact_share``, the share of values that are right after rounding."""
        values = rendering.flatten(0, -2).clamp(*signal.value_range)
        metrics = {"psnr": psnr(values, signal.values, signal.peak)}
        for part, index in (("train", signal.train_index), ("test", signal.test_index)):
            if index is not None:
                metrics[f"{part}_psnr"] = psnr(values[index], signal.values[index], signal.peak)
        if signal.step is not None:
            right = ((values - signal.values).abs() < signal.step / 2).sum().item()
            metrics["exact_share"] = right / values.numel()
        return metrics

    @torch.no_grad()
    def measure_batch(
        self, field: nn.Module, signal: LatticeSignal, batch: Batch
    ) -> dict[str, float]:
        return {"psnr": psnr(field(batch.coords), batch.values, signal.peak)}


def similarity(
    ssim: Callable[..., float | None], rendering: Tensor, signal: LatticeSignal
) -> dict[str, float]:
    """``ssim`` of a rendering that is clipped, unless it is smaller than the window.

    Args:
        ssim: Of images or of volumes, with a ``peak``.
        rendering: ``(*lattice, c)``.
        signal: The truth.
    """
    lower, upper = signal.value_range
    # On [0, 1]: SSIM's luminance depends on where zero is.
    shown, truth = (
        (part - lower) / signal.peak
        for part in (rendering.clamp(lower, upper), signal.values.view_as(rendering))
    )
    found = ssim(shown, truth, peak=1.0)
    return {} if found is None else {"ssim": found}
