"""Models with and without a kernel, which the computation leaves unchanged."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from inr.ntk import NTKOperator, empirical_ntk
from tests.ntk.brute_force import brute_force_ntk
from tests.ntk.models import draw_points, make
from tests.tolerance import assert_close


class Sequence(nn.Module):
    """A foreign layer on sequences, its outputs in a row."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        outputs = self.layer(x)
        outputs = outputs[0] if isinstance(outputs, tuple) else outputs
        return outputs.flatten(1)


@pytest.mark.parametrize(
    ("mixing", "sentence"),
    [
        (lambda: nn.BatchNorm1d(6), r"BatchNorm1d at 1 is in training mode, where it mixes points"),
        (lambda: nn.Dropout(0.5), r"Dropout at 1 is in training mode, where it draws numbers"),
    ],
    ids=["batch norm", "dropout"],
)
def test_layers_that_mix_points_or_draw_numbers_are_rejected_until_eval(
    mixing: Callable[[], nn.Module], sentence: str
) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 6), mixing(), nn.Linear(6, 1)).double()
    x = draw_points(5)
    with pytest.raises(ValueError, match=sentence + ".*Call eval"):
        empirical_ntk(model, x)
    model.eval()
    assert_close(empirical_ntk(model, x), brute_force_ntk(model, x))


def test_dropout_of_nothing_is_no_reason_to_reject() -> None:
    model = nn.Sequential(nn.Linear(2, 6), nn.Dropout(0.0)).double()
    x = draw_points(3)
    assert_close(empirical_ntk(model, x), brute_force_ntk(model, x))


class Mixes(nn.Module):
    """Subtracts the mean over points."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        values = self.layer(x)
        return values - values.mean(0)


class Shuffles(nn.Module):
    """Treats each point by itself, in another row."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2, 6), nn.Linear(6, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.first(x.flip(0)))).flip(0)


def test_a_module_that_mixes_points_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"Mixes gives a point another value .* among others"):
        empirical_ntk(Mixes().double(), draw_points(5))


def test_rows_that_are_not_the_points_are_rejected_and_contracted() -> None:
    torch.manual_seed(0)
    model, x = Shuffles().double(), draw_points(5)
    with pytest.raises(ValueError, match="Shuffles moves points to other rows"):
        empirical_ntk(model, x, method="structured")
    assert_close(empirical_ntk(model, x), brute_force_ntk(model, x))


class Branches(nn.Module):
    """Takes another layer when there are many points."""

    def __init__(self) -> None:
        super().__init__()
        self.few, self.many = nn.Linear(2, 1), nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.few(x) if len(x) < 20 else self.many(x)


def test_another_way_for_other_points_is_rejected() -> None:
    with pytest.raises(ValueError, match="Branches calls its linear layers otherwise"):
        empirical_ntk(Branches().double(), draw_points(30), method="structured")


@pytest.mark.parametrize("shape", [(4, 3, 4)])
def test_a_foreign_transformer_layer_is_right(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).double()
    x = torch.rand(shape, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"Dropout at .* is in training mode"):
        empirical_ntk(model, x)
    model.eval()
    expected = brute_force_ntk(model, x)
    assert (empirical_ntk(model, x) - expected).norm() <= 1e-10 * expected.norm()


def test_a_transformer_layer_on_points_as_one_sequence_is_rejected_by_name() -> None:
    model = nn.TransformerEncoderLayer(4, 2, 8).double().eval()
    with pytest.raises(ValueError, match="TransformerEncoderLayer gives a point another value"):
        empirical_ntk(model, torch.rand(5, 4, dtype=torch.float64))


def test_an_lstm_is_rejected_by_name_and_right_when_wrapped() -> None:
    # torch.func lacks LSTMs in float64; one backward pass for each output works.
    torch.manual_seed(0)
    lstm = nn.LSTM(2, 3, batch_first=True).double()
    x = torch.rand(4, 5, 2, dtype=torch.float64)
    with pytest.raises(ValueError, match="LSTM gave a tuple; expected one tensor"):
        empirical_ntk(lstm, x)
    model = Sequence(lstm)
    expected = brute_force_ntk(model, x)
    assert (empirical_ntk(model, x) - expected).norm() <= 1e-10 * expected.norm()
    product = NTKOperator(model, x, chunk_size=3) @ expected
    assert (product - expected @ expected).norm() <= 1e-10 * (expected @ expected).norm()


class Recomputed(nn.Module):
    """A checkpoint of the kind that hides its parameters from autograd.grad."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2, 4), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.last, torch.tanh(self.first(x)), use_reentrant=True)


# PyTorch warns of such a checkpoint without gradients.
@pytest.mark.filterwarnings("ignore:None of the inputs")
def test_what_autograd_cannot_differentiate_is_rejected_by_name() -> None:
    with pytest.raises(ValueError, match="Recomputed cannot be differentiated"):
        empirical_ntk(Recomputed().double(), draw_points(4))


def test_a_siren_that_others_wrote_is_right() -> None:
    siren_pytorch = pytest.importorskip("siren_pytorch")
    torch.manual_seed(0)
    model = siren_pytorch.SirenNet(2, 12, 3, 3).double()
    x = draw_points(6)
    expected = brute_force_ntk(model, x)
    for method in ("structured", "contraction"):
        kernel = empirical_ntk(model, x, method=method)  # type: ignore[arg-type]
        assert (kernel - expected).norm() <= 1e-10 * expected.norm()


@pytest.mark.parametrize(
    ("make_model", "sentence"),
    [
        (lambda: nn.Identity(), "Identity has no trainable parameters"),
        (lambda: make("mlp").requires_grad_(False), "Field has no trainable parameters"),
        (lambda: nn.Sequential(nn.Linear(2, 3), nn.Flatten(0)), "gave shape .* expected real"),
    ],
)
def test_what_has_no_kernel_is_rejected(make_model: Callable[[], nn.Module], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        empirical_ntk(make_model().double(), draw_points(5))


def test_no_points_are_rejected() -> None:
    with pytest.raises(ValueError, match="x has no points"):
        empirical_ntk(make("mlp"), draw_points(0))


def test_weights_that_are_not_finite_are_rejected() -> None:
    model = make("mlp")
    model.network.output.weight.data[0, 0] = torch.nan  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="outputs of Field are not finite"):
        empirical_ntk(model, draw_points(5))


class Root(nn.Module):
    """Has no derivative where its layer gives zero."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.output = nn.Linear(2, 3, bias=False), nn.Linear(3, 1)
        nn.init.zeros_(self.layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.layer(x).abs().sqrt())


def test_gradients_that_are_not_finite_are_rejected_with_the_layer() -> None:
    with pytest.raises(ValueError, match=r"output gradients of the layer of layer\.weight are"):
        empirical_ntk(Root().double(), draw_points(5))


def test_a_kernel_that_overflows_is_rejected() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1))
    with torch.no_grad():
        model[0].weight.fill_(1e20)
        model[1].weight.fill_(1e-10)
    with pytest.raises(ValueError, match=r"kernel of Sequential is not finite: .* overflow"):
        empirical_ntk(model, draw_points(5))


def test_a_callable_needs_params_and_a_module_must_not_have_them() -> None:
    with pytest.raises(TypeError, match="expected params="):
        empirical_ntk(lambda params, x: x, draw_points(3))
    with pytest.raises(TypeError, match="a module has its own"):
        empirical_ntk(make("mlp"), draw_points(3), params={})


class Counts(nn.Module):
    """Writes into a buffer at each call."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.layer(x)


@pytest.mark.parametrize("method", ["structured", "contraction"])
@pytest.mark.parametrize("make_model", [Counts, lambda: make("mlp")])
def test_a_model_is_left_as_it_is(make_model: Callable[[], nn.Module], method: str) -> None:
    model = make_model().double()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    state = torch.get_rng_state()
    kernel = empirical_ntk(model, draw_points(4), method=method)  # type: ignore[arg-type]
    assert not kernel.requires_grad
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_autocast_does_not_reach_a_kernel() -> None:
    model, x = make("mlp").float(), draw_points(4)
    expected = empirical_ntk(model, x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(empirical_ntk(model, x), expected)


def test_a_compiled_module_is_run_as_it_was_written() -> None:
    model, x = make("mlp"), draw_points(4)
    expected = empirical_ntk(model, x)
    model.compile(backend="eager")
    assert_close(empirical_ntk(model, x), expected)


@pytest.mark.parametrize("method", ["structured", "contraction"])
def test_inference_mode_is_no_hindrance(method: str) -> None:
    model, x = make("trainable frequencies"), draw_points(4)
    expected = brute_force_ntk(model, x)
    with torch.inference_mode():
        kernel = empirical_ntk(model, x.clone(), method=method)  # type: ignore[arg-type]
    assert_close(kernel, expected)


def test_cached_parametrizations_are_rejected() -> None:
    model, x = make("a normalised weight"), draw_points(4)
    with (
        torch.nn.utils.parametrize.cached(),
        pytest.raises(ValueError, match="hides weights from their parameters"),
    ):
        empirical_ntk(model, x)


def test_points_that_a_module_writes_into_are_left() -> None:
    class Writes(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.clamp_(max=0.5))

    x = draw_points(5)
    before = x.clone()
    empirical_ntk(Writes(2, 1).double(), x)
    assert torch.equal(x, before)


def test_a_faint_mixture_of_points_is_rejected() -> None:
    model = nn.Sequential(Mixes(), nn.Linear(1, 1, bias=False)).double()
    model[1].weight.data.fill_(1e-7)
    with pytest.raises(ValueError, match="another value when repeated or among others"):
        empirical_ntk(model, draw_points(5))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w.pop("1.bias"), r"other names than the trainable parameters \(1\.bias\)"),
        (lambda w: w.update(odd=torch.ones(1)), r"\(odd\)"),
        (lambda w: w["0.weight"].neg_(), "least number of -1; expected finite ones, 0 or more"),
        (lambda w: w.update({"0.weight": torch.ones(2, 6)}), r"shape \(2, 6\) .* \(6, 2\)"),
        (lambda w: w["0.bias"].fill_(torch.inf), "expected finite ones"),
    ],
)
def test_weightings_that_do_not_suit_are_rejected(
    change: Callable[[dict[str, Tensor]], object], sentence: str
) -> None:
    model = nn.Sequential(nn.Linear(2, 6), nn.Linear(6, 1)).double()
    weighting = {name: torch.ones_like(p).detach() for name, p in model.named_parameters()}
    change(weighting)
    for make_kernel in (empirical_ntk, NTKOperator):
        with pytest.raises(ValueError, match=sentence):
            make_kernel(model, draw_points(3), weighting=weighting)


def test_a_layer_that_is_used_twice_is_left_as_it_is() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(2, 2).double()
    model, x = nn.Sequential(layer, nn.Tanh(), layer), draw_points(4)
    expected, weight = brute_force_ntk(model, x), layer.weight
    assert_close(empirical_ntk(model, x), expected)
    assert layer.weight is weight
    assert_close(brute_force_ntk(model, x), expected)
