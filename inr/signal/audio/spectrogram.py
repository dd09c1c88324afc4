"""Spectrograms of recordings."""

from __future__ import annotations

import numpy as np

COLORS = "magma"
GAP = 4


def find_powers(samples: np.ndarray, *, window: int = 512, columns: int = 600) -> np.ndarray:
    r"""The power of each frequency in each stretch of time.

    .. math:: P_k(a) = \Big| \sum_n w_n s_{a+n} e^{-2 \pi i k n / W} \Big|^2
        \Big/ \Big( \sum_n w_n \Big)^2

    with a Hann window w of W samples, and its mean over the places a in a stretch and over
    channels. A sine of amplitude 1 has the power 1/4 at its frequency.

    Args:
        samples: ``(N, C)``.
        window: W; all of a recording that is shorter.
        columns: The most stretches.

    Returns:
        ``(W // 2 + 1, T)`` in float64; row k has the frequency k / W in cycles per sample.
    """
    from scipy.signal.windows import hann

    window = min(window, len(samples))
    weights = hann(window, sym=False)
    # Windows overlap by half or more, so that nothing is passed over.
    hop = max(1, min(window // 2, (len(samples) - window) // columns))
    views = np.lib.stride_tricks.sliding_window_view(samples, window, axis=0)[::hop]
    stretches = np.array_split(np.arange(len(views)), min(columns, len(views)))
    powers = [
        (np.abs(np.fft.rfft(views[part[0] : part[-1] + 1] * weights)) ** 2).mean((0, 1))
        for part in stretches
    ]
    return np.stack(powers, axis=1) / weights.sum() ** 2


def draw_spectrograms(
    target: np.ndarray,
    reconstruction: np.ndarray,
    *,
    floor: float = -80.0,
    window: int = 512,
    columns: int = 600,
) -> np.ndarray:
    """A recording and its reconstruction beside each other: time to the right, frequency upwards.

    Args:
        target: ``(N, C)``.
        reconstruction: Likewise.
        floor: The power that is shown darkest, in dB of the target's greatest, which is shown
            brightest.
        window: Samples of a Fourier transform.
        columns: The most pixels of either, along time.

    Returns:
        ``(window // 2 + 1, 2 T + 4, 3)`` uint8.
    """
    import matplotlib

    powers = [
        find_powers(part, window=window, columns=columns) for part in (target, reconstruction)
    ]
    # Beside silence there is only full scale to compare with.
    greatest = powers[0].max() or 0.25
    colors = matplotlib.colormaps[COLORS]
    panels = []
    for power in powers:
        decibels = 10 * np.log10(np.maximum(power / greatest, 10 ** (floor / 10)))
        panels.append(colors(1 - np.clip(decibels / floor, 0, 1), bytes=True)[::-1, :, :3])
    gap = np.full((len(panels[0]), GAP, 3), 255, np.uint8)
    return np.concatenate([panels[0], gap, panels[1]], axis=1)
