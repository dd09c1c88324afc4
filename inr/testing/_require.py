"""Failures of checks."""

from collections.abc import Callable
from functools import partial
from typing import Any


def require(condition: bool, member: Any, what: str) -> None:
    """Raises unless the condition holds.

    Args:
        condition: Whether the promise is kept.
        member: Member of a family, or a class or function that makes one.
        what: Rest of the sentence that begins with the member's name, such as ``gives 3 features;
            expected 2``.

    Raises:
        AssertionError: The condition does not hold.
    """
    if not condition:
        raise AssertionError(f"{name_of(member)} {what}.")


def require_rejection(member: Any, make: Callable[[], Any], option: str, value: float) -> None:
    """Raises unless ``make`` raises a ``ValueError`` that names an option and its value.

    Args:
        member: Class or function that makes a member of a family.
        make: Calls it with the value.
        option: Name of the option.
        value: Value that the member should reject.

    Raises:
        AssertionError: The value is accepted, or the error does not name it.
    """
    try:
        make()
    except ValueError as error:
        require(
            f"{option} is {value}" in str(error),
            member,
            f"does not name {option}={value} in its error {str(error)!r}",
        )
    else:
        require(False, member, f"takes {option}={value}; expected ValueError")


def name_of(member: Any) -> str:
    """Name of a class or a function, or of the class of an object."""
    if isinstance(member, partial):
        return name_of(member.func)
    return str(getattr(member, "__name__", type(member).__name__))
