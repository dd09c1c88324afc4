"""The benchmarks run, and say what they are to say."""

import itertools
import json
import re
import runpy
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inr.raster import read_raster
from tests.conftest import ROOT
from tests.tolerance import assert_close

BENCHMARKS = ROOT / "scripts" / "benchmarks"
SECTIONS = {
    "accuracy": ["SirenNet of siren-pytorch", "rejected: LSTM gave a tuple"],
    "speed": ["vmap(jacrev), n = 64, 1 output", "bare matrix products", "GiB"],
    "growth": ["exponent", "points", "width"],
    "leading": ["24 x 24"],
    "planted": ["multiplicity 12"],
}

Bench = Callable[..., dict[str, Any]]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    """Runs a small benchmark in this process; returns what it writes as JSON."""
    monkeypatch.syspath_prepend(BENCHMARKS)

    def run(name: str, *options: str) -> dict[str, Any]:
        path = tmp_path / "bench.json"
        arguments = [name, *options, "--quick", "--json", str(path)]
        monkeypatch.setattr(sys, "argv", arguments)
        runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")
        return json.loads(path.read_text())

    return run


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """What a benchmark's file defines."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return lambda name: runpy.run_path(str(BENCHMARKS / f"{name}.py"))


@pytest.mark.parametrize("section", SECTIONS)
def test_the_kernel_benchmark_runs(section: str) -> None:
    script = ROOT / "scripts" / "benchmarks" / "ntk.py"
    done = subprocess.run(
        [sys.executable, script, section, "--quick"], capture_output=True, text=True, check=True
    )
    for words in SECTIONS[section]:
        assert words in done.stdout


def test_a_benchmark_that_there_is_not_is_rejected() -> None:
    done = subprocess.run([ROOT / "scripts" / "bench", "magic"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "scripts/benchmarks/ntk.py" in done.stderr


def test_steps_of_a_fit_are_compared_with_the_first_rows(bench: Bench) -> None:
    mapped, sirens = bench("fit", "--skip", "factored", "random", "ours, fp32")["tables"]
    assert [row[0] for row in mapped["rows"]] == [
        "plain PyTorch loop, fp32",
        "ours, bf16",
        "ours, bf16, cached mapping",
    ]
    assert [row[0] for row in sirens["rows"]] == ["siren-pytorch, fp32", "ours, bf16"]
    for table in (mapped, sirens):
        for name, milliseconds, points, ratio, _, teraflops, share, *_ in table["rows"]:
            took, first = table["seconds"][name], table["seconds"][table["rows"][0][0]]
            products = table["seconds"][f"products of {name}"]
            assert milliseconds == 1e3 * statistics.median(took)
            assert points == pytest.approx(256 / statistics.median(took) / 1e6)
            assert ratio == statistics.median(a / b for a, b in zip(first, took, strict=True))
            assert share == statistics.median(a / b for a, b in zip(products, took, strict=True))
            assert teraflops > 0
    decibels = [float(row[-1]) for row in mapped["rows"] if row[-1] is not None]
    # One training but for bfloat16: a step less makes three times as much.
    assert len(decibels) == 2 and abs(decibels[0] - decibels[1]) < 0.01


def test_the_plain_field_is_the_field(
    script: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    fit = script("fit")
    ours = fit["Bench"](fit["QUICK"], "cpu", tmp_path)._fit(fit["FLOAT32"])
    coords = torch.rand(7, 2)
    assert_close(fit["PlainField"](ours.field)(coords), ours.field(coords))


@pytest.mark.parametrize(("options", "mapped"), [("RECOMPUTED", False), ("FACTORED", True)])
def test_features_are_recomputed_only_where_a_row_says_so(
    script: Callable[[str], dict[str, Any]], tmp_path: Path, options: str, mapped: bool
) -> None:
    fit = script("fit")
    overrides = [fit[options]] if isinstance(fit[options], str) else fit[options]
    ours = fit["Bench"](fit["QUICK"], "cpu", tmp_path)._fit(fit["FLOAT32"], *overrides)
    ours.advance(2)
    assert (ours.training.features is not None) == mapped


def test_a_fit_in_pieces_is_the_whole_fit(
    script: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    fit = script("fit")
    pieces, whole = (
        fit["Bench"](fit["QUICK"], "cpu", tmp_path)._fit(fit["FLOAT32"], "scheduler=constant")
        for _ in range(2)
    )
    for steps in (1, 3, 2):
        assert pieces.advance(steps) > 0
    whole.advance(6)
    assert pieces.trainer.global_step == 6
    for own, other in zip(pieces.field.parameters(), whole.field.parameters(), strict=True):
        assert torch.equal(own, other)


def test_a_watch_counts_from_the_first_step_to_the_last(
    script: Callable[[str], dict[str, Any]],
) -> None:
    watch = script("_fits")["_Watch"]()
    clock = SimpleNamespace(training_seconds=0.0)
    training = SimpleNamespace(clock=clock, device=torch.device("cpu"))
    for start, *ends in ((5.0, 6.0, 8.0), (1.0, 3.5)):
        watch.on_train_start(None, training)
        for step, end in enumerate(ends, start=1):
            clock.training_seconds = start + (step - 1) / 4
            watch.on_train_batch_start(None, training)
            clock.training_seconds = end
            trainer = SimpleNamespace(global_step=step, max_steps=len(ends))
            watch.on_train_batch_end(trainer, training)
        assert watch.seconds == ends[-1] - start


def test_products_are_those_of_a_step_of_a_perceptron(
    script: Callable[[str], dict[str, Any]],
) -> None:
    fit = script("fit")
    widths, points = [5, 7, 6, 3], 16
    layers = [
        layer for i, o in itertools.pairwise(widths) for layer in (nn.Linear(i, o), nn.ReLU())
    ]
    row = fit["Row"](None, torch.float32, 8, widths)
    with FlopCounterMode(display=False) as counter:
        nn.Sequential(*layers)(torch.rand(points, 5)).sum().backward()
    products = fit["Products"](row, points, torch.device("cpu"))
    assert products.operations == counter.get_total_flops()


def test_products_are_made_of_what_came_before(script: Callable[[str], dict[str, Any]]) -> None:
    fit = script("fit")
    row = fit["Row"](None, torch.float32, 4, [5, 7, 3])
    products = fit["Products"](row, 4, torch.device("cpu"))
    products.step()
    first, second = products._weights
    features = products._features
    hidden = features @ first.T
    values = hidden @ second.T
    assert_close(products._hidden[1], values)
    assert_close(products._gradients[1], values.T @ hidden)
    assert_close(products._gradients[0], (values @ second).T @ features)


def test_the_bare_loop_makes_the_steps_of_a_fit(
    script: Callable[[str], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = script("overhead")["make_ways"](4, "32-true", "cpu", tmp_path)
    bare, advance = ways["bare loop"].__self__, ways["50 steps per batch, no callbacks"]
    fit = advance.__self__
    order = fit.training.sampler._epoch_order(fit.signal, 0)
    monkeypatch.setattr(torch, "randperm", lambda *_, **__: order)
    before = [weight.clone() for weight in fit.field.parameters()]
    bare.run(3)
    advance(3)
    for own, other, first in zip(
        bare._network.parameters(), fit.field.parameters(), before, strict=True
    ):
        assert_close(own, other)
        assert not torch.equal(own, first)


def test_quality_finds_the_first_run_to_get_there(script: Callable[[str], dict[str, Any]]) -> None:
    quality = script("quality")
    run, row_of, ratios = quality["Run"], quality["row_of"], quality["ratios"]
    slow = run("a", "mlp", "adam", 400, [(1, 1.0, 20.0), (2, 3.0, 26.0), (3, 4.0, 31.0)])
    fast = run("a", "mlp", "adam", 200, [(1, 1.5, 27.0), (2, 2.0, 28.0)])
    other = run("b", "mlp", "adam", 200, [(1, 5.0, 29.0)])
    assert row_of("adam", [[slow, fast]]) == ["adam", 1.5, 4.0, None, None, None, None, "31.00"]
    assert row_of("adam", [[slow, fast], [other]])[1:3] == [3.25, None]
    assert ratios([[slow, fast], [other]], [[fast], [slow]])[1:3] == ["x 1.33", None]


def test_quality_trains_and_looks(bench: Bench) -> None:
    (table,) = bench("quality")["tables"]
    assert [row[0] for row in table["rows"]][-3:] == [
        "best-tuned adam",
        "muon",
        "best-tuned adam / muon",
    ]
    for run in table["runs"]:
        steps, seconds, _ = zip(*run["points"], strict=True)
        assert list(steps) == list(range(1, run["horizon"] + 1))
        assert sorted(seconds) == list(seconds)


def test_a_training_that_takes_too_long_ends(script: Callable[[str], dict[str, Any]]) -> None:
    from argparse import Namespace

    quality = script("quality")
    arguments = Namespace(size="16x16", batch="64", device="cpu", seconds=0.0, enough=50.0)
    small = ["network.hidden_features=4", "trainer.steps_per_batch=3"]
    run = quality["run"](quality["PHOTO"], "mlp+gaussian", "muon", 400, arguments, *small)
    assert [step for step, *_ in run.points] == [3]


def test_memory_is_that_of_a_process(bench: Bench) -> None:
    (table,) = bench("memory", "render")["tables"]
    (_, small, least, *_), (_, large, most, *_), (_, size, more, each, *_) = table["rows"]
    assert least > 0.05
    assert (size, more, each) == (large - small, most - least, (most - least) / (large - small))


def test_a_large_image_is_trained_on(
    script: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    memory = script("memory")
    memory["write_picture"](32, tmp_path)
    assert memory["train_piece"](32, tmp_path, "cpu") > 0


def test_many_fields_are_compared_field_by_field(bench: Bench) -> None:
    (table,) = bench("many")["tables"]
    ((name, apart, together, ratio),) = table["rows"]
    one_by_one, at_once = table["seconds"][name].values()
    assert apart == 1e3 * statistics.median(one_by_one) / 3
    assert together == 1e3 * statistics.median(at_once) / 3
    assert ratio == statistics.median(a / b for a, b in zip(one_by_one, at_once, strict=True))


def test_fields_at_once_are_as_many(
    script: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    one_by_one, at_once = script("many")["make_ways"](3, 8, 4, "cpu", tmp_path)
    one_by_one.run(2)
    at_once.advance(2)
    each = [torch.cat([p.flatten() for p in f.field.parameters()]) for f in one_by_one.fits]
    together = list(at_once.training.field.parameters())
    assert sum(p.numel() for p in together) == sum(len(weights) for weights in each)
    # All begin at the same weights and see different images.
    norms = [torch.linalg.vector_norm(p.flatten(1), dim=1) for p in together]
    found = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    expected = torch.stack([torch.linalg.vector_norm(weights) for weights in each])
    assert_close(found, expected)
    assert len(set(found.tolist())) == 3


def test_crops_are_parts_of_a_photo(
    script: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    many = script("many")
    paths = many["write_crops"](tmp_path, 9, 64)
    photo = read_raster(many["PHOTO"]).pixels
    # Eight beside each other; the ninth is the first of the next row.
    assert (read_raster(paths[1]).pixels == photo[:64, 64:128]).all()
    assert (read_raster(paths[8]).pixels == photo[64:128, :64]).all()


def test_tables_go_where_a_page_has_a_place(script: Callable[[str], dict[str, Any]]) -> None:
    fill = script("_report")["fill"]
    page = (
        "a\n<!-- bench one -->\nold\n<!-- /bench -->\nb\n<!-- bench two -->\nc\n<!-- /bench -->\n"
    )
    filled = fill(page, "one", "new")
    assert filled == page.replace("old", "\nnew\n")
    assert fill(filled, "one", "new") == filled
    with pytest.raises(SystemExit, match="bench three"):
        fill(page, "three", "new")


def test_a_report_of_overhead_writes_what_it_is_asked_for(bench: Bench, tmp_path: Path) -> None:
    page, tables = tmp_path / "page.md", tmp_path / "tables.md"
    page.write_text("<!-- bench overhead -->\n<!-- /bench -->\nmore\n")
    found = bench("overhead", "--into", str(page), "--markdown", str(tables))
    (table,) = found["tables"]
    bare = table["seconds"]["bare loop"]
    for name, _, beyond in table["rows"][1:]:
        own = table["seconds"][name]
        ratio = statistics.median(a / b for a, b in zip(own, bare, strict=True))
        assert beyond == f"{100 * (ratio - 1):+.1f} %"
        assert f"| {name} |" in tables.read_text()
    assert found["machine"]["torch"] == torch.__version__
    assert found["machine"]["threads"] == torch.get_num_threads()
    assert tables.read_text().startswith(f"{table['title']}:\n\n| steps | ms per step |")
    assert tables.read_text().strip() in page.read_text()
    assert page.read_text().endswith("<!-- /bench -->\nmore\n")


def test_the_page_has_a_place_for_each_benchmark_of_speed() -> None:
    page = (ROOT / "docs" / "speed.md").read_text()
    names = {path.stem for path in BENCHMARKS.glob("[a-z]*.py")} - {"ntk"}
    places = re.findall(r"^<!-- bench (\w+)", page, re.MULTILINE)
    assert set(places) == names
    assert page.count("<!-- /bench -->") == len(places)
