"""Checks of arguments."""

import math

import pytest

from inr.argument import (
    check_choice,
    check_count,
    check_flag,
    check_list,
    check_numbers,
    check_positive,
)


@pytest.mark.parametrize(("value", "minimum"), [(1, 1), (0, 0), (10**12, 1)])
def test_a_count_is_returned(value: int, minimum: int) -> None:
    assert check_count("n", value, minimum) == value


@pytest.mark.parametrize(("value", "minimum"), [(0, 1), (-1, 0)])
def test_a_count_that_is_too_small_is_rejected(value: int, minimum: int) -> None:
    with pytest.raises(ValueError, match=rf"^n is {value}; expected {minimum} or more\.$"):
        check_count("n", value, minimum)


@pytest.mark.parametrize("value", [1.0, True, "3", None])
def test_a_count_that_is_no_whole_number_is_rejected(value: object) -> None:
    with pytest.raises(TypeError, match=r"^n is .*; expected a whole number, 1 or more\.$"):
        check_count("n", value)


def test_a_positive_number_is_returned_as_a_float() -> None:
    assert isinstance(check_positive("x", 2), float)
    assert check_positive("x", 0.5) == 0.5
    assert check_positive("x", 0, zero=True) == 0


@pytest.mark.parametrize("value", [0, 0.0, -1, math.inf, -math.inf, math.nan])
def test_a_number_that_is_not_positive_is_rejected(value: float) -> None:
    with pytest.raises(ValueError, match=r"^x is .*; expected a finite number above 0\.$"):
        check_positive("x", value)


@pytest.mark.parametrize("value", [-1e-300, math.inf, math.nan])
def test_zero_may_be_allowed_and_less_is_not(value: float) -> None:
    with pytest.raises(ValueError, match="expected a finite number, 0 or more"):
        check_positive("x", value, zero=True)


@pytest.mark.parametrize("value", [True, "1", None])
def test_what_is_no_number_is_rejected(value: object) -> None:
    with pytest.raises(TypeError, match="expected a finite number above 0"):
        check_positive("x", value)


def test_a_choice_is_one_of_those_offered() -> None:
    assert check_choice("kind", "b", ("a", "b")) == "b"
    with pytest.raises(ValueError, match=r"^kind is 'c'; expected one of a, b\.$"):
        check_choice("kind", "c", ("a", "b"))


def test_numbers_are_as_many_as_their_names() -> None:
    assert check_numbers("size", (3, 4.5), "[H, W]") == [3, 4.5]


@pytest.mark.parametrize("value", [[1], [1, 2, 3], "12", 5, None, [1, "2"], [1, True]])
def test_other_numbers_are_rejected(value: object) -> None:
    with pytest.raises(TypeError, match=r"size is .*; expected \[H, W\]\."):
        check_numbers("size", value, "[H, W]")


def test_a_flag_is_true_or_false() -> None:
    assert check_flag("linearized", True) is True
    assert check_flag("linearized", False) is False


@pytest.mark.parametrize("value", ["no", "false", 0, 1, None])
def test_what_only_passes_for_true_or_false_is_rejected(value: object) -> None:
    with pytest.raises(TypeError, match=r"^linearized is .*; expected true or false\.$"):
        check_flag("linearized", value)


def test_a_list_is_any_sequence() -> None:
    assert check_list("widths", (4, 8)) == [4, 8]
    assert check_list("widths", []) == []


@pytest.mark.parametrize("value", [4, "48", None])
def test_what_is_no_list_is_rejected(value: object) -> None:
    with pytest.raises(TypeError, match=r"^widths is .*; expected a list, as in \[1, 2\]\.$"):
        check_list("widths", value)
