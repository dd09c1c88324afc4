"""Which signals a loss suits."""

from collections.abc import Callable
from typing import Any, TypeVar

VALUES, LABELS, SURFACE = "values", "labels", "surface"

Loss = TypeVar("Loss", bound=Callable[..., Any])


def suits(targets: str, *, differentiates: bool = False) -> Callable[[Loss], Loss]:
    """Declares the targets that a loss compares a field with.

    Args:
        targets: ``values``, which outputs are to equal; ``labels``, 0 or 1, of which outputs are
            the log odds; ``surface``, points on one, where outputs are to vanish.
        differentiates: Whether it differentiates the field in its coordinates, for which numbers of
            half the bits are too coarse.
    """

    def mark(loss: Loss) -> Loss:
        loss.targets, loss.differentiates = targets, differentiates  # type: ignore[attr-defined]
        return loss

    return mark


def target_kind_of(loss: Callable[..., Any]) -> str:
    """What a loss, or a partial one, compares a field with."""
    return str(getattr(_plain(loss), "targets", VALUES))


def differentiates(loss: Callable[..., Any]) -> bool:
    """Whether a loss, or a partial one, differentiates the field in its coordinates."""
    return bool(getattr(_plain(loss), "differentiates", False))


def _plain(loss: Callable[..., Any]) -> Any:
    return getattr(loss, "func", loss)
