"""The display that shapes and point clouds share."""

import os
import sys
import warnings
from abc import abstractmethod
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.lattice import Region
from inr.mesh import (
    Frame,
    Mesh,
    SurfaceDistance,
    draw_mesh,
    measure_topology,
    read_mesh,
    write_mesh,
)
from inr.signal._display import Display, Metric
from inr.signal._preview import MeshPreview, PicturePreview, Preview
from inr.signal._signal import SurfaceSignal
from inr.signal._surface_extraction import SurfaceLevel, extract_field, extract_lattice
from inr.signal._units import Edge, Units

EDGE = 512
SUFFIXES = (".ply", ".obj", ".stl", ".off", ".glb")
TITLE = "target | reconstruction"
# Distance of a probability from 0 and 1 that float32 resolves.
CERTAIN = 1e-6


class SurfaceDisplay(Display):
    """Measured by distances of surfaces, shown in the round, written as a mesh.

    Attributes:
        span: Edge of the cube in the units of a field that gives distances.
    """

    metrics: tuple[Metric, ...] = (
        Metric("chamfer", "Chamfer distance", "{:.4g}"),
        Metric("normal_consistency", "normal consistency"),
    )
    suffixes = SUFFIXES
    has_surface = True
    span = 1.0

    def __init__(self) -> None:
        # Pictures of targets, which all probes of a run share.
        self._pictures: WeakKeyDictionary[nn.Module, np.ndarray] = WeakKeyDictionary()

    @abstractmethod
    def draw_target(self, signal: Any, edge: int) -> np.ndarray:
        """A picture of what is fitted, ``(edge, edge, 3)``."""

    @abstractmethod
    def find_level(
        self, field: nn.Module, form: dict[str, Any], level: float | None = None
    ) -> SurfaceLevel:
        """The level set of a field's outputs that is the surface.

        Args:
            field: ``(n, 3) -> (n, 1)``.
            form: ``format`` of the field's description.
            level: Distance from the surface, in units of the mesh that was fitted, positive
                outside; for an occupancy, the probability of being inside. None is the surface
                itself.

        Raises:
            ValueError: ``level`` is no probability, of an occupancy.
        """

    @abstractmethod
    def compare(self, mesh: Mesh, signal: Any) -> SurfaceDistance:
        """How far a mesh is from what is fitted, both in its own frame."""

    def native_lattice(self, signal: SurfaceSignal) -> tuple[int, ...]:
        return 3 * (signal.resolution,)

    def format_of(self, signal: SurfaceSignal) -> dict[str, Any]:
        offset = list(signal.frame.offset)
        return {"target": signal.target, "offset": offset, "scale": signal.frame.scale}

    def units(self, description: FieldDescription) -> Units:
        known = description.format
        edge = 1 / known["scale"]
        edges = 3 * [Edge(edge, "unit of length")]
        if known["target"] == "distance":
            # A distance has a slope of 1 in any unit.
            return Units("distance", edge / self.span, edges)
        return Units("log odds", 1.0, edges)

    def measure_result(self, path: Path, signal: Any) -> dict[str, float]:
        """Of the mesh that was written, beside what was read.

        ``chamfer`` is in its own units; ``watertight`` is 1 or 0, and only with 1 there is a
        ``genus``, that of all bodies together.
        """
        mesh = read_mesh(path, max_faces=sys.maxsize)
        distance, topology = self.compare(mesh, signal), measure_topology(mesh)
        metrics = {
            "chamfer": distance.chamfer,
            "normal_consistency": distance.normal_consistency,
            "watertight": int(topology.is_watertight),
            "genus": topology.genus,
        }
        return {key: value for key, value in metrics.items() if value is not None}

    def show(
        self,
        field: nn.Module,
        signal: SurfaceSignal,
        rendering: Tensor,
        *,
        error_scale: float,
        max_pixels: int,
        thorough: bool = False,
    ) -> list[Preview]:
        """Target and reconstruction, shaded; at the end also a surface to be turned around."""
        target = self._pictures.get(signal)
        if target is None:
            target = self._pictures[signal] = self.draw_target(signal, EDGE)
        # Between points, log odds are nearer to a straight line than probabilities.
        values = rendering.logit(CERTAIN) if signal.target == "occupancy" else rendering
        level = self.find_level(field, self.format_of(signal))
        try:
            found = extract_lattice(values, *level, field)
        except ValueError:
            # Early in a run there may be no surface.
            row = np.concatenate([target, np.full_like(target, 255)], axis=1)
            return [PicturePreview(TITLE, row)]
        row = np.concatenate([target, draw_mesh(found, EDGE)], axis=1)
        turned = [MeshPreview("reconstruction", found.vertices, found.faces)] if thorough else []
        return [PicturePreview(TITLE, row), *turned]

    def native_suffix(self, description: FieldDescription) -> str:
        return ".ply"

    def write(
        self,
        path: str | os.PathLike[str],
        field: nn.Module,
        description: FieldDescription,
        *,
        size: tuple[int, ...] | None = None,
        region: Region | None = None,
        progress: bool = False,
    ) -> None:
        """Writes the surface in the frame and units of what was fitted.

        Raises:
            ValueError: The suffix is another, a region is asked for, or there is no surface.
        """
        if region is not None:
            raise ValueError("a region is not cut out of a mesh; expected the whole of it.")
        shape: Any = size or description.lattice
        for note in write_mesh(
            path, self.extract_surface(field, description, shape, progress=progress)
        ):
            warnings.warn(note, stacklevel=2)

    def extract_surface(
        self,
        field: nn.Module,
        description: FieldDescription,
        shape: tuple[int, int, int],
        level: float | None = None,
        *,
        progress: bool = False,
    ) -> Mesh:
        found = self.find_level(field, description.format, level)
        mesh = extract_field(field, shape, *found, progress=progress)
        frame = Frame(tuple(description.format["offset"]), description.format["scale"])
        return Mesh(frame.to_mesh(mesh.vertices), mesh.faces)
