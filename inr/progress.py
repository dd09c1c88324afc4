"""Progress on stderr: a bar in a terminal or a notebook, and silence or plain lines elsewhere."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import Progress, ProgressColumn


def make_bar(*columns: ProgressColumn, shown: bool = True) -> Progress:
    """A bar that moves where something can move: in a terminal or a notebook.

    Args:
        columns: Columns of the bar; a description, the bar, a percentage and the time left when
            there are none.
        shown: Whether to show it at all.
    """
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not (shown and is_live(console)))


def is_live(console: Console) -> bool:
    """Whether a bar can move: in a terminal or a notebook."""
    return console.is_terminal or console.is_jupyter


def with_bar(
    pieces: Iterable[np.ndarray], total: int, *, shown: bool, by_length: bool = True
) -> Iterator[np.ndarray]:
    """The pieces, with a bar while they come.

    Args:
        pieces: Arrays to pass on.
        total: Length of all pieces along their first axis, or their number.
        shown: Whether to show the bar.
        by_length: Whether a piece counts by its length, and not as one.
    """
    with make_bar(shown=shown) as bar:
        task = bar.add_task("render", total=total)
        for piece in pieces:
            yield piece
            bar.advance(task, len(piece) if by_length else 1)


@contextmanager
def show_status(what: str) -> Iterator[Callable[[str], bool]]:
    """Shows what is computed, where something can move.

    Args:
        what: First text.

    Yields:
        A function that shows another text, and returns whether it did.
    """
    console = Console(stderr=True)
    if not is_live(console):
        yield lambda text: False
        return
    with console.status(what) as status:

        def update(text: str) -> bool:
            status.update(text)
            return True

        yield update
