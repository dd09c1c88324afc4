"""Functions of known content: their spectra, frequencies and pieces; and columns of tables."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from inr.signal import FunctionSignal
from inr.signal.function import Axis
from tests.tolerance import assert_close


def function_of(signal: FunctionSignal) -> Tensor:
    """The function on its lattice in float64, scaled to what it was."""
    values = signal.value_format.restore(signal.values.numpy())
    return torch.from_numpy(values).view(signal.lattice)


def powers_of(function: Tensor) -> Tensor:
    return (torch.fft.fftn(function).abs() / function.numel()).square()


def radii_of(lattice: tuple[int, ...]) -> Tensor:
    axes = [torch.fft.fftfreq(n, 1 / n) for n in lattice]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).norm(dim=0)


@pytest.mark.parametrize("size", [[64], [65], [24, 33]])
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.5])
def test_the_spectrum_of_a_power_law_is_what_was_asked(size: list[int], exponent: float) -> None:
    signal = FunctionSignal(size=size, exponent=exponent, seed=3)
    assert signal.lattice == tuple(size)
    powers, radii = powers_of(function_of(signal)), radii_of(signal.lattice)
    told = radii > 0
    for axis, n in enumerate(size):
        if n % 2 == 0:
            told.index_fill_(axis, torch.tensor(n // 2), False)
    # Values were in float32.
    assert (powers[told] / radii[told] ** -exponent - 1).abs().max() < 1e-3
    assert powers[~told].max() < 1e-9


def test_a_power_law_may_have_a_highest_frequency() -> None:
    signal = FunctionSignal(size=[40, 30], exponent=1.0, max_frequency=7.5)
    powers, radii = powers_of(function_of(signal)), radii_of(signal.lattice)
    assert powers[radii > 7.5].max() < 1e-9
    assert powers[(radii <= 7.5) & (radii > 0)].min() > 0.9 / 7.5


def test_phases_are_drawn_from_the_seed_alone() -> None:
    functions = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(functions))
        functions.append(FunctionSignal(size=[64], seed=seed).values)
    assert torch.equal(functions[0], functions[1])
    assert (functions[0] - functions[2]).abs().max() > 0.1
    phases = torch.fft.fft(functions[0][:, 0].double())[1:32].angle()
    # Of 31 uniform phases.
    assert (torch.exp(1j * phases).mean()).abs() < 0.5


def test_sines_have_the_listed_frequencies_and_amplitudes() -> None:
    signal = FunctionSignal(kind="sines", size=[128], frequencies=[3, 20], amplitudes=[1.0, 0.25])
    amplitudes = 2 * powers_of(function_of(signal)).sqrt()[:65]
    assert_close(amplitudes[[3, 20]].float(), [1.0, 0.25], looser=10)
    amplitudes[[3, 20]] = 0
    assert amplitudes.max() < 1e-6


def test_waves_on_a_plane_have_x_along_the_width() -> None:
    signal = FunctionSignal(kind="sines", size=[16, 24], frequencies=[[5, 0], [-2, 3]])
    powers = powers_of(function_of(signal))
    found = {(int(y), int(x)) for y, x in (powers > 0.01).nonzero()}
    assert found == {(0, 5), (0, 19), (3, 22), (13, 2)}


def test_a_wave_of_a_whole_frequency_repeats_and_another_does_not() -> None:
    for frequency, repeats in ((4.0, True), (4.5, False)):
        signal = FunctionSignal(kind="sines", size=[64], frequencies=[frequency])
        function = function_of(signal)
        assert torch.allclose(function[:16], function[16:32], atol=1e-5) == repeats


def test_a_chirp_goes_from_its_first_to_its_last_frequency() -> None:
    signal = FunctionSignal(kind="chirp", size=[4096], frequencies=[5, 60])
    x = (torch.arange(4096, dtype=torch.float64) + 0.5) / 4096
    expected = torch.cos(2 * math.pi * (5 * x + 27.5 * x**2))
    assert_close(function_of(signal).float(), expected, looser=10)
    # The phase between zeros grows by half a turn: the frequency there is that of a line.
    function = function_of(signal)
    crossings = (function[1:] * function[:-1] < 0).nonzero()[:, 0]
    share = function[crossings] / (function[crossings] - function[crossings + 1])
    zeros = x[crossings] + share / 4096
    middles, frequencies = (zeros[1:] + zeros[:-1]) / 2, 0.5 / zeros.diff()
    assert (frequencies / (5 + 55 * middles) - 1).abs().max() < 0.02


def test_a_chirp_on_a_plane_is_a_zone_plate() -> None:
    signal = FunctionSignal(kind="chirp", size=[100, 60], frequencies=[0, 8])
    function = function_of(signal)
    radius = (signal.train_points(None).coords.double() - 0.5).norm(dim=1).view(100, 60)
    assert_close(function.float(), torch.cos(2 * math.pi * 8 * radius**2), looser=100)
    assert torch.allclose(function, function.flip(0), atol=1e-5)


def test_a_chirp_ends_where_points_still_tell_its_frequency() -> None:
    function = function_of(FunctionSignal(kind="chirp", size=[256]))
    assert int((function[1:] * function[:-1] < 0).sum()) == 33


@pytest.mark.parametrize("size", [[500], [40, 30]])
def test_steps_are_constant_on_the_nearest_points_of_some(size: list[int]) -> None:
    signal = FunctionSignal(kind="steps", size=size, pieces=12, seed=1)
    levels, counts = signal.values.unique(return_counts=True)
    assert 8 <= len(levels) <= 12
    coords = signal.train_points(None).coords
    for level, count in zip(levels, counts, strict=True):
        piece = coords[signal.values[:, 0] == level]
        # Cells of nearest points are convex: nothing else lies between what lies inside of one.
        middle = (piece[:, None] + piece).flatten(0, 1) / 2
        cells = (middle * torch.tensor(size[::-1])).floor().long()
        flat = cells[:, -1] if len(size) == 1 else cells[:, 1] * size[1] + cells[:, 0]
        inside = (signal.values[flat, 0] == level).double().mean()
        assert inside > 0.95, (level, count)


def test_the_least_and_the_greatest_value_are_the_ends_of_the_range() -> None:
    for kind in ("power_law", "sines", "chirp", "steps"):
        signal = FunctionSignal(kind=kind, value_range=[0, 3])  # type: ignore[arg-type]
        assert signal.lattice == (1024,)
        assert (signal.name, signal.kind) == (kind, "function")
        assert_close(torch.stack(signal.values.aminmax()), [0.0, 3.0])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "tide.csv").write_text("hour,height\n0,2.0\n1,-1.0\n2,5\n3,0.5\n")
    return tmp_path / "tide.csv"


def test_a_column_of_a_table_is_a_function(table: Path) -> None:
    signal = FunctionSignal(kind="file", path=table, column="height")
    assert (signal.name, signal.lattice, signal.out_features) == ("tide", (4,), 1)
    assert_close(signal.values[:, 0], [0.0, -1.0, 1.0, -0.5])
    assert_close(function_of(signal).float(), [2.0, -1.0, 5.0, 0.5])
    assert_close(signal.train_points(None).coords[:, 0], [0.125, 0.375, 0.625, 0.875])


def test_a_table_may_say_where_its_rows_are(table: Path) -> None:
    signal = FunctionSignal(kind="file", path=table, column="height", x="hour")
    assert (signal.column, signal.x) == ("height", Axis("hour", -0.5, 4.0))
    plain = FunctionSignal(kind="file", path=table, column="height")
    assert (plain.column, plain.x) == ("height", None)
    assert torch.equal(signal.values, plain.values)
    formula = FunctionSignal()
    assert (formula.column, formula.x) == (None, None)


def test_a_column_of_an_array_is_a_function(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(10.0).reshape(5, 2) ** 2)
    signal = FunctionSignal(kind="file", path=tmp_path / "a.npy", column=1, holdout="alternate")
    assert_close(function_of(signal).float(), [1.0, 9, 25, 49, 81])
    assert signal.num_train == 3


def test_a_constant_column_is_a_function_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("7\n7\n")
    signal = FunctionSignal(kind="file", path=tmp_path / "a.csv")
    assert signal.values.isfinite().all()
    assert function_of(signal).tolist() == [7.0, 7.0]


def test_one_column_is_not_both(table: Path) -> None:
    with pytest.raises(ValueError, match="x and column are both hour; expected two columns"):
        FunctionSignal(kind="file", path=table, column="hour", x=0)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"kind": "noise"}, ValueError, "kind is 'noise'; expected one of power_law, sines"),
        ({"value_range": (1.0, -1.0)}, ValueError, "expected the lower first"),
        ({"size": 64}, TypeError, r"size is 64; expected a list"),
        ({"size": []}, ValueError, r"size is \[\]; expected \[N\] or \[H, W\]"),
        ({"size": [2, 2, 2]}, ValueError, r"expected \[N\] or \[H, W\]"),
        ({"size": [0]}, ValueError, "size is 0"),
        ({"size": [20, 20], "max_points": 399}, ValueError, "expected at most max_points=399"),
        ({"exponent": "pink"}, TypeError, "exponent is 'pink'; expected a number"),
        ({"exponent": math.nan}, ValueError, "expected a finite number"),
        ({"max_frequency": 0}, ValueError, "max_frequency is 0"),
        ({"kind": "sines", "frequencies": []}, ValueError, "there are 0 frequencies"),
        ({"kind": "sines", "frequencies": [[1, 2]]}, TypeError, "expected a number"),
        ({"kind": "sines", "frequencies": [1], "size": [4, 4]}, TypeError, r"\[fx, fy\]"),
        ({"kind": "sines", "amplitudes": [1]}, ValueError, "3 frequencies and 1 amplitudes"),
        ({"kind": "chirp", "frequencies": [1]}, TypeError, r"expected \[first, last\]"),
        ({"kind": "steps", "pieces": 0}, ValueError, "pieces is 0"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"kind": "file"}, ValueError, "path is missing; expected that of a CSV, NPY"),
        ({"path": "a.csv"}, ValueError, "kind power_law; expected kind=file"),
        ({"x": "time"}, ValueError, "x is time and kind power_law; expected kind=file"),
        ({"kind": "file", "path": "a.csv", "size": [4]}, ValueError, "a table has its own"),
        ({"kind": "file", "path": "a.csv"}, FileNotFoundError, "a.csv does not exist"),
    ],
)
def test_knobs_out_of_range_are_rejected(
    options: dict[str, object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        FunctionSignal(**options)  # type: ignore[arg-type]
