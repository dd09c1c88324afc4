"""Functions: curves, pictures and tables."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.signal import (
    FunctionSignal,
)
from inr.signal._picture import compare_images
from inr.signal.function import Axis, read_column
from inr.signal.function.display import STRETCHES, FunctionDisplay, draw_curves, thin_curve


class Tilt(nn.Module):
    """x - y / 2."""

    def forward(self, coords: Tensor) -> Tensor:
        return (coords @ torch.tensor([1.0, -0.5])[: coords.shape[-1]].to(coords))[:, None]


@pytest.mark.parametrize(
    ("size", "region"), [(None, None), ((7,), None), ((7,), ((0.25,), (0.75,)))]
)
def test_a_curve_is_a_table_of_its_own_numbers(size: Any, region: Any) -> None:
    np.savetxt("in.csv", np.array([3.0, 11.0, 5.0]))
    display = FunctionDisplay()
    description = display.describe(FunctionSignal(kind="file", path="in.csv"))
    display.write("out.csv", Tilt(), description, size=size, region=region)
    with Path("out.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["position", "y"]
    ((lower,), (upper,)) = region or ((0.0,), (1.0,))
    count = (size or (3,))[0]
    x = lower + (np.arange(count) + 0.5) / count * (upper - lower)
    found = np.array(rows, float)
    np.testing.assert_allclose(found[:, 0], x, rtol=1e-15)
    # -1 is 3 and 1 is 11, as the table had it; the field is float32.
    np.testing.assert_allclose(found[:, 1], 7 + 4 * x, rtol=1e-6)


@pytest.mark.parametrize("names", [("hour", "height, m"), ("0", "1")])
@pytest.mark.parametrize(
    ("size", "region", "x"),
    [
        (None, None, [10, 12, 14]),
        ((6,), None, [9.5, 10.5, 11.5, 12.5, 13.5, 14.5]),
        # From the end of the first cell, at 11, to that of the last, at 15.
        ((4,), ((1 / 3,), (1.0,)), [11.5, 12.5, 13.5, 14.5]),
    ],
)
def test_a_table_that_says_where_rows_are_comes_back_with_it(
    size: Any, region: Any, x: list[float], names: tuple[str, str]
) -> None:
    table = np.array([[10, 3.0], [12, 11.0], [14, 5.0]])
    header = "" if names == ("0", "1") else f'{names[0]},"{names[1]}"'
    np.savetxt("in.csv", table, delimiter=",", header=header, comments="", fmt="%g")
    display = FunctionDisplay()
    signal = FunctionSignal(kind="file", path="in.csv", column=1, x=0)
    description = FieldDescription.from_plain(
        json.loads(json.dumps(display.describe(signal).to_plain()))
    )
    display.write("out.csv", Tilt(), description, size=size, region=region)
    shown = names if header else ("column 0", "column 1")
    with Path("out.csv").open(newline="") as file:
        assert tuple(next(csv.reader(file))) == shown
    found = [read_column("out.csv", column=name).numbers for name in shown]
    np.testing.assert_allclose(found[0], x, rtol=1e-14)
    # The first row is a sixth into the unit interval, where -1 is 3 and 1 is 11.
    np.testing.assert_allclose(found[1], 7 + 4 * (np.array(x) - 9) / 6, rtol=1e-6)
    display.write("out.npz", Tilt(), description, size=size, region=region)
    arrays = np.load("out.npz")
    np.testing.assert_allclose(arrays["coords"][:, 0], x, rtol=1e-14)
    np.testing.assert_array_equal(arrays["values"], found[1])


def test_a_run_of_before_there_was_an_axis_is_written() -> None:
    description = FunctionDisplay().describe(FunctionSignal(size=[4]))
    old = {k: v for k, v in description.format.items() if k not in ("column", "x")}
    for name, form in (("old.csv", old), ("new.csv", description.format)):
        FunctionDisplay().write(name, Tilt(), replace(description, format=form))
    assert Path("old.csv").read_text() == Path("new.csv").read_text()


@pytest.mark.parametrize("size", [(5,), (4, 6)])
def test_arrays_have_values_and_coordinates(size: tuple[int, ...]) -> None:
    display = FunctionDisplay()
    signal = FunctionSignal(kind="chirp", size=list(size), value_range=[0.0, 2.0])
    display.write("out.npz", Tilt(), display.describe(signal))
    found = np.load("out.npz")
    assert found["values"].shape == size
    coords = found["coords"].reshape(*size, len(size))
    axes = [(np.arange(n) + 0.5) / n for n in size]
    for axis, grid in enumerate(np.meshgrid(*axes, indexing="ij")[::-1]):
        np.testing.assert_allclose(coords[..., axis], grid, rtol=1e-15)
    low, high = signal.value_format.low, signal.value_format.high
    tilt = np.clip(coords @ np.array([1.0, -0.5])[: len(size)], 0, 2)
    np.testing.assert_allclose(found["values"], low + tilt / 2 * (high - low), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("a.csv", [4, 6], r"expected \.npz"),
        ("a.png", [4, 6], r"expected \.npz"),
        ("a.png", [4], r"\.csv or \.npz"),
    ],
)
def test_what_cannot_hold_it_is_rejected(name: str, size: list[int], expected: str) -> None:
    display = FunctionDisplay()
    with pytest.raises(ValueError, match=expected):
        display.write(name, Tilt(), display.describe(FunctionSignal(size=size)))
    assert not Path(name).exists()


def test_a_plane_is_shown_as_an_image_is() -> None:
    signal = FunctionSignal(kind="steps", size=[6, 9])
    rendering = 0.5 * signal.values.view(6, 9, 1)
    (picture,) = FunctionDisplay().show(
        nn.Identity(), signal, rendering, error_scale=0.2, max_pixels=1000
    )
    expected = compare_images(
        signal.values.view(6, 9, 1), rendering, (-1.0, 1.0), error_scale=0.2, max_pixels=1000
    )
    np.testing.assert_array_equal(picture.pixels, expected.numpy())


def rows_with(pixels: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Rows in which a line of a color lies."""
    is_close = (np.abs(pixels.astype(int) - color) <= 2).all(2)
    return np.flatnonzero(is_close.sum(1) > 500)


def test_curves_are_drawn_over_each_other() -> None:
    # The reconstruction is red, and above the target, which is grey.
    target, values = torch.full((50, 1), -1.0), torch.full((50, 1), 1.0)
    pixels = draw_curves(target, values)
    assert pixels.shape == (450, 900, 3)
    red, grey = rows_with(pixels, (0xD6, 0x27, 0x28)), rows_with(pixels, (178, 178, 178))
    assert len(red) and len(grey)
    assert red.max() < grey.min()


def test_curves_are_drawn_over_their_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def plot(self: Axes, *data: np.ndarray, **style: Any) -> list[Any]:
        drawn.append(data)
        return original(self, *data, **style)

    original = Axes.plot
    monkeypatch.setattr(Axes, "plot", plot)
    target, values = torch.tensor([[1.0], [4.0]]), torch.tensor([[1.0], [6.0]])
    draw_curves(target, values, Axis("year", 1999.5, 2.0))
    expected = [[1, 4], [1, 6], [0, 2]]
    for (x, y), heights in zip(drawn, expected, strict=True):
        assert (x.tolist(), y.tolist()) == ([2000.0, 2001.0], heights)


def test_a_short_curve_is_drawn_as_it_is() -> None:
    x, y = thin_curve(np.array([3.0, 1.0, 2.0, 5.0]))
    assert x.tolist() == [0.125, 0.375, 0.625, 0.875]
    assert y.tolist() == [3, 1, 2, 5]


def test_a_long_curve_keeps_its_peaks() -> None:
    count = 100 * STRETCHES
    values = np.random.default_rng(0).normal(size=count)
    values[12345], values[-1] = 99, -99
    x, y = thin_curve(values)
    assert len(x) == 2 * STRETCHES
    assert (np.diff(x) >= 0).all()
    np.testing.assert_array_equal(y, values[np.rint(x * count - 0.5).astype(int)])
    stretches = values.reshape(STRETCHES, 100)
    assert (y.reshape(-1, 2).max(1) == stretches.max(1)).all()
    assert (y.reshape(-1, 2).min(1) == stretches.min(1)).all()


def test_noise_of_a_million_points_is_drawn() -> None:
    values = torch.rand(2**20, 1, generator=torch.Generator().manual_seed(0))
    draw_curves(values, 1 - values)
