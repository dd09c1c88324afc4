"""What the callback writes is the error of the field in each octave."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from inr.callback import FrequencyBandsCallback
from inr.callback.frequency_bands import draw_band_errors, relative_errors
from inr.cli.saved_run import load_run
from inr.field.rendering import render
from inr.lattice import lattice_points
from inr.signal import ImageSignal, LatticeSignal
from inr.training import FieldTraining, Snapshot
from tests.callback.events import read_events
from tests.conftest import SAMPLE
from tests.tolerance import assert_close


class Cosine(nn.Module):
    """A plane wave in one channel."""

    def __init__(self, amplitude: float, *frequency: int) -> None:
        super().__init__()
        self.amplitude = amplitude
        self.register_buffer("frequency", torch.tensor(frequency).float())

    def forward(self, coords: Tensor) -> Tensor:
        return self.amplitude * (2 * torch.pi * coords @ self.frequency[:, None]).cos()


class Sum(nn.ModuleList):
    """Of its members' values."""

    def forward(self, coords: Tensor) -> Tensor:
        return torch.stack([part(coords) for part in self]).sum(0)


def probe(field: nn.Module, signal: LatticeSignal, folder: Path) -> tuple[Any, dict[str, float]]:
    """The file and the scalars of one found at step 7."""
    unused: Any = None
    training = FieldTraining(
        field,
        signal,
        sampler=unused,
        loss=unused,
        make_optimizer=unused,
        make_schedule=unused,
        record={},
    )
    logged: dict[str, float] = {}
    logger = SimpleNamespace(log_metrics=lambda metrics, step: logged.update(metrics, step=step))
    loggers: list[Any] = [logger]
    optimizer: Any = None
    snapshot = Snapshot(training, 7, 7, optimizer, loggers, folder)
    FrequencyBandsCallback().probe(snapshot)
    return np.load(folder / "frequency_bands" / "step=00000007.npz"), logged


def radial_energies(values: np.ndarray) -> list[float]:
    """Of ``(H, W, c)`` values, with numpy's transform and frequencies."""
    height, width, _ = values.shape
    power = (np.abs(np.fft.fft2(values, axes=(0, 1))) ** 2).mean(-1) / (height * width) ** 2
    radius = np.hypot(np.fft.fftfreq(height, 1 / height)[:, None], np.fft.fftfreq(width, 1 / width))
    edges = [0, 1, 2, 4, 8, 16]
    return [
        power[(radius >= low) & (radius < high)].sum() for low, high in itertools.pairwise(edges)
    ]


def test_the_file_has_the_energies_of_the_saved_field(fit: Callable[..., Path]) -> None:
    folder = fit("trainer.max_steps=30", "signal.holdout=alternate")
    paths = sorted((folder / "frequency_bands").iterdir())
    assert [int(np.load(path)["step"]) for path in paths] == [0, 1, 3, 10, 30]
    found = np.load(paths[-1])
    target = ImageSignal(path=SAMPLE, size=[16, 24]).values.view(16, 24, -1).double().numpy()
    field = render(load_run(str(folder)).field, (16, 24)).double().numpy()
    assert found["edges"].tolist() == [0, 1, 2, 4, 8, 16]
    assert found["counts"].sum() == 16 * 24
    # Both were transformed in float32, and a band's error is a small part of the whole.
    assert_close(found["error_energies"], radial_energies(field - target), looser=1e5)
    assert_close(found["target_energies"], radial_energies(target), looser=1e4)


def test_the_error_is_that_of_the_field_without_clipping(tmp_path: Path) -> None:
    black = LatticeSignal(torch.zeros(8, 16, 1), value_range=(0.0, 1.0), name="black")
    found, _ = probe(Cosine(-3.0, 5, 0), black, tmp_path)
    # Computed in float32.
    assert_close(found["error_energies"], [0, 0, 0, 4.5, 0], looser=1e4)


@pytest.mark.parametrize(
    ("lattice", "present", "wrong"),
    [
        ((40,), (3,), (12,)),
        ((8, 40), (3, 0), (12, 0)),
        ((4, 6, 40), (3, 1, 0), (12, 0, 1)),
    ],
)
def test_signals_of_any_dimension_are_measured_where_they_have_content(
    lattice: tuple[int, ...], present: tuple[int, ...], wrong: tuple[int, ...], tmp_path: Path
) -> None:
    points = lattice_points(lattice)
    parts = [Cosine(2.0, *frequency)(points).reshape(*lattice, 1) for frequency in (present, wrong)]
    signal = LatticeSignal(parts[0] + parts[1], value_range=(-4.0, 4.0), name="waves")
    # Half of one wave is there, and twice too much of the other.
    _, logged = probe(Sum([Cosine(1.0, *present), Cosine(6.0, *wrong)]), signal, tmp_path)
    assert logged.keys() == {"frequency_bands/02_2-4", "frequency_bands/04_8-16", "step"}
    assert logged["step"] == 7
    # Computed in float32.
    assert_close(logged["frequency_bands/02_2-4"], 0.25, looser=1e4)
    assert_close(logged["frequency_bands/04_8-16"], 4.0, looser=1e4)


@pytest.mark.figures
def test_every_logger_gets_the_relative_errors(fit: Callable[..., Path]) -> None:
    folder = fit()
    events = read_events(folder)
    tags = [tag for tag in events.Tags()["scalars"] if tag.startswith("frequency_bands/")]
    labels = ["00_mean", "01_1-2", "02_2-4", "03_4-8", "04_8-16"]
    assert sorted(tags) == [f"frequency_bands/{label}" for label in labels]
    for step in (0, 1, 3, 10, 20):
        found = np.load(folder / "frequency_bands" / f"step={step:08d}.npz")
        expected = found["error_energies"] / found["target_energies"]
        for label, value in zip(labels, expected, strict=True):
            points = {p.step: p.value for p in events.Scalars(f"frequency_bands/{label}")}
            assert points[step] == pytest.approx(value, rel=1e-5)
    assert "frequency_bands/errors" in events.Tags()["images"]
    (chart,) = FrequencyBandsCallback().charts(ImageSignal(path=SAMPLE))
    assert all(re.match(chart.tags, tag) for tag in tags)


def test_an_image_of_one_colour_has_its_mean_alone(fit: Callable[..., Path]) -> None:
    Image.new("RGB", (24, 16), (70, 90, 200)).save("plain.png")
    events = read_events(fit("signal.path=plain.png"))
    tags = [tag for tag in events.Tags()["scalars"] if tag.startswith("frequency_bands/")]
    assert tags == ["frequency_bands/00_mean"]


def test_low_frequencies_are_learned_first(fit: Callable[..., Path]) -> None:
    folder = fit(
        "signal.size=[32,48]",
        "encoding.scale=2",
        "encoding.num_frequencies=64",
        "network.hidden_features=64",
        "sampler.batch_size=null",
        "trainer.max_steps=100",
        "callback.ntk_spectrum=null",
    )
    found = np.load(folder / "frequency_bands" / "step=00000100.npz")
    errors = found["error_energies"] / found["target_energies"]
    # The lowest octaves are alike; each of the higher ones is behind the one below.
    assert errors[1:4].max() < errors[4] < errors[5]
    assert errors[1] < 0.1 < 0.5 < errors[5]


def test_training_is_the_same_with_it_and_without(fit: Callable[..., Path]) -> None:
    often = fit("callback.frequency_bands.per_decade=30", name="often")
    never = fit("callback.frequency_bands=null", name="never")
    assert len(list((often / "frequency_bands").iterdir())) > 15
    assert not (never / "frequency_bands").exists()
    weights, others = (load_file(folder / "field.safetensors") for folder in (often, never))
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    losses = [
        [(p.step, p.value) for p in read_events(folder).Scalars("train/loss")]
        for folder in (often, never)
    ]
    assert losses[0] == losses[1]


def test_the_figure_has_a_curve_for_each_band_with_content() -> None:
    steps, edges = [0, 1, 10], np.array([0, 1, 2, 4, 8])
    target = np.array([4.0, 2.0, 1e-15, 1.0])
    errors = np.array([[4.0, 2, 1, 1], [1.0, 2, 1, 1], [0.0, 0.5, 1, 1]])
    (axes,) = draw_band_errors(steps, errors, target, edges).axes
    curves = {line.get_label(): line.get_ydata().tolist() for line in axes.lines[1:]}
    assert curves == {"mean": [1, 0.25, 0], "1–2": [1, 1, 0.25], "4–8": [1, 1, 1]}
    assert all(line.get_xdata().tolist() == steps for line in axes.lines[1:])
    assert (axes.get_yscale(), axes.get_xscale()) == ("log", "symlog")


def test_a_signal_without_content_is_a_figure_without_curves(tmp_path: Path) -> None:
    target, edges = np.zeros(2), np.array([0, 1, 2])
    assert np.isnan(relative_errors(np.ones(2), target)).all()
    figure = draw_band_errors([0], np.ones((1, 2)), target, edges)
    figure.savefig(tmp_path / "empty.png")
    assert len(figure.axes[0].lines) == 1
