"""The targets that losses compare a field with, as each loss declares them."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

TargetKind = Literal["values", "labels", "surface"]
Loss = TypeVar("Loss", bound=Callable[..., Any])


def compares(target_kind: TargetKind, *, differentiates: bool = False) -> Callable[[Loss], Loss]:
    """Declares the targets that a loss compares a field with.

    Args:
        target_kind: ``values``, which the outputs approximate; ``labels`` of 0 and 1, whose log
            odds the outputs are; ``surface``, points on a surface, where the outputs are zero.
        differentiates: Whether the loss differentiates the field in its coordinates. Half precision
            is too coarse for that.
    """

    def declare(loss: Loss) -> Loss:
        loss.target_kind = target_kind  # type: ignore[attr-defined]
        loss.differentiates = differentiates  # type: ignore[attr-defined]
        return loss

    return declare


def target_kind_of(loss: Callable[..., Any]) -> str:
    """The kind of targets of a loss, or of a partial one; ``values`` if it declares none."""
    return str(getattr(_whole(loss), "target_kind", "values"))


def differentiates(loss: Callable[..., Any]) -> bool:
    """Whether a loss, or a partial one, differentiates the field in its coordinates."""
    return bool(getattr(_whole(loss), "differentiates", False))


def losses_for(target_kind: str) -> tuple[str, ...]:
    """Names of the losses of this family that compare a field with such targets.

    Example:
        >>> losses_for("labels")
        ('bce',)
    """
    import inr.loss

    members = (getattr(inr.loss, name) for name in inr.loss.__all__)
    return tuple(
        member.__name__ for member in members if getattr(member, "target_kind", None) == target_kind
    )


def _whole(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The loss that a partial one has arguments for."""
    return getattr(loss, "func", loss)
