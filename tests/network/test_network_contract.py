"""What every network promises, and that the check of it notices who breaks it."""

import pytest
import torch
from torch import Tensor, nn

import inr.network
from inr.network import MLPNetwork, Network, SirenNetwork
from inr.testing import check_network

MEMBERS = sorted(set(inr.network.__all__) - {"Network"})


@pytest.mark.parametrize(("in_features", "out_features"), [(1, 1), (2, 3), (6, 2)])
@pytest.mark.parametrize("name", MEMBERS)
def test_every_network_keeps_the_contract(name: str, in_features: int, out_features: int) -> None:
    torch.manual_seed(0)
    check_network(getattr(inr.network, name)(in_features, out_features, hidden_features=16))


@pytest.mark.parametrize(
    "knobs",
    [
        {"hidden_layers": 0},
        {"hidden_layers": 1},
        {"hidden_layers": 4, "skips": (1, 3)},
        {"activation": "gelu", "output_activation": "sigmoid", "initialization": "he"},
        {"activation": "softplus", "initialization": "glorot"},
    ],
)
def test_every_knob_of_the_mlp_keeps_the_contract(knobs: dict[str, object]) -> None:
    torch.manual_seed(0)
    check_network(MLPNetwork(3, 2, hidden_features=8, **knobs))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("sizes", [(0, 1), (1, 0)])
def test_a_network_without_features_is_refused(name: str, sizes: tuple[int, int]) -> None:
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


class Flat(Network):
    def __init__(self) -> None:
        super().__init__(3, 2)
        self.layer = nn.Linear(3, 2)

    def transform(self, features: Tensor) -> Tensor:
        return self.layer(features).float()


class HalfPrecision(Flat):
    def transform(self, features: Tensor) -> Tensor:
        return self.layer(features)


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


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Flat, r"gives torch.float32 after"),
        (HalfPrecision, r"gives torch.bfloat16 under autocast; expected float32"),
        (Normalized, "another value alone"),
        (HiddenTensor, "differ from finite differences"),
    ],
)
def test_the_check_names_a_broken_promise(broken: type[Network], sentence: str) -> None:
    with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*{sentence}"):
        check_network(broken())
