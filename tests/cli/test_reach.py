"""Who fits a signal that is too fine for the encoding is told so."""

import warnings

import pytest
import torch
from omegaconf import OmegaConf

from inr.cli.reach import warn_of_low_frequencies
from inr.encoding import Encoding, GaussianEncoding, IdentityEncoding
from inr.field import Field
from inr.network import MLPNetwork
from inr.signal import LatticeSignal


def check(
    encoding: Encoding, lattice: tuple[int, ...], options: tuple[str, ...] = ("seconds",)
) -> list[str]:
    signal = LatticeSignal(torch.zeros(*lattice, 1), value_range=(0, 1), name="song")
    scale = {"scale": 30.0} if isinstance(encoding, GaussianEncoding) else {}
    field = Field(encoding, MLPNetwork(encoding.out_features, 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_low_frequencies(
            OmegaConf.create({"encoding": scale, "signal": dict.fromkeys(options)}), signal, field
        )
    return [str(warning.message) for warning in caught]


def test_a_scale_far_below_the_signals_frequencies_is_named_with_a_better_one() -> None:
    encoding = GaussianEncoding(1, scale=30.0, num_frequencies=50_000)
    (found,) = check(encoding, (20_000,))
    # σ is 30 of 10,000 cycles, and 5 % of those are 500.
    assert "encoding.scale=30 is 0.30% of the highest frequency that song can have" in found
    better = float(found.split("; encoding.scale=")[1].split()[0])
    assert better == pytest.approx(500, rel=0.02)
    assert found.endswith(", or signal.seconds fits a part of it")


def test_only_options_that_the_signal_has_are_named() -> None:
    encoding = GaussianEncoding(1, scale=30.0)
    (found,) = check(encoding, (20_000,), ("crop", "size"))
    assert found.endswith(", or signal.crop fits a part of it")
    (found,) = check(encoding, (20_000,), ("kind",))
    assert found.endswith(" reaches it")


@pytest.mark.parametrize("lattice", [(10_000,), (3,)])
def test_a_scale_that_suits_is_not_named(lattice: tuple[int, ...]) -> None:
    assert not check(GaussianEncoding(1, scale=30.0), lattice)


def test_one_axis_that_is_reached_suffices() -> None:
    assert not check(GaussianEncoding(2, scale=30.0), (20_000, 16))
    assert check(GaussianEncoding(2, scale=30.0), (20_000, 20_001))


def test_an_encoding_without_a_scale_says_nothing() -> None:
    assert not check(IdentityEncoding(1), (20_000,))
