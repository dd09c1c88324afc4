"""PSNR, SNR and SSIM of reconstructions."""

import math
from collections.abc import Callable, Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

WINDOW_CELLS = 11
WINDOW_SIGMA_CELLS = 1.5
CHUNK_VALUES = 2**20


def psnr(
    prediction: Float[Tensor, "*shape"], target: Float[Tensor, "*shape"], peak: float
) -> float:
    r"""Peak signal-to-noise ratio, in dB.

    .. math:: 10 \log_{10} \frac{\mathrm{peak}^2}{\mathrm{mean}(f - y)^2}

    Args:
        prediction: Values f, in any shape.
        target: Values y, in the same shape.
        peak: Width of the range of possible target values.

    Returns:
        Infinity where prediction and target are equal, minus infinity where the error is not
        finite.
    """
    return psnr_of_pieces(_chunks(prediction, target), peak)


def psnr_of_pieces(pieces: Iterable[tuple[Tensor, Tensor]], peak: float) -> float:
    """PSNR of values that come in pieces, as :func:`psnr` computes it for all values.

    Args:
        pieces: Pairs of prediction and target, each pair of one shape.
        peak: Width of the range of possible target values.
    """
    # In float64 on the CPU, because some devices have no float64.
    total, count = 0.0, 0
    for prediction, target in pieces:
        total += (prediction.cpu().double() - target.cpu().double()).square().sum().item()
        count += target.numel()
    error = total / count
    if error == 0:
        return math.inf
    return 10 * math.log10(peak**2 / error) if math.isfinite(error) else -math.inf


def snr(prediction: Float[Tensor, "*shape"], target: Float[Tensor, "*shape"]) -> float:
    r"""Signal-to-noise ratio, in dB.

    .. math:: 10 \log_{10} \frac{\sum y^2}{\sum (f - y)^2}

    Zero is silence: a constant part of the signal counts as signal.

    Args:
        prediction: Values f, in any shape.
        target: Values y, in the same shape.

    Returns:
        Infinity where prediction and target are equal, minus infinity where the error is not finite
        or the target is silence.
    """
    signal = noise = 0.0
    for predictions, targets in _chunks(prediction, target):
        expected = targets.cpu().double()
        signal += expected.square().sum().item()
        noise += (predictions.cpu().double() - expected).square().sum().item()
    if noise == 0:
        return math.inf
    if signal == 0 or not math.isfinite(noise):
        return -math.inf
    return 10 * math.log10(signal / noise)


def _chunks(prediction: Tensor, target: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The values of both, ``CHUNK_VALUES`` at once."""
    pairs = (values.flatten().split(CHUNK_VALUES) for values in (prediction, target))
    return zip(*pairs, strict=True)


def ssim(
    prediction: Float[Tensor, "h w c"],
    target: Float[Tensor, "h w c"],
    peak: float,
    *,
    rows: int = 64,
) -> float | None:
    """Structural similarity of two images, with the paper's Gaussian window of 11 pixels.

    Args:
        prediction: Pixels of the one image.
        target: Pixels of the other image.
        peak: Width of the range of possible target values.
        rows: Rows of windows at once. A pixel takes hundreds of bytes.

    Returns:
        The mean over channels and those pixels whose window is inside the image; None for an image
        that is smaller than the window.

    References:
        Wang et al. 2004, "Image Quality Assessment", section III.C.
    """
    return _mean_over_windows(_ssim_of_pixels, prediction, target, peak, rows)


def ssim_3d(
    prediction: Float[Tensor, "d h w c"],
    target: Float[Tensor, "d h w c"],
    peak: float,
    *,
    voxels: int = 2**21,
) -> float | None:
    """Structural similarity of two volumes, with a Gaussian window of 11 voxels along each axis.

    Args:
        prediction: Voxels of the one volume.
        target: Voxels of the other volume.
        peak: Width of the range of possible target values.
        voxels: Voxels at once. Each takes some 40 bytes.

    Returns:
        The mean over channels and those voxels whose window is inside the volume; None for a volume
        that is smaller than the window.

    References:
        Wang et al. 2004, "Image Quality Assessment", section III.C, with a window of three axes.
    """
    _, height, width, _ = prediction.shape
    slices = max(1, voxels // (height * width))
    return _mean_over_windows(_ssim_of_voxels, prediction, target, peak, slices)


def _mean_over_windows(
    similarity: Callable[[Tensor, Tensor, float], Tensor],
    prediction: Tensor,
    target: Tensor,
    peak: float,
    places: int,
) -> float | None:
    """Mean of a similarity of one channel over channels and over windows inside the lattice.

    Args:
        similarity: Takes values of two channels and a peak; gives a value for each window inside.
        prediction: Values on a lattice, with a last axis of channels.
        target: Values in the same shape.
        peak: Width of the range of possible target values.
        places: Windows at once along the first axis.
    """
    *lattice, channels = prediction.shape
    if min(lattice) < WINDOW_CELLS:
        return None
    total, count = 0.0, 0
    for channel in range(channels):
        for start in range(0, lattice[0] - WINDOW_CELLS + 1, places):
            cells = slice(start, start + places + WINDOW_CELLS - 1)
            values = similarity(prediction[cells, ..., channel], target[cells, ..., channel], peak)
            total += values.cpu().double().sum().item()
            count += values.numel()
    return total / count


def _ssim_of_pixels(
    prediction: Float[Tensor, "h w"], target: Float[Tensor, "h w"], peak: float
) -> Tensor:
    """SSIM of the pixels whose window is inside."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    values = structural_similarity_index_measure(
        prediction[None, None].float(),
        target[None, None].float(),
        data_range=float(peak),
        return_full_image=True,
    )[1]
    # torchmetrics includes the pixels at the border, whose window extends beyond it.
    margin = WINDOW_CELLS // 2
    return values[..., margin:-margin, margin:-margin]


def _ssim_of_voxels(
    prediction: Float[Tensor, "d h w"], target: Float[Tensor, "d h w"], peak: float
) -> Tensor:
    """SSIM of the voxels whose window is inside, in less memory than torchmetrics takes."""
    x, y = prediction.float(), target.float()
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    # Rounding makes small variances negative.
    variance_x = (_window_mean(x * x) - mean_x**2).clamp(min=0)
    variance_y = (_window_mean(y * y) - mean_y**2).clamp(min=0)
    covariance = _window_mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance * (2 * covariance + c2) / (variance_x + variance_y + c2)


def _window_mean(values: Float[Tensor, "d h w"]) -> Float[Tensor, "d2 h2 w2"]:
    """Gaussian means over the windows inside, one axis after the other."""
    offsets = [k - WINDOW_CELLS // 2 for k in range(WINDOW_CELLS)]
    weights = [math.exp(-0.5 * (offset / WINDOW_SIGMA_CELLS) ** 2) for offset in offsets]
    for axis in range(values.ndim):
        count = values.shape[axis] - WINDOW_CELLS + 1
        mean = torch.zeros_like(values.narrow(axis, 0, count))
        for k, weight in enumerate(weights):
            mean.add_(values.narrow(axis, k, count), alpha=weight / sum(weights))
        values = mean
    return values
