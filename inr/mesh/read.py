"""Reading meshes and point clouds, whatever their format."""

from __future__ import annotations

import codecs
import importlib
import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from inr.source_file import RejectedError, describe

from .clean import clean
from .content import check_file, read_data
from .format import MODULES, find_format
from .mesh import Mesh, PointCloud, normalize
from .source import Decoded, Source


def read_mesh(path: str | os.PathLike[str], *, max_faces: int = 10_000_000) -> Mesh:
    """Read the triangles of a mesh file, telling its format by its content.

    Objects of a scene are put together, polygons cut into triangles, equal vertices merged, and
    faces without area left out; nothing but geometry is read, and no code is run.

    Args:
        path: OBJ, PLY, STL, OFF, GLB or glTF, packed as `.gz` or not.
        max_faces: Most triangles that a file may have, checked before they take memory.

    Returns:
        The mesh in its own frame and units, as float64.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: There is no file to read.
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
                "Fit it as a point cloud with signal=point_cloud.",
            )
        raise source.reject("has no geometry", "a mesh with faces", "Export it again.")
    check_used(source, decoded)
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
        path: XYZ (`x y z`, `x y z nx ny nz`, and others behind), PLY, or any mesh; or their `.gz`.
        max_points: Most points that a file may have, checked before they take memory.

    Returns:
        Points in their own frame and units, as float64, with normals if the file has them.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: There is no file to read.
        ValueError: The file holds no points. Every message is one line that names the file.
    """
    source = open_source(path, max_points, "max_points")
    decoded = decode(source)
    points, normals, notes = decoded.points, decoded.normals, decoded.notes
    if not len(points):
        raise source.reject("has no points", "a point cloud", "Export it again.")
    check_finite(source, points)
    check_extent(source, points)
    if len(decoded.sizes):
        notes += (f"faces left out, points alone are read: {len(decoded.sizes):,}",)
    if normals is not None and not np.isfinite(normals).all():
        normals, notes = None, (*notes, "its normals are not all finite and are left out")
    if normals is not None:
        lengths = np.abs(normals).max(axis=1)
        if not lengths.any():
            normals, notes = None, (*notes, "its normals are all zero and are left out")
    return PointCloud(points, None if normals is None else normalize(normals), notes)


def open_source(path: str | os.PathLike[str], most: int, option: str) -> Source:
    """Read a file and tell its format."""
    name = os.fspath(path) if os.fspath(path).isprintable() else repr(os.fspath(path))
    source = Source(Path(path), name, most=most, option=option)
    check_file(source)
    try:
        source = replace(source, data=read_data(source))
    except OSError as error:
        raise source.reject(
            f"cannot be read ({describe(error)})", "a mesh file", "Check the disk."
        ) from None
    if not source.data:
        raise source.reject("is empty (0 bytes)", "a mesh file", "Fetch or export it again.")
    # What some editors begin a text with, and no binary format does.
    source = replace(source, data=source.data.removeprefix(codecs.BOM_UTF8))
    return replace(source, kind=find_format(source, len(source.data)))


def decode(source: Source) -> Decoded:
    """Run a decoder, turning whatever it raises into a rejection."""
    decoder = importlib.import_module(f"{__package__}.{MODULES[source.kind]}")
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            decoded = decoder.decode(source)
            return replace(decoded, points=decoded.points.astype(np.float64))
    except RejectedError:
        raise
    except MemoryError:
        raise source.reject("does not fit into memory", "a smaller mesh", "Simplify it.") from None
    except Exception as error:
        raise source.cut(describe(error)) from None


def check_used(source: Source, decoded: Decoded) -> None:
    """Reject faces with corners that are no finite numbers, all at one place or far apart."""
    used = decoded.points[np.unique(decoded.corners)]
    check_finite(source, used)
    if len(used):
        check_extent(source, used)


def check_finite(source: Source, points: np.ndarray) -> None:
    """Reject NaN and infinite coordinates."""
    wrong = int(np.count_nonzero(~np.isfinite(points).all(axis=1)))
    if wrong:
        raise source.reject(
            f"has NaN or infinite coordinates in {wrong:,} of {len(points):,} points",
            "finite numbers",
            "Repair it where it was made.",
        )


def check_extent(source: Source, points: np.ndarray) -> None:
    """Reject points that are all at one place, or too far apart for float64."""
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
