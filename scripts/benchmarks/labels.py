"""Labels of points around a mesh, by ways that are installed: ``scripts/bench labels``.

Half of the points are drawn in the box around the mesh, half within a hundredth of its extent of
its surface. All ways label the same points, in turns, and build their trees anew each time. Which
side some of the points are on is held against libigl's exact sums of solid angles in float64, of
the mesh as it is, with a hole, and inside out; `Solid` gets it repaired, as a signal would do.
"""

import importlib
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from _measure import in_turns, median_ratio, seconds
from _report import Report, make_parser

from inr.mesh import Mesh, Solid, extract_surface, read_mesh, repair, sample_near

OURS = "inr.mesh.Solid"
Labels = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Way:
    """Labels of one library.

    Attributes:
        name: In the table.
        module: That must be there.
        prepare: Builds what the library needs for a mesh; returns its labels of points.
    """

    name: str
    module: str
    prepare: Callable[[Any, Mesh], Labels]


def ours_occupancy(_: Any, mesh: Mesh) -> Labels:
    return Solid(mesh).occupancy


def ours_distance(_: Any, mesh: Mesh) -> Labels:
    return Solid(mesh).signed_distance


def igl_occupancy(igl: Any, mesh: Mesh) -> Labels:
    return lambda points: igl.fast_winding_number(mesh.vertices, mesh.faces, points) > 0.5


def igl_distance(igl: Any, mesh: Mesh) -> Labels:
    kind = igl.SIGNED_DISTANCE_TYPE_FAST_WINDING_NUMBER
    return lambda points: igl.signed_distance(points, mesh.vertices, mesh.faces, kind)[0]


def igl_pseudonormal(igl: Any, mesh: Mesh) -> Labels:
    kind = igl.SIGNED_DISTANCE_TYPE_PSEUDONORMAL
    return lambda points: igl.signed_distance(points, mesh.vertices, mesh.faces, kind)[0]


def open3d_scene(open3d: Any, mesh: Mesh) -> Any:
    scene = open3d.t.geometry.RaycastingScene()
    scene.add_triangles(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    return scene


def open3d_occupancy(open3d: Any, mesh: Mesh) -> Labels:
    scene = open3d_scene(open3d, mesh)
    return lambda points: scene.compute_occupancy(points.astype(np.float32)).numpy() > 0.5


def open3d_distance(open3d: Any, mesh: Mesh) -> Labels:
    scene = open3d_scene(open3d, mesh)
    return lambda points: scene.compute_signed_distance(points.astype(np.float32)).numpy()


def pcu_occupancy(pcu: Any, mesh: Mesh) -> Labels:
    faces = mesh.faces.astype(np.int64)
    return lambda points: pcu.triangle_soup_fast_winding_number(mesh.vertices, faces, points) > 0.5


def pcu_distance(pcu: Any, mesh: Mesh) -> Labels:
    return lambda points: pcu.signed_distance_to_mesh(points, mesh.vertices, mesh.faces)[0]


def trimesh_occupancy(trimesh: Any, mesh: Mesh) -> Labels:
    other = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    return other.ray.contains_points


OCCUPANCY = (
    Way(OURS, "igl", ours_occupancy),
    Way("libigl, fast winding numbers", "igl", igl_occupancy),
    Way("point-cloud-utils, fast winding numbers", "point_cloud_utils", pcu_occupancy),
    Way("Open3D, rays", "open3d", open3d_occupancy),
    Way("trimesh with embreex, rays", "embreex", trimesh_occupancy),
)
DISTANCE = (
    Way(OURS, "igl", ours_distance),
    Way("libigl, fast winding numbers", "igl", igl_distance),
    Way("libigl, pseudonormals", "igl", igl_pseudonormal),
    Way("point-cloud-utils", "point_cloud_utils", pcu_distance),
    Way("Open3D, rays", "open3d", open3d_distance),
)


def make_mesh(cells: int) -> Mesh:
    """A ball with bumps, of about 9 faces for each square of a lattice's cells."""

    def bumpy(coords: np.ndarray) -> np.ndarray:
        offset = coords - 0.5
        bumps = np.cos(40 * coords).prod(axis=1)
        return np.linalg.norm(offset, axis=1) - 0.35 - 0.03 * bumps

    return extract_surface(bumpy, cells, 0.0, inside="below")


def damage(mesh: Mesh) -> dict[str, Mesh]:
    """A mesh as it is, without the hundredth of its faces that is lowest, and inside out."""
    order = np.argsort(mesh.corners[:, :, 1].mean(axis=1))
    return {
        "as it is": mesh,
        "open": replace(mesh, faces=mesh.faces[np.sort(order[len(order) // 100 :])]),
        "inside out": replace(mesh, faces=np.ascontiguousarray(mesh.faces[:, ::-1])),
    }


def draw_points(mesh: Mesh, count: int) -> np.ndarray:
    """Half in the box around a mesh, half near its surface, in a random order."""
    random = np.random.default_rng(0)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    near = sample_near(mesh, count // 2, 0.01 * float((high - low).max()), random)
    far = random.uniform(low, high, (count - len(near), 3))
    return random.permutation(np.concatenate([far, near]))


def prepare(ways: tuple[Way, ...], mesh: Mesh) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Labels of each way that is installed; ours with the repair that comes before."""
    works = {}
    for way in ways:
        try:
            module = importlib.import_module(way.module)
        except ImportError:
            continue
        if way.module == "embreex":
            module = importlib.import_module("trimesh")
        works[way.name] = way.prepare(module, repair(mesh) if way.name == OURS else mesh)
    return works


def wrong_share(labels: np.ndarray, inside: np.ndarray) -> str:
    """Points whose label is wrong, by its sign if it is a distance."""
    found = labels if labels.dtype == bool else labels < 0
    return f"{100 * float((found != inside).mean()):.2f} %"


def measure(
    report: Report,
    title: str,
    ways: tuple[Way, ...],
    mesh: Mesh,
    points: np.ndarray,
    checked: int,
    rounds: int,
) -> None:
    """A table of one kind of labels."""
    works = prepare(ways, mesh)
    took = in_turns(
        {
            name: lambda way=way: seconds(lambda: prepare((way,), mesh)[way.name](points))
            for way in ways
            if (name := way.name) in works
        },
        rounds,
    )
    import igl

    kinds = damage(mesh)
    wrong: dict[str, list[str]] = {name: [] for name in works}
    for kind in kinds.values():
        sound = repair(kind)
        inside = igl.winding_number(sound.vertices, sound.faces, points[:checked]) > 0.5
        for name, work in prepare(ways, kind).items():
            wrong[name].append(wrong_share(np.asarray(work(points[:checked])), inside))
    rows = [
        [name, statistics.median(own), median_ratio(own, took[OURS]), *wrong[name]]
        for name, own in took.items()
    ]
    heading = (
        f"{title} of {len(points):,} points around {len(mesh.faces):,} faces, trees included; "
        f"medians of {rounds} rounds; wrong signs among "
        f"{checked:,} points"
    )
    columns = ["way", "s", "times ours", *(f"wrong, {kind}" for kind in kinds)]
    report.add(heading, columns, rows, seconds=took)


def main() -> None:
    parser = make_parser("labels", __doc__)
    parser.add_argument("--mesh", type=Path, help="a mesh file; a bumpy ball without")
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    count, rounds, checked = arguments.points, arguments.rounds, 1000
    if arguments.quick:
        count, rounds, checked = 2000, 2, 50
    mesh = make_mesh(16 if arguments.quick else 160)
    if arguments.mesh:
        mesh = read_mesh(arguments.mesh)
    report = Report("labels", arguments)
    points = draw_points(mesh, count)
    measure(report, "Occupancy", OCCUPANCY, mesh, points, checked, rounds)
    measure(report, "Signed distance", DISTANCE, mesh, points, checked, rounds)
    report.write()


if __name__ == "__main__":
    main()
