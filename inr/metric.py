"""How close a reconstruction is."""

import math

import torch
from torch import Tensor


def psnr(prediction: Tensor, target: Tensor, peak: float) -> float:
    r"""Peak signal-to-noise ratio, in dB.

    .. math:: 10 \log_{10} \frac{\mathrm{peak}^2}{\mathrm{mean}(f - y)^2}

    Args:
        prediction: Any shape.
        target: The same shape.
        peak: Width of the range that the target's values can take.

    Returns:
        Infinity when they are equal.
    """
    squares = (prediction - target).square()
    # Summed in float64 on the CPU, in pieces: some devices have no float64.
    total = sum(piece.cpu().double().sum().item() for piece in squares.flatten().split(2**20))
    error = total / squares.numel()
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


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
    if min(prediction.shape[:2]) < 11:
        return None
    from torchmetrics.functional.image import structural_similarity_index_measure

    # A channel at a time: the filter needs five times the memory of what it filters.
    maps = [
        structural_similarity_index_measure(
            prediction[None, None, :, :, channel].float(),
            target[None, None, :, :, channel].float(),
            data_range=float(peak),
            return_full_image=True,
        )[1]
        for channel in range(prediction.shape[-1])
    ]
    # The outer five pixels, whose window reaches past the border, do not count.
    return torch.stack([values[..., 5:-5, 5:-5].mean() for values in maps]).mean().item()
