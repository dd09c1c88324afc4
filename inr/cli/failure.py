"""Errors of a command as one line on stderr and an exit status."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

FULL_ERROR = "HYDRA_FULL_ERROR"


class BadInputError(Exception):
    """Input or options that cannot be used. Exit status 2."""


class RunFailedError(Exception):
    """A valid run that failed. Exit status 1."""


@contextmanager
def one_line_errors(program: str) -> Iterator[None]:
    """Turns exceptions into one line on stderr and an exit status.

    0 is done, 1 a run that failed, 2 bad input or usage, 130 Ctrl-C. With ``HYDRA_FULL_ERROR=1`` in
    the environment, tracebacks are shown instead.

    Args:
        program: Name at the beginning of the line.
    """
    full = os.environ.get(FULL_ERROR) == "1"
    try:
        yield
    except KeyboardInterrupt:
        print(f"{program}: interrupted.", file=sys.stderr)
        sys.exit(130)
    except BadInputError as error:
        if full:
            raise
        print(f"{program}: {_one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except RunFailedError as error:
        if full:
            raise
        print(f"{program}: {_one_line(error)}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if full:
            raise
        kind = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
        print(
            f"{program}: {kind}: {_one_line(error)} ({FULL_ERROR}=1 shows where.)", file=sys.stderr
        )
        sys.exit(1)


@contextmanager
def bad_input(subject: str = "") -> Iterator[None]:
    """Turns errors of the code inside into :class:`BadInputError`.

    Args:
        subject: Beginning of the message; none when empty.
    """
    try:
        yield
    except BadInputError:
        raise
    except (OSError, ValueError, TypeError, ImportError, LookupError) as error:
        message = _one_line(error)
        prefix = f"{subject}: " if subject else ""
        raise BadInputError(prefix + message) from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
