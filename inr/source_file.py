"""A file that the user names, and how it is rejected."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

# Enough for nearly every format.
START = 256


class RejectedError(ValueError):
    """A file that is not read, with the one-line message for the user."""


class MissingExtraError(ImportError):
    """Work that needs an optional package, with the command that installs it."""


@dataclass(frozen=True)
class SourceFile:
    """A regular file with content.

    Attributes:
        path: The file.
        name: As the user wrote it, for messages.
        what: What it should be, such as ``an audio file``.
        start: Its first bytes.
    """

    path: Path
    name: str
    what: str
    start: bytes

    def reject(self, problem: str, expected: str, fix: str) -> RejectedError:
        """The error for a file that cannot be read as it is."""
        return RejectedError(f"{self.name} {problem}; expected {expected}. {fix}")

    def need(self, package: str, extra: str) -> MissingExtraError:
        """The error for a file that cannot be read without a package."""
        return MissingExtraError(
            f"{self.name} needs the {package} package; expected it to be installed. "
            f"Run pip install 'inr[{extra}]'."
        )

    @contextmanager
    def rejecting(self, kind: str) -> Iterator[None]:
        """Turns whatever a decoder raises into a rejection.

        Args:
            kind: The file's format.
        """
        try:
            yield
        except (RejectedError, MissingExtraError):
            raise
        except MemoryError:
            raise self.reject(
                "does not fit into memory", "a smaller part of it", "Cut it down."
            ) from None
        except Exception as error:
            raise self.reject(
                f"is cut off or damaged ({describe(error)})",
                f"a whole {kind} file",
                "Re-save it from its original.",
            ) from None


def find_file(path: str | os.PathLike[str], what: str) -> SourceFile:
    """Looks at the start of a file.

    Args:
        path: The file.
        what: What it should be, such as ``an audio file``.

    Raises:
        OSError: The file cannot be read.
        RejectedError: The file is empty, or no regular file.
    """
    name = os.fspath(path) if os.fspath(path).isprintable() else repr(os.fspath(path))
    file = SourceFile(Path(path), name, what, b"")
    start = read_start(file.path, name, what, START)
    if not start:
        raise file.reject("is empty (0 bytes)", what, "Fetch or save it again.")
    return replace(file, start=start)


def read_start(path: Path, name: str, what: str, count: int) -> bytes:
    """The first bytes of a regular file.

    Args:
        path: The file.
        name: As the user wrote it, for messages.
        what: What it should be, such as ``an audio file``.
        count: Bytes, at most.

    Raises:
        OSError: The file cannot be read.
        RejectedError: The path is no regular file.
    """
    start = b""
    try:
        mode = path.stat().st_mode
        # Opening a pipe or a device could wait for ever.
        if stat.S_ISREG(mode):
            with path.open("rb") as opened:
                start = opened.read(count)
    except PermissionError:
        raise PermissionError(
            f"{name} is not readable; expected {what} that is. Allow it with chmod +r {name}."
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"{name} does not exist; expected {what}. Check the path."
        ) from None
    except (OSError, ValueError) as error:
        raise RejectedError(
            f"{name} cannot be opened ({describe(error)}); expected {what}. Check the path."
        ) from None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{name} is a directory; expected {what}. Name a file inside it.")
    if not stat.S_ISREG(mode):
        raise RejectedError(
            f"{name} is not a regular file; expected {what}. Save it to disk first."
        )
    return start


def describe(error: BaseException) -> str:
    """An error's own words, in at most 100 characters of one line."""
    # What the system says is enough without its number and the name of the file.
    words = getattr(error, "strerror", None) or str(error)
    words = " ".join(words.split()) or type(error).__name__
    return words if len(words) <= 100 else words[:97] + "..."
