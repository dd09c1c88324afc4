"""How close a reconstruction is."""

import math

from torch import Tensor

WINDOW = 11
BAND = 64  # rows at once: the filter needs hundreds of bytes per pixel


def psnr(prediction: Tensor, target: Tensor, peak: float) -> float:
    r"""Peak signal-to-noise ratio, in dB.

    .. math:: 10 \log_{10} \frac{\mathrm{peak}^2}{\mathrm{mean}(f - y)^2}

    Args:
        prediction: Any shape.
        target: The same shape.
        peak: Width of the range that the target's values can take.

    Returns:
        Infinity when they are equal, minus infinity when the error has no end.
    """
    # In float64 on the CPU, in pieces: some devices have no float64.
    pieces = zip(prediction.flatten().split(2**20), target.flatten().split(2**20), strict=True)
    total = sum((p.cpu().double() - t.cpu().double()).square().sum().item() for p, t in pieces)
    error = total / prediction.numel()
    if error == 0:
        return math.inf
    return 10 * math.log10(peak**2 / error) if math.isfinite(error) else -math.inf


def ssim(prediction: Tensor, target: Tensor, peak: float) -> float | None:
    """Structural similarity of two images, with the paper's Gaussian window of 11 pixels.

    Args:
        prediction: ``(H, W, C)``.
        target: The same shape.
        peak: Width of the range that the target's values can take.

    Returns:
        The mean over channels and the pixels whose window is inside the image; None when it is
        smaller than the window.

    References:
        Wang et al. 2004, "Image Quality Assessment", section III.C.
    """
    if min(prediction.shape[:2]) < WINDOW:
        return None
    total, count = 0.0, 0
    for channel in range(prediction.shape[-1]):
        for top in range(0, len(prediction) - WINDOW + 1, BAND):
            rows = slice(top, top + BAND + WINDOW - 1)
            values = _ssim_map(prediction[rows, :, channel], target[rows, :, channel], peak)
            total += values.cpu().double().sum().item()
            count += values.numel()
    return total / count


def _ssim_map(prediction: Tensor, target: Tensor, peak: float) -> Tensor:
    """SSIM of ``(h, w)`` pixels whose window is inside."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    values = structural_similarity_index_measure(
        prediction[None, None].float(),
        target[None, None].float(),
        data_range=float(peak),
        return_full_image=True,
    )[1]
    # torchmetrics also counts pixels at the border, whose window reaches past it.
    margin = WINDOW // 2
    return values[..., margin:-margin, margin:-margin]
