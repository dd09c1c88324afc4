"""Orientation of faces, so that the outside of a surface is outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .mesh import Mesh, face_vectors
from .solid import import_igl
from .topology import find_edges, find_neighbours, label_bodies, label_components, signed_volume

# Solid angles that telling cavities from bodies inside out may take: some seconds.
MOST_SOLID_ANGLES = 2e7


def repair(mesh: Mesh) -> Mesh:
    """Turn faces whose inside is out, and note what was turned and what is open.

    First neighbours come to agree, body by body; then all faces turn if the volume inside is
    negative; then each closed body turns whose own volume is negative and that is no cavity inside
    of another. Holes are kept: winding numbers can tell inside from outside all the same.

    Returns:
        A mesh with the same vertices, and with notes.

    Raises:
        MissingExtraError: a body may be a cavity, and libigl is not installed.
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
    """Turn as few faces as it takes that neighbours agree on the outside.

    Each face has two nodes in a graph, one for each side. Neighbours that agree are joined side to
    side, others crosswise; a component is one side of a surface. If both nodes of a face are in
    one component, the surface has but one side.
    """
    pairs, same = find_neighbours(find_edges(faces))
    if not same.any():
        return faces, ()
    count = len(faces)
    joined = np.concatenate([pairs, pairs + count])
    crossed = np.concatenate([same, same])
    joined[crossed, 1] = (joined[crossed, 1] + count) % (2 * count)
    sides, label = label_components(joined, 2 * count)
    front, back = label[:count], label[count:]
    one_sided = int(np.count_nonzero(front == back))
    # Of the two sides of a body, the one that has more of its faces as they are. All faces of a
    # side win or lose together, so the vote is that of a body.
    votes = np.bincount(front, minlength=sides)
    wrong = (votes[back] > votes[front]) | ((votes[back] == votes[front]) & (back < front))
    notes: tuple[str, ...] = ()
    if turned := int(np.count_nonzero(wrong)):
        notes += (f"faces turned to agree with their neighbours: {turned:,}",)
    if one_sided:
        notes += (f"faces of surfaces with one side, like a Möbius strip: {one_sided:,}",)
    return turn(faces, wrong), notes


def turn_bodies(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn closed bodies that are inside out, unless they are cavities of others."""
    edges = find_edges(faces)
    bodies, label = label_bodies(edges)
    if bodies == 1:
        return faces, ()
    corners = vertices[faces] - vertices[faces].reshape(-1, 3).mean(axis=0)
    volumes = np.bincount(label, (corners[:, 0] * face_vectors(corners)).sum(axis=1) / 6, bodies)
    # Edges of a closed body have as many faces that run one way as the other.
    holes = np.bincount(np.repeat(label, 3), edges.balance[edges.edge_of] != 0, bodies)
    negative = np.flatnonzero((volumes < 0) & (holes == 0))
    if len(negative) * len(faces) > MOST_SOLID_ANGLES:
        return faces, (
            f"bodies with a negative volume, which count as cavities: {len(negative):,}",
        )
    wrong = [body for body in negative if not is_cavity(vertices, faces, label == body)]
    if not wrong:
        return faces, ()
    note = f"bodies that were inside out and are turned: {len(wrong):,} of {bodies:,}"
    return turn(faces, np.isin(label, wrong)), (note,)


def is_cavity(vertices: np.ndarray, faces: np.ndarray, own: np.ndarray) -> bool:
    """Whether the body of the faces for which (F,) `own` is true lies inside of the others."""
    point = vertices[faces[own][0]].mean(axis=0)
    others = np.ascontiguousarray(faces[~own])
    winding = import_igl().winding_number(np.ascontiguousarray(vertices), others, point[None])
    return bool(winding.item() > 0.5)
