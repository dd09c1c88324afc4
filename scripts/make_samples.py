"""Draws the samples in ``data/`` from a seed: ``python scripts/make_samples.py``."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np

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


def main() -> None:
    """Writes every sample."""
    image = draw_landscape(np.random.default_rng(SEED))
    imageio.imwrite(DATA / "sample.png", (image * 255).round().astype(np.uint8))


if __name__ == "__main__":
    main()
