"""Checks of arguments, whose errors say in one sentence what was expected."""

import math
from collections.abc import Collection, Sequence
from typing import Any


def check_count(name: str, value: Any, minimum: int = 1) -> int:
    """Returns ``value`` if it is a whole number of at least ``minimum``.

    Raises:
        TypeError: ``value`` is not a whole number.
        ValueError: ``value`` is too small.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}; expected a whole number, {minimum} or more.")
    if value < minimum:
        raise ValueError(f"{name} is {value}; expected {minimum} or more.")
    return value


def check_positive(name: str, value: Any, *, zero: bool = False) -> float:
    """Returns ``value`` if it is a finite number above zero, or zero itself with ``zero``.

    Raises:
        TypeError: ``value`` is not a number.
        ValueError: ``value`` is out of range.
    """
    expected = "a finite number, 0 or more" if zero else "a finite number above 0"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is {value!r}; expected {expected}.")
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise ValueError(f"{name} is {value}; expected {expected}.")
    return float(value)


def check_range(name: str, value: Any) -> tuple[float, float]:
    """Returns ``value`` as ``(lower, upper)``, two finite numbers in that order.

    Raises:
        TypeError: The value is not two numbers.
        ValueError: The lower number does not come first, or one is not finite.
    """
    lower, upper = check_numbers(name, value, "[lower, upper]")
    if not lower < upper:
        raise ValueError(f"{name} is {[lower, upper]}; expected the lower first.")
    if not (math.isfinite(lower) and math.isfinite(upper)):
        raise ValueError(f"{name} is {[lower, upper]}; expected finite numbers.")
    return float(lower), float(upper)


def check_choice(name: str, value: Any, choices: Collection[str]) -> str:
    """Returns ``value`` if it is one of ``choices``.

    Raises:
        ValueError: ``value`` is none of them.
    """
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(choices)}.")
    return str(value)


def check_flag(name: str, value: Any) -> bool:
    """Returns ``value`` if it is true or false.

    Without this check every word would count as true, even ``no``.

    Raises:
        TypeError: ``value`` is something else.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; expected true or false.")
    return value


def check_list(name: str, value: Any) -> list[Any]:
    """Returns ``value`` as a list if it is a sequence, but no text.

    Raises:
        TypeError: ``value`` is something else.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"{name} is {value!r}; expected a list, as in [1, 2].")
    return list(value)


def check_numbers(name: str, value: Any, names: str) -> list[float]:
    """Returns ``value`` as a list if it is a sequence of as many numbers as ``names`` lists.

    Raises:
        TypeError: ``value`` is something else.

    Example:
        >>> check_numbers("size", [3, 4], "[H, W]")
        [3, 4]
    """
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    if (
        not is_list
        or len(value) != names.count(",") + 1
        or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
    ):
        raise TypeError(f"{name} is {value!r}; expected {names}.")
    return list(value)
