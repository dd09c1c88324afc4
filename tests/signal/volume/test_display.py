"""Volumes: what is measured, shown and written, worked out again in numpy."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.metric import ssim_3d
from inr.signal import (
    PicturePreview,
    VolumeSignal,
)
from inr.signal.volume import VolumeFormat, read_volume
from inr.signal.volume.display import VolumeDisplay, colored, project

SHAPE = (4, 6, 9)


class Ramp(nn.Module):
    """x / 2 + y / 4 + z / 8, between 0 and 7/8."""

    def forward(self, coords: Tensor) -> Tensor:
        return (coords @ coords.new_tensor([0.5, 0.25, 0.125]))[:, None]


def ramp(shape: tuple[int, ...], lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    axes = [(np.arange(n) + 0.5) / n for n in shape]
    coords = np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)
    return (lower + coords * (upper - lower)) @ np.array([0.5, 0.25, 0.125])


def make(*shape: int, name: str = "volume.npy", **options: object) -> VolumeSignal:
    voxels = np.random.default_rng(0).integers(0, 1000, shape).astype(np.uint16)
    voxels.flat[:2] = 0, 1000
    np.save(name, voxels)
    return VolumeSignal(path=name, **options)


@pytest.mark.parametrize("value_range", [[0.0, 1.0], [-1.0, 1.0]])
def test_similarity_is_measured_thoroughly_only_and_whatever_the_range(
    value_range: list[float],
) -> None:
    signal = make(12, 11, 13, value_range=value_range)
    noise = torch.rand(12, 11, 13, 1, generator=torch.Generator().manual_seed(1))
    rendering = signal.values.view_as(noise) + signal.peak * (noise - 0.5)
    quick, thorough = (
        VolumeDisplay().measure(nn.Identity(), signal, rendering, thorough=flag)
        for flag in (False, True)
    )
    assert quick.keys() == {"psnr", "exact_share"}
    lower, upper = value_range
    shown = (rendering.clamp(lower, upper) - lower) / (upper - lower)
    truth = (signal.values.view_as(rendering) - lower) / (upper - lower)
    assert thorough == {**quick, "ssim": ssim_3d(shown, truth, 1.0)}
    error = (shown - truth).double().numpy()
    # Inputs are float32.
    assert quick["psnr"] == pytest.approx(-10 * np.log10((error**2).mean()), abs=1e-4)


def test_slices_and_the_maximum_are_shown_below_each_other() -> None:
    signal = make(*SHAPE)
    rendering = torch.zeros(*SHAPE, 1)
    rendering[2, 3, 4] = 1
    options = {"error_scale": 1.0, "max_pixels": 10_000}
    (picture,) = VolumeDisplay().show(nn.Identity(), signal, rendering, **options)
    assert isinstance(picture, PicturePreview)
    (depth, height, width), gap = SHAPE, 4
    assert picture.pixels.shape == (2 * height + 2 * depth + 3 * gap, 3 * width + 2 * gap, 3)
    truth = signal.values.view(SHAPE).numpy()
    views = [truth[2], truth[:, 3], truth[:, :, 4], truth.max(0)]
    top = 0
    for view, bright in zip(views, [(3, 4), (2, 4), (2, 3), (3, 4)], strict=True):
        rows, columns = view.shape
        row = picture.pixels[top : top + rows]
        np.testing.assert_allclose(row[:, :columns, 0], 255 * view, atol=0.51)
        found = row[:, columns + gap : 2 * columns + gap, 0]
        assert np.argwhere(found).tolist() == [list(bright)]
        # Beside a narrower view there is white.
        assert (row[:, 3 * columns + 2 * gap :] == 255).all()
        top += rows + gap


def test_a_large_volume_is_thinned() -> None:
    signal = make(8, 30, 40)
    (picture,) = VolumeDisplay().show(
        nn.Identity(), signal, torch.zeros(8, 30, 40, 1), error_scale=1.0, max_pixels=400
    )
    # Each of the four views has a hundred pixels at most.
    assert picture.pixels.shape == (8 + 4 + 4 + 8 + 3 * 4, 3 * 20 + 8, 3)


def test_channels_are_colours_and_none_of_them_is_alpha() -> None:
    values = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(colored(values[..., :1]), values[..., :1])
    assert torch.equal(colored(values[..., :2]), values[..., [0, 1, 0]])
    assert torch.equal(colored(values[..., :3]), values[..., :3])
    assert torch.equal(colored(values), values[..., :3])


def test_two_channels_are_magenta_and_green() -> None:
    voxels = np.zeros((2, 3, 4, 2), np.uint8)
    voxels[..., 0] = 255
    np.save("two.npy", voxels)
    signal = VolumeSignal(path="two.npy", axes="zyxc")
    rendering = signal.values.view(2, 3, 4, 2)
    (picture,) = VolumeDisplay().show(
        nn.Identity(), signal, rendering, error_scale=0.1, max_pixels=10_000
    )
    assert (picture.pixels[:3, :4] == [255, 0, 255]).all()
    assert (picture.pixels[:3, 16:20] == picture.pixels[0, 16]).all()


def test_the_maximum_is_along_z() -> None:
    values = torch.arange(24.0).view(2, 3, 4, 1)
    assert torch.equal(project(values)[3], values[1])


@pytest.mark.parametrize("size", [None, (5, 4, 7)])
@pytest.mark.parametrize("region", [None, ((0.1, 0.2, 0.3), (0.5, 0.9, 1.1))])
def test_another_lattice_stands_in_the_same_place(
    size: tuple[int, int, int] | None, region: tuple[tuple[float, ...], ...] | None
) -> None:
    import nibabel

    affine = np.array([[0, 2, 0, 5], [-3, 0, 0, 7], [0, 0, 4, 11], [0, 0, 0, 1.0]])
    stored = np.arange(4 * 6 * 9, dtype=np.int16).reshape(9, 6, 4)
    nibabel.save(nibabel.Nifti1Image(stored, affine), "in.nii")
    signal, display = VolumeSignal(path="in.nii"), VolumeDisplay()
    description = display.describe(signal)
    assert display.native_suffix(description) == ".nii"
    display.write("out.nii", Ramp(), description, size=size, region=region)
    found = nibabel.load("out.nii")
    shape = size or SHAPE
    lower, upper = np.array(region or ((0, 0, 0), (1, 1, 1)), float)
    expected = np.clip(ramp(shape, lower, upper), 0, 1) * stored.max()
    assert np.abs(np.asarray(found.dataobj).transpose(2, 1, 0) - expected).max() < 0.51
    # Corners of the box are where the same corners of the volume were.
    for corner in (lower, upper):
        old = affine[:3, :3] @ (corner * SHAPE[::-1] - 0.5) + affine[:3, 3]
        at = (corner - lower) / (upper - lower) * shape[::-1] - 0.5
        new = found.affine[:3, :3] @ at + found.affine[:3, 3]
        np.testing.assert_allclose(new, old, atol=1e-4)


def test_a_description_survives_the_file_of_weights() -> None:
    signal = make(*SHAPE)
    description = VolumeDisplay().describe(signal)
    again = VolumeFormat.from_plain(asdict(description)["format"])
    assert again == signal.volume_format
    assert VolumeDisplay().pixel_format(description) == signal.pixel_format


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 1, 1)])
def test_a_single_slice_is_a_volume(shape: tuple[int, ...]) -> None:
    signal, display = make(*shape), VolumeDisplay()
    rendering = signal.values.view(*signal.lattice, 1)
    assert display.measure(nn.Identity(), signal, rendering, thorough=True) == {
        "psnr": np.inf,
        "exact_share": 1.0,
    }
    display.write("out.npy", Ramp(), display.describe(signal))
    assert read_volume("out.npy").voxels.shape == (*shape, 1)
    display.show(nn.Identity(), signal, rendering, error_scale=0.1, max_pixels=100)


def test_a_constant_volume_comes_back() -> None:
    np.save("flat.npy", np.full(SHAPE, 7, np.uint8))
    signal, display = VolumeSignal(path="flat.npy"), VolumeDisplay()

    class Truth(nn.Module):
        def forward(self, coords: Tensor) -> Tensor:
            return signal.values[:1].expand(len(coords), 1)

    display.write(Path("out.npy"), Truth(), display.describe(signal))
    assert (np.load("out.npy") == 7).all()


@pytest.mark.parametrize("holdout", ["none", "alternate", 0.3])
def test_what_is_measured_does_not_depend_on_the_size_of_pieces(
    holdout: str | float, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = make(5, 6, 7, holdout=holdout)
    noise = 2e-3 * torch.rand(5, 6, 7, 1, generator=torch.Generator().manual_seed(1))
    rendering = signal.values.view_as(noise) + noise
    whole = VolumeDisplay().measure(nn.Identity(), signal, rendering)
    monkeypatch.setattr("inr.signal._lattice_display.PIECE", 11)
    pieces = VolumeDisplay().measure(nn.Identity(), signal, rendering)
    assert pieces == pytest.approx(whole, rel=1e-12)
    assert 0.1 < whole["exact_share"] < 0.9
    expected = -10 * np.log10((noise.double().numpy() ** 2).mean())
    assert whole["psnr"] == pytest.approx(expected, abs=0.05)
