"""The pictures are target, reconstruction and error."""

import io
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from tests.callback.events import read_events
from tests.conftest import read_metrics


def test_the_last_picture_shows_what_is_saved(fit: Callable[..., Path]) -> None:
    folder = fit("trainer.max_steps=30", "callback.reconstruction.error_scale=1")
    events = read_events(folder)
    shown = events.Images("target | reconstruction | error")
    assert [image.step for image in shown] == [0, 1, 3, 10, 30]
    picture = imageio.imread(io.BytesIO(shown[-1].encoded_image_string))
    # Each pixel is a block of nine by nine.
    assert picture.shape == (9 * 16, 9 * (3 * 24 + 2 * 4), 3)
    picture = picture[::9, ::9]
    target, reconstruction, error = (picture[:, start : start + 24] for start in (0, 28, 56))
    saved = imageio.imread(folder / "reconstruction.png")
    assert np.array_equal(reconstruction, saved)
    difference = np.abs(target.astype(int) - saved.astype(int)).mean(-1)
    # Brighter where the error is larger.
    assert np.corrcoef(difference.ravel(), error.mean(-1).ravel())[0, 1] > 0.8


def test_the_last_point_of_the_curve_is_the_final_metric(fit: Callable[..., Path]) -> None:
    folder = fit("signal.holdout=alternate")
    events, metrics = read_events(folder), read_metrics(folder)
    for key in ("psnr", "test_psnr", "train_psnr", "ssim"):
        assert events.Scalars(key)[-1].value == pytest.approx(metrics[key], rel=1e-5)
