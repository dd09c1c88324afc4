"""Columns of tables: what is found in a text, and what is rejected."""

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from inr.signal.function import Axis, is_table, read_axis, read_column
from inr.signal.function.text import BATCH_LINES
from tests.tolerance import assert_close


def save(folder: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "column", "name", "numbers"),
    [
        ("1\n2\n4\n", None, "0", [1, 2, 4]),
        ("1e3\r\n-2.5E-1\r\n", None, "0", [1000, -0.25]),
        ("height\n1\n2", None, "height", [1, 2]),
        ("t,x\n0,1.5\n1,2.5\n", "x", "x", [1.5, 2.5]),
        ("t,x\n0,1.5\n1,2.5\n", 0, "t", [0, 1]),
        ("0,1.5\n1,2.5\n", 1, "1", [1.5, 2.5]),
        ("t;x\n0;1,5\n1;2,5\n", "x", "x", [1.5, 2.5]),
        ("t\tx y\n0\t1\n1\t2\n", "x y", "x y", [1, 2]),
        ("t|x\n0|1\n1|2\n", "x", "x", [1, 2]),
        ("  0   1.5\n 10   2.5\n", 1, "1", [1.5, 2.5]),
        ("# made by hand\n# t x\n0 1\n# a pause\n1 2\n", "x", "x", [1, 2]),
        ("% 1 2\n0 1\n1 2\n", 1, "1", [1, 2]),
        ("\n\nt,x\n\n0,1\n\n1,2\n", "x", "x", [1, 2]),
        ('"a, b",c\n1,"2.5"\n3,4\n', "a, b", "a, b", [1, 3]),
        ('"a, b",c\n1,"2.5"\n3,4\n', "c", "c", [2.5, 4]),
        ("day,v\n2020-01-01,1\n2020-01-02,2\n", "v", "v", [1, 2]),
        ("2020-01-01,1\n2020-01-02,2\n", 1, "1", [1, 2]),
        ("name,2021,x\na,7,1\nb,8,2\n", 2021, "2021", [7, 8]),
        ("a,b,\n1,2,\n3,4,\n", "b", "b", [2, 4]),
        ("\ufeffa,b\n1,2\n", "a", "a", [1]),
        ("sep=;\nt;v\n0;0,5\n1;1,5\n", "v", "v", [0.5, 1.5]),
        ('"sep=,"\n0,5\n1,6\n', 1, "1", [5, 6]),
        ("Time,CH1\ns,V\n0.0,0.5\n0.1,1.5\n", "CH1", "CH1", [0.5, 1.5]),
        ("Zeit;U\n;V\n0,0;0,5\n0,1;1,5\n", "U", "U", [0.5, 1.5]),
        ("0,1,of three\n1,2\n2,3\n", 1, "1", [1, 2, 3]),
        ('size,v\n5" pipe,3\n6 pipe,4\n', "v", "v", [3, 4]),
        (
            "0.30000000000000004\n2.2250738585072014e-308\n1e-400\n",
            None,
            "0",
            [0.30000000000000004, 2.2250738585072014e-308, 0],
        ),
    ],
)
def test_a_text_is_read_as_it_is_meant(
    text: str, column: int | str | None, name: str, numbers: list[float], tmp_path: Path
) -> None:
    found = read_column(save(tmp_path, text), column=column)
    assert found.name == name
    assert found.numbers.dtype == np.float64
    assert found.numbers.tolist() == numbers


def test_two_bytes_to_a_letter_are_read(tmp_path: Path) -> None:
    assert read_column(save(tmp_path, "t,x\n0,5\n", "utf-16"), column="x").numbers.tolist() == [5]


@pytest.mark.parametrize("open_any", [gzip.open, bz2.open, lzma.open])
def test_compressed_text_is_read(open_any: Callable[..., IO[bytes]], tmp_path: Path) -> None:
    text = "t,x\n0,5\n1,6\n"
    for content in (text.encode(), text.encode("utf-16")):
        with open_any(tmp_path / "a.csv", "wb") as opened:
            opened.write(content)
        assert read_column(tmp_path / "a.csv", column="x").numbers.tolist() == [5, 6]
    damaged = (tmp_path / "a.csv").read_bytes()[:-9]
    with pytest.raises(ValueError, match=r"is cut off or damaged .*; expected a whole CSV file"):
        read_column(save(tmp_path, damaged), column="x")


def test_a_text_that_is_read_in_parts_is_read_whole(tmp_path: Path) -> None:
    count = BATCH_LINES + 1000
    numbers = np.random.default_rng(0).normal(size=count)
    rows = [f"{n},{number!r}" for n, number in enumerate(numbers.tolist())]
    lines = ["# a pause", "t,x", *rows]
    found = read_column(save(tmp_path, "\n".join(lines)), column="x")
    np.testing.assert_array_equal(found.numbers, numbers)
    lines[-10] = f"{count},oops"
    with pytest.raises(ValueError, match=f"has 'oops' in line {len(lines) - 9} of column x"):
        read_column(save(tmp_path, "\n".join(lines)), column="x")


def test_a_column_that_numpy_wrote_comes_back(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=(500, 3))
    for delimiter in (",", " ", ";", "\t"):
        path = tmp_path / "table.csv"
        np.savetxt(path, array, delimiter=delimiter, header=delimiter.join("abc"), fmt="%.17g")
        np.testing.assert_array_equal(read_column(path, column="b").numbers, array[:, 1])


def test_what_is_missing_is_rejected_or_zero(tmp_path: Path) -> None:
    path = save(tmp_path, "t,x\n0,1\n1,\n2,NaN\n3,#N/A\n4,-inf\n5,6\n")
    sentence = r"holds 4 missing, NaN or infinite numbers of 6 in column x, the first in row 1; .*"
    with pytest.raises(ValueError, match=sentence + "use nonfinite=zero"):
        read_column(path, column="x")
    assert read_column(path, column="x", nonfinite="zero").numbers.tolist() == [1, 0, 0, 0, 0, 6]
    assert read_column(path, column="t").numbers.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "column", "sentence"),
    [
        (b"", None, "is empty"),
        (b"\n \n", None, "has no numbers"),
        (b"\0\1\2 binary", None, "is no table in a known format"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None, "is no table in a known format"),
        (b"t,x\n", "x", "has no numbers"),
        (b"t,x\n0,1\n1,2\n", None, "has 2 columns; expected one of t, x, .* Use column=x"),
        (b"0,1\n1,2\n", None, "has 2 columns; expected one of 0, 1, .* Use column=1"),
        (b"t,a b\n0,1\n", None, "Use column=1"),
        (b"t,x\n0,1\n", "y", "has no column 'y'"),
        (b"t,x\n0,1\n", 2, "has no column 2"),
        (b"t,x\n0,1\n", -1, "has no column -1"),
        (b"hello\nworld\n", None, "has 'hello' in line 1 of column 0; expected a number"),
        (b"t,x\n0,1\n# -\n1,two\n", "x", "has 'two' in line 4 of column x"),
        (b'x,t\n"1,234",0\n', "x", "has '1,234' in line 2 of column x"),
        (b"t,x\n0,1\n1,2\n3", "x", r"has too few cells in line 4 \(1\); expected 2 or more"),
        (b"x\n5\n1,234,567\n2\n3\n", None, "has '1,234,567' in line 3"),
        (b"x\nm\n5\n6\n", None, "has 'x' in line 1"),
        (b'a,b\n1,2\n"3,4\n5,6\n', "b", "has an unpaired quotation mark in line 3"),
        (
            b'a,b\n1,2\n"3,4\n5,6\n"7,8\n' + 30 * b"9,9\n",
            "b",
            "has an unpaired quotation mark in line 3",
        ),
    ],
)
def test_what_is_no_column_of_numbers_is_rejected_in_one_line(
    text: bytes, column: int | str | None, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        read_column(save(tmp_path, text), column=column)
    assert "\n" not in str(caught.value) and "; expected " in str(caught.value)


def test_arrays_have_columns(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.int16).reshape(3, 2)
    np.save(tmp_path / "a.npy", array)
    assert read_column(tmp_path / "a.npy", column=1).numbers.tolist() == [1, 3, 5]
    np.save(tmp_path / "b.npy", array[:, 0])
    found = read_column(tmp_path / "b.npy")
    assert (type(found.numbers), found.numbers.tolist()) == (np.ndarray, [0, 2, 4])
    named = np.array([(1, 2.5), (3, 4.5)], dtype=[("t", int), ("x", float)])
    np.save(tmp_path / "c.npy", named)
    assert read_column(tmp_path / "c.npy", column="x").numbers.tolist() == [2.5, 4.5]


def test_archives_have_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, time=np.arange(3), points=np.arange(6).reshape(3, 2))
    assert read_column(path, column="time").numbers.tolist() == [0, 1, 2]
    assert read_column(path, column="points.1").numbers.tolist() == [1, 3, 5]
    with pytest.raises(ValueError, match=r"expected one of time, points.0, points.1, or a number"):
        read_column(path)
    np.savez(path, np.arange(4))
    assert read_column(path).numbers.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.ones((2, 2, 2)), "holds an array of 3 axes; expected 1 or 2"),
        (np.float64(3), "holds an array of 0 axes"),
        (np.ones(3) * 1j, "holds complex numbers in column 0"),
        (np.array(["a", "b"]), "holds str32 data in column 0"),
        (np.array([{}], dtype=object), "holds pickled objects"),
        (np.ones((3, 0)), "has no numbers"),
        (np.ones(0), "has no numbers"),
    ],
)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_that_are_no_numbers_are_rejected(
    array: np.ndarray, sentence: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{suffix}"
    (np.save if suffix == "npy" else np.savez)(path, array)
    with pytest.raises(ValueError, match=sentence):
        read_column(path)


def test_large_tables_are_rejected_before_they_are_read(tmp_path: Path) -> None:
    text = save(tmp_path, "t,x\n" + "0,1\n" * 50)
    np.save(tmp_path / "a.npy", np.zeros((50, 2)))
    np.savez_compressed(tmp_path / "a.npz", np.zeros((50, 2)))
    for path in (text, tmp_path / "a.npy", tmp_path / "a.npz"):
        assert len(read_column(path, column=1, max_points=100).numbers) == 50
        with pytest.raises(ValueError, match="100 numbers or more; expected at most 99"):
            read_column(path, column=1, max_points=99)


def test_a_header_that_lies_takes_no_memory(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }"
    lie = b"\x93NUMPY\x01\x00" + (128 - 10).to_bytes(2, "little") + header.ljust(117) + b"\n"
    (tmp_path / "a.npy").write_bytes(lie)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", lie)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(ValueError, match="holds 99,999,999,999 numbers or more"):
            read_column(tmp_path / name)


@pytest.mark.parametrize("kind", ["csv", "npy", "npz"])
def test_damage_ends_as_a_value_error_or_a_column(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(len(kind))
    path = tmp_path / f"a.{kind}"
    array = random.normal(size=(20, 2))
    {"csv": np.savetxt, "npy": np.save, "npz": np.savez_compressed}[kind](path, array)
    content = path.read_bytes()
    for trial in range(60):
        damaged = bytearray(content)
        if trial % 2:
            del damaged[random.integers(1, len(content)) :]
        else:
            for place in random.integers(0, len(content) if trial % 4 else 100, 4):
                damaged[place] = random.integers(0, 256)
        path.write_bytes(damaged)
        try:
            assert read_column(path, column=0, nonfinite="zero").numbers.ndim == 1
        except ValueError as error:
            assert "; expected " in str(error) and "\n" not in str(error)


def test_tables_are_told_by_their_names_and_arrays_by_their_axes(tmp_path: Path) -> None:
    assert is_table(save(tmp_path, "1\n2\n"))
    np.save(tmp_path / "a.npy", np.zeros((3, 2)))
    np.save(tmp_path / "b.npy", np.zeros((3, 2, 2)))
    (tmp_path / "c.npy").write_bytes(b"\x93NUMPY")
    for name in ("d.txt", "f.csv.xz", "g.tsv.gz", "h.gz"):
        (tmp_path / name).write_text("1\n")
    names = {"a.npy", "b.npy", "c.npy", "d.txt", "e.csv", "f.csv.xz", "g.tsv.gz", "h.gz"}
    found = {name for name in names if is_table(tmp_path / name)}
    assert found == {"a.npy", "f.csv.xz", "g.tsv.gz"}


@pytest.mark.parametrize("column", [True, 1.0])
def test_a_column_is_a_name_or_a_number(column: object, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="expected a name, or a number from 0"):
        read_column(save(tmp_path, "1\n"), column=column)  # type: ignore[arg-type]


def write_axis(folder: Path, numbers: object) -> Path:
    rows = "".join(f"{number},1\n" for number in numbers)  # type: ignore[attr-defined]
    return save(folder, f"t,v\n{rows}")


@pytest.mark.parametrize("column", ["t", 0])
def test_rows_are_centres_of_equal_cells(column: int | str, tmp_path: Path) -> None:
    path = write_axis(tmp_path, [10, 12, 14])
    axis = read_axis(path, column=column, rows=3)
    assert axis == Axis("t", 9.0, 6.0)
    assert_close(axis.at(np.array([0, 1 / 6, 0.5, 5 / 6, 1])), [9.0, 10, 12, 14, 15])


def test_rounding_is_not_uneven(tmp_path: Path) -> None:
    line = -3 + np.arange(100) / 30
    for decimals in (3, 6):
        path = write_axis(tmp_path, [f"{number:.{decimals}f}" for number in line])
        axis = read_axis(path, column="t", rows=100)
        assert np.abs(axis.at((np.arange(100) + 0.5) / 100) - line).max() < 10.0**-decimals


def test_a_large_number_in_front_changes_nothing(tmp_path: Path) -> None:
    """Milliseconds of a clock that counts from 1970."""
    path = write_axis(tmp_path, [f"{1.7e9 + n / 1000:.3f}" for n in range(50)])
    axis = read_axis(path, column="t", rows=50)
    # A double has steps of 2.4e-7 there.
    assert abs(axis.length - 0.05) < 1e-6


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ([0, 1, 3, 4, 5], "has 3 in row 2 of column t, where even steps have 2.5;"),
        ([*range(50), *range(51, 99)], "in row .* of column t, where even steps have"),
        ([1, 2, 4, 8], "of column t, where even steps have .*; expected even steps, up to"),
        ([0, 1, 1, 2], "has 1 and then 1 in column t, rows 1 and 2; expected .* that increase"),
        ([3, 2, 1], "has 3 and then 2 in column t, rows 0 and 1; expected numbers that increase"),
        ([0, "", 2], "holds no number in row 1 of column t"),
        ([0, 1, "inf"], "holds no number in row 2 of column t"),
        ([5], "has one row in column t; expected two or more"),
        (["a", "b"], "has 'a' in line 2 of column t; .* x=NAME"),
    ],
)
def test_where_rows_are_not_even_is_rejected_in_one_line(
    numbers: list[object], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        read_axis(write_axis(tmp_path, numbers), column="t", rows=len(numbers))
    message = str(caught.value)
    assert "\n" not in message and "; expected " in message
    assert "x=null" in message or "x=NAME" in message


def test_an_axis_that_is_not_there_is_told_apart_from_a_column(tmp_path: Path) -> None:
    path = write_axis(tmp_path, [0, 1])
    with pytest.raises(ValueError, match=r"has no column 'x'; .* Use x=t\."):
        read_axis(path, column="x", rows=2)
    with pytest.raises(TypeError, match="x is True; expected a name, or a number from 0"):
        read_axis(path, column=True, rows=2)


def test_an_axis_has_a_number_for_each_row(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", time=np.arange(3), height=np.arange(4))
    with pytest.raises(ValueError, match="has 3 numbers in column time and 4 in the other"):
        read_axis(tmp_path / "a.npz", column="time", rows=4)
