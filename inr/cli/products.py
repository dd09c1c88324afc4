"""How far a computation by products with a kernel is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 25


@contextmanager
def show_products(what: str) -> Iterator[Callable[[int, str], None]]:
    """Shows on stderr how many products were made, and how far the goal is.

    Args:
        what: Is computed, until the first product.

    Yields:
        To be called with the number of products and how far that got. Where there is no terminal,
        some of them make a line.
    """
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(what) as status:

        def show(products: int, state: str) -> None:
            line = f"{products} products, {state}"
            if console.is_terminal:
                status.update(line)
            elif products % EVERY == 0:
                console.print(line)

        yield show
