"""Muting of what decoders print and log by themselves."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import IO

CHATTY = ("tifffile", "pydicom", "nibabel.global")


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back Python warnings and the logs of readers while the block runs."""
    loggers = [logging.getLogger(name) for name in CHATTY]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled


@contextmanager
def muted() -> Iterator[IO[bytes]]:
    """Hold back what C libraries print to the standard streams while the block runs.

    Yields:
        A file that holds what they printed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as sink:
        try:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            # Bindings may print through Python's own streams too.
            with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                yield sink
        finally:
            for descriptor, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, descriptor)
                os.close(copy)
