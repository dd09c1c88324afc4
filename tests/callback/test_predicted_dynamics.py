"""The prediction beside a run is exact where the theory is, and the run is what it is without."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from inr.callback._dynamics_figures import grouped_ratios, mode_ratios, shown_modes
from tests.callback.events import read_events
from tests.conftest import TINY, Result

DYNAMICS = [
    *TINY,
    "+callback@callback.predicted_dynamics=predicted_dynamics",
    "callback.ntk_spectrum=null",
    "optimizer=sgd",
    "optimizer.lr=0.2",
    "sampler.batch_size=null",
    "signal.size=[6,8]",
    "trainer.precision=64-true",
]
LINEAR = [*DYNAMICS, "network.linearized=true"]


def read_record(folder: Path, step: int) -> dict[str, Any]:
    """What the file of a found has."""
    with np.load(folder / "predicted_dynamics" / f"step={step:08d}.npz") as file:
        return {key: value if value.ndim else value.item() for key, value in file.items()}


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["optimizer.momentum=0.8", "optimizer.lr=0.05"],
        ["signal.holdout=alternate", "scheduler=cosine"],
        ["optimizer.momentum=0.5", "callback.predicted_dynamics.reanchor=true"],
    ],
    ids=["plain", "momentum", "unseen pixels", "anchored anew"],
)
def test_a_linearized_field_does_what_is_predicted(
    fit: Callable[..., Path], overrides: list[str]
) -> None:
    found = read_record(fit(*overrides, base=LINEAR), 20)
    first = read_record(Path("run"), 0)
    assert found["loss"] < 0.9 * first["loss"]
    assert found["anchor"] == (18 if "reanchor" in str(overrides) else 0)
    assert found["predicted_loss"] == pytest.approx(found["loss"], rel=1e-9)
    scale = np.abs(first["measured"]).max()
    assert np.allclose(found["measured"], found["predicted"], rtol=0, atol=1e-9 * scale)
    assert np.allclose(found["band_energies"], found["predicted_band_energies"], rtol=1e-6)


def test_a_narrow_field_departs_from_the_prediction_and_a_wide_one_less(
    fit: Callable[..., Path],
) -> None:
    departures = []
    for width in (8, 512):
        options = [f"network.hidden_features={width}", "network.parameterization=ntk"]
        found = read_record(fit(*options, base=DYNAMICS, name=f"width{width}"), 20)
        # Parseval, of the signal's whole lattice.
        assert found["band_energies"].sum() == pytest.approx(found["loss"], rel=1e-6)
        predicted = found["predicted_band_energies"].sum()
        assert predicted == pytest.approx(found["predicted_loss"], rel=1e-6)
        departures.append(abs(found["loss"] / found["predicted_loss"] - 1))
    assert departures[1] < 0.2 * departures[0]


def test_modes_that_grow_are_counted_and_the_largest_stable_rate_is_named(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    values = read_record(fit("optimizer.momentum=0.5", base=LINEAR, name="calm"), 0)["eigenvalues"]
    # Between the second and the third mode.
    largest = 1.5 * 144 / values[0]
    lr = 1.5 * 144 / np.sqrt(values[1] * values[2])
    options = ["optimizer.momentum=0.5", f"optimizer.lr={lr}", "trainer.max_steps=2"]
    result = run_command("inr-fit", *LINEAR, *options, "hydra.run.dir=run")
    assert f"2 of 144 modes of the kernel grow at lr={lr:g}" in result.err
    assert f"the largest stable rate is {largest:.3g}." in result.err


def test_adam_is_predicted_locally_and_the_files_say_so(fit: Callable[..., Path]) -> None:
    adam = ["optimizer=adam", "optimizer.lr=3e-4", "scheduler=constant"]
    folder = fit(*adam, "trainer.max_steps=100", base=DYNAMICS)
    records = {step: read_record(folder, step) for step in (56, 100)}
    assert records[100]["anchor"] == 56
    assert (
        records[100]["predictor"] == "the kernel that Adam steps at step 56 (it does not follow Θ)"
    )
    # From one probe to the next, the loss falls about as its own kernel says.
    fall, predicted = (
        np.log(records[56]["loss"] / records[100][k]) for k in ("loss", "predicted_loss")
    )
    assert fall > 0.05
    assert predicted == pytest.approx(fall, rel=0.25)


def test_the_predicted_mode_is_the_measured_one_at_the_anchor(fit: Callable[..., Path]) -> None:
    found = read_record(fit(base=DYNAMICS), 0)
    assert np.allclose(found["measured"], found["predicted"], rtol=1e-12, atol=1e-12)
    assert (np.diff(found["eigenvalues"]) <= 0).all()
    assert found["loss"] == pytest.approx((found["measured"] ** 2).mean())


def test_a_run_is_the_same_with_and_without(fit: Callable[..., Path]) -> None:
    base = [*DYNAMICS, "trainer.precision=32-true"]
    with_it = load_file(fit(base=base, name="with") / "field.safetensors")
    off = [override for override in base if "predicted_dynamics" not in override]
    without = load_file(fit(base=off, name="without") / "field.safetensors")
    assert all(torch.equal(with_it[name], without[name]) for name in without)


def test_a_resumed_run_predicts_what_an_unbroken_one_does(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    options = ["optimizer.momentum=0.8", "scheduler=constant"]
    whole = fit(*options, base=DYNAMICS, name="whole")
    broken = fit(*options, "trainer.max_steps=9", base=DYNAMICS, name="broken")
    result = run_command("inr-fit", f"ckpt_path={broken}", "trainer.max_steps=20")
    assert result.status == 0, result.err
    (resumed,) = Path("runs").glob("*/*")
    one, other = read_record(whole, 20), read_record(resumed, 20)
    assert np.allclose(one["predicted"], other["predicted"], rtol=1e-6, atol=1e-12)
    assert one["predicted_loss"] == pytest.approx(other["predicted_loss"], rel=1e-9)
    assert other["anchor"] == 0


def test_a_run_resumed_where_it_was_anchored_anew_predicts_the_same(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    options = ["optimizer.momentum=0.8", "scheduler=constant"]
    options += ["callback.predicted_dynamics.reanchor=true", "callback.checkpoint.every_n_steps=10"]
    whole = fit(*options, "callback.checkpoint.keep_all=true", base=DYNAMICS, name="whole")
    checkpoint = whole / "checkpoints" / "step=00000010.ckpt"
    result = run_command("inr-fit", f"ckpt_path={checkpoint}", "hydra.run.dir=resumed")
    assert result.status == 0, result.err
    for step, anchor in ((18, 10), (20, 18)):
        one, other = read_record(whole, step), read_record(Path("resumed"), step)
        assert one["anchor"] == other["anchor"] == anchor
        assert one["predicted_loss"] == pytest.approx(other["predicted_loss"], rel=1e-9)


@pytest.mark.figures
def test_series_and_figures_are_in_tensorboard(fit: Callable[..., Path]) -> None:
    folder = fit("signal.holdout=alternate", base=DYNAMICS)
    events = read_events(folder)
    last = read_record(folder, 20)
    assert events.Scalars("predicted_dynamics/predicted_loss")[-1].value == pytest.approx(
        last["predicted_loss"], rel=1e-5
    )
    for kind, key in (("measured", "band_energies"), ("predicted", "predicted_band_energies")):
        energy = events.Scalars(f"predicted_dynamics_bands/01_1-2_{kind}")[-1].value
        assert energy == pytest.approx(last[key][1], rel=1e-5)
    ratio = events.Scalars("predicted_dynamics_ratio/mode_00001")[-1].value
    assert ratio == pytest.approx(last["measured"][0] / last["predicted"][0], rel=1e-5)
    assert {"predicted_dynamics/modes", "predicted_dynamics/pictures"} <= set(
        events.Tags()["images"]
    )


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("sampler.batch_size=16", "on all 48 points, and a step draws 16; expected"),
        ("loss=l1", "knows how a squared error falls; expected the mean squared error"),
        (
            "optimizer.weight_decay=0.1",
            "SGD with weight_decay=0.1; expected SGD with weight_decay=0",
        ),
        ("optimizer.nesterov=true", "SGD with nesterov=True"),
        ("callback.predicted_dynamics.max_rows=100", "make a kernel of 144 rows; expected at most"),
    ],
)
def test_what_it_does_not_know_is_rejected_before_anything_is_written(
    run_command: Callable[..., Result], override: str, sentence: str
) -> None:
    momentum = ["optimizer.momentum=0.5"] if "nesterov" in override else []
    result = run_command("inr-fit", *DYNAMICS, *momentum, override, "hydra.run.dir=run")
    assert result.status == 2
    assert sentence in result.err
    assert len(result.err.splitlines()) == 1
    assert not Path("run").exists()


def test_shown_modes_are_spread_over_all_of_them() -> None:
    assert shown_modes(1000, 4) == [0, 9, 99, 999]
    assert shown_modes(3, 8) == [0, 1, 2]


def test_ratios_hidden_by_rounding_are_left_out() -> None:
    found = {
        "measured": np.array([2.0, 1e-9, 1.0, 6.0]),
        "predicted": np.array([1.0, 1.0, 1e-9, 2.0]),
        "rounding": 1e-6,
    }
    ratios = mode_ratios(found)
    assert ratios[[0, 3]].tolist() == [2.0, 3.0]
    assert np.isnan(ratios[1:3]).all()
    modes, grouped = grouped_ratios(found)
    assert modes.tolist() == [1.0, 4.0]
    assert grouped.tolist() == [2.0, 3.0]
