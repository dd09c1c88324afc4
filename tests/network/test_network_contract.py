"""What every network promises, and that the check of it notices who breaks it."""

import pytest
import torch
from torch import Tensor, nn

import inr.network
from inr.network import MLPNetwork, Network, SirenNetwork
from inr.network._network import apply_in_full_precision
from inr.testing import check_network

MEMBERS = sorted(set(inr.network.__all__) - {"Network"})


@pytest.mark.parametrize(("in_features", "out_features"), [(1, 1), (2, 3), (6, 2)])
@pytest.mark.parametrize("name", MEMBERS)
def test_every_network_keeps_the_contract(name: str, in_features: int, out_features: int) -> None:
    torch.manual_seed(0)
    check_network(getattr(inr.network, name)(in_features, out_features, hidden_features=16))


@pytest.mark.parametrize(
    "options",
    [
        {"hidden_layers": 0},
        {"hidden_layers": 1},
        {"hidden_layers": 4, "skips": (1, 3)},
        {"activation": "gelu", "output_activation": "sigmoid", "initialization": "he"},
        {"activation": "softplus", "initialization": "glorot"},
    ],
)
def test_every_option_of_the_mlp_keeps_the_contract(options: dict[str, object]) -> None:
    torch.manual_seed(0)
    check_network(MLPNetwork(3, 2, hidden_features=8, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("sizes", [(0, 1), (1, 0)])
def test_a_network_without_features_is_rejected(name: str, sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="_features is 0; expected 1 or more"):
        getattr(inr.network, name)(*sizes)


def test_the_last_layer_of_an_mlp_is_in_full_precision_under_autocast() -> None:
    network = MLPNetwork(3, 2, hidden_layers=0)
    features = torch.rand(5, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under, in_half_precision = network(features), network.output(features)
    assert torch.equal(under, network(features))
    assert not torch.equal(in_half_precision.float(), under)


def test_the_first_and_last_layer_of_a_siren_are_in_full_precision_under_autocast() -> None:
    network = SirenNetwork(2, 3, hidden_layers=1, omega=300.0)
    features = torch.rand(5, 2)
    plain = network(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(network(features), plain)


@pytest.mark.parametrize("parameterization", ["standard", "ntk", "mean_field"])
@pytest.mark.parametrize("linearized", [False, True])
@pytest.mark.parametrize("hidden_layers", [0, 1, 3])
@pytest.mark.parametrize("activation", ["relu", "softplus", "gelu", "sine"])
def test_an_mlp_says_whether_its_features_may_be_rounded(
    parameterization: str, linearized: bool, hidden_layers: int, activation: str
) -> None:
    torch.manual_seed(0)
    network = MLPNetwork(
        12, 2, hidden_features=24, hidden_layers=hidden_layers, activation=activation,
        skips=(1, 2) if hidden_layers == 3 else (), parameterization=parameterization,
        linearized=linearized,
    )  # fmt: skip
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    features = torch.cos(20 * torch.rand(64, 12))
    values, slopes = [], []
    for rounded in (features, features.bfloat16()):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            values.append(network(rounded))
        gradients = torch.autograd.grad(values[-1].square().sum(), list(network.parameters()))
        slopes.append(torch.cat([gradient.flatten() for gradient in gradients]))
    assert network.rounds_features == (hidden_layers > 0 and parameterization == "standard")
    assert torch.equal(*values) == torch.equal(*slopes) == network.rounds_features


def test_a_siren_takes_its_features_in_full_precision() -> None:
    torch.manual_seed(0)
    network, features = SirenNetwork(2, 3, hidden_features=16), torch.rand(9, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not torch.equal(network(features.bfloat16()), network(features))
    assert not network.rounds_features


class Flat(Network):
    def __init__(self) -> None:
        super().__init__(3, 2)
        self.layer = nn.Linear(3, 2)

    def transform(self, features: Tensor) -> Tensor:
        return self.layer(features).float()


class HalfPrecision(Flat):
    def transform(self, features: Tensor) -> Tensor:
        return self.layer(features)


class FullPrecision(Flat):
    def transform(self, features: Tensor) -> Tensor:
        return apply_in_full_precision(self.layer, features)


class ClaimsToRound(FullPrecision):
    rounds_features = True


class Normalized(HalfPrecision):
    def transform(self, features: Tensor) -> Tensor:
        values = self.layer(features)
        return values / (1 + values.norm())


class HiddenTensor(HalfPrecision):
    def __init__(self) -> None:
        super().__init__()
        self.shift = 3 * [torch.ones(2)]

    def transform(self, features: Tensor) -> Tensor:
        with torch.no_grad():
            shift = self.layer.weight.sum() + self.shift[0].sum()
        return self.layer(features) + shift


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Flat, r"gives torch.float32 after"),
        (HalfPrecision, r"gives torch.bfloat16 under autocast; expected float32"),
        (ClaimsToRound, "something else for rounded features under autocast"),
        (Normalized, "another value alone"),
        (HiddenTensor, "differ from finite differences"),
    ],
)
def test_the_check_names_a_broken_promise(broken: type[Network], sentence: str) -> None:
    check_network(FullPrecision())
    with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*{sentence}"):
        check_network(broken())
