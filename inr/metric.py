"""How close a reconstruction is."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

WINDOW = 11
SIGMA = 1.5
BAND = 64  # rows at once: the filter needs hundreds of bytes per pixel
SLAB = 2**21  # voxels at once: the filter needs some 40 bytes for each


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
    pieces = zip(prediction.flatten().split(2**20), target.flatten().split(2**20), strict=True)
    return psnr_of_pieces(pieces, peak)


def psnr_of_pieces(pieces: Iterable[tuple[Tensor, Tensor]], peak: float) -> float:
    """The same of pairs of tensors, of which each has a part of the values.

    Args:
        pieces: Prediction and target, of one shape.
        peak: Width of the range that the target's values can take.
    """
    # In float64 on the CPU: some devices have none.
    total, count = 0.0, 0
    for prediction, target in pieces:
        total += (prediction.cpu().double() - target.cpu().double()).square().sum().item()
        count += target.numel()
    error = total / count
    if error == 0:
        return math.inf
    return 10 * math.log10(peak**2 / error) if math.isfinite(error) else -math.inf


def snr(prediction: Tensor, target: Tensor) -> float:
    r"""Signal-to-noise ratio, in dB.

    .. math:: 10 \log_{10} \frac{\sum y^2}{\sum (f - y)^2}

    Zero is silence: a constant that is part of the signal counts as signal.

    Args:
        prediction: Any shape.
        target: The same shape.

    Returns:
        Infinity when they are equal, minus infinity when the error has no end, or when there is
        nothing but error.
    """
    pieces = zip(prediction.flatten().split(2**20), target.flatten().split(2**20), strict=True)
    signal = noise = 0.0
    for p, t in pieces:
        targets = t.cpu().double()
        signal += targets.square().sum().item()
        noise += (p.cpu().double() - targets).square().sum().item()
    if noise == 0:
        return math.inf
    if signal == 0 or not math.isfinite(noise):
        return -math.inf
    return 10 * math.log10(signal / noise)


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


def ssim_3d(prediction: Tensor, target: Tensor, peak: float) -> float | None:
    """Structural similarity of two volumes, with a Gaussian window of 11 voxels along each axis.

    Args:
        prediction: ``(D, H, W, C)``.
        target: The same shape.
        peak: Width of the range that the target's values can take.

    Returns:
        The mean over channels and the voxels whose window is inside the volume; None when it is
        smaller than the window.

    References:
        Wang et al. 2004, "Image Quality Assessment", section III.C, with the window of three axes.
    """
    depth, height, width, channels = prediction.shape
    if min(depth, height, width) < WINDOW:
        return None
    slices = max(1, SLAB // (height * width))
    total, count = 0.0, 0
    for channel in range(channels):
        for top in range(0, depth - WINDOW + 1, slices):
            slab = slice(top, top + slices + WINDOW - 1)
            values = _ssim_volume(prediction[slab, ..., channel], target[slab, ..., channel], peak)
            total += values.cpu().sum(dtype=torch.float64).item()
            count += values.numel()
    return total / count


def _ssim_volume(prediction: Tensor, target: Tensor, peak: float) -> Tensor:
    """SSIM of ``(d, h, w)`` voxels whose window is inside."""
    x, y = prediction.float(), target.float()
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    # A variance below zero is rounding.
    variance_x = (_window_mean(x * x) - mean_x**2).clamp(min=0)
    variance_y = (_window_mean(y * y) - mean_y**2).clamp(min=0)
    covariance = _window_mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance * (2 * covariance + c2) / (variance_x + variance_y + c2)


def _window_mean(values: Tensor) -> Tensor:
    """Gaussian means of the windows inside ``(d, h, w)`` values, one axis after the other."""
    weights = [math.exp(-0.5 * ((k - WINDOW // 2) / SIGMA) ** 2) for k in range(WINDOW)]
    for axis in range(values.ndim):
        count = values.shape[axis] - WINDOW + 1
        mean = torch.zeros_like(values.narrow(axis, 0, count))
        for k, weight in enumerate(weights):
            mean.add_(values.narrow(axis, k, count), alpha=weight / sum(weights))
        values = mean
    return values
