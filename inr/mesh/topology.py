"""Edges, bodies, holes, handles and volume of a surface."""

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
        unbalanced_edges: Edges with more faces that run one way than the other. Without any,
            winding numbers are whole: the surface encloses what is inside.
        bodies: Components that are connected by edges.
        euler: Vertices - edges + faces.
    """

    edges: int
    open_edges: int
    crowded_edges: int
    unbalanced_edges: int
    bodies: int
    euler: int

    @property
    def is_watertight(self) -> bool:
        """Whether the surface has no holes and its faces agree on what is outside."""
        return not self.unbalanced_edges

    @property
    def genus(self) -> int | None:
        """Handles of all bodies together; None if the surface has holes or branches.

        Euler's number of closed orientable surfaces is the sum of 2 - 2 g over the bodies.
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


def find_neighbours(edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    """Find the pairs of faces that share an edge which no third face has.

    Returns:
        (N, 2) faces, and (N,) whether the two run along it the same way.
    """
    order = np.argsort(edges.edge_of, kind="stable")
    first = (np.cumsum(edges.counts) - edges.counts)[edges.counts == 2]
    sides = np.stack([order[first], order[first + 1]], axis=1).reshape(-1, 2)
    same = edges.forward[sides[:, 0]] == edges.forward[sides[:, 1]]
    return sides // 3, same


def label_components(pairs: np.ndarray, count: int) -> tuple[int, np.ndarray]:
    """Number of components of a graph, and the component of each node, from 0.

    Args:
        pairs: (N, 2) nodes that are joined.
        count: Number of nodes.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), bool), pairs.T), shape=(count, count))
    components, labels = connected_components(graph, directed=False)
    return int(components), labels


def label_bodies(edges: Edges) -> tuple[int, np.ndarray]:
    """Number of components that are connected by edges, and the component of each face."""
    order = np.argsort(edges.edge_of, kind="stable")
    chained = edges.edge_of[order][1:] == edges.edge_of[order][:-1]
    pairs = np.stack([order[:-1], order[1:]], axis=1)[chained] // 3
    return label_components(pairs, len(order) // 3)


def measure_topology(mesh: Mesh) -> Topology:
    """Count a mesh's edges, holes, bodies and handles."""
    edges = find_edges(mesh.faces)
    vertices = len(np.unique(mesh.faces))
    return Topology(
        edges=len(edges.counts),
        open_edges=int(np.count_nonzero(edges.open)),
        crowded_edges=int(np.count_nonzero(edges.counts > 2)),
        unbalanced_edges=int(np.count_nonzero(edges.balance)),
        bodies=label_bodies(edges)[0],
        euler=vertices - len(edges.counts) + len(mesh.faces),
    )


def signed_volume(corners: np.ndarray) -> float:
    """Volume inside of closed triangles, negative if they are inside out.

    The volume of an open surface is that of the cones from the middle of its box, whose sign tells
    the side if the hole is not too large.

    Args:
        corners: (F, 3, 3) corners, counter-clockwise seen from outside.
    """
    flat = corners.reshape(-1, 3)
    centered = corners - (flat.min(axis=0) + flat.max(axis=0)) / 2
    return float((centered[:, 0] * face_vectors(centered)).sum() / 6)
