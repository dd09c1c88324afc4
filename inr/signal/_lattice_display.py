"""The display that all signals on a lattice share: PSNR, and the share of exact values."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.metric import psnr, psnr_of_pieces
from inr.signal._display import Display, Metric
from inr.signal._lattice_signal import LatticeSignal

PSNR = Metric("psnr", "PSNR", "{:.2f} dB")
PIECE = 2**22
PARTS = (
    Metric("train_psnr", "PSNR, trained on", "{:.2f} dB"),
    Metric("test_psnr", "PSNR, held out", "{:.2f} dB"),
)


class LatticeDisplay(Display):
    """Measures by PSNR, over the whole lattice and over each part, and what is exact."""

    metrics: tuple[Metric, ...] = (PSNR, *PARTS)

    def measure(
        self,
        field: nn.Module,
        signal: LatticeSignal,
        rendering: Tensor,
        *,
        thorough: bool = False,
    ) -> dict[str, float]:
        """Measures PSNR (dB) over all points, and what else has a meaning.

        With held-out points that is the PSNR of each part; of whole-numbered values
        ``exact_share``, the share that is right after rounding.
        """
        parts = {"psnr": None, "train_psnr": signal.train_index, "test_psnr": signal.test_index}
        metrics = {
            key: psnr_of_pieces(compare_pieces(rendering, signal, index), signal.peak)
            for key, index in parts.items()
            if index is not None or key == "psnr"
        }
        if signal.step is not None:
            right = sum(
                ((found - targets).abs() < signal.step / 2).sum().item()
                for found, targets in compare_pieces(rendering, signal)
            )
            metrics["exact_share"] = right / rendering.numel()
        return metrics

    @torch.no_grad()
    def measure_batch(
        self, field: nn.Module, signal: LatticeSignal, batch: Batch
    ) -> dict[str, float]:
        return {"psnr": psnr(field(batch.coords), batch.values, signal.peak)}


def compare_pieces(
    rendering: Tensor, signal: LatticeSignal, index: Tensor | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """A rendering, clipped, and its targets, in pieces of bounded memory.

    Args:
        rendering: ``(*lattice, c)``.
        signal: Signal with the targets, which may keep bytes: all of them as floats take four
            times the memory.
        index: Flat positions to compare; all when None.
    """
    found = rendering.flatten(0, -2)
    count = len(found) if index is None else len(index)
    for start in range(0, count, PIECE):
        end = min(start + PIECE, count)
        positions = torch.arange(start, end) if index is None else index[start:end]
        positions = positions.to(found.device)
        yield found[positions].clamp(*signal.value_range), signal.targets(positions)


def similarity(
    ssim: Callable[..., float | None], rendering: Tensor, signal: LatticeSignal
) -> dict[str, float]:
    """``ssim`` of a rendering, clipped; nothing where it is smaller than the window.

    Args:
        ssim: SSIM of images or of volumes, with a ``peak``.
        rendering: ``(*lattice, c)``.
        signal: Signal with the targets.
    """
    lower, upper = signal.value_range
    # On [0, 1], since the luminance term of SSIM depends on where zero is.
    shown, targets = (
        (part - lower) / signal.peak
        for part in (rendering.clamp(lower, upper), signal.values.view_as(rendering))
    )
    found = ssim(shown, targets, peak=1.0)
    return {} if found is None else {"ssim": found}
