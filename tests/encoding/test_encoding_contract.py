"""What every encoding promises, and that the check of it notices who breaks it."""

import math

import pytest
import torch
from torch import Tensor, nn

import inr.encoding
from inr.encoding import Encoding, FourierEncoding, GaussianEncoding
from inr.testing import check_encoding

MEMBERS = sorted(set(inr.encoding.__all__) - {"Encoding", "FourierEncoding"})


@pytest.mark.parametrize("in_features", [1, 2, 3])
@pytest.mark.parametrize("name", MEMBERS)
def test_every_encoding_keeps_the_contract(name: str, in_features: int) -> None:
    check_encoding(getattr(inr.encoding, name)(in_features))


@pytest.mark.parametrize("name", sorted(set(MEMBERS) - {"IdentityEncoding"}))
def test_trainable_frequencies_keep_the_contract(name: str) -> None:
    encoding = getattr(inr.encoding, name)(2, amplitude_power=1.0, norm=2.0, trainable=True)
    check_encoding(encoding)
    assert [parameter for parameter, _ in encoding.named_parameters()] == ["frequencies"]


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("in_features", [0, -1])
def test_an_encoding_of_nothing_is_rejected(name: str, in_features: int) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        getattr(inr.encoding, name)(in_features)


def test_phases_are_exact_under_autocast_at_high_frequencies() -> None:
    encoding = GaussianEncoding(2, scale=100.0)
    points = torch.rand(50, 2, generator=torch.Generator().manual_seed(1))
    plain = encoding(points)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(encoding(points), plain)
        in_bfloat16 = torch.cos(points @ (2 * math.pi * encoding.frequencies).mT)
    assert (in_bfloat16 - plain[:, :256]).abs().mean() > 0.1


class Doubling(Encoding):
    def __init__(self) -> None:
        super().__init__(2, 2)

    def encode(self, coords: Tensor) -> Tensor:
        return 2 * coords


class Mixing(Doubling):
    def encode(self, coords: Tensor) -> Tensor:
        return coords - coords.mean(0)


class Drawing(Doubling):
    def encode(self, coords: Tensor) -> Tensor:
        return coords + torch.rand_like(coords)


class Narrow(Doubling):
    def encode(self, coords: Tensor) -> Tensor:
        return coords[..., :1]


class Tolerant(Doubling):
    def forward(self, coords: Tensor) -> Tensor:
        return 2 * coords[..., :1].expand(*coords.shape[:-1], 2)


class Stuck(Doubling):
    def encode(self, coords: Tensor) -> Tensor:
        return (2 * coords).float()


class Frozen(Doubling):
    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0), requires_grad=False)


class Forgetful(Doubling):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("factor", torch.tensor(2.0), persistent=False)

    def encode(self, coords: Tensor) -> Tensor:
        return self.factor * coords


class WrongGradient(Doubling):
    def encode(self, coords: Tensor) -> Tensor:
        return coords + coords.detach()


class WrongCurvature(Doubling):
    def encode(self, coords: Tensor) -> Tensor:
        return coords.detach() * (2 * coords - coords.detach())


class Careless(FourierEncoding):
    def __init__(self) -> None:
        super().__init__(torch.eye(2))

    def forward(self, coords: Tensor) -> Tensor:
        if coords.shape[-1] != 2:
            raise ValueError
        return self.encode(coords @ torch.eye(2, dtype=coords.dtype))


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Mixing, "another value alone"),
        (Drawing, "different results when repeated"),
        (Narrow, r"to \(1,\); expected \(2,\)"),
        (Tolerant, "takes inputs 3 wide"),
        (Stuck, r"gives torch.float32 after .to\(torch.float64\)"),
        (Frozen, "parameters without gradient"),
        (Forgetful, "after its state dict is loaded"),
        (WrongGradient, "gradients that differ from finite differences"),
        (WrongCurvature, "second derivatives that differ from finite differences"),
        (Careless, "something else under autocast"),
    ],
)
def test_the_check_names_a_broken_promise(broken: type[Encoding], sentence: str) -> None:
    check_encoding(Doubling())
    with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*{sentence}.*\.$"):
        check_encoding(broken())
