"""The surface where any field in space has one value."""

import warnings
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from inr.field_file import FieldDescription
from inr.mesh import Frame, Mesh, write_mesh
from inr.modality._mesh_file import extract_field
from inr.modality._surface import SurfaceModality
from inr.modality._surface_level import find_surface_level
from inr.volume import VolumeFormat

SUFFIXES = SurfaceModality.suffixes


def write_level_set(
    path: Path,
    field: nn.Module,
    description: FieldDescription,
    shape: tuple[int, int, int],
    level: float | None,
    *,
    progress: bool = False,
) -> None:
    """Writes a mesh, in the frame of what was fitted: of a volume, in its units of length.

    Args:
        path: Ends in ``.ply``, ``.obj``, ``.stl``, ``.off`` or ``.glb``.
        field: ``(n, 3) -> (n, 1)``.
        description: What it was fitted to.
        shape: Cells per axis, ``(D, H, W)``.
        level: In the units of the file that was fitted: of a CT, Hounsfield's; of a distance, how
            far outside; of an occupancy, a probability. None is the surface of a shape, and the
            middle of a volume's range.
        progress: Whether to show a bar on stderr.

    Raises:
        ValueError: The suffix is another, or the field has that value nowhere.
    """
    if path.suffix.lower() not in SUFFIXES:
        # Before all of it is evaluated.
        raise ValueError(
            f"{path.name} has the suffix {path.suffix!r}; expected {', '.join(SUFFIXES)}. "
            f"Name it {path.stem}.ply."
        )
    if "target" in description.format:
        found = find_surface_level(field, description.kind, description.format, level)
        mesh = extract_field(field, shape, *found, progress=progress)
        frame = Frame(tuple(description.format["offset"]), description.format["scale"])
        placed = Mesh(frame.to_mesh(mesh.vertices), mesh.faces)
    else:
        form = VolumeFormat.from_plain(description.format)
        physical = PhysicalField(field, form)
        middle = sum(physical.ends) / 2 if level is None else level
        mesh = extract_field(physical, shape, middle, "above", progress=progress)
        placed = to_world(mesh, description.lattice, form)
    for note in write_mesh(path, placed):
        warnings.warn(note, stacklevel=2)


class PhysicalField(nn.Module):
    """A field of a volume in the volume's own units.

    Args:
        field: ``(n, 3) -> (n, c)``.
        form: Of the volume.

    Attributes:
        ends: What the ends of the value range are.
    """

    def __init__(self, field: nn.Module, form: VolumeFormat) -> None:
        super().__init__()
        self.field = field
        pixels, container = form.pixel_format, form.container
        self.ends = tuple(
            container.intercept + container.slope * end for end in (pixels.low, pixels.high)
        )
        self.value_range = form.value_range

    def forward(self, coords: Tensor) -> Tensor:
        lower, upper = self.value_range
        share = (self.field(coords) - lower) / (upper - lower)
        return self.ends[0] + share * (self.ends[1] - self.ends[0])


def to_world(mesh: Mesh, lattice: tuple[int, ...], form: VolumeFormat) -> Mesh:
    """A mesh of the cube where the volume has it; in voxels, if that does not say."""
    voxels = mesh.vertices * np.array(lattice[::-1]) - 0.5
    if form.container.affine is None:
        spacing = form.container.spacing
        return Mesh(voxels if spacing is None else voxels * np.array(spacing), mesh.faces)
    affine = np.array(form.container.affine)
    # In a mirror, what went around one way goes around the other.
    faces = mesh.faces if np.linalg.det(affine[:3, :3]) > 0 else mesh.faces[:, ::-1].copy()
    return Mesh(voxels @ affine[:3, :3].T + affine[:3, 3], faces)
