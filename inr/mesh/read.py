"""Readers of meshes and point clouds in any supported format."""

from __future__ import annotations

import codecs
import importlib
import os
import warnings
from dataclasses import replace

import numpy as np

from inr.source_file import describe

from .clean import clean
from .format import find_format, find_source
from .mesh import Mesh, PointCloud, normalize
from .source import Decoded, Source


def read_mesh(path: str | os.PathLike[str], *, max_faces: int = 10_000_000) -> Mesh:
    """Read the triangles of a mesh file, whose format is detected by its content.

    Objects of a scene are put together, polygons cut into triangles, equal vertices merged, and
    faces without area left out. Only geometry is read, and no code is run.

    Args:
        path: OBJ, PLY, STL, OFF, GLB or glTF, packed as `.gz` or not.
        max_faces: Most triangles that a file may have, checked before they take memory.

    Returns:
        The mesh in its own frame and units, as float64.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: The file cannot be opened.
        ValueError: The file is no mesh, is damaged, empty, or too large. Every message is one
            line that names the file.
    """
    source = open_source(path, max_faces, "max_faces")
    decoded = decode(source)
    if not len(decoded.sizes):
        if len(decoded.points):
            raise source.reject(
                f"has {len(decoded.points):,} points and no faces",
                "a mesh with faces",
                "Fit it as a point cloud.",
            )
        raise source.reject("has no geometry", "a mesh with faces", "Export it again.")
    check_points(source, decoded.points[np.unique(decoded.corners)])
    mesh = clean(decoded.points, decoded.sizes, decoded.corners)
    source.check_count(len(mesh.faces), "faces")
    if not len(mesh.faces):
        raise source.reject(
            "has no face with an area", "faces with three different corners", "Export it again."
        )
    return replace(mesh, notes=decoded.notes + mesh.notes)


def read_points(path: str | os.PathLike[str], *, max_points: int = 10_000_000) -> PointCloud:
    """Read the points of a point cloud, or the vertices of a mesh.

    Args:
        path: XYZ (`x y z`, `x y z nx ny nz`, or more columns), PLY, or any mesh; or their `.gz`.
        max_points: Most points that a file may have, checked before they take memory.

    Returns:
        Points in their own frame and units, as float64, with normals if the file has them.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: The file cannot be opened.
        ValueError: The file holds no points. Every message is one line that names the file.
    """
    source = open_source(path, max_points, "max_points")
    decoded = decode(source)
    points, normals, notes = decoded.points, decoded.normals, decoded.notes
    if not len(points):
        raise source.reject("has no points", "a point cloud", "Export it again.")
    check_points(source, points)
    if len(decoded.sizes):
        notes += (f"faces left out, points alone are read: {len(decoded.sizes):,}",)
    if normals is None:
        return PointCloud(points, None, notes)
    if not np.isfinite(normals).all():
        return PointCloud(points, None, (*notes, "normals left out, which are not all finite"))
    if not normals.any():
        return PointCloud(points, None, (*notes, "normals left out, which are all zero"))
    return PointCloud(points, normalize(normals), notes)


def open_source(path: str | os.PathLike[str], most: int, option: str) -> Source:
    """Read a file's content and detect its format."""
    source = replace(find_source(path), most=most, option=option)
    try:
        source = replace(source, data=source.read_data())
    except OSError as error:
        raise source.reject(
            f"cannot be read ({describe(error)})", source.what, "Check the disk."
        ) from None
    if not source.data:
        raise source.reject("is empty (0 bytes)", source.what, "Fetch or export it again.")
    # Some editors begin a text with this mark, and no binary format does.
    source = replace(source, data=source.data.removeprefix(codecs.BOM_UTF8))
    return replace(source, kind=find_format(source, len(source.data)))


def decode(source: Source) -> Decoded:
    """Run the decoder of a file's format, turning whatever it raises into a rejection."""
    decoder = importlib.import_module(f"{__package__}.{source.kind.lower()}")
    with source.rejecting(source.kind), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        decoded = decoder.decode(source)
        return replace(decoded, points=decoded.points.astype(np.float64))


def check_points(source: Source, points: np.ndarray) -> None:
    """Reject (n, 3) points that are not finite, all at one place, or too far apart for float64."""
    wrong = int(np.count_nonzero(~np.isfinite(points).all(axis=1)))
    if wrong:
        raise source.reject(
            f"has NaN or infinite coordinates in {wrong:,} of {len(points):,} points",
            "finite numbers",
            "Repair it where it was made.",
        )
    if not len(points):
        return
    with np.errstate(over="ignore"):
        extent = float((points.max(axis=0) - points.min(axis=0)).max())
    largest = float(np.abs(points).max())
    # Squares of areas and cubes of lengths must be numbers, too, and steps finer than the whole.
    if not 1e-60 < extent < 1e60 or extent < 1e-12 * largest:
        raise source.reject(
            f"has an extent of {extent:.3g} at coordinates up to {largest:.3g}",
            "points at different places",
            "Check its units, and move it near the origin.",
        )
