"""What the callback writes is the path kernel of the run, and the run is what it is without."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import load_file
from torch import Tensor, nn

from inr.callback import PathKernelCallback, Steps
from inr.callback._path_kernel_figure import draw_influence, influence_maps
from inr.callback.path_kernel import _Known
from inr.cli.saved_run import load_run
from inr.lattice import lattice_points, sublattice
from inr.loss import mse
from inr.ntk import PathKernel, empirical_ntk
from inr.optimizer import adam, sgd
from inr.sampler import EpochSampler, UniformSampler
from inr.signal import ImageSignal, LatticeSignal
from inr.training.clock import Clock
from tests.callback.events import read_events
from tests.conftest import SAMPLE, TINY, Result
from tests.tolerance import assert_close

DESCENT = [
    "optimizer=sgd",
    "optimizer.lr=0.1",
    "sampler.batch_size=null",
    "signal.size=[8,12]",
    "+callback@callback.path_kernel=path_kernel",
    "callback.ntk_spectrum=null",
]


def read_record(folder: Path, step: int) -> dict[str, Any]:
    """What the file of a found has."""
    with np.load(folder / "path_kernel" / f"step={step:08d}.npz") as file:
        return {key: value if value.ndim else value.item() for key, value in file.items()}


def test_each_step_adds_what_its_kernel_and_its_rate_say(fit: Callable[..., Path]) -> None:
    folder = fit(
        *DESCENT,
        "trainer.precision=64-true",
        "trainer.max_steps=6",
        "callback.path_kernel.per_decade=30",
        "callback.path_kernel.num_points=4",
        "callback.checkpoint.every_n_steps=1",
        "callback.checkpoint.keep_all=true",
    )
    targets = ImageSignal(path=SAMPLE, size=[8, 12]).values.double()
    index, _ = sublattice((8, 12), 4)
    train = lattice_points((8, 12), dtype=torch.float64)
    rates = []
    for step in range(1, 6):
        checkpoint = folder / "checkpoints" / f"step={step:08d}.ckpt"
        state = torch.load(checkpoint, weights_only=True)
        # Of the step that comes next.
        rates.append(state["optimizer_states"][0]["param_groups"][0]["lr"])
        field = load_run(str(checkpoint)).field.double()
        # A loaded run has its weights rounded to float32.
        field.load_state_dict(
            {name.removeprefix("field."): part for name, part in state["state_dict"].items()}
        )
        kernel = empirical_ntk(field, train[index], train, method="contraction")
        kernel = kernel.view(len(index), 3, len(train), 3)
        slopes = 2 / targets.numel() * (field(train).detach() - targets)
        then, now = read_record(folder, step), read_record(folder, step + 1)
        expected = -rates[-1] * torch.einsum("aoip,ip->aoi", kernel, slopes)
        assert_close(now["contributions"] - then["contributions"], expected)
        expected = rates[-1] * torch.einsum("aoio->ai", kernel) / 3
        assert_close(now["path_kernel"] - then["path_kernel"], expected)
        assert_close(then["network"], field(train[index]))
    assert len(set(rates)) == 5
    assert np.array_equal(read_record(folder, 0)["contributions"], np.zeros((len(index), 3, 96)))


def test_a_linear_field_is_its_kernel_machine(fit: Callable[..., Path]) -> None:
    folder = fit(*DESCENT, "network.hidden_layers=0", "trainer.precision=64-true")
    assert all(read_record(folder, step)["error"] < 1e-12 for step in (0, 1, 3, 10, 20))


@pytest.mark.figures
def test_the_kernel_machine_is_near_the_field_and_says_how_near(
    fit: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = []

    def draw(found: dict[str, Any], picture: np.ndarray, step: int) -> Figure:
        pictures.append(picture)
        return draw_influence(found, picture, step)

    monkeypatch.setattr("inr.callback.path_kernel.draw_influence", draw)
    folder = fit(*DESCENT)
    found = read_record(folder, 20)
    assert_close(found["coords"], lattice_points((8, 12))[found["index"]])
    assert found["lattice"].tolist() == [8, 12] and found["train_index"].tolist() == list(range(96))
    assert (found["start"], found["step"]) == (0, 20)
    # Summed in another order.
    assert_close(found["outputs"], found["initial"] + found["contributions"].sum(-1), looser=10)
    with torch.no_grad():
        field = load_run(str(folder)).field
        assert_close(found["network"], field(torch.from_numpy(found["coords"])))
        # An image's values are on [0, 1].
        assert_close(pictures[-1], field(lattice_points((8, 12))).view(8, 12, 3).clamp(0, 1))
    far = np.linalg.norm(found["outputs"] - found["network"])
    error = far / np.linalg.norm(found["network"] - found["initial"])
    assert found["error"] == pytest.approx(error, rel=1e-3)
    assert 0 < error < 0.05
    events = read_events(folder)
    points = {p.step: p.value for p in events.Scalars("path_kernel/error")}
    for step in (0, 1, 3, 10, 20):
        assert points[step] == pytest.approx(read_record(folder, step)["error"])
    assert "path_kernel/influence" in events.Tags()["images"]


def test_training_is_the_same_with_it_and_without(fit: Callable[..., Path]) -> None:
    followed = fit(*DESCENT, name="followed")
    plain = fit(*DESCENT, "callback.path_kernel=null", name="plain")
    assert not (plain / "path_kernel").exists()
    weights, others = (load_file(folder / "field.safetensors") for folder in (followed, plain))
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    losses = [
        [(p.step, p.value) for p in read_events(folder).Scalars("train/loss")]
        for folder in (followed, plain)
    ]
    assert losses[0] == losses[1]


def test_a_run_resumes_its_path(fit: Callable[..., Path]) -> None:
    options = [*DESCENT, "scheduler=constant"]
    whole = fit(*options, name="whole")
    first = fit(*options, "trainer.max_steps=8", name="first")
    second = fit(f"ckpt_path={first}", "trainer.max_steps=20", base=[], name="second")
    for step in (10, 20):
        once, twice = (read_record(folder, step) for folder in (whole, second))
        assert once.keys() == twice.keys()
        for key, value in once.items():
            assert np.array_equal(value, twice[key]), key
    # Other test points have no past.
    other = fit(
        f"ckpt_path={first}",
        "trainer.max_steps=20",
        "callback.path_kernel.num_points=5",
        base=[],
        name="other",
    )
    found = read_record(other, 20)
    assert found["start"] == 8 and found["error"] < 0.05


def test_only_points_that_are_trained_on_contribute(fit: Callable[..., Path]) -> None:
    folder = fit(*DESCENT, "signal.holdout=alternate", "trainer.max_steps=3")
    found = read_record(folder, 3)
    rows, columns = np.unravel_index(found["train_index"], (8, 12))
    assert found["contributions"].shape[-1] == 24
    assert not (rows % 2).any() and not (columns % 2).any()
    assert found["error"] < 0.05


def test_following_is_not_counted_as_training(
    fit: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paused, accumulate = Clock.paused, PathKernel.accumulate
    depth, depths = 0, []

    @contextmanager
    def noted(clock: Clock, device: torch.device) -> Iterator[None]:
        nonlocal depth
        depth += 1
        with paused(clock, device):
            yield
        depth -= 1

    def observed(path: PathKernel, lr: float, slopes: Tensor) -> None:
        depths.append(depth)
        accumulate(path, lr, slopes)

    monkeypatch.setattr(Clock, "paused", noted)
    monkeypatch.setattr(PathKernel, "accumulate", observed)
    fit(*DESCENT, "trainer.max_steps=3")
    assert depths == [1, 1, 1]


SIGNAL = LatticeSignal(torch.zeros(4, 6, 2), value_range=(0.0, 1.0), name="black")


@pytest.mark.parametrize(
    ("optimizer", "sampler", "words"),
    [
        (
            adam,
            EpochSampler(batch_size=None),
            "is Adam; expected SGD with momentum=0",
        ),
        (
            lambda m: sgd(m, momentum=0.9),
            EpochSampler(batch_size=None),
            r"SGD with momentum=0.9; expected SGD with momentum=0",
        ),
        (
            lambda m: sgd(m, weight_decay=0.1),
            EpochSampler(batch_size=None),
            "SGD with weight_decay=0.1; expected .*weight_decay=0",
        ),
        (
            lambda m: torch.optim.SGD(
                [{"params": [m.weight], "lr": 0.1}, {"params": [m.bias], "lr": 0.2}]
            ),
            EpochSampler(batch_size=None),
            "SGD with several learning rates",
        ),
        (sgd, EpochSampler(batch_size=5), "all 24 points, and a step draws 5; expected"),
        (
            sgd,
            UniformSampler(batch_size=24),
            "expected all of them at each step, with batch_size=null",
        ),
    ],
)
def test_what_is_no_gradient_descent_on_all_points_is_rejected(
    optimizer: Any, sampler: Any, words: str
) -> None:
    rejected = Steps(optimizer(nn.Linear(2, 2)), sampler, mse, SIGNAL, None, "32-true")
    with pytest.raises(ValueError, match=words):
        PathKernelCallback().check_steps(rejected)
    plain = rejected._replace(optimizer=sgd(nn.Linear(2, 2)), sampler=EpochSampler(batch_size=24))
    PathKernelCallback().check_steps(plain)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("optimizer=adam", "expected SGD with momentum=0"),
        ("trainer.gradient_clip_val=1.0", "gradient_clip_val is 1.0"),
        ("trainer.precision=bf16-mixed", "precision bf16-mixed; expected null and 32-true"),
    ],
)
def test_a_run_that_cannot_be_followed_ends_before_its_first_step(
    option: str, words: str, run_command: Callable[..., Result]
) -> None:
    result = run_command("inr-fit", *TINY, *DESCENT, option, "hydra.run.dir=run")
    assert result.status == 2
    (line,) = result.err.splitlines()
    assert words in line and "callback.path_kernel=null" in line
    assert not Path("run").exists()


def test_a_run_that_diverges_says_so(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", *TINY, *DESCENT, "optimizer.lr=1e9", "hydra.run.dir=run")
    assert result.status == 1
    assert "the loss was" in result.err and "path kernel" not in result.err


def test_too_many_contributions_are_rejected_with_how_many_fit() -> None:
    signal = LatticeSignal(torch.zeros(1000, 700, 2), value_range=(0.0, 1.0), name="large")
    with pytest.raises(ValueError, match=r"Use num_points=11, or a smaller"):
        PathKernelCallback(num_points=16).check(signal)
    PathKernelCallback(num_points=11).check(signal)


def test_a_loss_that_reads_the_field_elsewhere_is_rejected() -> None:
    coords, outputs = torch.rand(5, 2), torch.rand(5, 1)
    assert _Known(coords, outputs)(coords) is outputs
    with pytest.raises(ValueError, match="elsewhere than at its batch"):
        _Known(coords, outputs)(coords + 1)


def make_record(train_index: Tensor) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    contributions = generator.normal(size=(3, 2, len(train_index)))
    return {
        "index": np.array([1, 8, 22]),
        "train_index": train_index.numpy(),
        "lattice": np.array([4, 6]),
        "contributions": contributions,
        "initial": np.zeros((3, 2)),
        "network": contributions.sum(-1),
        "error": 0.01,
        "start": 0,
    }


def test_maps_have_contributions_where_they_came_from() -> None:
    found = make_record(torch.tensor([0, 7, 21]))
    maps = influence_maps(found["contributions"], found["train_index"], (4, 6))
    assert maps.shape == (3, 4, 6)
    # Row 1, column 1 of a lattice that is six wide.
    assert_close(maps[2, 1, 1], found["contributions"][2, :, 1].mean())
    assert_close(maps[0, 3, 3], found["contributions"][0, :, 2].mean())
    assert np.isfinite(maps).sum() == 9


@pytest.mark.figures
def test_the_figure_has_a_map_for_each_point_and_marks_it(tmp_path: Path) -> None:
    found = make_record(torch.arange(24))
    figure = draw_influence(found, np.full((4, 6, 3), 0.5), 7)
    panels = [axes for axes in figure.axes if axes.get_visible() and axes.images]
    assert len(panels) == 4
    places = [(1, 0), (2, 1), (4, 3)]
    maps = found["contributions"].mean(1).reshape(3, 4, 6)
    for axes, place, expected in zip(panels[1:], places, maps, strict=True):
        (image,) = axes.images
        assert_close(np.asarray(image.get_array()), expected)
        assert image.norm.vmin == -image.norm.vmax
        marked = {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines}
        assert marked == {place}
    marked = {(line.get_xdata()[0], line.get_ydata()[0]) for line in panels[0].lines}
    assert marked == set(places)
    figure.savefig(tmp_path / "influence.png")
    # Nothing was learned yet, or there is one point alone.
    found["contributions"] = np.zeros((3, 2, 24))
    draw_influence(found, np.zeros((4, 6, 3)), 0).savefig(tmp_path / "empty.png")
    one = {key: value[:1] if np.ndim(value) > 1 else value for key, value in found.items()}
    one["index"] = found["index"][:1]
    draw_influence(one, np.zeros((4, 6, 3)), 0).savefig(tmp_path / "one.png")
