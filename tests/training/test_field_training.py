"""Blocks of steps are what a plain loop does, and callbacks see the steps that they ask for."""

import math
import shutil
import sys
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.field.rendering import render
from inr.loss import mse
from inr.network import MLPNetwork
from inr.optimizer import adam, muon, sgd
from inr.sampler import EpochSampler
from inr.scheduler import cosine
from inr.signal import LatticeSignal
from inr.signal import _image_display as image
from inr.training import FieldTraining, Snapshot, StepOptions, field_training
from inr.training.gradient import BatchGradient
from tests.tolerance import assert_close
from tests.training.lightning import train_quietly

STEPS = 12


def make_field() -> Field:
    """The same each time."""
    torch.manual_seed(0)
    encoding = GaussianEncoding(2, num_frequencies=8, scale=2.0)
    return Field(encoding, MLPNetwork(16, 3, hidden_features=16, hidden_layers=2))


def make_signal() -> LatticeSignal:
    """Noise, higher than wide."""
    values = torch.rand(9, 5, 3, generator=torch.Generator().manual_seed(1))
    return LatticeSignal(values, value_range=(0.0, 1.0), name="noise")


def fit_field(
    *callbacks: pl.Callback,
    field: nn.Module | None = None,
    precision: Any = "32-true",
    optimizer: Callable[..., Any] = adam,
    steps: int = STEPS,
    accelerator: str = "cpu",
    **options: Any,
) -> tuple[FieldTraining, pl.Trainer]:
    """Trains a small field by Lightning."""
    training = FieldTraining(
        field or make_field(),
        make_signal(),
        sampler=EpochSampler(batch_size=20),
        loss=mse,
        make_optimizer=optimizer,
        make_schedule=cosine,
        record={},
        options=StepOptions(**{"feature_memory": 2**20, **options}),
    )
    options = {"accelerator": accelerator, "precision": precision, "max_steps": steps}
    return training, train_quietly(training, *callbacks, **options)


def fit_plainly(
    optimizer: Callable[..., Any] = adam, *, autocast: bool = False, clip: float = math.inf
) -> Field:
    """The same in a loop that knows nothing of blocks, parts and caches."""
    field, signal, sampler = make_field(), make_signal(), EpochSampler(batch_size=20)
    stepped = optimizer(field)
    base = stepped.param_groups[0]["lr"]
    for step in range(STEPS):
        stepped.param_groups[0]["lr"] = base * (1 + math.cos(math.pi * step / STEPS)) / 2
        stepped.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = mse(field, sampler.draw(signal, step))
        loss.backward()
        nn.utils.clip_grad_norm_(field.parameters(), clip)
        stepped.step()
    return field


def assert_same_weights(field: nn.Module, other: nn.Module) -> None:
    """Bit for bit."""
    for (name, weight), expected in zip(field.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(weight, expected), name


class Watcher(pl.Callback):
    """Notes the steps that it is called at, every so many of which it asks for."""

    def __init__(self, every: int | None) -> None:
        self.every = every
        self.steps: list[int] = []

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        return None if self.every is None else (trainer.global_step // self.every + 1) * self.every

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.steps.append(trainer.global_step)


class StrangeWatcher(pl.Callback):
    """One that was not written for blocks."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.steps.append(trainer.global_step)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks end for other reasons than time."""
    monkeypatch.setattr(field_training, "BLOCK_SECONDS", math.inf)


@pytest.mark.parametrize("steps_per_batch", [1, 5, 50])
def test_steps_in_blocks_are_those_of_a_plain_loop(steps_per_batch: int) -> None:
    training, trainer = fit_field(steps_per_batch=steps_per_batch)
    assert trainer.global_step == STEPS
    assert training.points == STEPS * 20
    assert_same_weights(training.field, fit_plainly())


def test_weights_rounded_for_one_step_are_not_used_in_the_next() -> None:
    training, _ = fit_field(precision="bf16-mixed")
    plain = fit_plainly(autocast=True)
    assert_same_weights(training.field, plain)
    assert not torch.equal(plain.network.output.weight, fit_plainly().network.output.weight)


def test_the_last_steps_may_be_in_full_precision() -> None:
    for share, expected in ((1.0, fit_plainly()), (0.0, fit_plainly(autocast=True))):
        training, _ = fit_field(precision="bf16-mixed", full_precision_share=share)
        assert_same_weights(training.field, expected)

    dtypes = []

    class Listener(Watcher):
        def on_train_batch_end(self, *arguments: Any) -> None:
            dtypes.append(mapped_dtype(arguments[1]))

    fit_field(Listener(1), precision="bf16-mixed", full_precision_share=0.25, feature_memory=2**20)
    assert dtypes == 9 * [torch.bfloat16] + 3 * [torch.float32]


def mapped_dtype(training: FieldTraining) -> torch.dtype:
    """Dtype of the features that the network of a step gets."""
    features = []
    loss = training._gradient._loss

    def listen(field: nn.Module, batch: Batch) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=training._autocast_dtype is not None):
            handle = training.field.network.register_forward_pre_hook(
                lambda _, inputs: features.append(inputs[0].dtype)
            )
            value = loss(field, batch)
            handle.remove()
        return value

    assert training.batch is not None
    BatchGradient(listen)(training._seen[0], training.batch, None, training.features)
    return features[0]


@pytest.mark.parametrize("memory", [0, 2**20])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_looked_up_features_train_like_computed_ones(memory: int, precision: str) -> None:
    training, _ = fit_field(precision=precision, feature_memory=memory)
    plain = fit_plainly(autocast=precision != "32-true")
    if memory:
        assert_same_weights(training.field, plain)
    for weight, expected in zip(training.field.parameters(), plain.parameters(), strict=True):
        # Factored phases are rounded otherwise, and bfloat16 makes a step of that.
        assert_close(weight, expected, looser=1e3 if precision == "32-true" else 1e5)


def test_the_largest_gradient_is_the_same_in_blocks() -> None:
    clipped, _ = fit_field(optimizer=partial(sgd, lr=0.1), gradient_clip_val=0.01)
    assert_same_weights(clipped.field, fit_plainly(partial(sgd, lr=0.1), clip=0.01))
    free = fit_plainly(partial(sgd, lr=0.1))
    assert not torch.equal(free.network.output.weight, clipped.field.network.output.weight)


@pytest.mark.usefixtures("unhurried")
def test_callbacks_are_called_at_the_steps_that_they_ask_for() -> None:
    third, fourth, patient = Watcher(3), Watcher(4), Watcher(None)
    fit_field(third, fourth, patient)
    assert third.steps == fourth.steps == patient.steps == [3, 4, 6, 8, 9, 12]


@pytest.mark.usefixtures("unhurried")
def test_a_callback_that_knows_no_blocks_sees_every_step() -> None:
    strange = StrangeWatcher()
    fit_field(strange)
    assert strange.steps == list(range(1, STEPS + 1))


@pytest.mark.usefixtures("unhurried")
def test_a_block_has_no_more_steps_than_it_may_have() -> None:
    patient = Watcher(None)
    fit_field(patient, steps_per_batch=5)
    assert patient.steps == [5, 10, 12]


def test_a_block_of_slow_steps_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_training, "BLOCK_SECONDS", 0.0)
    patient = Watcher(None)
    training, _ = fit_field(patient)
    assert patient.steps == list(range(1, STEPS + 1))
    assert_same_weights(training.field, fit_plainly())


def test_every_loss_of_a_block_is_told() -> None:
    told: list[Tensor] = []

    class Listener(Watcher):
        def on_train_batch_end(self, trainer: pl.Trainer, *arguments: Any) -> None:
            outputs = arguments[1]
            assert torch.equal(outputs["loss"], outputs["losses"][-1])
            told.extend(outputs["losses"])

    fit_field(Listener(None))
    field, signal = make_field(), make_signal()
    assert len(told) == STEPS
    assert_close(told[0], mse(field, EpochSampler(batch_size=20).draw(signal, 0)))
    assert not any(loss.requires_grad for loss in told)


def test_rates_are_those_of_the_next_step() -> None:
    class Reader(Watcher):
        def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
            step = trainer.global_step
            expected = 5e-3 * (1 + math.cos(math.pi * step / STEPS)) / 2
            assert_close(trainer.optimizers[0].param_groups[0]["lr"], expected)
            self.steps.append(step)

    reader = Reader(4)
    fit_field(reader)
    assert set(reader.steps) >= {4, 8, 12}


@pytest.mark.parametrize("micro_batch", [1, 7, 19, 20, 1000])
def test_the_loss_of_the_last_batch_is_measured_in_parts(micro_batch: int) -> None:
    training, _ = fit_field(micro_batch=micro_batch)
    assert training.batch is not None
    expected = mse(training.field, training.batch)
    assert_close(torch.tensor(training.measure_losses()), expected[None])


def test_a_rendering_is_the_field_of_the_present_step_not_clipped() -> None:
    renderings = []

    class Renderer(Watcher):
        def on_train_batch_start(
            self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
        ) -> None:
            assert isinstance(pl_module, FieldTraining)
            renderings.append(pl_module.render())
            assert pl_module.render() is renderings[-1]

    linear = nn.Linear(2, 3)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[-4.0, 0.0], [0.0, 4.0], [0.0, 0.0]]))
        linear.bias.zero_()
    fit_field(Renderer(1), field=linear, steps=2, steps_per_batch=1)
    columns, rows = (torch.arange(5) + 0.5) / 5, (torch.arange(9) + 0.5) / 9
    assert_close(renderings[0][..., 0], (-4 * columns).expand(9, 5))
    assert_close(renderings[0][..., 1], (4 * rows)[:, None].expand(9, 5))
    assert not torch.equal(renderings[1], renderings[0])


def test_callbacks_share_one_rendering_and_none_is_held(
    fit: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    renderings: list[weakref.ref[Tensor]] = []

    def assert_none_is_held() -> None:
        assert all(rendering() is None for rendering in renderings)

    def tracked(*arguments: Any, index: Tensor | None = None) -> Tensor:
        if index is not None:
            return render(*arguments, index=index)
        assert_none_is_held()
        values = render(*arguments)
        renderings.append(weakref.ref(values))
        return values

    def at_the_end(*arguments: Any, **options: Any) -> None:
        assert_none_is_held()
        write(*arguments, **options)

    write = image.write_image
    monkeypatch.setattr(field_training, "render", tracked)
    monkeypatch.setattr(image, "write_image", at_the_end)
    fit()
    assert len(renderings) == 5  # steps 0, 1, 3, 10 and 20


@pytest.mark.skipif(" " in sys.prefix, reason="PyTorch does not quote the path of its headers")
@pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="needs a C++ compiler"
)
@pytest.mark.parametrize("memory", [0, 2**20])
def test_a_compiled_network_is_trained_like_the_plain_one(memory: int) -> None:
    training, _ = fit_field(compile=True, feature_memory=memory)
    plain = fit_plainly()
    for weight, expected in zip(training.field.parameters(), plain.parameters(), strict=True):
        # Adam makes much of what little a fused sum is rounded otherwise.
        assert_close(weight, expected, looser=1e3)
    assert set(training.state_dict()) == {f"field.{name}" for name in plain.state_dict()}


class Renderer(Watcher):
    """Asks at each step whether a rendering is affordable, and renders as a probe would."""

    def __init__(self) -> None:
        super().__init__(1)
        self.answers: list[bool] = []

    def on_train_batch_end(self, trainer: pl.Trainer, *arguments: Any) -> None:
        training = arguments[0]
        snapshot = Snapshot.of(trainer, training)
        self.answers.append(snapshot.affords_rendering())
        if self.answers[-1]:
            snapshot.render()
            assert snapshot.affords_rendering()


def test_renderings_that_take_long_are_left_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer()
    fit_field(renderer)
    assert renderer.answers == STEPS * [True]
    monkeypatch.setattr(field_training, "FREE_RENDERING_SECONDS", 0.0)
    monkeypatch.setattr(field_training, "RENDERING_SHARE", 0.0)
    renderer = Renderer()
    fit_field(renderer)
    assert renderer.answers == [False] * (STEPS - 1) + [True]
    monkeypatch.setattr(field_training, "RENDERING_SHARE", math.inf)
    renderer = Renderer()
    fit_field(renderer)
    assert renderer.answers == STEPS * [True]


def test_what_a_rendering_takes_is_told_from_some_points(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10_000))
    monkeypatch.setattr(field_training, "SAMPLED_POINTS", 9)
    monkeypatch.setattr(field_training.time, "perf_counter", lambda: float(next(ticks)))
    training = FieldTraining(
        make_field(),
        make_signal(),
        sampler=EpochSampler(),
        loss=mse,
        make_optimizer=adam,
        make_schedule=cosine,
        record={},
    )
    monkeypatch.setattr(field_training, "FREE_RENDERING_SECONDS", 5.1)
    # A fifth of the points takes a tick.
    assert training.affords_rendering(is_last=False)
    monkeypatch.setattr(field_training, "FREE_RENDERING_SECONDS", 4.9)
    monkeypatch.setattr(field_training, "RENDERING_SHARE", 0.0)
    assert not training.affords_rendering(is_last=False)
    assert training.affords_rendering(is_last=True)
    training.render()
    monkeypatch.setattr(training, "_rendering", None)
    assert training.affords_rendering(is_last=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("memory", [0, 2**20])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("optimizer", [adam, muon])
def test_a_gpu_trains_like_a_cpu(
    memory: int, compiled: bool, optimizer: Callable[..., Any]
) -> None:
    options: dict[str, Any] = {"feature_memory": memory, "optimizer": optimizer}
    expected, _ = fit_field(**options)
    training, _ = fit_field(**options, accelerator="gpu", compile=compiled, micro_batch=7)
    assert training.batch is not None and training.batch.coords.is_cuda
    for weight, other in zip(training.field.parameters(), expected.field.parameters(), strict=True):
        # Sums are rounded otherwise, bfloat16 in Muon's steps too, and Adam makes much of it.
        assert_close(weight.cpu(), other, looser=1e5)
