"""Progress of computations by products with a kernel."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 25


@contextmanager
def show_products(what: str) -> Iterator[Callable[[int, str], None]]:
    """Shows on stderr how many products were made, and how far the goal is.

    Args:
        what: Text until the first product.

    Yields:
        A function of the number of products and a text on the progress. Where there is no terminal
        it prints one line for every 25 products.
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
