"""What is shown can be seen."""

import numpy as np
import pytest

from inr.signal import magnified


@pytest.mark.parametrize(
    ("shape", "factor"), [((100, 200), 3), ((300, 20), 2), ((768, 9), 1), ((500, 900), 1)]
)
def test_small_pictures_are_magnified_by_a_whole_number(
    shape: tuple[int, int], factor: int
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = magnified(pixels)
    assert found.shape == (factor * shape[0], factor * shape[1], 3)
    for row in range(factor):
        for column in range(factor):
            assert (found[row::factor, column::factor] == pixels).all()


def test_films_are_magnified_frame_by_frame() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 20, 30, 3), np.uint8)
    expected = [magnified(frame) for frame in frames]
    np.testing.assert_array_equal(magnified(frames), expected)
