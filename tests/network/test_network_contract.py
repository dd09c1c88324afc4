"""The promises of networks, and that their checks name a network that breaks one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inr.network import MLPNetwork, Network, SirenNetwork
from inr.network._network import apply_in_full_precision
from inr.testing import check_network, encoding_checks, network_checks
from tests.members import members

MEMBERS = members("network")


@pytest.mark.parametrize("check", network_checks())
@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (6, 2)])
@pytest.mark.parametrize("member", MEMBERS)
def test_every_network_keeps_the_contract(
    member: Callable[..., Network], sizes: tuple[int, int], check: Callable[[Network], None]
) -> None:
    torch.manual_seed(0)
    check(member(*sizes, hidden_features=16))


@pytest.mark.parametrize("check", network_checks())
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
def test_every_option_of_the_mlp_keeps_the_contract(
    options: dict[str, Any], check: Callable[[Network], None]
) -> None:
    torch.manual_seed(0)
    check(MLPNetwork(3, 2, hidden_features=8, **options))


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("sizes", [(0, 1), (1, 0)])
def test_a_network_without_features_is_rejected(
    member: Callable[..., Network], sizes: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match="_features is 0; expected 1 or more"):
        member(*sizes)


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


BROKEN = [
    (Flat, "follows_its_dtype", "gives torch.float32 after"),
    (HalfPrecision, "gives_float32_under_autocast", "gives torch.bfloat16 under autocast"),
    (ClaimsToRound, "says_whether_it_rounds_features", "something else for rounded features"),
    (Normalized, "treats_each_point_by_itself", "another value alone"),
    (HiddenTensor, "has_right_gradients", "differ from finite differences"),
]


def test_what_a_network_promises_besides_has_one_that_breaks_it() -> None:
    own = {check.__name__ for check in network_checks()}
    own -= {check.__name__ for check in encoding_checks()}
    assert own <= {name for _, name, _ in BROKEN}


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize(("broken", "name", "sentence"), BROKEN)
def test_the_check_names_a_broken_promise(
    broken: Callable[[], Network], name: str, sentence: str
) -> None:
    check_network(FullPrecision())
    checks = {check.__name__: check for check in network_checks()}
    for run in (check_network, checks[name]):
        with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*{sentence}"):
            run(broken())
