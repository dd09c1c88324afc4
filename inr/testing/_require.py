"""Failures of checks."""

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


def name_of(member: Any) -> str:
    """Name of a class or a function, or of the class of an object."""
    if isinstance(member, partial):
        return name_of(member.func)
    return str(getattr(member, "__name__", type(member).__name__))
