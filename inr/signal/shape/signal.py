"""A mesh as a function of space: occupancy, or distance from its surface."""

import math
import os
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from inr.argument import check_choice, check_count
from inr.batch import Batch
from inr.lattice import lattice_points
from inr.mesh import (
    Mesh,
    Solid,
    check_encloses,
    find_kind,
    fit_frame,
    read_mesh,
    repair,
    sample_near,
)
from inr.signal._signal import SurfaceSignal
from inr.signal.shape.display import ShapeDisplay

NEAR_SIGMA = 0.01


class ShapeSignal(SurfaceSignal):
    """A mesh as a function of space: occupancy, or signed distance.

    The mesh is centred in the unit cube; x, y and z of the mesh are those of the cube. Inside is
    where the surface winds around a point more than half a time, so that a mesh may be open, may
    have several bodies, and bodies that overlap are one. Faces whose outside is in are turned.

    Args:
        path: The mesh: OBJ, PLY, STL, OFF or GLB, also compressed by gzip.
        target: ``occupancy``, 1 inside and 0 outside, of which a field gives the log odds; or
            ``distance`` to the surface in edges of the cube, negative inside.
        extent: Length in the cube of the longest side of the mesh's box: the rest is margin.
        lattice_size: Cells along each axis of the lattice on which a field is looked at.
        resolution: Cells along each axis from which the resulting mesh is made.
        max_faces: Most faces; larger meshes are rejected.

    Attributes:
        mesh: The mesh, in the cube.
        frame: Map from the mesh's own frame to the cube.
        target: ``occupancy`` or ``distance``.
        resolution: Cells along each axis from which the resulting mesh is made.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no mesh, the mesh encloses nothing, or an argument is out of range.
    """

    kind = "shape"
    display = ShapeDisplay()
    suffixes = (".obj", ".ply", ".stl", ".off", ".glb", ".gltf")
    sample = "sample_shape.ply"
    _place: Tensor

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return find_kind(path) == "mesh"

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        target: Literal["occupancy", "distance"] = "occupancy",
        extent: float = 0.9,
        lattice_size: int = 64,
        resolution: int = 128,
        max_faces: int = 10_000_000,
    ) -> None:
        super().__init__()
        self.target = check_choice("target", target, ("occupancy", "distance"))
        self.resolution = check_count("resolution", resolution, 2)
        self.lattice = (check_count("lattice_size", lattice_size, 2),) * 3
        check_count("max_faces", max_faces)
        mesh = repair(read_mesh(path, max_faces=max_faces))
        for note in mesh.notes:
            warnings.warn(f"{Path(path).name}: {note}", stacklevel=2)
        self.frame = fit_frame(mesh.vertices, extent=extent)
        self.mesh = Mesh(self.frame.to_cube(mesh.vertices), mesh.faces)
        check_encloses(self.mesh, Path(path).name)
        self._solid = _Shared(Solid(self.mesh))
        self.in_features, self.out_features = 3, 1
        self.name = Path(path).name.partition(".")[0]
        far = math.sqrt(3)
        self.value_range = (0.0, 1.0) if self.target == "occupancy" else (-far, far)
        self.target_kind = "labels" if self.target == "occupancy" else "values"
        self._targets: Tensor | None = None
        self.register_buffer("_place", torch.zeros(()), persistent=False)

    @property
    def device(self) -> torch.device:
        return self._place.device

    @property
    def dtype(self) -> torch.dtype:
        return self._place.dtype

    def label(self, points: np.ndarray) -> np.ndarray:
        """Occupancy or distance at ``(n, 3)`` points of the cube: ``(n, 1)`` float64."""
        solid = self._solid.thing
        find = solid.occupancy if self.target == "occupancy" else solid.signed_distance
        return find(points).astype(np.float64)[:, None]

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether ``(n, 3)`` points of the cube are inside: ``(n,)`` booleans."""
        return self._solid.thing.occupancy(points)

    def targets(self, index: Tensor | None = None) -> Tensor:
        if index is not None and self._targets is None:
            return self._label_lattice(index)
        if self._targets is None:
            self._targets = self._label_lattice(None)
        targets = self._targets.to(self.device, self.dtype)
        return targets if index is None else targets[index]

    def _label_lattice(self, index: Tensor | None) -> Tensor:
        points = lattice_points(self.lattice, index, dtype=torch.float64).cpu().numpy()
        return torch.from_numpy(self.label(points)).to(self.device, self.dtype)

    def read(self, outputs: Tensor) -> Tensor:
        """Probabilities of log odds; distances as they are."""
        return outputs.sigmoid() if self.target == "occupancy" else outputs

    def is_inside(self, outputs: Tensor) -> Tensor:
        """Where a field's outputs say that it is inside."""
        return outputs > 0 if self.target == "occupancy" else outputs < 0

    def draw_uniform(
        self, num_points: int, generator: np.random.Generator, *, in_box: bool = False
    ) -> np.ndarray:
        """``(n, 3)`` points anywhere in the cube, or in the mesh's box."""
        points = generator.random((num_points, 3))
        if not in_box:
            return points
        low, high = self.mesh.vertices.min(axis=0), self.mesh.vertices.max(axis=0)
        return low + (high - low) * points

    def draw_near(
        self, num_points: int, generator: np.random.Generator, sigma: float = NEAR_SIGMA
    ) -> np.ndarray:
        """``(n, 3)`` points of the surface, each moved by Gaussian noise, within the cube."""
        return sample_near(self.mesh, num_points, sigma, generator).clip(0, 1)

    def near_surface(self, num_points: int, seed: int) -> Batch:
        points = self.draw_near(num_points, np.random.default_rng(seed))
        coords, values = torch.from_numpy(points), torch.from_numpy(self.label(points))
        return Batch(*(part.to(self.device, self.dtype) for part in (coords, values)))


class _Shared:
    """Something that does not change, and is not copied with what holds it."""

    def __init__(self, thing: Solid) -> None:
        self.thing = thing

    def __deepcopy__(self, memo: object) -> "_Shared":
        return self
