"""The promises of samplers, and that their checks name a sampler that breaks one."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from inr.batch import Batch
from inr.sampler import EpochSampler, Sampler, UniformSampler
from inr.signal import FiniteSignal, LatticeSignal, Signal
from inr.testing import sampler_checks
from tests.conftest import ROOT
from tests.members import members
from tests.sampler.numbered import make_signal

# Of samplers that label points ahead.
SMALL = {"shape": {"pool_size": 64}}


@functools.cache
def make_suitable_signal(kind: type[Signal], holdout: str | float) -> Signal:
    """A small signal of a class: numbered points, or the sample of its kind."""
    if kind is FiniteSignal:
        return make_signal(6, 8, holdout=holdout)
    return kind(path=ROOT / "data" / str(kind.sample))  # type: ignore[call-arg]


def make_cases() -> list[Any]:
    """Each member with each check of it and each holdout there is."""
    return [
        pytest.param(member, holdout, check, id=f"{member.__name__}-{holdout}-{check.__name__}")
        for member in members("sampler")
        for holdout in (["none", "alternate", 0.3] if member.signals is FiniteSignal else ["none"])
        for check in sampler_checks(member.signals)
    ]


@pytest.mark.parametrize(("member", "holdout", "check"), make_cases())
def test_every_sampler_keeps_the_contract(
    member: type[Sampler], holdout: str | float, check: Callable[..., None]
) -> None:
    options = SMALL.get(member.__module__.rpartition(".")[2], {})
    check(functools.partial(member, **options), make_suitable_signal(member.signals, holdout))


class Growing(UniformSampler):
    """Draws more points each time."""

    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        self.batch_size += number
        return super().draw(signal, number)


class Shifted(UniformSampler):
    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        batch = super().draw(signal, number)
        return batch._replace(coords=batch.coords + 0.5)


class Global(UniformSampler):
    """Draws from PyTorch's generator."""

    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        return signal.train_points(torch.randint(signal.num_train, (self.batch_size,)))


class Counting(EpochSampler):
    """Counts its draws, and ignores their numbers."""

    count = -1

    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        self.count += 1
        return super().draw(signal, self.count)


class Constant(UniformSampler):
    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        return super().draw(signal, 0)


class Tolerant(UniformSampler):
    """Takes any size and any seed."""

    def __init__(self, *, batch_size: int, seed: int = 0) -> None:
        super().__init__(batch_size=max(1, batch_size), seed=abs(seed))


class Peeking(UniformSampler):
    """Draws from all points of the lattice."""

    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        assert isinstance(signal, LatticeSignal)
        every = LatticeSignal(
            signal.values.reshape(*signal.lattice, -1),
            value_range=signal.value_range,
            name=signal.name,
        )
        return super().draw(every, number)


class Misnumbered(UniformSampler):
    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        batch = super().draw(signal, number)
        assert batch.index is not None
        return batch._replace(index=batch.index.flip(0))


class Narrow(UniformSampler):
    """Draws from the first points alone."""

    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        return super().draw(signal, number % 2)


class Keeping(EpochSampler):
    """Keeps the order of the first signal."""

    def _epoch_order(self, signal: FiniteSignal, epoch: int) -> torch.Tensor:
        if self._order is None:
            super()._epoch_order(signal, epoch)
        assert self._order is not None
        return self._order[1][self._order[1] < signal.num_train].repeat(9)[: signal.num_train]


BROKEN = [
    (Growing, "draws_batches_of_its_size", "draws 8 points; expected batch_size=7"),
    (Shifted, "draws_points_of_the_unit_cube", "outside of the unit cube"),
    (Global, "draws_by_its_seed_and_the_number", "otherwise with the same seed and number"),
    (Counting, "ignores_the_draws_before", "otherwise after other draws"),
    (Constant, "draws_differently_by_seed_and_number", "draws 4 batches for 16 pairs"),
    (Global, "leaves_the_global_seed_alone", "draws from the global generator"),
    (Tolerant, "rejects_empty_batches", "takes batch_size=0; expected ValueError"),
    (Tolerant, "rejects_negative_seeds", "takes seed=-1; expected ValueError"),
    (Peeking, "draws_training_points", "draws other points than the signal trains on"),
    (Misnumbered, "draws_training_points", "draws points with numbers of others"),
    (Narrow, "draws_all_training_points", "expected all"),
    (Keeping, "ignores_signals_seen_before", "after draws from another signal"),
]


def test_every_check_has_a_sampler_that_breaks_its_promise() -> None:
    names = [check.__name__ for check in sampler_checks()]
    assert names == list(dict.fromkeys(name for _, name, _ in BROKEN))


@pytest.mark.parametrize(("broken", "name", "sentence"), BROKEN)
def test_the_check_names_a_broken_promise(broken: type[Sampler], name: str, sentence: str) -> None:
    checks = {check.__name__: check for check in sampler_checks()}
    with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*{sentence}"):
        checks[name](broken, make_signal(6, 8, holdout="alternate"))
