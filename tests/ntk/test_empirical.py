"""The empirical kernel against its definition, in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from inr.batch import Batch
from inr.encoding import GaussianEncoding, IdentityEncoding
from inr.field import Field
from inr.loss import mse
from inr.network import MLPNetwork, SirenNetwork
from inr.ntk import empirical_ntk
from inr.ntk.contraction import contracted_ntk
from inr.ntk.structured import structured_ntk
from inr.optimizer import sgd
from tests.ntk.brute_force import brute_force_ntk, jacobian
from tests.tolerance import assert_close


def draw_points(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 2, generator=generator, dtype=torch.float64)


def make_mlp(outputs: int = 3, **knobs: object) -> Field:
    encoding = GaussianEncoding(2, num_frequencies=5, scale=2.0)
    network = MLPNetwork(10, outputs, hidden_features=7, **knobs)  # type: ignore[arg-type]
    return Field(encoding, network)


def make_siren() -> Field:
    network = SirenNetwork(2, 3, hidden_features=8, hidden_layers=3, omega=5.0, hidden_omega=4.0)
    return Field(IdentityEncoding(2), network)


def make_partly_frozen() -> Field:
    field = make_mlp(hidden_layers=3)
    field.network.hidden[1].requires_grad_(False)  # type: ignore[union-attr, operator]
    field.network.hidden[2].bias.requires_grad_(False)  # type: ignore[union-attr, operator]
    field.network.output.bias.requires_grad_(False)  # type: ignore[union-attr, operator]
    return field


COVERED: dict[str, Callable[[], nn.Module]] = {
    "mlp": make_mlp,
    "smooth": lambda: make_mlp(activation="tanh", output_activation="sigmoid"),
    "skips": lambda: make_mlp(hidden_layers=4, skips=(1, 3), activation="gelu"),
    "siren": make_siren,
    "linear": lambda: make_mlp(hidden_layers=0),
    "one output": lambda: make_mlp(outputs=1),
    "partly frozen": make_partly_frozen,
    "without biases": lambda: nn.Sequential(
        nn.Linear(2, 6, bias=False), nn.Tanh(), nn.Linear(6, 3, bias=False)
    ),
    "in place": lambda: nn.Sequential(nn.Linear(2, 9), nn.ReLU(inplace=True), nn.Linear(9, 3)),
}


class Twice(nn.Module):
    """Uses its hidden layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared = nn.Linear(2, 6), nn.Linear(6, 6)
        self.output = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(torch.tanh(self.shared(torch.tanh(self.shared(self.first(x))))))


class Tied(nn.Module):
    """Uses the weight of its layer once more, past the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 6)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layer(x)) @ self.layer.weight


class Coded(nn.Module):
    """Adds a layer of a constant code, which has no row for each point."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.code_layer, self.output = nn.Linear(2, 6), nn.Linear(4, 6), nn.Linear(6, 3)
        self.register_buffer("code", torch.linspace(-1, 1, 4)[None])

    def forward(self, x: Tensor) -> Tensor:
        return self.output(torch.tanh(self.first(x) + self.code_layer(self.code)))


class Idle(nn.Module):
    """Computes a layer that its outputs do not use."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.idle, self.output = nn.Linear(2, 6), nn.Linear(6, 1), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.tanh(self.first(x))
        self.idle(hidden)
        return self.output(hidden)


class Scaled(nn.Module):
    """Has a parameter outside of its linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.factor = nn.Linear(2, 3), nn.Parameter(torch.tensor(1.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.layer(x)


def make_frozen_weight() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))
    model[0].weight.requires_grad_(False)  # type: ignore[operator]
    return model


def make_trainable_frequencies() -> Field:
    encoding = GaussianEncoding(2, num_frequencies=5, scale=2.0, trainable=True)
    return Field(encoding, MLPNetwork(10, 3, hidden_features=7))


def make_pruned() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))
    prune.random_unstructured(model[0], "weight", amount=5)
    return model


PARTLY: dict[str, Callable[[], nn.Module]] = {
    "trainable frequencies": make_trainable_frequencies,
    "another parameter": Scaled,
    "a frozen weight": make_frozen_weight,
    "a pruned weight": make_pruned,
}
UNCOVERED: dict[str, Callable[[], nn.Module]] = {
    "a layer used twice": Twice,
    "a weight used twice": Tied,
    "a layer without points": Coded,
    "an unused layer": Idle,
}


def make(name: str) -> nn.Module:
    torch.manual_seed(0)
    return {**COVERED, **PARTLY, **UNCOVERED}[name]().double()


@pytest.mark.parametrize("name", [*COVERED, *PARTLY, *UNCOVERED])
def test_the_kernel_is_the_product_of_jacobians(name: str) -> None:
    model, x = make(name), draw_points(6)
    expected = brute_force_ntk(model, x)
    assert_close(empirical_ntk(model, x), expected)
    assert_close(empirical_ntk(model, x, method="contraction"), expected)


@pytest.mark.parametrize("name", COVERED)
def test_linear_layers_are_summed_without_jacobians(name: str) -> None:
    model, x, x2 = make(name), draw_points(6), draw_points(4, seed=1)
    structured, reference = structured_ntk(model, x, x2), contracted_ntk(model, x, x2)
    assert structured is not None
    assert (structured - reference).abs().max() < 1e-12 * reference.abs().max()
    assert_close(empirical_ntk(model, x, method="structured"), brute_force_ntk(model, x))


@pytest.mark.parametrize("name", PARTLY)
def test_only_what_is_outside_linear_layers_is_contracted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, x = make(name), draw_points(6)
    contracted: list[str] = []

    def record(*args: object, parameters: list[str], **knobs: object) -> Tensor:
        contracted.extend(parameters)
        return contracted_ntk(*args, parameters=parameters, **knobs)  # type: ignore[arg-type]

    monkeypatch.setattr("inr.ntk.empirical.contracted_ntk", record)
    kernel = empirical_ntk(model, x, method="structured")
    assert_close(kernel, brute_force_ntk(model, x))
    assert 0 < len(contracted) < len(list(model.parameters()))


@pytest.mark.parametrize("name", UNCOVERED)
def test_what_linear_layers_do_not_cover_is_contracted(name: str) -> None:
    model, x = make(name), draw_points(4)
    assert structured_ntk(model, x, None) is None
    with pytest.raises(ValueError, match="expected method='auto' or 'contraction'"):
        empirical_ntk(model, x, method="structured")


@pytest.mark.parametrize("method", ["structured", "contraction"])
def test_a_second_set_of_points_gives_the_columns(method: str) -> None:
    model, x, x2 = make("mlp"), draw_points(5), draw_points(3, seed=1)
    kernel = empirical_ntk(model, x, x2, method=method)  # type: ignore[arg-type]
    assert_close(kernel, brute_force_ntk(model, x, x2))
    assert_close(empirical_ntk(model, x2, x, method=method), kernel.T)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["structured", "contraction"])
def test_layouts_are_blocks_and_the_mean_of_the_full_kernel(method: str) -> None:
    model, x, x2 = make("siren"), draw_points(5), draw_points(4, seed=1)
    full = brute_force_ntk(model, x, x2)

    def select(outputs: object) -> Tensor:
        return empirical_ntk(model, x, x2, outputs=outputs, method=method)  # type: ignore[arg-type]

    assert_close(select("full"), full)
    blocks = [full[o::3, o::3] for o in range(3)]
    for o, block in enumerate(blocks):
        assert_close(select(o), block)
    assert_close(select("mean"), (blocks[0] + blocks[1] + blocks[2]) / 3)


def test_points_are_contracted_in_chunks_without_a_seam() -> None:
    model, x, x2 = make("trainable frequencies"), draw_points(7), draw_points(5, seed=1)
    kernel = contracted_ntk(model, x, x2, chunk_size=3)
    assert_close(kernel.flatten(2).flatten(0, 1), brute_force_ntk(model, x, x2))


@pytest.mark.parametrize("method", ["structured", "contraction"])
def test_kernel_of_a_linear_model_is_x_xt(method: str) -> None:
    x = draw_points(5)
    model = nn.Linear(2, 1, bias=False).double()
    assert_close(empirical_ntk(model, x, method=method), x @ x.T)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["structured", "contraction"])
def test_a_bias_adds_one_and_outputs_of_a_linear_model_do_not_mix(method: str) -> None:
    x = draw_points(5)
    model = nn.Linear(2, 3).double()
    expected = torch.kron(x @ x.T + 1, torch.eye(3, dtype=torch.float64))
    assert_close(empirical_ntk(model, x, method=method), expected)  # type: ignore[arg-type]


def test_a_frozen_bias_adds_nothing() -> None:
    x = draw_points(5)
    model = nn.Linear(2, 1).double()
    model.bias.requires_grad_(False)
    assert_close(empirical_ntk(model, x), x @ x.T)


def test_frozen_frequencies_are_not_counted_and_trained_ones_are() -> None:
    x = draw_points(5)
    frozen, trained = make("mlp"), make("trainable frequencies")
    trained.load_state_dict(frozen.state_dict())
    extra = empirical_ntk(trained, x) - empirical_ntk(frozen, x)
    # Frequencies come first among the parameters.
    rows = jacobian(trained, x)[:, : 5 * 2]
    assert_close(extra, rows @ rows.T)


def test_a_gradient_step_changes_the_output_by_the_kernel() -> None:
    model, x = make("smooth"), draw_points(6)
    kernel = empirical_ntk(model, x)
    before = model(x).detach().flatten()
    residual = torch.randn(18, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rate = 1e-7
    (model(x).flatten() @ residual).backward()
    with torch.no_grad():
        for p in model.parameters():
            assert p.grad is not None
            p -= rate * p.grad
    change = (model(x).flatten() - before) / rate
    # The step is finite: relative error of its order.
    assert_close(change, -kernel @ residual, looser=1e4)


@pytest.mark.parametrize("steps", [1, 10, 200])
def test_full_batch_descent_on_a_linear_model_decays_along_eigenvectors(steps: int) -> None:
    torch.manual_seed(0)
    x, outputs = draw_points(6), 2
    encoding = GaussianEncoding(2, num_frequencies=12, scale=1.0)
    field = Field(encoding, MLPNetwork(24, outputs, hidden_layers=0)).double()
    values = torch.randn(6, outputs, dtype=torch.float64)
    kernel = empirical_ntk(field, x)
    eigenvalues, eigenvectors = torch.linalg.eigh(kernel)
    rate = 0.9 * 6 * outputs / eigenvalues.max().item()
    start = eigenvectors.T @ (field(x).detach() - values).flatten()
    optimizer = sgd(field, lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        mse(field, Batch(x, values)).backward()
        optimizer.step()
    end = eigenvectors.T @ (field(x).detach() - values).flatten()
    decay = (1 - 2 * rate * eigenvalues / (6 * outputs)) ** steps
    assert decay.min() < 0.9
    assert_close(end, decay * start)


def test_the_kernel_leaves_no_gradients_and_no_hooks() -> None:
    model = make("mlp")
    kernel = empirical_ntk(model, draw_points(4))
    assert not kernel.requires_grad
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


@pytest.mark.parametrize("method", ["structured", "contraction"])
def test_the_kernel_is_there_under_no_grad(method: str) -> None:
    model, x = make("mlp"), draw_points(4)
    expected = brute_force_ntk(model, x)
    with torch.no_grad():
        assert_close(empirical_ntk(model, x, method=method), expected)  # type: ignore[arg-type]


def test_the_dtype_of_the_model_is_that_of_the_kernel() -> None:
    model, x = make("smooth"), draw_points(5)
    expected = empirical_ntk(model, x)
    kernel = empirical_ntk(model.float(), x.float())
    # Sums of products of both signs.
    assert_close(kernel, expected, looser=10)
    assert kernel.dtype == torch.float32


@pytest.mark.parametrize(
    "mixing", [lambda: nn.BatchNorm1d(6), lambda: nn.Dropout(0.5)], ids=["batch norm", "dropout"]
)
def test_a_module_that_mixes_points_or_draws_numbers_is_refused_until_eval(
    mixing: Callable[[], nn.Module],
) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 6), mixing(), nn.Linear(6, 1)).double()
    x = draw_points(5)
    with pytest.raises(ValueError, match="eval"):
        empirical_ntk(model, x)
    model.eval()
    assert_close(empirical_ntk(model, x), brute_force_ntk(model, x))


@pytest.mark.parametrize(
    ("knobs", "sentence"),
    [
        ({"outputs": 3}, "outputs is 3; expected full, mean or a number below 3"),
        ({"outputs": -1}, "outputs is -1"),
        ({"outputs": "all"}, "outputs is 'all'"),
        ({"method": "magic"}, "method is 'magic'; expected auto, structured or contraction"),
    ],
)
def test_knobs_out_of_range_are_refused(knobs: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        empirical_ntk(make("mlp"), draw_points(3), **knobs)  # type: ignore[arg-type]


def test_a_module_with_nothing_to_train_is_refused() -> None:
    with pytest.raises(ValueError, match="no trainable parameters"):
        empirical_ntk(make("mlp").requires_grad_(False), draw_points(3))
