"""Checks of annotated shapes, switched on while tests run."""

import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import torch
from beartype import beartype
from jaxtyping import AbstractArray, install_import_hook, jaxtyped

ROOT = Path(__file__).resolve().parent.parent


def check_annotated_shapes() -> None:
    """Has the modules of ``inr`` check the shapes that they annotate, before any is imported.

    Functions and dataclasses are checked by jaxtyping's import hook, named tuples here.
    """
    install_import_hook(annotated_modules(), f"{__name__}.check_shapes")
    for name in annotated_modules():
        for member in vars(importlib.import_module(name)).values():
            if (
                isinstance(member, type)
                and hasattr(member, "_fields")
                and member.__module__ == name
            ):
                check_named_tuple(member)


def annotated_modules() -> list[str]:
    """Names of the modules that annotate a shape."""
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "inr").rglob("*.py"))
        if "from jaxtyping import" in path.read_text()
    ]


def check_named_tuple(kind: type) -> None:
    """Has a named tuple check the shapes of its fields when it is made."""
    kind.__new__ = jaxtyped(kind.__new__, typechecker=check_shapes)  # type: ignore[method-assign]


def check_shapes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with checks of the arrays that it annotates, and of nothing else.

    A test may give an argument of another type than is annotated, so as to see it rejected.
    """
    hints = function.__annotations__
    function.__annotations__ = {name: hint for name, hint in hints.items() if _has_shape(hint)}
    checked = beartype(function)

    @functools.wraps(function)
    def checked_unless_compiled(*args: Any, **kwargs: Any) -> Any:
        # torch.compile cannot trace a check.
        return (function if torch.compiler.is_compiling() else checked)(*args, **kwargs)

    return checked_unless_compiled


def _has_shape(hint: Any) -> bool:
    """Whether an annotation is an array's, or contains one, as a tuple's may."""
    is_array = isinstance(hint, type) and issubclass(hint, AbstractArray)
    return is_array or any(_has_shape(part) for part in get_args(hint))
