"""What the callback writes is the tangent kernel, and what it says of the training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from inr.callback._ntk_figures import draw_content, draw_rates, draw_residuals, draw_spectra
from inr.cli.build import build_parts
from inr.cli.compose import compose_config
from inr.cli.saved_run import load_run
from inr.ntk import (
    effective_rank,
    empirical_ntk,
    spectrum,
)
from inr.optimizer import muon, precondition
from tests.callback.events import read_events
from tests.conftest import SAMPLE, TINY, Result


def read_record(folder: Path, step: int) -> dict[str, Any]:
    """What the file of a found has."""
    with np.load(folder / "ntk" / f"step={step:08d}.npz") as file:
        return {key: value if value.ndim else value.item() for key, value in file.items()}


def test_the_spectrum_is_that_of_jacobians(fit: Callable[..., Path]) -> None:
    folder = fit()
    probe = np.load(folder / "ntk" / "step=00000020.npz")
    field = load_run(str(folder)).field.double()
    coords = torch.from_numpy(probe["coords"])
    kernel = empirical_ntk(field, coords, outputs="mean", method="contraction")
    expected = spectrum(kernel).eigenvalues
    assert np.allclose(probe["eigenvalues"], expected, rtol=1e-9, atol=1e-9 * expected[0].item())
    assert probe["trace"] == pytest.approx(kernel.trace().item())
    assert probe["effective_rank"] == pytest.approx(effective_rank(expected), rel=1e-6)


def test_probes_are_log_spaced_and_at_checkpoints(fit: Callable[..., Path]) -> None:
    folder = fit("callback.checkpoint.every_n_steps=8", "callback.ntk_spectrum.per_decade=2")
    steps = sorted(int(np.load(path)["step"]) for path in (folder / "ntk").iterdir())
    assert steps == [0, 1, 3, 8, 10, 16, 20]


@pytest.mark.figures
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


def test_the_residual_is_the_saved_fields_along_the_eigenvectors(
    fit: Callable[..., Path],
) -> None:
    folder = fit()
    found = read_record(folder, 20)
    field = load_run(str(folder)).field.double()
    coords = torch.from_numpy(found["coords"])
    kernel = empirical_ntk(field, coords, outputs="mean", method="contraction")
    signal = build_parts(compose_config([f"signal.path={SAMPLE}", *TINY])).signal
    truth = signal.values.view(16, 24, 3)
    # x is along the width.
    rows, columns = (coords[:, 1] * 16).long(), (coords[:, 0] * 24).long()
    residual = field(coords).detach() - truth[rows, columns].double()
    _, vectors = torch.linalg.eigh(kernel)
    energies = (vectors.flip(1).T @ residual).square().sum(1) / residual.square().sum()
    # The field was evaluated in float32.
    assert np.allclose(found["residual_energies"], energies, rtol=1e-3, atol=1e-5)
    assert found["residual_energies"].sum() == pytest.approx(1)


def test_drift_and_rotation_are_those_since_the_first_weights(fit: Callable[..., Path]) -> None:
    folder = fit()
    found = read_record(folder, 20)
    coords = torch.from_numpy(found["coords"])
    overrides = [f"signal.path={SAMPLE}", *TINY]
    first = build_parts(compose_config(overrides)).field.double()
    last = load_run(str(folder)).field.double()
    then, now = (
        empirical_ntk(f, coords, outputs="mean", method="contraction") for f in (first, last)
    )
    assert found["drift"] == pytest.approx(((now - then).norm() / then.norm()).item(), rel=1e-4)
    bases = [torch.linalg.eigh(kernel)[1][:, -16:] for kernel in (then, now)]
    overlap = (bases[0].T @ bases[1]).square().sum().item() / 16
    assert found["rotation"] == pytest.approx(1 - overlap, abs=1e-4)
    assert read_record(folder, 0)["drift"] == 0
    assert read_record(folder, 0)["rotation"] == pytest.approx(0, abs=1e-6)


def test_a_field_that_is_not_stepped_does_not_drift(fit: Callable[..., Path]) -> None:
    found = read_record(fit("optimizer=sgd", "optimizer.lr=1e-30"), 20)
    assert found["drift"] < 1e-6
    assert found["rotation"] < 1e-6


def test_a_band_of_one_frequency_decays_as_predicted(fit: Callable[..., Path]) -> None:
    # A linear model of one wave on a line: its kernel is that of a circle, and the octave 1-2 has
    # one frequency alone. Gradient descent multiplies the error by 1 - rate.
    pixels = np.random.default_rng(0).integers(0, 255, (1, 64), dtype=np.uint8)
    imageio.imwrite("line.png", pixels)
    base = ["line.png", "encoding=basic", "network.hidden_layers=0", "optimizer=sgd"]
    folder = fit(
        "optimizer.lr=1e-2",
        "scheduler=constant",
        "sampler.batch_size=null",
        "trainer.precision=64-true",
        "trainer.max_steps=10",
        "trainer.accelerator=cpu",
        base=base,
    )
    found = read_record(folder, 10)
    rate = found["predicted_rates"][1]
    assert rate > 1e-3
    # Θ q = λ q at each of the nine steps in between, so to the last digits.
    assert found["measured_rates"][1] == pytest.approx(rate, rel=1e-6)
    # Nothing else but the mean is learned.
    assert np.abs(found["predicted_rates"][2:]).max() < 1e-12
    assert np.abs(found["measured_rates"][2:]).max() < 1e-9
    # A linear kernel does not drift.
    assert found["drift"] < 1e-12


def test_the_predicted_rates_are_those_of_the_kernel_before(fit: Callable[..., Path]) -> None:
    folder = fit()
    before, after = read_record(folder, 1), read_record(folder, 10)
    rate = (before["lr"] + after["lr"]) / 2 * 2 / (len(before["coords"]) * 3)
    expected = -np.log(1 - rate * before["band_eigenvalues"])
    assert np.allclose(after["predicted_rates"], expected)
    decay = np.log(before["band_energies"] / after["band_energies"]) / 2 / 9
    assert np.allclose(after["measured_rates"], decay)
    assert "Muon" in after["predictor"]


def test_the_largest_rate_is_that_of_all_outputs_beside_the_one_in_use(
    fit: Callable[..., Path],
) -> None:
    folder = fit("scheduler=constant", "optimizer.lr=0.003")
    found = read_record(folder, 20)
    assert found["lr"] == pytest.approx(0.003)
    field = load_run(str(folder)).field.double()
    full = spectrum(empirical_ntk(field, torch.from_numpy(found["coords"]))).eigenvalues[0].item()
    assert full > found["eigenvalues"][0]
    # To the tolerance of the found for it.
    assert found["max_lr"] == pytest.approx(len(found["coords"]) * 3 / full, rel=1e-3)
    events = read_events(folder)
    assert events.Scalars("ntk/max_lr")[-1].value == pytest.approx(found["max_lr"], rel=1e-5)


@pytest.mark.figures
def test_the_preconditioned_kernel_is_the_one_that_adam_steps(fit: Callable[..., Path]) -> None:
    options = ["callback.ntk_spectrum.preconditioned=true", "optimizer.eps=1e-6"]
    folder = fit("optimizer=adam", *options)
    assert "preconditioned_eigenvalues" not in read_record(folder, 0)
    found = read_record(folder, 20)
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    states = checkpoint["optimizer_states"][0]["state"]
    field = load_run(str(folder)).field.double()
    weighting = {
        name: 1 / ((states[i]["exp_avg_sq"].double() / (1 - 0.999**20)).sqrt() + 1e-6)
        for i, (name, _) in enumerate(field.named_parameters())
    }
    kernel = empirical_ntk(
        field,
        torch.from_numpy(found["coords"]),
        outputs="mean",
        method="contraction",
        weighting=weighting,
    )
    # The moments are in float32.
    expected = spectrum(kernel).eigenvalues
    assert np.allclose(found["preconditioned_eigenvalues"], expected, rtol=1e-5)
    full = empirical_ntk(field, torch.from_numpy(found["coords"]), weighting=weighting)
    largest = 19 * len(found["coords"]) * 3 / spectrum(full).eigenvalues[0].item()
    # To the tolerance of the found for it.
    assert found["preconditioned_max_lr"] == pytest.approx(largest, rel=1e-3)
    assert "ntk/preconditioned" in read_events(folder).Tags()["images"]
    # What was predicted before Adam had moments is left out.
    assert "predicted_rates" not in read_record(folder, 1)
    assert "predicted_rates" in found


def test_the_preconditioned_kernel_is_the_one_that_muon_steps(fit: Callable[..., Path]) -> None:
    folder = fit("callback.ntk_spectrum.preconditioned=true", "optimizer=muon")
    assert "preconditioned_eigenvalues" not in read_record(folder, 0)
    found = read_record(folder, 20)
    field = load_run(str(folder)).field
    optimizer = muon(field)
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    optimizer.load_state_dict(checkpoint["optimizer_states"][0])
    kernel = empirical_ntk(
        precondition(field, optimizer),
        torch.from_numpy(found["coords"]),
        outputs="mean",
        method="contraction",
        dtype=torch.float64,
    )
    expected = spectrum(kernel).eigenvalues
    assert np.allclose(found["preconditioned_eigenvalues"], expected, rtol=1e-6)
    assert "preconditioned_max_lr" not in found
    assert "predicted_rates" in found


def test_the_leading_eigenvalues_of_many_points_are_found_without_the_kernel(
    fit: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # In float32, as a kernel that is not formed is.
    expected = read_record(fit(name="dense"), 20)
    monkeypatch.setattr("inr.ntk.dynamics.probe.DENSE_ROWS", 8)
    found = read_record(fit("callback.ntk_spectrum.k=5", name="leading"), 20)
    assert len(found["eigenvalues"]) == 5
    assert np.allclose(found["eigenvalues"], expected["eigenvalues"][:5], rtol=1e-3)
    assert np.all(found["residuals"] <= 1e-3 * found["eigenvalues"])
    assert found["trace"] == pytest.approx(expected["trace"], rel=1e-5)
    assert "drift" not in found
    assert "rotation" in found


@pytest.mark.parametrize("outputs", ["full", 1])
def test_other_outputs_are_theirs(fit: Callable[..., Path], outputs: Any) -> None:
    folder = fit(f"callback.ntk_spectrum.outputs={outputs}")
    found = read_record(folder, 20)
    field = load_run(str(folder)).field.double()
    kernel = empirical_ntk(field, torch.from_numpy(found["coords"]), outputs=outputs)
    assert np.allclose(found["eigenvalues"], spectrum(kernel).eigenvalues, rtol=1e-8, atol=1e-8)
    assert found["residual_energies"].sum() == pytest.approx(1)


def test_random_points_are_cells_of_the_lattice(fit: Callable[..., Path]) -> None:
    found = read_record(fit("callback.ntk_spectrum.placement=random"), 20)
    cells = found["coords"] * [24, 16] - 0.5
    assert len(np.unique(cells.round(6), axis=0)) == 32
    assert np.allclose(cells, cells.round())
    assert "band_eigenvalues" not in found


def test_a_resumed_run_looks_as_one_that_was_not_stopped(fit: Callable[..., Path]) -> None:
    options = ["scheduler=constant", "callback.checkpoint.every_n_steps=7"]
    whole = fit(*options, name="whole")
    fit(*options, "trainer.max_steps=14", name="half")
    resumed = fit("ckpt_path=half", "trainer.max_steps=20", base=[], name="resumed")
    expected, found = read_record(whole, 20), read_record(resumed, 20)
    assert expected.keys() == found.keys()
    assert found["drift"] > 0
    for key, value in expected.items():
        assert np.array_equal(found[key], value), key


@pytest.mark.parametrize(
    "options",
    [
        ["callback.ntk_spectrum=null"],
        ["callback.ntk_spectrum.preconditioned=true", "callback.ntk_spectrum.placement=random"],
    ],
)
def test_training_is_the_same_with_it_and_without(
    fit: Callable[..., Path], options: list[str]
) -> None:
    weights = [
        load_file(fit("sampler=uniform", *given, name=name) / "field.safetensors")
        for name, given in (("with", []), ("other", options))
    ]
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name


def test_outputs_that_there_are_not_are_bad_input(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", *TINY, "callback.ntk_spectrum.outputs=3")
    assert result.status == 2
    assert "callback.ntk_spectrum: outputs is 3; expected full, mean or a number below 3" in (
        result.err
    )


def test_an_optimizer_without_moments_is_rejected_with_the_way_out(
    run_command: Callable[..., Result],
) -> None:
    result = run_command(
        "inr-fit", *TINY, "optimizer=sgd", "callback.ntk_spectrum.preconditioned=true"
    )
    assert result.status == 1
    line = result.err.splitlines()[-1]
    assert "probe of the tangent kernel at step 0 failed: SGD has no second moments" in line
    assert "callback.ntk_spectrum=null trains without it" in line
    assert "fewer points" not in line


def test_a_resumed_run_with_another_kernel_starts_anew(fit: Callable[..., Path]) -> None:
    fit("trainer.max_steps=10", name="half")
    resumed = fit(
        "ckpt_path=half",
        "trainer.max_steps=20",
        "callback.ntk_spectrum.outputs=0",
        base=[],
        name="resumed",
    )
    found = read_record(resumed, 20)
    assert found["drift"] == 0
    assert "measured_rates" not in found


def test_as_many_eigenvalues_as_there_are_is_all(fit: Callable[..., Path]) -> None:
    found = read_record(fit("callback.ntk_spectrum.k=500"), 20)
    assert len(found["eigenvalues"]) == len(found["coords"])


def test_figures_of_many_looks_show_some_of_them_and_the_last() -> None:
    records = {step: {"eigenvalues": np.array([2.0, 1.0])} for step in range(0, 2300, 100)}
    lines = draw_spectra(records).axes[0].get_lines()
    assert 5 <= len(lines) <= 10
    assert lines[-1].get_label() == "2200"


@pytest.mark.figures
def test_every_figure_is_drawn_from_the_files(fit: Callable[..., Path]) -> None:
    folder = fit()
    records = {step: read_record(folder, step) for step in (0, 1, 10, 20)}
    for figure, curves in (
        (draw_spectra(records), 4),
        (draw_residuals(records), 4),
        # Predicted and measured, of the three later records.
        (draw_rates(records), 6),
    ):
        axes = figure.axes[0]
        assert len(axes.get_lines()) == curves
        assert axes.get_xlabel() and axes.get_ylabel() and axes.get_title()
    last = records[20]
    content = draw_content(last["eigenvector_bands"], last["band_edges"], 20)
    (image,) = content.axes[0].collections
    assert np.allclose(image.get_array(), last["eigenvector_bands"].T)
    tags = read_events(folder).Tags()["images"]
    assert {"ntk/spectrum", "ntk/residual", "ntk/rates", "ntk/content"} <= set(tags)
