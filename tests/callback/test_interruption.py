"""Signals end a run after its step; that it resumes is tested with processes."""

import os
import signal
from types import SimpleNamespace

import pytest

from inr.callback import InterruptionCallback


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_and_handlers_come_back(number: int) -> None:
    before = signal.getsignal(number)
    callback = InterruptionCallback()
    trainer = SimpleNamespace(should_stop=False, world_size=1)
    callback.on_fit_start(trainer, None)
    callback.on_train_batch_end(trainer, None, None, None, 0)
    assert not trainer.should_stop
    os.kill(os.getpid(), number)
    assert callback.signal_number == number
    assert signal.getsignal(number) == before, "a second signal must end the run at once"
    callback.on_train_batch_end(trainer, None, None, None, 1)
    assert trainer.should_stop
