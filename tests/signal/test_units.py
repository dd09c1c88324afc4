"""Derivatives in the terms of a file: of fields that are straight lines in its own numbers."""

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.field.view import GradientField, SliceField
from inr.raster import PixelFormat
from inr.signal import KINDS, FunctionSignal, GradientScale, write_gradient
from inr.signal.volume import Container, VolumeFormat
from tests.tolerance import assert_close

# x, y, z: no two alike. Cells are 1.5, 2 and 3 long, and the axes are turned and seen in a mirror.
CELLS = np.array([10, 7, 6])
STEPS = np.array([1.5, 2.0, 3.0])
TURN = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]) @ np.array(
    [[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]]
)
AFFINE = np.eye(4)
AFFINE[:3, :3], AFFINE[:3, 3] = TURN * STEPS, (5, -7, 11)
VALUE_RANGE = (-1.0, 2.0)
PIXELS = PixelFormat("int16", 16, -200.0, 400.0, VALUE_RANGE)


class Plane(nn.Module):
    """A straight line in the cube, in float64."""

    def __init__(self, slopes: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("slopes", torch.as_tensor(slopes, dtype=torch.float64))

    def forward(self, coords: Tensor) -> Tensor:
        return (coords @ self.slopes)[:, None]


def describe(kind: str, cells: np.ndarray, form: dict[str, Any]) -> FieldDescription:
    return FieldDescription(kind, len(cells), 1, tuple(cells[::-1].tolist()), form)


def volume(**container: Any) -> FieldDescription:
    form = VolumeFormat(PIXELS, Container(".nii", slope=2.0, intercept=-100.0, **container))
    return describe("volume", CELLS, asdict(form))


def gradient_scale(description: FieldDescription, held: Collection[int] = ()) -> GradientScale:
    return KINDS[description.kind].display.units(description).scale_gradient(held)


def rendered(
    slopes: np.ndarray, description: FieldDescription, held: dict[int, float] | None = None
) -> np.ndarray:
    """The one gradient that is written of a straight line."""
    field = GradientField(SliceField(Plane(slopes), held or {}))
    shape = tuple(range(2, 2 + len(slopes) - len(held or {})))
    write_gradient(Path("out.npz"), field, shape, gradient_scale(description, held or {}))
    gradient = np.load("out.npz")["gradient"].reshape(-1, len(shape))
    assert (gradient == gradient[0]).all()
    return gradient[0]


def test_a_volume_with_an_affine_is_per_unit_of_length() -> None:
    # Hounsfield units for each millimetre to the right, to the front and up.
    world = np.array([3.0, -4.0, 12.0])
    # value -> number: 600 / 3, and 2 for the slope of the file; number at a coordinate: the cells
    # of the cube are where the affine puts them.
    slopes = (world @ (TURN * STEPS)) * CELLS / (2.0 * 200)
    affine = tuple(map(tuple, AFFINE.tolist()))
    spacing = tuple((5 * STEPS).tolist())
    found = rendered(slopes, volume(affine=affine, spacing=spacing, unit="mm"))
    assert_close(found, world @ TURN)
    # The length of a gradient in the world, 13, however the voxels lie.
    assert_close(np.linalg.norm(found), 13.0)
    assert str(np.load("out.npz")["units"]) == "voxel values per mm"
    for axis in range(3):
        part = rendered(slopes, volume(affine=affine, unit="mm"), {axis: 0.4})
        assert_close(part, np.delete(world @ TURN, axis))


@pytest.mark.parametrize(
    ("container", "steps", "unit"),
    [
        ({"spacing": (1.5, 2.0, 3.0), "unit": "um"}, STEPS, "um"),
        ({"spacing": (1.5, 2.0, 3.0)}, STEPS, "unit of length"),
        ({"spacing": (1.5, 2.0, 0.0)}, np.ones(3), "voxel"),
        (
            {"affine": np.zeros((4, 4)).tolist(), "spacing": (1.5, 2.0, 3.0)},
            STEPS,
            "unit of length",
        ),
        ({"affine": np.zeros((4, 4)).tolist()}, np.ones(3), "voxel"),
        ({}, np.ones(3), "voxel"),
    ],
)
def test_a_volume_without_an_affine_is_per_its_spacing_or_per_voxel(
    container: dict[str, Any], steps: np.ndarray, unit: str
) -> None:
    found = gradient_scale(volume(**container))
    assert_close(np.array(found.factors), 2.0 * 200 / (CELLS * steps))
    assert found.units == f"voxel values per {unit}"


def test_an_edge_is_as_bright_upright_as_lying() -> None:
    """A step of one pixel, across and down a picture of twice the width."""
    pixels = PixelFormat("uint8", 8, 0.0, 255.0, VALUE_RANGE)
    for kind in ("image", "image_set"):
        description = describe(kind, np.array([40, 20]), asdict(pixels))
        for axis in (0, 1):
            # From pixel to pixel the value grows by a fifth of 255.
            slopes = np.zeros(2)
            slopes[axis] = 0.2 * 3 * (40, 20)[axis]
            expected = np.zeros(2)
            expected[axis] = 51.0
            assert_close(rendered(slopes, description), expected)
        assert gradient_scale(description).units == "pixel values per pixel"


def test_a_picture_of_both_edges_has_one_brightness() -> None:
    class Corner(nn.Module):
        """A ramp over one pixel to the right of the middle, and one below it."""

        def forward(self, coords: Tensor) -> Tensor:
            x, y = coords.unbind(-1)
            return torch.where(y < 0.5, 40 * x, 20 * y)[:, None]

    pixels = PixelFormat("uint8", 8, 0.0, 255.0, (0.0, 1.0))
    scale = gradient_scale(describe("image", np.array([40, 20]), asdict(pixels)))
    write_gradient(Path("out.png"), GradientField(Corner()), (20, 40), scale)
    assert (imageio.imread("out.png") == 255).all()


def test_a_video_is_per_pixel_and_per_frame() -> None:
    form = {"container": "GIF", "rate": [10, 1], "value_range": VALUE_RANGE}
    description = describe("video", CELLS, form)
    slopes = np.array([1.0, 2.0, 3.0]) * CELLS * 3 / 255
    assert_close(rendered(slopes, description), [1.0, 2.0, 3.0])
    assert gradient_scale(description).units == "pixel values per pixel or per frame"
    assert_close(rendered(slopes, description, {2: 0.5}), [1.0, 2.0])
    assert gradient_scale(description, {2: 0.5}).units == "pixel values per pixel"
    assert_close(rendered(slopes, description, {0: 0.5}), [2.0, 3.0])


def test_a_sound_is_per_second() -> None:
    form = {
        "container": "WAV",
        "subtype": "PCM_16",
        "rate": 8000,
        "full_scale": 2.0**15,
        "value_range": VALUE_RANGE,
    }
    # Half of full scale in 2,000 samples: a quarter of a second.
    description = describe("audio", np.array([2000]), form)
    assert_close(rendered(np.array([0.75]), description), [2**14 / 0.25])
    assert gradient_scale(description).units == "sample values per second"


def test_a_function_is_per_point_or_per_unit_of_its_column() -> None:
    np.savetxt("in.csv", np.stack([3 + 0.5 * np.arange(20), np.arange(20)], 1), delimiter=",")
    display = KINDS["function"].display
    for options, slope, unit in (({}, 1.0, "point"), ({"x": 0}, 2.0, "unit of 0")):
        signal = FunctionSignal(kind="file", path="in.csv", column=1, **options)  # type: ignore[arg-type]
        # The whole of the range, 2, in 19 of 20 steps.
        found = rendered(np.array([2 * 20 / 19]), display.describe(signal))
        assert_close(found, [slope])
        assert str(np.load("out.npz")["units"]) == f"values per {unit}"
    plane = display.describe(FunctionSignal(size=[4, 6], value_range=[0, 2]))
    growth = (plane.format["high"] - plane.format["low"]) / 2
    expected = GradientScale((growth / 6, growth / 4), "values per point")
    assert gradient_scale(plane) == expected


@pytest.mark.parametrize(("kind", "span"), [("point_cloud", 2), ("shape", 1)])
def test_a_distance_has_a_slope_of_one_and_log_odds_are_per_unit_of_length(
    kind: str, span: int
) -> None:
    # The cube is 4 units of the mesh wide: it holds 1 in a fourth of its width. From points, its
    # edge is learnt as 2.
    form = {"target": "distance", "offset": [0.0, 0.0, 0.0], "scale": 0.25}
    slopes = np.array([2.0, -3.0, 6.0]) / 7
    assert_close(rendered(span * slopes, describe(kind, CELLS, form)), slopes)
    assert str(np.load("out.npz")["units"]) == "distance per unit of length"
    assert_close(
        rendered(slopes, describe(kind, CELLS, {**form, "target": "occupancy"})), slopes / 4
    )
    assert str(np.load("out.npz")["units"]) == "log odds per unit of length"
