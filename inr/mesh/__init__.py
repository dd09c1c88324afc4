"""Triangle meshes and point clouds: files, labels, surfaces and pictures."""

from inr.source_file import MissingExtraError

from .compare import SurfaceDistance, compare_meshes, compare_points, iou
from .extract import extract_surface
from .format import find_kind
from .frame import Frame, fit_frame
from .mesh import Mesh, PointCloud, vertex_normals
from .read import read_mesh, read_points
from .repair import repair
from .shade import draw_mesh, draw_points
from .solid import Solid, check_encloses
from .surface import sample_near, sample_surface
from .topology import Topology, measure_topology, signed_volume
from .write import write_mesh, write_points

__all__ = [
    "Frame",
    "Mesh",
    "MissingExtraError",
    "PointCloud",
    "Solid",
    "SurfaceDistance",
    "Topology",
    "check_encloses",
    "compare_meshes",
    "compare_points",
    "draw_mesh",
    "draw_points",
    "extract_surface",
    "find_kind",
    "fit_frame",
    "iou",
    "measure_topology",
    "read_mesh",
    "read_points",
    "repair",
    "sample_near",
    "sample_surface",
    "signed_volume",
    "vertex_normals",
    "write_mesh",
    "write_points",
]
