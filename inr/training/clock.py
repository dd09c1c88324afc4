"""Seconds of training, with and without probes, previews and checkpoints."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Clock:
    """Counts seconds of a run, and apart from them those of training alone."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._before = 0.0
        self._paused_at: float | None = None
        self._paused_before = 0.0

    @property
    def seconds(self) -> float:
        """Since the start, those before a resumed checkpoint included."""
        return self._before + time.perf_counter() - self._start

    @property
    def training_seconds(self) -> float:
        """Those of training alone."""
        return self.seconds - self.paused_seconds

    @property
    def paused_seconds(self) -> float:
        """Spent in :meth:`paused` blocks: probes, previews, checkpoints."""
        now = 0.0 if self._paused_at is None else time.perf_counter() - self._paused_at
        return self._paused_before + now

    def start(self) -> None:
        """Starts to count; what was counted before stays."""
        self._start = time.perf_counter()

    @contextmanager
    def paused(self, device: torch.device) -> Iterator[None]:
        """Counts what is done inside as no training. Work queued on a GPU is waited for."""
        if self._paused_at is not None:
            yield
            return
        _synchronize(device)
        self._paused_at = time.perf_counter()
        try:
            yield
        finally:
            _synchronize(device)
            self._paused_before = self.paused_seconds
            self._paused_at = None

    def state_dict(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return {"seconds": self.seconds, "paused_seconds": self.paused_seconds}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Goes on from a checkpoint."""
        self._before, self._paused_before = state["seconds"], state["paused_seconds"]
        self.start()


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
