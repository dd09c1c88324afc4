"""Images: how well a field fits, worked out again in numpy, and what is shown."""

import math

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.field.rendering import render
from inr.metric import ssim
from inr.signal import ImageDisplay, ImageSignal, LatticeSignal, displayed
from tests.tolerance import assert_close


class Slope(nn.Module):
    """4 x - 1, and y: partly outside of a range from 0 to 1."""

    def forward(self, coords: Tensor) -> Tensor:
        return torch.stack([4 * coords[:, 0] - 1, coords[:, 1]], dim=-1)


def make(*lattice: int, holdout: str | float = "none") -> LatticeSignal:
    values = torch.rand(*lattice, 2, generator=torch.Generator().manual_seed(0))
    return LatticeSignal(values, value_range=(0.0, 2.0), name="noise", holdout=holdout)


def psnr_formula(error: np.ndarray) -> float:
    return 10 * math.log10(4 / (error**2).mean())


def measure(rendering: Tensor, signal: LatticeSignal) -> dict[str, float]:
    return ImageDisplay().measure(nn.Identity(), signal, rendering)


def test_values_beyond_the_range_are_clipped() -> None:
    signal, y, x = make(3, 8), *np.mgrid[:3, :8]
    clipped = np.stack([np.clip(4 * (x + 0.5) / 8 - 1, 0, 2), (y + 0.5) / 3], axis=-1)
    error = clipped - signal.values.view(3, 8, 2).double().numpy()
    found = measure(render(Slope(), (3, 8)), signal)["psnr"]
    assert_close(found, psnr_formula(error), looser=100)  # inputs are float32


def test_psnr_is_of_the_whole_lattice_and_of_each_part() -> None:
    signal = make(12, 14, holdout="alternate")
    reconstruction = torch.rand(12, 14, 2, generator=torch.Generator().manual_seed(1))
    error = (reconstruction.reshape(12, 14, 2) - signal.values.reshape(12, 14, 2)).double().numpy()
    metrics = measure(reconstruction, signal)
    assert set(metrics) == {"psnr", "train_psnr", "test_psnr", "ssim"}
    assert_close(metrics["psnr"], psnr_formula(error), looser=100)  # inputs are float32
    assert_close(metrics["train_psnr"], psnr_formula(error[::2, ::2]), looser=100)
    assert_close(metrics["test_psnr"], psnr_formula(error[1::2, 1::2]), looser=100)
    assert metrics["ssim"] == ssim(reconstruction, signal.values.reshape(12, 14, 2), 2.0)


def test_what_has_no_meaning_is_not_measured() -> None:
    assert set(measure(torch.zeros(5, 20, 2), make(5, 20))) == {"psnr"}


def test_a_batch_is_measured_at_its_points_without_gradients() -> None:
    coords = torch.tensor([[0.25, 0.5], [0.5, 1.0]])
    field = Slope()
    values = field(coords) + torch.tensor([[0.1, -0.1], [-0.1, 0.1]])
    # Inputs are float32.
    found = ImageDisplay().measure_batch(field, make(3, 8), Batch(coords, values))["psnr"]
    # The peak is 2.
    assert_close(found, 20.0 + 20 * math.log10(2), looser=1e5)


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
@pytest.mark.parametrize("value_range", [[0.0, 1.0], [-1.0, 1.0]])
def test_what_is_exact_after_rounding_is_counted(
    dtype: type, top: int, value_range: list[float]
) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, top + 1, (9, 7, 1)).astype(dtype)
    pixels[0, 0], pixels[0, 1] = 0, top
    imageio.imwrite("noise.png", pixels[..., 0])
    signal = ImageSignal(path="noise.png", value_range=value_range)
    offsets = random.uniform(-1.2, 1.2, pixels.shape)
    lower, upper = value_range
    values = lower + (upper - lower) * np.clip(pixels + offsets, 0, top) / top
    found = measure(torch.from_numpy(values.astype(np.float32)), signal)["exact_share"]
    restored = signal.pixel_format.restore(values)
    assert found == (restored == pixels).mean()
    assert 0.2 < found < 0.7
    assert measure(signal.values.view(9, 7, 1), signal)["exact_share"] == 1.0
    assert measure(torch.full((9, 7, 1), torch.nan), signal)["exact_share"] == 0.0


def test_transparency_is_shown_over_white() -> None:
    clear_red = torch.tensor([[[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.5]]])
    assert torch.equal(displayed(clear_red), torch.tensor([[[1.0, 1, 1], [1, 0.5, 0.5]]]))
    grey = torch.tensor([[[0.25, 1.0]]])
    assert torch.equal(displayed(grey), torch.tensor([[[0.25, 0.25, 0.25]]]))
