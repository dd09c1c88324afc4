"""Metrics against closed forms and scikit-image."""

import math

import numpy as np
import pytest
import skimage.data
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from inr.metric import psnr, ssim
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


def test_bands_of_rows_leave_no_pixel_out(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(150, 20, 1, generator=generator)
    prediction = target.clone()
    # Where a band of 64 rows ends.
    prediction[64:74] = torch.rand(10, 20, 1, generator=generator)
    banded = ssim(prediction, target, peak=1.0)
    monkeypatch.setattr("inr.metric.BAND", 1000)
    assert banded == pytest.approx(ssim(prediction, target, peak=1.0), rel=1e-6)
