"""Draws the samples in ``data/`` from a seed: ``python scripts/make_samples.py``."""

import runpy
from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from inr.mesh import Mesh, PointCloud, sample_surface, write_mesh, write_points
from inr.signal.audio import RecordingFormat, write_recording
from inr.signal.video import write_video

SIZE = 256
SEED = 7
DATA = Path(__file__).resolve().parent.parent / "data"


def draw_noise(rng: np.random.Generator, exponent: float) -> np.ndarray:
    """A random field with power spectrum 1/f^exponent, from 0 to 1."""
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE)))
    frequencies[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.standard_normal((SIZE, SIZE))) / frequencies ** (exponent / 2)
    noise = np.fft.ifft2(spectrum).real
    return (noise - noise.min()) / np.ptp(noise)


def draw_landscape(rng: np.random.Generator) -> np.ndarray:
    """Ridges behind ridges in haze, under a low sun: smooth parts, sharp edges and texture."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    sky_low, sky_high = np.array([0.99, 0.78, 0.52]), np.array([0.25, 0.42, 0.68])
    height = np.clip(y / 0.65, 0, 1)[..., None] ** 0.8
    image = sky_high + (sky_low - sky_high) * height
    clouds = np.clip(draw_noise(rng, 3.2) - 0.45, 0, 1)[..., None] * (1 - height)
    image = image + 1.1 * clouds * (np.array([1.0, 0.93, 0.88]) - image)
    distance = np.hypot(x - 0.68, y - 0.42)
    glow = np.exp(-((distance / 0.22) ** 2))[..., None]
    image = image + 0.5 * glow * (np.array([1.0, 0.9, 0.65]) - image)
    image = np.where((distance < 0.055)[..., None], np.array([1.0, 0.97, 0.85]), image)
    haze, rock = np.array([0.72, 0.60, 0.60]), np.array([0.08, 0.14, 0.17])
    texture = draw_noise(rng, 2.2)[..., None] - 0.5
    for layer, base in enumerate((0.52, 0.62, 0.74, 0.87)):
        nearness = (layer + 1) / 4
        ridge = draw_noise(rng, 3.0)[layer] - 0.5
        skyline = base - (0.30 - 0.04 * layer) * ridge
        ground = haze + (rock - haze) * nearness**0.8
        lit = ground * (1 + 1.1 * nearness * texture)
        image = np.where((y > skyline)[..., None], lit, image)
    return np.clip(image, 0, 1)


def make_knot(rings: int = 160, sides: int = 16, radius: float = 0.35) -> Mesh:
    """A tube along a trefoil: closed, of one piece, with one handle."""
    t = 2 * np.pi * np.arange(rings) / rings
    bend = 2 + np.cos(3 * t)
    curve = np.stack([bend * np.cos(2 * t), bend * np.sin(2 * t), 1.2 * np.sin(3 * t)], axis=1)
    along = np.roll(curve, -1, axis=0) - np.roll(curve, 1, axis=0)
    outward = np.stack([np.cos(2 * t), np.sin(2 * t), 0 * t], axis=1)
    side = normalize(np.cross(along, outward))
    up = normalize(np.cross(side, along))
    angles = 2 * np.pi * np.arange(sides) / sides
    offsets = np.cos(angles)[:, None] * side[:, None] + np.sin(angles)[:, None] * up[:, None]
    ring, corner = np.divmod(np.arange(rings * sides), sides)
    after, beside = (ring + 1) % rings * sides, (corner + 1) % sides
    here = ring * sides
    faces = np.concatenate(
        [
            np.stack([here + corner, after + corner, here + beside], axis=1),
            np.stack([here + beside, after + corner, after + beside], axis=1),
        ]
    )
    return Mesh((curve[:, None] + radius * offsets).reshape(-1, 3), faces)


def normalize(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def play_melody(rng: np.random.Generator, rate: int = 16_000) -> np.ndarray:
    """A second of plucked strings, each a loop of noise that is smoothed as it goes round."""
    melody = np.zeros(rate)
    for start, pitch in ((0.0, 262), (0.15, 330), (0.3, 392), (0.45, 523), (0.6, 392)):
        loop = rng.uniform(-1, 1, rate // pitch)
        first = round(start * rate)
        for n in range(first, rate):
            k = (n - first) % len(loop)
            melody[n] += loop[k]
            loop[k] = 0.498 * (loop[k] + loop[(k + 1) % len(loop)])
    return melody / np.abs(melody).max()


def film_waves(frames: int = 32, height: int = 48, width: int = 64) -> np.ndarray:
    """Rings that spread from two moving sources: ``(T, H, W, 3)`` bytes."""
    t, y, x = np.meshgrid(
        np.arange(frames) / frames,
        np.arange(height) / height,
        np.arange(width) / height,
        indexing="ij",
    )
    phase = 2 * np.pi * t
    first = np.hypot(x - 0.4 - 0.2 * np.cos(phase), y - 0.5)
    second = np.hypot(x - 0.95, y - 0.5 - 0.3 * np.sin(phase))
    waves = [np.sin(18 * first - 2 * phase), np.sin(14 * second - phase)]
    channels = [waves[0], 0.5 * (waves[0] + waves[1]), waves[1]]
    return np.rint(127.5 + 110 * np.stack(channels, axis=-1)).astype(np.uint8)


def main() -> None:
    """Writes every sample."""
    rng = np.random.default_rng(SEED)
    imageio.imwrite(DATA / "sample.png", (draw_landscape(rng) * 255).round().astype(np.uint8))
    knot = make_knot()
    write_mesh(DATA / "sample_shape.ply", knot)
    points, normals, _ = sample_surface(knot, 3000, rng)
    write_points(DATA / "sample_points.ply", PointCloud(points, normals))
    phantom = runpy.run_path(str(DATA.parent / "tests" / "volume" / "phantom.py"))
    densities = phantom["make_phantom"]((64, 64, 64))
    np.savez_compressed(
        DATA / "sample_volume.npz", phantom=np.rint(densities * 255).clip(0, 255).astype(np.uint8)
    )
    sound = RecordingFormat("WAV", "PCM_16", 16_000, 2.0**15, (-1.0, 1.0))
    melody = np.rint(play_melody(rng) * 30_000).astype(np.int16)[:, None]
    write_recording(DATA / "sample_sound.wav", melody, sound)
    write_video(DATA / "sample_video.gif", film_waves(), 16)


if __name__ == "__main__":
    main()
