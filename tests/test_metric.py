"""Metrics against closed forms and scikit-image."""

import math

import numpy as np
import pytest
import skimage.data
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from inr.metric import psnr, snr, ssim, ssim_3d
from tests.tolerance import assert_close


def make_pair(noise: float) -> tuple[np.ndarray, np.ndarray]:
    """A part of a photograph, ``(64, 80, 3)`` in [0, 1], with and without noise."""
    photo = skimage.data.astronaut()[30:94, 180:260] / 255
    return photo, np.clip(photo + noise * np.random.default_rng(0).normal(size=photo.shape), 0, 1)


@pytest.mark.parametrize(
    ("error", "peak", "expected"),
    [(0.1, 1.0, 20.0), (0.01, 1.0, 40.0), (0.1, 2.0, 20 + 20 * math.log10(2)), (25.5, 255.0, 20.0)],
)
def test_psnr_of_a_constant_error(error: float, peak: float, expected: float) -> None:
    target = torch.linspace(0, peak, 12, dtype=torch.float64).reshape(3, 4)
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(6).reshape(3, 4)
    assert_close(psnr(target + error * signs, target, peak), expected)


def test_psnr_is_of_the_mean_square_and_not_of_the_mean_error() -> None:
    prediction, target = torch.tensor([0.3, 0.0, 0.0, 0.1]), torch.zeros(4)
    # Inputs are in float32.
    assert_close(psnr(prediction, target, 1.0), -10 * math.log10(0.1 / 4), looser=100)


def test_psnr_of_equals_is_infinite() -> None:
    assert psnr(torch.ones(3), torch.ones(3), 1.0) == math.inf


def test_psnr_is_that_of_scikit_image() -> None:
    photo, noisy = make_pair(0.1)
    expected = peak_signal_noise_ratio(photo, noisy, data_range=1.0)
    assert_close(psnr(torch.from_numpy(noisy), torch.from_numpy(photo), 1.0), expected)


@pytest.mark.parametrize("amplitude", [1.0, 0.01])
def test_snr_of_a_wave_with_a_wave_a_tenth_as_loud_is_20_db(amplitude: float) -> None:
    time = 2 * math.pi * torch.arange(100, dtype=torch.float64) / 100
    target = amplitude * torch.stack([torch.sin(time), torch.cos(time)], dim=1)
    noise = 0.1 * amplitude * torch.stack([torch.cos(3 * time), torch.sin(5 * time)], dim=1)
    assert_close(snr(target + noise, target), 20.0)


def test_snr_is_of_the_target_and_not_of_the_prediction() -> None:
    target = torch.tensor([3.0, 4.0], dtype=torch.float64)
    assert_close(snr(torch.zeros(2, dtype=torch.float64), target), 0.0)
    assert_close(snr(11 * target, target), -20.0)


def test_snr_counts_a_constant_as_signal() -> None:
    target = torch.full((7,), 2.0, dtype=torch.float64)
    assert_close(snr(target + 0.02, target), 40.0)


def test_snr_has_no_bounds() -> None:
    silence, sound = torch.zeros(3), torch.ones(3)
    assert snr(sound, sound) == snr(silence, silence) == math.inf
    assert snr(sound, silence) == snr(sound * math.nan, sound) == -math.inf


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("peak", [1.0, 2.0])
def test_ssim_is_that_of_scikit_image(noise: float, peak: float) -> None:
    photo, noisy = (peak * image - peak / 2 for image in make_pair(noise))
    expected = structural_similarity(
        photo, noisy, data_range=peak, channel_axis=-1, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    # Differences of squares in float32.
    assert abs(ssim(torch.from_numpy(noisy), torch.from_numpy(photo), peak) - expected) < 1e-4


def test_ssim_falls_with_noise_from_one() -> None:
    scores = []
    for noise in (0.0, 0.02, 0.1, 0.5):
        photo, noisy = map(torch.from_numpy, make_pair(noise))
        score = ssim(noisy, photo, 1.0)
        assert score is not None
        scores.append(score)
    assert scores == sorted(scores, reverse=True)
    assert abs(scores[0] - 1) < 1e-6
    assert scores[-1] < 0.4


def test_ssim_has_no_meaning_below_its_window() -> None:
    image = torch.rand(11, 12, 1)
    assert ssim(image, image, 1.0) is not None
    assert ssim(image[:10], image[:10], 1.0) is None
    assert ssim(image[:, :10], image[:, :10], 1.0) is None


def test_bands_of_rows_leave_no_pixel_out() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(150, 20, 1, generator=generator)
    prediction = target.clone()
    # Where a band of 64 rows ends.
    prediction[64:74] = torch.rand(10, 20, 1, generator=generator)
    banded, whole = (ssim(prediction, target, peak=1.0, rows=rows) for rows in (64, 1000))
    assert banded == pytest.approx(whole, rel=1e-6)


def make_volumes(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Waves, ``(D, H, W, 2)`` in [0, 1], with noise and without."""
    z, y, x = np.ogrid[tuple(slice(n) for n in shape)]
    waves = np.sin(x / 3 + y / 5 + 0 * z), np.cos(z / 4 - x / 7 + 0 * y)
    target = torch.from_numpy(0.5 + 0.4 * np.stack(waves, axis=-1))
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    return target + 0.1 * noise, target


@pytest.mark.parametrize("peak", [1.0, 2.0])
def test_ssim_3d_is_the_sum_over_windows(peak: float) -> None:
    prediction, target = (peak * part for part in make_volumes(12, 13, 15))
    bell = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    window = bell[:, None, None] * bell[:, None] * bell
    window /= window.sum()
    scores = []
    for place in np.ndindex(2, 3, 5, 2):
        *start, channel = place
        box = (*(slice(a, a + 11) for a in start), channel)
        p, t = prediction[box].numpy(), target[box].numpy()
        mean_p, mean_t = (window * p).sum(), (window * t).sum()
        spread_p, spread_t = p - mean_p, t - mean_t
        c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
        scores.append(
            (2 * mean_p * mean_t + c1)
            * (2 * (window * spread_p * spread_t).sum() + c2)
            / (mean_p**2 + mean_t**2 + c1)
            / ((window * spread_p**2).sum() + (window * spread_t**2).sum() + c2)
        )
    score = ssim_3d(prediction, target, peak)
    assert score is not None
    # Differences of squares in float32.
    assert abs(score - np.mean(scores)) < 1e-5


def test_ssim_3d_is_that_of_scikit_image_and_of_torchmetrics() -> None:
    from torchmetrics.functional.image import structural_similarity_index_measure

    prediction, target = make_volumes(12, 13, 16)
    score = ssim_3d(prediction, target, 1.0)
    assert score is not None
    expected = structural_similarity(
        target.numpy(), prediction.numpy(), data_range=1.0, channel_axis=-1,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert abs(score - expected) < 1e-4
    full = structural_similarity_index_measure(
        prediction.permute(3, 0, 1, 2)[None], target.permute(3, 0, 1, 2)[None],
        data_range=1.0, return_full_image=True,
    )[1]  # fmt: skip
    assert abs(score - full[..., 5:-5, 5:-5, 5:-5].mean().item()) < 1e-5


def test_ssim_3d_of_equals_is_one_and_has_no_meaning_below_its_window() -> None:
    target = make_volumes(11, 12, 13)[1]
    assert ssim_3d(target, target, 1.0) == pytest.approx(1, abs=1e-6)
    for axis in range(3):
        small = target.narrow(axis, 0, 10)
        assert ssim_3d(small, small, 1.0) is None


def test_slabs_leave_no_voxel_out() -> None:
    prediction, target = make_volumes(29, 12, 14)
    whole = ssim_3d(prediction, target, 1.0)
    for voxels in (1, 12 * 14 * 3, 12 * 14 * 7):
        slabs = ssim_3d(prediction, target, 1.0, voxels=voxels)
        assert slabs == pytest.approx(whole, rel=1e-6)
