"""The promises of encodings, and that their checks name an encoding that breaks one."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from inr.encoding import Encoding, FourierEncoding, GaussianEncoding
from inr.testing import check_encoding, encoding_checks
from tests.members import members

MEMBERS = members("encoding")
FOURIER = [member for member in MEMBERS if issubclass(member, FourierEncoding)]


@pytest.mark.parametrize("check", encoding_checks())
@pytest.mark.parametrize("in_features", [1, 2, 3])
@pytest.mark.parametrize("member", MEMBERS)
def test_every_encoding_keeps_the_contract(
    member: type[Encoding], in_features: int, check: Callable[[Encoding], None]
) -> None:
    check(member(in_features))  # type: ignore[call-arg]


@pytest.mark.parametrize("check", encoding_checks())
@pytest.mark.parametrize("member", FOURIER)
def test_trainable_frequencies_keep_the_contract(
    member: Callable[..., Encoding], check: Callable[[Encoding], None]
) -> None:
    check(member(2, amplitude_power=1.0, norm=2.0, trainable=True))


@pytest.mark.parametrize("member", FOURIER)
def test_frequencies_alone_can_be_trained(member: Callable[..., Encoding]) -> None:
    encoding = member(2, trainable=True)
    assert [parameter for parameter, _ in encoding.named_parameters()] == ["frequencies"]


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("in_features", [0, -1])
def test_an_encoding_of_nothing_is_rejected(
    member: Callable[..., Encoding], in_features: int
) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        member(in_features)


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


BROKEN = [
    (Narrow, "maps_batches_of_every_shape", r"to \(1,\); expected \(2,\)"),
    (Tolerant, "rejects_inputs_of_other_widths", "takes inputs 3 wide"),
    (Frozen, "has_constants_as_buffers", "parameters without gradient"),
    (Drawing, "repeats_its_results", "different results when repeated"),
    (Stuck, "follows_its_dtype", r"gives torch.float32 after .to\(torch.float64\)"),
    (Mixing, "treats_each_point_by_itself", "another value alone"),
    (Forgetful, "keeps_its_state_in_the_state_dict", "after its state dict is loaded"),
    (WrongGradient, "has_right_gradients", "gradients that differ from finite differences"),
    (WrongCurvature, "has_right_second_derivatives", "second derivatives that differ"),
    (Careless, "computes_in_full_precision_under_autocast", "something else under autocast"),
]


def test_every_check_has_an_encoding_that_breaks_its_promise() -> None:
    assert [check.__name__ for check in encoding_checks()] == [name for _, name, _ in BROKEN]


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize(("broken", "name", "sentence"), BROKEN)
def test_the_check_names_a_broken_promise(
    broken: Callable[[], Encoding], name: str, sentence: str
) -> None:
    check_encoding(Doubling())
    checks = {check.__name__: check for check in encoding_checks()}
    for run in (check_encoding, checks[name]):
        with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*{sentence}.*\.$"):
            run(broken())
