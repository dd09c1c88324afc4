"""The head phantom, and a trip of it through the formats that scanners use."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from inr.signal.volume import read_volume, write_volume
from tests.signal.volume.conftest import format_of
from tests.signal.volume.phantom import find_density, make_phantom


@pytest.mark.parametrize(
    ("point", "density"),
    [
        ((0.0, 0.99, 0.0), 0.0),  # outside
        ((0.0, 0.9, 0.0), 1.0),  # skull
        ((0.0, 0.0, 0.0), 0.2),  # brain
        ((-0.22, 0.0, -0.25), 0.0),  # a ventricle
        ((0.0, 0.35, -0.25), 0.4),
        ((0.06, -0.105, 0.625), 0.4),
        ((0.0, 0.1, 0.625), 0.0),
        # The long axis of the ventricle leans to the side of its angle.
        ((-0.22 - 0.35 * np.cos(np.radians(108)), -0.35 * np.sin(np.radians(108)), -0.25), 0.0),
        ((-0.22 - 0.35 * np.cos(np.radians(72)), -0.35 * np.sin(np.radians(72)), -0.25), 0.2),
    ],
)
def test_densities_of_the_head(point: tuple[float, float, float], density: float) -> None:
    assert find_density(*np.array(point)) == pytest.approx(density, abs=1e-12)


def test_the_head_has_its_volume() -> None:
    phantom = make_phantom((64, 72, 80))
    skull = 4 / 3 * np.pi * (0.69 * 0.92 * 0.9 - 0.6624 * 0.874 * 0.88)
    found = np.isclose(phantom, 1.0).mean() * 8
    assert found == pytest.approx(skull, rel=0.02)


def test_a_phantom_comes_back_from_a_scanner_s_file(tmp_path: Path) -> None:
    phantom = make_phantom((14, 20, 17))
    stored = np.rint(phantom * 1000).astype(np.int16)
    image = nibabel.Nifti1Image(stored.T, np.diag([1.5, 1.25, 2.0, 1.0]))
    image.header.set_slope_inter(0.001, 0)
    image.to_filename(tmp_path / "head.nii.gz")
    volume = read_volume(tmp_path / "head.nii.gz")
    # Float32 in the header.
    physical = volume.voxels[..., 0] * volume.container.slope
    np.testing.assert_allclose(physical, phantom, rtol=1e-6, atol=1e-6)
    write_volume(tmp_path / "back.nii.gz", np.asarray(volume.voxels), format_of(volume))
    back = nibabel.load(tmp_path / "back.nii.gz").get_fdata().T
    np.testing.assert_allclose(back, phantom, rtol=1e-6, atol=1e-6)
