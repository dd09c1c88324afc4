"""Pictures of meshes and points, drawn by the processor alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inr.argument import check_count, check_numbers

from .mesh import Mesh, face_vectors, normalize, vertex_normals

# Pixels that are tested at once, which bounds the memory.
CHUNK_PIXELS = 2**21
LIGHT = (-0.35, 0.55, 0.75)
AMBIENT = 0.25
FRONT = (0.80, 0.82, 0.86)
# The colour of faces seen from behind, as through a hole.
BACK = (0.75, 0.45, 0.35)
# Samples per pixel along each axis.
OVERSAMPLING = 2


@dataclass(frozen=True)
class Camera:
    """A parallel projection of a box's surroundings into an image.

    Attributes:
        axes: (3, 3): rows to the right, up, and towards the eye.
        middle: The point that comes to the image's middle.
        scale: Samples per unit.
        size: Height and width in samples.
    """

    axes: np.ndarray
    middle: np.ndarray
    scale: float
    size: tuple[int, int]

    def project(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) points as columns, rows, and heights towards the eye, in samples."""
        right, up, near = ((points - self.middle) @ self.axes.T * self.scale).T
        height, width = self.size
        return np.stack([width / 2 + right, height / 2 - up, near], axis=1)

    def draw(self, seen: np.ndarray, colors: np.ndarray) -> np.ndarray:
        """The image on white, (H, W, 3) uint8, of colours (n, 3) at flat positions (n,)."""
        height, width = self.size
        image = np.ones((height * width, 3))
        image[seen] = colors
        shape = (height // OVERSAMPLING, OVERSAMPLING, width // OVERSAMPLING, OVERSAMPLING, 3)
        image = image.reshape(shape).mean(axis=(1, 3))
        return np.rint(image * 255).clip(0, 255).astype(np.uint8)

    def shade(self, normals: np.ndarray, is_back: np.ndarray) -> np.ndarray:
        """Linear colours of matt surfaces, (n, 3), from 0 to 1, under a light beside the camera.

        Args:
            normals: (n, 3) unit vectors.
            is_back: (n,) whether a surface is seen from behind.
        """
        normals = np.where(is_back[:, None], -normals, normals)
        light = normalize(np.array([LIGHT]))[0] @ self.axes
        brightness = AMBIENT + (1 - AMBIENT) * (normals @ light).clip(0)
        return brightness[:, None] * np.where(is_back[:, None], BACK, FRONT)


def aim(
    points: np.ndarray, size: int | Sequence[int], direction: Sequence[float], up: Sequence[float]
) -> Camera:
    """A camera that sees all of some points.

    Args:
        points: (n, 3).
        size: Height and width of the image in pixels, or one number for both.
        direction: (x, y, z) from the points to the eye.
        up: (x, y, z) of what is up in the image; its share along `direction` does not count.
    """
    both = (size, size) if isinstance(size, int) else check_numbers("size", list(size), "[H, W]")
    height, width = (OVERSAMPLING * check_count("size", side) for side in both)
    near = np.array(check_numbers("direction", list(direction), "[x, y, z]"), np.float64)
    upward = np.array(check_numbers("up", list(up), "[x, y, z]"), np.float64)
    right = np.cross(upward, near)
    if not np.linalg.norm(right) > 1e-9 * np.linalg.norm(upward) * np.linalg.norm(near):
        raise ValueError(
            f"up is {list(up)} and direction {list(direction)}; expected two that differ. "
            "Look from another side."
        )
    axes = normalize(np.stack([right, np.cross(near, right), near]))
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    seen = np.abs((points - middle) @ axes[:2].T).max(axis=0)
    with np.errstate(divide="ignore"):
        scale = float(min(0.47 * width / seen[0], 0.47 * height / seen[1]))
    return Camera(axes, middle, scale if np.isfinite(scale) else 1.0, (height, width))


def draw_mesh(
    mesh: Mesh,
    size: int | Sequence[int] = 512,
    *,
    direction: Sequence[float] = (0.5, 0.4, 1.0),
    up: Sequence[float] = (0.0, 1.0, 0.0),
    smooth: bool = True,
) -> np.ndarray:
    """Draw a mesh in grey, with the light from the upper left; insides are reddish.

    Args:
        mesh: Triangles with their outside out.
        size: Height and width in pixels, or one number for both.
        direction: (x, y, z) from the mesh to the eye.
        up: (x, y, z) of what is up in the image.
        smooth: Whether normals change smoothly over a face, or each face has its own.

    Returns:
        (H, W, 3) uint8 array on white.
    """
    camera = aim(mesh.vertices, size, direction, up)
    owner, weights = rasterize(camera.project(mesh.vertices)[mesh.faces], camera.size)
    seen = np.flatnonzero(owner >= 0)
    faces = mesh.faces[owner[seen]]
    normals = flat = normalize(face_vectors(mesh.vertices[faces]))
    if smooth:
        own = vertex_normals(mesh)[faces]
        normals = normalize((own * weights[seen][:, :, None]).sum(axis=1))
    return camera.draw(seen, camera.shade(normals, flat @ camera.axes[2] < 0))


def draw_points(
    points: np.ndarray,
    size: int | Sequence[int] = 512,
    *,
    normals: np.ndarray | None = None,
    direction: Sequence[float] = (0.5, 0.4, 1.0),
    up: Sequence[float] = (0.0, 1.0, 0.0),
    radius: float | None = None,
) -> np.ndarray:
    """Draw points as discs, lit by their normals, or by depth without.

    Args:
        points: (n, 3).
        size: Height and width in pixels, or one number for both.
        normals: (n, 3) unit vectors, or None.
        direction: (x, y, z) from the points to the eye.
        up: (x, y, z) of what is up in the image.
        radius: Radius of a disc, in pixels; None chooses by the number of points.

    Returns:
        (H, W, 3) uint8 array on white.
    """
    camera = aim(points, size, direction, up)
    if radius is None:
        pixels = np.prod(camera.size) / OVERSAMPLING**2
        radius = float(np.clip(0.8 * np.sqrt(pixels / max(len(points), 1)), 0.6, 4))
    places = camera.project(points)
    owner = splat(places, radius * OVERSAMPLING, camera.size)
    seen = np.flatnonzero(owner >= 0)
    rows = owner[seen]
    if normals is not None:
        is_back = normals[rows] @ camera.axes[2] < 0
        return camera.draw(seen, camera.shade(normals[rows], is_back))
    depth = places[:, 2]
    # Far points pale towards the background.
    share = (depth[rows] - depth.min()) / max(float(np.ptp(depth)), 1e-300)
    return camera.draw(seen, (0.8 - 0.65 * share)[:, None] * np.ones(3))


def rasterize(corners: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Find the face that is nearest to the eye at the middle of each pixel.

    Args:
        corners: (F, 3, 3) columns, rows and heights of each face's corners.
        size: Height and width in pixels.

    Returns:
        (H * W,) faces, -1 where there is none, and (H * W, 3) weights of their corners.
    """
    height, width = size
    places = corners[:, :, :2]
    low = np.ceil(places.min(axis=1) - 0.5).clip(0).astype(np.int64)
    high = np.minimum(np.floor(places.max(axis=1) + 0.5), [width, height]).astype(np.int64)
    spans = (high - low).clip(0)
    counts = spans.prod(axis=1)
    nearest = np.full(height * width, -np.inf)
    owner = np.full(height * width, -1)
    weights = np.zeros((height * width, 3))
    faces = np.flatnonzero(counts)
    ends = np.cumsum(counts[faces])
    # Chunks of faces that cover so many pixels together.
    for chunk in np.split(faces, np.flatnonzero(np.diff(ends // CHUNK_PIXELS)) + 1):
        pixels, rows = list_pixels(low[chunk], spans[chunk], width)
        inside, share, depth = weigh(corners[chunk], rows, pixels, width)
        pixels, rows = pixels[inside], chunk[rows[inside]]
        wins = find_nearest(nearest, pixels, depth)
        owner[pixels[wins]], weights[pixels[wins]] = rows[wins], share[wins]
    return owner, weights


def list_pixels(low: np.ndarray, spans: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """List the pixels of boxes: their flat positions, and the box of each."""
    counts = spans.prod(axis=1)
    rows = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    down, across = np.divmod(place, spans[rows, 0])
    return (low[rows, 1] + down) * width + low[rows, 0] + across, rows


def weigh(
    corners: np.ndarray, rows: np.ndarray, pixels: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where pixels lie in faces, whose `rows` ascend.

    Returns:
        (n,) whether each is inside; and for those that are, (m, 3) weights of the corners and (m,)
        heights.
    """
    down, across = np.divmod(pixels, width)
    first, second, third = corners[:, 0], corners[:, 1], corners[:, 2]
    b, c = second - first, third - first
    area = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        # Two weights are linear in column and row; for a face seen from its edge they are NaN.
        slopes = np.stack([c[:, 1], -c[:, 0], -b[:, 1], b[:, 0]], axis=1) / area[:, None]
    slopes[area == 0] = np.nan
    counts = np.bincount(rows, minlength=len(corners))
    columns = (*slopes.T, *(first[:, :2] - 0.5).T)
    v_x, v_y, w_x, w_y, x, y = (np.repeat(column, counts) for column in columns)
    x, y = across - x, down - y
    v, w = x * v_x + y * v_y, x * w_x + y * w_y
    inside = (v >= 0) & (w >= 0) & (v + w <= 1)
    v, w, rows = v[inside], w[inside], rows[inside]
    depth = first[rows, 2] + v * b[rows, 2] + w * c[rows, 2]
    return inside, np.stack([1 - v - w, v, w], axis=1), depth


def find_nearest(nearest: np.ndarray, pixels: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Raise the nearest heights of pixels, and tell which fragments (n,) have them."""
    np.maximum.at(nearest, pixels, depth)
    return depth == nearest[pixels]


def splat(places: np.ndarray, radius: float, size: tuple[int, int]) -> np.ndarray:
    """Find the point whose disc is nearest to the eye at each pixel: (H * W,), -1 for none."""
    height, width = size
    nearest, owner = np.full(height * width, -np.inf), np.full(height * width, -1)
    reach = int(np.ceil(radius))
    base = np.floor(places[:, :2]).astype(np.int64)
    for down, across in np.ndindex(2 * reach + 1, 2 * reach + 1):
        cells = base + np.array([across - reach, down - reach])
        on = ((cells >= 0) & (cells < [width, height])).all(axis=1)
        on &= ((cells + 0.5 - places[:, :2]) ** 2).sum(axis=1) <= radius**2
        rows = np.flatnonzero(on)
        pixels = cells[rows, 1] * width + cells[rows, 0]
        wins = find_nearest(nearest, pixels, places[rows, 2])
        owner[pixels[wins]] = rows[wins]
    return owner
