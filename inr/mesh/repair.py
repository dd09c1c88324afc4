"""Turning faces so that outside is outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .mesh import Mesh, face_vectors
from .solid_angle import winding_numbers
from .topology import Edges, find_edges, label_bodies, neighbours, signed_volume

# Solid angles that telling cavities from bodies that are inside out may take: some seconds.
MOST_ANGLES = 2e7


def repair(mesh: Mesh) -> Mesh:
    """Turn faces whose inside is out, and say what the surface is like.

    First neighbours come to agree, body by body; then all faces turn if the volume inside is
    negative; then each closed body does whose own volume is negative and that is no cavity inside
    of another. Holes are kept: winding numbers can tell inside from outside all the same.

    Returns:
        A mesh with the same vertices and notes on what was turned and what is open.
    """
    faces, notes = agree(mesh.faces)
    if signed_volume(mesh.vertices[faces]) < 0:
        faces = faces[:, ::-1]
        notes += ("it was inside out and is turned",)
    faces, more = turn_bodies(mesh.vertices, faces)
    notes += more
    edges = find_edges(faces)
    if edges.open.any():
        count, share = int(np.count_nonzero(edges.open)), float(edges.open.mean())
        notes += (f"it is open: {share:.2%} of its edges ({count:,}) have one face alone",)
    return replace(mesh, faces=np.ascontiguousarray(faces), notes=mesh.notes + notes)


def turn(faces: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Turn the faces for which (F,) `wrong` is true."""
    return np.where(wrong[:, None], faces[:, ::-1], faces)


def agree(faces: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn faces so that neighbours agree on what is outside, as few as that takes.

    Each face has two nodes in a graph, one for each side. Neighbours that agree are joined side to
    side, others crosswise; what hangs together is one side of the surface. If both nodes of a face
    hang together, the surface has but one side.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs, same = neighbours(find_edges(faces))
    if not same.any():
        return faces, ()
    count = len(faces)
    first, second = np.concatenate([pairs, pairs + count]).T
    crossed = np.concatenate([same, same])
    second = np.where(crossed, (second + count) % (2 * count), second)
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(2 * count, 2 * count))
    sides, label = connected_components(graph, directed=False)
    front, back = label[:count], label[count:]
    one_sided = int(np.count_nonzero(front == back))
    # Of the two sides of a body, the one that has more of its faces as they are.
    votes = np.bincount(front, minlength=sides)
    wrong = (votes[back] > votes[front]) | ((votes[back] == votes[front]) & (back < front))
    # Of one side's faces and the other's both win or both lose, so the vote is that of a body.
    turned = int(np.count_nonzero(wrong))
    notes: tuple[str, ...] = (f"faces turned to agree with their neighbours: {turned:,}",)
    if one_sided:
        notes += (f"faces of surfaces with one side, like a Möbius strip: {one_sided:,}",)
    return turn(faces, wrong), notes if turned else notes[1:]


def turn_bodies(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn closed bodies that are inside out, unless they are cavities of others."""
    edges = find_edges(faces)
    bodies, label = label_bodies(edges)
    if bodies == 1:
        return faces, ()
    volumes = body_volumes(vertices, faces, label, bodies)
    negative = np.flatnonzero((volumes < 0) & is_closed(edges, label, bodies))
    if not len(negative):
        return faces, ()
    if len(negative) * len(faces) > MOST_ANGLES:
        return faces, (
            f"bodies with a negative volume, which count as cavities: {len(negative):,}",
        )
    wrong = [body for body in negative if not is_cavity(vertices, faces, label == body)]
    if not wrong:
        return faces, ()
    note = f"bodies that were inside out and are turned: {len(wrong):,} of {bodies:,}"
    return turn(faces, np.isin(label, wrong)), (note,)


def body_volumes(
    vertices: np.ndarray, faces: np.ndarray, label: np.ndarray, bodies: int
) -> np.ndarray:
    """(bodies,) signed volumes of closed bodies."""
    corners = vertices[faces]
    corners = corners - corners.reshape(-1, 3).mean(axis=0)
    parts = (corners[:, 0] * face_vectors(corners)).sum(axis=1) / 6
    return np.bincount(label, parts, bodies)


def is_closed(edges: Edges, label: np.ndarray, bodies: int) -> np.ndarray:
    """(bodies,) whether no edge of a body has more faces that run one way than the other."""
    open_sides = edges.balance[edges.edge_of] != 0
    return np.bincount(np.repeat(label, 3), open_sides, bodies) == 0


def is_cavity(vertices: np.ndarray, faces: np.ndarray, own: np.ndarray) -> bool:
    """Whether the body of the faces for which (F,) `own` is true lies inside of the others."""
    point = vertices[faces[own][0]].mean(axis=0)
    return bool(winding_numbers(vertices[faces[~own]], point[None])[0] > 0.5)
