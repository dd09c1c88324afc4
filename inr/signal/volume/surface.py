"""The surface where a volume's field has one value, in the volume's own frame."""

import numpy as np
from torch import Tensor, nn

from inr.mesh import Mesh
from inr.signal.volume.volume_format import VolumeFormat


class PhysicalField(nn.Module):
    """A field of a volume in the volume's own units.

    Args:
        field: ``(n, 3) -> (n, c)``.
        form: Format of the volume.

    Attributes:
        ends: The ends of the value range in the volume's units.
    """

    def __init__(self, field: nn.Module, form: VolumeFormat) -> None:
        super().__init__()
        self.field = field
        pixels, container = form.pixel_format, form.container
        self.ends = tuple(
            container.intercept + container.slope * end for end in (pixels.low, pixels.high)
        )
        self.value_range = pixels.value_range

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
    # A reflection reverses the winding of triangles; flip them back.
    faces = mesh.faces if np.linalg.det(affine[:3, :3]) > 0 else mesh.faces[:, ::-1].copy()
    return Mesh(voxels @ affine[:3, :3].T + affine[:3, 3], faces)
