"""What a mesh's faces say of the surface: edges, bodies, holes, handles, volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mesh import Mesh, face_vectors


@dataclass(frozen=True)
class Topology:
    """Numbers of a surface that bending does not change.

    Attributes:
        edges: Different edges.
        open_edges: Edges of one face alone.
        crowded_edges: Edges of more than two faces.
        reversed_edges: Edges along which two faces run the same way, so that one has its inside
            out.
        unbalanced_edges: Edges with more faces that run one way than the other. Without any,
            winding numbers are whole: the surface encloses what is inside.
        bodies: Parts that hang together by edges.
        euler: Vertices - edges + faces.
    """

    edges: int
    open_edges: int
    crowded_edges: int
    reversed_edges: int
    unbalanced_edges: int
    bodies: int
    euler: int

    @property
    def open_share(self) -> float:
        """Share of the edges that belong to one face alone."""
        return self.open_edges / max(self.edges, 1)

    @property
    def is_watertight(self) -> bool:
        """Whether the surface has no holes and its faces agree on what is outside."""
        return not self.unbalanced_edges

    @property
    def genus(self) -> int | None:
        """Handles of all bodies together; None if the surface has holes or branches.

        Of closed orientable surfaces Euler's number is the sum of 2 - 2 g over the bodies.
        """
        simple = self.is_watertight and not self.crowded_edges
        return self.bodies - self.euler // 2 if simple else None


@dataclass(frozen=True)
class Edges:
    """The sides of all faces, each with the edge it lies on.

    Attributes:
        ends: (E, 2) vertices of each edge, the lesser first.
        edge_of: (3 F,) edge of each side; the three of a face are beside each other.
        forward: (3 F,) whether the side runs from the lesser vertex to the greater.
        counts: (E,) faces at each edge.
    """

    ends: np.ndarray
    edge_of: np.ndarray
    forward: np.ndarray
    counts: np.ndarray

    @property
    def open(self) -> np.ndarray:
        """(E,) whether an edge has one face alone."""
        return self.counts == 1

    @property
    def balance(self) -> np.ndarray:
        """(E,) faces that run forward less those that run backward: 0 where nothing is open."""
        turns = np.where(self.forward, 1.0, -1.0)
        return np.bincount(self.edge_of, turns, len(self.counts)).astype(np.int64)


def find_edges(faces: np.ndarray) -> Edges:
    """Find the edges of (F, 3) faces."""
    sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2).astype(np.int64)
    low, high = sides.min(axis=1), sides.max(axis=1)
    span = int(high.max(initial=0)) + 1
    keys, edge_of, counts = np.unique(low * span + high, return_inverse=True, return_counts=True)
    ends = np.stack([keys // span, keys % span], axis=1)
    return Edges(ends, edge_of, sides[:, 0] == low, counts)


def neighbours(edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of faces that share an edge which no third face has.

    Returns:
        (N, 2) faces, and (N,) whether the two run along it the same way.
    """
    order = np.argsort(edges.edge_of, kind="stable")
    starts = np.cumsum(edges.counts) - edges.counts
    first = starts[edges.counts == 2]
    sides = np.stack([order[first], order[first + 1]], axis=1).reshape(-1, 2)
    same = edges.forward[sides[:, 0]] == edges.forward[sides[:, 1]]
    return sides // 3, same


def label_bodies(edges: Edges) -> tuple[int, np.ndarray]:
    """Number of parts that hang together by edges, and the part of each face, from 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(edges.edge_of) // 3
    order = np.argsort(edges.edge_of, kind="stable")
    chained = edges.edge_of[order][1:] == edges.edge_of[order][:-1]
    pairs = np.stack([order[:-1], order[1:]], axis=1)[chained] // 3
    graph = coo_array((np.ones(len(pairs), bool), pairs.T), shape=(count, count))
    bodies, labels = connected_components(graph, directed=False)
    return int(bodies), labels


def measure_topology(mesh: Mesh) -> Topology:
    """Count a mesh's edges, holes, bodies and handles."""
    edges = find_edges(mesh.faces)
    _, same = neighbours(edges)
    vertices = len(np.unique(mesh.faces))
    return Topology(
        edges=len(edges.counts),
        open_edges=int(np.count_nonzero(edges.counts == 1)),
        crowded_edges=int(np.count_nonzero(edges.counts > 2)),
        reversed_edges=int(np.count_nonzero(same)),
        unbalanced_edges=int(np.count_nonzero(edges.balance)),
        bodies=label_bodies(edges)[0],
        euler=vertices - len(edges.counts) + len(mesh.faces),
    )


def signed_volume(corners: np.ndarray) -> float:
    """Volume inside of closed triangles, negative if they are inside out.

    Of an open surface it is that of the cones from the middle of its box, which tells the side if
    the hole is not too large.

    Args:
        corners: (F, 3, 3) corners, counter-clockwise seen from outside.
    """
    flat = corners.reshape(-1, 3)
    middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
    centered = corners - middle
    return float((centered[:, 0] * face_vectors(centered)).sum() / 6)


def surface_area(corners: np.ndarray) -> float:
    """Area of (F, 3, 3) triangles."""
    return float(np.linalg.norm(face_vectors(corners), axis=1).sum() / 2)
