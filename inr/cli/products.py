"""Progress of computations by products with a kernel."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inr.progress import show_status

EVERY = 25


@contextmanager
def show_products(what: str) -> Iterator[Callable[[int, str], None]]:
    """Shows on stderr how many products were made, and how far the goal is.

    Args:
        what: Text until the first product.

    Yields:
        A function of the number of products and a text on the progress. Where nothing can move it
        prints one line for every 25 products.
    """
    with show_status(what) as update:

        def show(products: int, state: str) -> None:
            line = f"{products} products, {state}"
            if not update(line) and products % EVERY == 0:
                print(line, file=sys.stderr)

        yield show
