"""What the callback writes is the tangent kernel's spectrum."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from inr.cli.saved_run import load_run
from inr.ntk import effective_rank, eigenvalues, empirical_ntk
from tests.callback.events import read_events


def test_the_spectrum_is_that_of_jacobians(fit: Callable[..., Path]) -> None:
    folder = fit()
    probe = np.load(folder / "ntk" / "step=00000020.npz")
    field = load_run(str(folder)).field.double()
    coords = torch.from_numpy(probe["coords"])
    kernel = empirical_ntk(field, coords, outputs="mean", method="contraction")
    expected = eigenvalues(kernel)
    assert np.allclose(probe["eigenvalues"], expected, rtol=1e-9, atol=1e-9 * expected[0].item())
    assert probe["trace"] == pytest.approx(kernel.trace().item())
    assert probe["effective_rank"] == pytest.approx(effective_rank(expected), rel=1e-6)


def test_probes_are_log_spaced_and_at_checkpoints(fit: Callable[..., Path]) -> None:
    folder = fit("callback.checkpoint.every_n_steps=8", "callback.ntk_spectrum.per_decade=2")
    steps = sorted(int(np.load(path)["step"]) for path in (folder / "ntk").iterdir())
    assert steps == [0, 1, 3, 8, 10, 16, 20]


def test_the_series_in_tensorboard_is_log10_of_the_eigenvalues(fit: Callable[..., Path]) -> None:
    folder = fit()
    events = read_events(folder)
    values = np.load(folder / "ntk" / "step=00000010.npz")["eigenvalues"]
    series = events.Scalars("ntk_spectrum/step_00000010")
    assert series[0].step == 1
    assert series[-1].step == (values > 0).sum()
    for point in series:
        assert point.value == pytest.approx(np.log10(values[point.step - 1]), rel=1e-4, abs=1e-4)
    assert "ntk/spectrum" in events.Tags()["images"]
    for tag in ("lambda_max", "trace", "effective_rank"):
        assert [point.step for point in events.Scalars(f"ntk/{tag}")] == [0, 1, 10, 20]


def test_a_smaller_scale_has_a_steeper_spectrum(fit: Callable[..., Path]) -> None:
    ranks = []
    for scale in (0.3, 1, 4):
        folder = fit(
            f"encoding.scale={scale}",
            "encoding.num_frequencies=64",
            "callback.ntk_spectrum.num_points=150",
            "trainer.max_steps=1",
            name=f"scale{scale}",
        )
        ranks.append(np.load(folder / "ntk" / "step=00000000.npz")["effective_rank"].item())
    assert ranks[0] < ranks[1] < ranks[2]
