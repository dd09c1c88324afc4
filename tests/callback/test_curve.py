"""The curves are what training did."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.callback.events import read_events


def test_curves_have_a_point_at_each_logging_step(fit: Callable[..., Path]) -> None:
    folder = fit("trainer.log_every_n_steps=6", "scheduler=cosine", "optimizer.lr=0.02")
    events = read_events(folder)
    points = {tag: events.Scalars(f"train/{tag}") for tag in ("loss", "psnr", "lr")}
    for tag, series in points.items():
        assert [point.step for point in series] == [1, 6, 12, 18, 20], tag
    for point in points["lr"]:
        expected = 0.02 * (1 + math.cos(math.pi * point.step / 20)) / 2
        assert point.value == pytest.approx(expected, abs=1e-6)


def test_the_psnr_of_a_full_batch_is_that_of_the_whole_image(fit: Callable[..., Path]) -> None:
    events = read_events(fit("sampler.batch_size=null"))
    batch = {point.step: point.value for point in events.Scalars("train/psnr")}
    whole = {point.step: point.value for point in events.Scalars("psnr")}
    # The whole image's is clipped to the range of pixels: a little better.
    assert batch[20] == pytest.approx(whole[20], abs=0.5)


def test_speed_is_that_of_training_alone(fit: Callable[..., Path]) -> None:
    import json

    slow = fit("callback.reconstruction.per_decade=20", "callback.ntk_spectrum.num_points=300")
    metrics = json.loads((slow / "metrics.json").read_text())
    assert metrics["points_per_second"] > 20 * 256 / metrics["seconds"]
