"""Points on a surface that is not known otherwise."""

import os
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inr.argument import check_count
from inr.batch import Batch
from inr.mesh import PointCloud, find_kind, fit_frame, read_mesh, read_points, sample_surface
from inr.signal._signal import SurfaceSignal
from inr.signal.point_cloud.display import PointCloudDisplay

POINTS_OF_A_MESH = 100_000


class PointCloudSignal(SurfaceSignal):
    """Points on a surface, with or without normals, to which a signed distance is fitted.

    They are centred in the unit cube; x, y and z of the points are those of the cube. Of a mesh,
    points are drawn on its surface.

    Args:
        path: The points: XYZ text, PLY or OBJ, also compressed by gzip; or a mesh.
        extent: Length in the cube of the longest side of the points' box: the rest is margin.
        normals: Whether normals are used where the file has them.
        lattice_size: Cells along each axis of the lattice on which a field is looked at.
        resolution: Cells along each axis from which the resulting mesh is made.
        seed: Seed of the points that are drawn on a mesh.

    Attributes:
        points: ``(n, 3)``, in the cube.
        normals: ``(n, 3)`` unit vectors; zero where there is none.
        has_normals: Whether some are not zero.
        frame: Map from the points' own frame to the cube.
        resolution: Cells along each axis from which the resulting mesh is made.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file has no points, or an argument is out of range.
    """

    kind = "point_cloud"
    display = PointCloudDisplay()
    suffixes = (".xyz", ".xyzn", ".pts")
    sample = "sample_points.ply"
    target_kind = "surface"
    target = "distance"
    points: Tensor
    normals: Tensor

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return find_kind(path) == "point_cloud"

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        extent: float = 0.9,
        normals: bool = True,
        lattice_size: int = 64,
        resolution: int = 128,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.resolution = check_count("resolution", resolution, 2)
        self.lattice = (check_count("lattice_size", lattice_size, 2),) * 3
        check_count("seed", seed, 0)
        cloud = _read(path, seed)
        for note in cloud.notes:
            warnings.warn(f"{Path(path).name}: {note}", stacklevel=2)
        self.frame = fit_frame(cloud.points, extent=extent)
        self.in_features, self.out_features = 3, 1
        self.name = Path(path).name.partition(".")[0]
        self.value_range = (-1.0, 1.0)
        points = self.frame.to_cube(cloud.points).astype(np.float32)
        directions = cloud.normals if normals else None
        self.has_normals = directions is not None and bool(directions.any())
        known = np.zeros_like(points) if directions is None else directions.astype(np.float32)
        self.register_buffer("points", torch.from_numpy(points), persistent=False)
        self.register_buffer("normals", torch.from_numpy(known), persistent=False)

    @property
    def device(self) -> torch.device:
        return self.points.device

    @property
    def dtype(self) -> torch.dtype:
        return self.points.dtype

    def targets(self, index: Tensor | None = None) -> None:
        """Not known anywhere but on the surface."""

    def near_surface(self, num_points: int, seed: int) -> Batch:
        """Some of the points, where the distance is 0."""
        order = torch.randperm(len(self.points), generator=torch.Generator().manual_seed(seed))
        chosen = self.points[order[:num_points].to(self.device)]
        return Batch(chosen, torch.zeros_like(chosen[:, :1]))


def _read(path: str | os.PathLike[str], seed: int) -> PointCloud:
    if find_kind(path) != "mesh":
        return read_points(path)
    mesh = read_mesh(path)
    generator = np.random.default_rng(seed)
    points, normals, _ = sample_surface(mesh, POINTS_OF_A_MESH, generator)
    return PointCloud(points, normals, mesh.notes)
