"""A bar for what is written piece by piece."""

from collections.abc import Iterable, Iterator

import numpy as np
from rich.console import Console
from rich.progress import Progress


def with_bar(pieces: Iterable[np.ndarray], total: int, *, shown: bool) -> Iterator[np.ndarray]:
    """The pieces, with a bar on stderr while they come, if that is a terminal.

    Args:
        pieces: Along their first axis.
        total: Length of all of them along it.
        shown: Whether to show it at all.
    """
    console = Console(stderr=True)
    with Progress(console=console, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("render", total=total)
        for piece in pieces:
            yield piece
            bar.advance(task, len(piece))
