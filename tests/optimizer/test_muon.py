"""Muon against the one of PyTorch, and what it leaves to Adam."""

import io
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from inr.encoding import Encoding, GaussianEncoding, IdentityEncoding
from inr.field import Field
from inr.network import MLPNetwork, SirenNetwork
from inr.optimizer import adam, muon
from inr.optimizer._orthogonalize import orthogonal_gains, orthogonalize
from tests.optimizer.descent import descend, descend_adam
from tests.tolerance import assert_close

SHAPES = [(9, 6), (6, 9), (7, 7), (7, 9), (7, 7)]


class Matrices(nn.Module):
    """Linear layers of given shapes between a first and a last one."""

    def __init__(self, shapes: list[tuple[int, ...]], dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for number, shape in enumerate([(8, 2), *shapes, (3, 8)]):
            layer = nn.Linear(shape[-1], shape[-2], bias=False)
            layer.weight = nn.Parameter(draw(shape, seed=number).to(dtype))
            self.layers.append(layer)

    @property
    def weights(self) -> list[nn.Parameter]:
        """Those of the given shapes."""
        return [layer.weight for layer in self.layers][1:-1]  # type: ignore[misc]


def draw(shape: tuple[int, ...], seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def step(optimizer: optim.Optimizer, weights: list[nn.Parameter], count: int) -> None:
    """Steps along gradients that are always the same, and large and small."""
    for number in range(count):
        for index, weight in enumerate(weights):
            scale = 10.0 ** (index - 2)
            weight.grad = (scale * draw(weight.shape, seed=100 * number + index)).to(weight)
        optimizer.step()


def make_mlp(out_features: int = 3, **options: Any) -> Field:
    encoding = GaussianEncoding(2, num_frequencies=8)
    return Field(encoding, MLPNetwork(16, out_features, **{"hidden_features": 12, **options}))


def make_siren() -> Field:
    return Field(IdentityEncoding(2), SirenNetwork(2, 3, hidden_features=12, hidden_layers=3))


def names_of(module: nn.Module, rule: str, **options: Any) -> set[str]:
    groups = [group for group in muon(module, **options).param_groups if group["rule"] == rule]
    held = {id(p) for group in groups for p in group["params"]}
    return {name for name, p in module.named_parameters() if id(p) in held}


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_matrices_are_stepped_as_by_pytorch(
    nesterov: bool, weight_decay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PyTorch's computes in bfloat16 whatever the dtype; here it is to show all digits.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    ours, theirs = Matrices(SHAPES), Matrices(SHAPES)
    options = {"lr": 0.1, "momentum": 0.8, "nesterov": nesterov, "weight_decay": weight_decay}
    step(muon(ours, **options), ours.weights, 4)
    step(optim.Muon(theirs.weights, **options), theirs.weights, 4)
    for actual, expected in zip(ours.weights, theirs.weights, strict=True):
        assert_close(actual, expected)


def test_in_bfloat16_they_are_stepped_as_by_pytorch_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inr.optimizer._orthogonalize.has_fast_bfloat16", lambda device: True)
    ours, theirs = (Matrices(SHAPES, torch.float32) for _ in range(2))
    before = [weight.detach().clone() for weight in ours.weights]
    step(muon(ours, lr=1.0), ours.weights, 1)
    step(optim.Muon(theirs.weights, lr=1.0, weight_decay=0.0), theirs.weights, 1)
    for start, actual, expected in zip(before, ours.weights, theirs.weights, strict=True):
        assert_close((actual - start).bfloat16(), expected - start)


@pytest.mark.parametrize("shape", [(9, 6), (6, 9), (7, 7)])
def test_stacked_matrices_are_each_stepped_as_if_alone(shape: tuple[int, int]) -> None:
    stacked = Matrices([(5, *shape)])
    (stack,) = stacked.weights
    alone = [Matrices([shape]) for _ in range(5)]
    optimizers = []
    for part, module in zip(stack, alone, strict=True):
        module.weights[0].data.copy_(part.detach())
        optimizers.append(muon(module, lr=0.1, weight_decay=0.2))
    together = muon(stacked, lr=0.1, weight_decay=0.2)
    for number in range(3):
        # Sizes of their own, which a norm over all of them would mix.
        stack.grad = draw((5, *shape), seed=number) * torch.logspace(-3, 1, 5)[:, None, None]
        together.step()
        for part, module, optimizer in zip(stack.grad, alone, optimizers, strict=True):
            module.weights[0].grad = part.clone()
            optimizer.step()
    assert_close(stack, torch.stack([module.weights[0] for module in alone]))


@pytest.mark.parametrize("shape", [(9, 6), (6, 9)])
def test_orthogonalising_keeps_singular_vectors_and_evens_out_singular_values(
    shape: tuple[int, int],
) -> None:
    left, values, right = torch.linalg.svd(draw(shape, seed=0), full_matrices=False)
    values = torch.logspace(0, -1.5, len(values), dtype=torch.float64)
    result = orthogonalize((left * values) @ right, steps=5)
    evened = values * orthogonal_gains(values, steps=5)
    assert_close(result, (left * evened) @ right)
    assert (evened > 0.65).all() and (evened < 1.25).all()


def test_a_matrix_of_zeros_stays_where_it_is() -> None:
    assert_close(orthogonalize(torch.zeros(3, 4, 5, dtype=torch.float64), 5), torch.zeros(3, 4, 5))
    assert orthogonal_gains(torch.zeros(4), 5).isfinite().all()


def test_single_precision_stays_single_where_bfloat16_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inr.optimizer._orthogonalize.has_fast_bfloat16", lambda device: False)
    matrix = draw((6, 6), seed=0)
    assert_close(orthogonalize(matrix.float(), 5), orthogonalize(matrix, 5))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (make_mlp, {"hidden.1", "hidden.2"}),
        (lambda: make_mlp(skips=[1]), {"hidden.1", "hidden.2"}),
        (lambda: make_mlp(out_features=9, linearized=True), {"hidden.1", "hidden.2"}),
        (lambda: make_mlp(hidden_layers=1), set()),
        (lambda: make_mlp(hidden_layers=0), set()),
        (lambda: make_mlp(trainable="last_layer"), set()),
        (lambda: make_mlp(hidden_features=4), set()),
        (make_siren, {"hidden.0", "hidden.1"}),
        (
            lambda: Field(IdentityEncoding(2), MLPNetwork(2, 3, hidden_features=12)),
            {"hidden.1", "hidden.2"},
        ),
        # Many values do not make the last layer a hidden one.
        (lambda: make_mlp(out_features=9), {"hidden.1", "hidden.2"}),
    ],
    ids=[
        "mlp",
        "skips",
        "linearized",
        "one hidden layer",
        "linear",
        "last layer",
        "narrow",
        "siren",
        "identity",
        "many values",
    ],
)
def test_muon_has_the_matrices_of_hidden_layers(
    make: Callable[[], Field], expected: set[str]
) -> None:
    module = make()
    matrices = names_of(module, "muon", first_layer=False)
    assert matrices == {f"network.{name}.weight" for name in expected}
    trained = {name for name, p in module.named_parameters() if p.requires_grad}
    assert names_of(module, "adam", first_layer=False) == trained - matrices


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        (GaussianEncoding(2, num_frequencies=8), {"hidden.0", "hidden.1", "hidden.2"}),
        (IdentityEncoding(2), {"hidden.1", "hidden.2"}),
    ],
    ids=["features", "bare coordinates"],
)
def test_it_has_the_first_layer_too_on_features(encoding: Encoding, expected: set[str]) -> None:
    module = Field(encoding, MLPNetwork(encoding.out_features, 9, hidden_features=12))
    matrices = names_of(module, "muon")
    assert matrices == {f"network.{name}.weight" for name in expected}


def test_what_is_no_plain_matrix_is_left_to_adam() -> None:
    frequencies = GaussianEncoding(2, num_frequencies=8, trainable=True)
    normalised = nn.utils.parametrizations.weight_norm(nn.Linear(12, 12))
    complex_layer = nn.Linear(12, 12, dtype=torch.complex64)
    tied, last = nn.Linear(9, 9), nn.Linear(9, 9)
    tied.weight = last.weight
    module = nn.Sequential(
        frequencies, nn.Conv1d(8, 8, 8), normalised, complex_layer, nn.Linear(16, 12), tied, last
    )
    assert names_of(module, "muon", first_layer=False) == {"4.weight"}


def test_muons_group_is_first_and_adams_has_its_own_rate() -> None:
    groups = muon(make_mlp(), lr=0.07, adam_lr=0.003).param_groups
    assert [(group["rule"], group["lr"]) for group in groups] == [("muon", 0.07), ("adam", 0.003)]
    (group,) = muon(make_mlp(hidden_layers=0), lr=0.07, adam_lr=0.003).param_groups
    assert (group["rule"], group["lr"]) == ("adam", 0.003)


def test_what_is_left_to_adam_is_stepped_by_adam() -> None:
    steps = descend(muon, adam_lr=0.1, beta1=0.8, beta2=0.95, eps=1e-3)
    assert_close(steps, descend_adam(0.1, 0.8, 0.95, 1e-3))


def test_weight_decay_is_for_hidden_matrices_alone() -> None:
    # Momentum and moments are zero: only the decay moves anything.
    module = make_mlp(parameterization="ntk", hidden_features=64).double()
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimizer = muon(module, lr=0.1, weight_decay=0.2)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    matrices = names_of(module, "muon")
    for name, parameter in module.named_parameters():
        assert_close(parameter, before[name] * (1 - 0.1 * 0.2 * (name in matrices)))


@pytest.mark.parametrize("parameterization", ["ntk", "mean_field"])
def test_a_step_moves_hidden_matrices_as_far_at_every_width(parameterization: str) -> None:
    moves, widths = [], (64, 256, 512)
    for width in widths:
        options = {"hidden_features": width, "hidden_layers": 2}
        module = make_mlp(parameterization=parameterization, **options).double()
        layer = module.network.hidden[1]
        before = layer.weight_scale * layer.weight.detach()
        optimizer = muon(module, lr=0.01)
        for parameter in module.parameters():
            parameter.grad = draw(parameter.shape, seed=0)[:1].expand_as(parameter).clone()
        optimizer.step()
        moved = layer.weight_scale * layer.weight.detach() - before
        moves.append(torch.linalg.matrix_norm(moved, ord=2).item())
    # Lazy layers move less, the wider the network, as their biases do.
    laziness = [(256 / width) ** 0.5 if parameterization == "ntk" else 1.0 for width in widths]
    standard = orthogonal_gains(torch.tensor([1.0], dtype=torch.float64), 5).item() * 0.01
    assert_close(moves, [standard * factor for factor in laziness])


def test_a_saved_state_goes_on_bit_for_bit() -> None:
    torch.manual_seed(0)
    whole = make_mlp()
    optimizer = muon(whole)
    train(whole, optimizer, range(3))
    file = io.BytesIO()
    torch.save({"weights": whole.state_dict(), "optimizer": optimizer.state_dict()}, file)
    train(whole, optimizer, range(3, 6))
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    resumed = make_mlp()
    resumed.load_state_dict(saved["weights"])
    fresh = muon(resumed, lr=1.0, adam_lr=1.0, momentum=0.5)
    fresh.load_state_dict(saved["optimizer"])
    train(resumed, fresh, range(3, 6))
    for expected, actual in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(expected, actual)


def train(module: nn.Module, optimizer: optim.Optimizer, numbers: range) -> None:
    """Steps towards a picture with detail, at points that a number draws."""
    for number in numbers:
        x = torch.rand(64, 2, generator=torch.Generator().manual_seed(number))
        optimizer.zero_grad()
        target = torch.sin(20 * x[:, :1]) * torch.cos(14 * x[:, 1:])
        (module(x) - target).square().mean().backward()
        optimizer.step()


def test_a_schedule_reaches_all_groups() -> None:
    optimizer = muon(make_mlp(), lr=0.08, adam_lr=0.004)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
    optimizer.step()
    schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.04, 0.002]


def test_a_closure_computes_loss_and_gradients_first() -> None:
    module = nn.Linear(1, 1, bias=False)
    start = module.weight.item()
    optimizer = muon(module, adam_lr=0.1)

    def compute() -> Tensor:
        optimizer.zero_grad()
        loss = module.weight.sum()
        loss.backward()
        return loss

    assert optimizer.step(compute).item() == pytest.approx(start)
    assert module.weight.item() == pytest.approx(start - 0.1)


def test_what_has_no_gradient_stays() -> None:
    module = Matrices([(6, 6), (7, 7)])
    first, second = module.weights
    before = second.detach().clone()
    step(muon(module), [first], 2)
    assert torch.equal(second, before)


def test_it_learns_detail_faster_than_adam() -> None:
    x = torch.rand(512, 2, generator=torch.Generator().manual_seed(1))
    smooth = torch.sin(20 * x[:, :1]) * torch.cos(14 * x[:, 1:])
    values = smooth + 0.5 * draw((512, 1), seed=2).float()
    losses = []
    for make in (partial(muon, lr=0.05, first_layer=False), adam):
        torch.manual_seed(0)
        encoding = GaussianEncoding(2, num_frequencies=64, scale=4.0)
        module = Field(encoding, MLPNetwork(128, 1, hidden_features=64))
        optimizer = make(module)
        schedule = optim.lr_scheduler.LambdaLR(
            optimizer, lambda t: (1 + math.cos(math.pi * t / 60)) / 2
        )
        for _ in range(60):
            optimizer.zero_grad()
            loss = (module(x) - values).square().mean()
            loss.backward()
            optimizer.step()
            schedule.step()
        losses.append(loss.item())
    assert losses[0] < 0.5 * losses[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adam_lr": 0.0}, "adam_lr is 0.0; expected a finite number above 0"),
        ({"momentum": 1.0}, "momentum is 1.0; expected a number from 0 to below 1"),
        ({"beta2": 1.5}, "beta2 is 1.5; expected a number from 0 to below 1"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0; expected a finite number, 0 or more"),
        ({"ns_steps": 0}, "ns_steps is 0; expected 1 or more"),
    ],
)
def test_options_out_of_range_are_rejected(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        muon(make_mlp(), **options)


def test_smaller_weights_of_a_siren_move_by_the_same_share() -> None:
    network = SirenNetwork(2, 3, hidden_features=8, hidden_layers=3, hidden_omega=20.0)
    groups = muon(network, lr=0.05).param_groups
    rates = [group["lr"] for group in groups if group["rule"] == "muon"]
    assert_close(rates, [0.05 * 6**0.5 / 20.0])
    assert {group["lr"] for group in groups if group["rule"] == "adam"} == {5e-3}
