"""Fields that train together become what each becomes alone."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.field.rendering import render
from inr.field.stack import FieldStack
from inr.loss import mse
from inr.metric import psnr
from inr.network import MLPNetwork, SirenNetwork
from inr.network._network import Network
from inr.optimizer import adam, adamw, muon, sgd
from inr.sampler import EpochSampler
from inr.scheduler import cosine
from inr.signal import KINDS, ImageSetSignal
from inr.training import FieldTraining, StackTraining, StepOptions
from tests.tolerance import assert_close
from tests.training.images import write_images
from tests.training.lightning import train_quietly

STEPS = 20
NETWORKS: dict[str, Callable[[], Network]] = {
    "mlp": lambda: MLPNetwork(16, 3, hidden_features=12, hidden_layers=3, skips=[2]),
    "siren": lambda: SirenNetwork(16, 3, hidden_features=12, hidden_layers=3),
}
OPTIMIZERS = {
    "adam": adam,
    "adamw": partial(adamw, weight_decay=0.1),
    "sgd": partial(sgd, momentum=0.9, lr=0.01),
    "muon": partial(muon, weight_decay=0.1),
}


@pytest.fixture
def images(tmp_path: Path) -> ImageSetSignal:
    return ImageSetSignal(path=write_images(tmp_path / "images"))


def make_field(network: str) -> Field:
    """The same each time."""
    torch.manual_seed(0)
    return Field(GaussianEncoding(2, num_frequencies=8, scale=2.0), NETWORKS[network]())


def train(
    make: Callable[..., FieldTraining],
    field: nn.Module,
    signal: Any,
    *callbacks: pl.Callback,
    optimizer: Callable[..., Any] = adam,
    batch_size: int | None = 20,
    precision: Any = "64-true",
    **options: Any,
) -> Any:
    """Trains by Lightning."""
    training = make(
        field,
        signal,
        sampler=EpochSampler(batch_size=batch_size),
        loss=mse,
        make_optimizer=optimizer,
        make_schedule=cosine,
        record={},
        options=StepOptions(**options),
    )
    train_quietly(training, *callbacks, precision=precision, max_steps=STEPS)
    return training


def round_weights(field: Field) -> Field:
    """Moves each weight to the next number above or below it, by chance."""
    with torch.no_grad():
        for weight in field.parameters():
            weight.copy_(weight.nextafter((torch.rand_like(weight) - 0.5) * torch.inf))
    return field


def assert_each_as_alone(signal: ImageSetSignal, network: str, **options: Any) -> None:
    """Asserts that weights differ by no more than one rounding in each step makes of them."""
    together, rounded = (
        train(StackTraining, FieldStack(field, len(signal.names)), signal, **options)
        for field in (make_field(network).double(), round_weights(make_field(network).double()))
    )
    ends = []
    for number in range(len(signal.names)):
        alone = train(FieldTraining, make_field(network).double(), signal.member(number), **options)
        member, other, expected = (
            parameters_to_vector(field.parameters())
            for field in (together.field.member(number), rounded.field.member(number), alone.field)
        )
        growth = (other - member).abs().max().item()
        assert growth < 1e-6
        torch.testing.assert_close(member, expected, rtol=0, atol=STEPS * growth)
        ends.append(alone.field.network.output.weight)
    # Three different images, and more than a rounding away from where they began.
    assert not torch.allclose(ends[0], ends[1], rtol=1e-3)
    assert not torch.allclose(
        ends[0], make_field(network).network.output.weight.double(), rtol=1e-3
    )


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 20], ids=["full", "shuffled"])
def test_weights_are_those_of_training_alone(
    batch_size: int | None, optimizer: str, network: str, images: ImageSetSignal
) -> None:
    assert_each_as_alone(images, network, optimizer=OPTIMIZERS[optimizer], batch_size=batch_size)


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize(
    "options",
    [
        {"feature_memory": 2**20},
        {"feature_memory": 1},
        {"micro_batch": 7},
        {"micro_batch": 1},
        {"micro_batch": 10},
        {"micro_batch": 7, "feature_memory": 2**20, "gradient_clip_val": 0.05},
    ],
    ids=["cached", "factored", "parts", "points", "two fields", "clipped"],
)
def test_the_way_of_computing_makes_no_difference(
    options: dict[str, Any], optimizer: str, images: ImageSetSignal
) -> None:
    assert_each_as_alone(images, "mlp", optimizer=OPTIMIZERS[optimizer], **options)


def test_points_held_out_are_not_trained_on(tmp_path: Path) -> None:
    signal = ImageSetSignal(path=write_images(tmp_path / "images"), holdout=0.3, seed=4)
    assert_each_as_alone(signal, "mlp", batch_size=None, feature_memory=2**20)


def test_gradients_are_clipped_for_each_field(images: ImageSetSignal) -> None:
    options = {"optimizer": partial(sgd, lr=0.1), "batch_size": None}
    field = make_field("mlp").double()
    stack = FieldStack(field, 3)
    free, clipped = (
        train(StackTraining, stack_copy, images, **options, gradient_clip_val=largest)
        for stack_copy, largest in ((FieldStack(field, 3), None), (stack, 0.01))
    )
    assert not torch.allclose(
        free.field.field.network.output.weight, clipped.field.field.network.output.weight
    )
    for largest in (0.01, 100.0):
        assert_each_as_alone(images, "mlp", **options, gradient_clip_val=largest)


def test_lower_precision_gives_what_it_gives_alone(images: ImageSetSignal) -> None:
    options = {
        "precision": "bf16-mixed",
        "feature_memory": 2**20,
        "optimizer": partial(sgd, lr=0.1),
    }
    together = train(StackTraining, FieldStack(make_field("mlp"), 3), images, **options)
    full = train(
        StackTraining,
        FieldStack(make_field("mlp"), 3),
        images,
        **options | {"precision": "32-true"},
    )
    for number in range(3):
        alone = train(FieldTraining, make_field("mlp"), images.member(number), **options)
        ours, theirs, exact = (
            render(field, (9, 5))
            for field in (together.field.member(number), alone.field, full.field.member(number))
        )
        rounding = (theirs - exact).abs().max()
        assert rounding > 1e-4
        assert (ours - theirs).abs().max() < rounding


class Watcher(pl.Callback):
    """Notes what callbacks are told."""

    def __init__(self) -> None:
        self.losses: list[torch.Tensor] = []
        self.stack_losses: list[list[float]] = []
        self.measured: list[dict[str, float]] = []
        self.batch_losses: list[list[float]] = []

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        return trainer.global_step + 1

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *arguments: Any) -> None:
        self.losses += arguments[0]["losses"]
        self.stack_losses.append(pl_module.measure_losses())
        self.measured.append(pl_module.measure_batch(3000))
        signal, batch = pl_module.signal, pl_module.batch
        members = [pl_module.member(number) for number in range(3)]
        for number, member in enumerate(members):
            assert torch.equal(member.batch.values, signal.member(number).values[batch.index])
        self.batch_losses.append([member.measure_losses()[0] for member in members])


def test_losses_are_those_of_each_image(images: ImageSetSignal) -> None:
    watcher = Watcher()
    training = train(
        StackTraining, FieldStack(make_field("mlp").double(), 3), images, watcher, micro_batch=7
    )
    assert training.points == STEPS * 20 * 3
    assert torch.stack(watcher.losses).shape == (STEPS, 3)
    assert_close(watcher.stack_losses, watcher.batch_losses)
    # A loss is that before its step: the first, of the weights that all begin with.
    field = make_field("mlp").double()
    sampler = EpochSampler(batch_size=20)
    batches = [sampler.draw(images.member(number).double(), 0) for number in range(3)]
    assert_close(watcher.losses[0], [mse(field, batch).item() for batch in batches])
    assert watcher.measured[0].keys() == {"psnr", "min_psnr"}


def test_readings_are_mean_and_least_of_all_images(images: ImageSetSignal) -> None:
    training = train(StackTraining, FieldStack(make_field("mlp").double(), 3), images)
    found = training.measure_batch(3 * 7)
    each = []
    for number in range(3):
        member = training.member(number)
        coords, values = member.batch.coords[:7], member.batch.values[:7]
        each.append(psnr(member.field(coords), values, 1.0))
    assert_close([found["psnr"], found["min_psnr"]], [sum(each) / 3, min(each)])
    for number, quality in enumerate(training.measure_members()):
        image = training.signal.member(number)
        field = training.field.member(number)
        expected = KINDS["image"].display.measure(field, image, render(field, image.lattice))
        assert quality == expected


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_of_one_field_goes_on_as_that_of_all(
    optimizer: str, images: ImageSetSignal
) -> None:
    class Keeper(pl.Callback):
        def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
            self.optimizer = trainer.optimizers[0]

    keeper = Keeper()
    make = OPTIMIZERS[optimizer]
    training = train(
        StackTraining, FieldStack(make_field("mlp").double(), 3), images, keeper, optimizer=make
    )
    member = training.member(1)
    alone = training.member_optimizer(keeper.optimizer, 1, member)
    for group in (*alone.param_groups, *keeper.optimizer.param_groups):
        group["lr"] = 0.01
    generator = torch.Generator().manual_seed(0)
    pairs = zip(training.field.parameters(), member.field.parameters(), strict=True)
    for stacked, own in pairs:
        stacked.grad = torch.randn(stacked.shape, generator=generator, dtype=torch.float64)
        own.grad = stacked.grad[1].clone()
    keeper.optimizer.step()
    alone.step()
    for name, weight in training.field.member(1).named_parameters():
        assert_close(dict(member.field.named_parameters())[name], weight)
