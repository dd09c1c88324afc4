"""Promises of networks."""

from collections.abc import Callable

import torch

from inr.network import Network
from inr.testing._module import draw_inputs, module_checks
from inr.testing._require import require


def network_checks() -> tuple[Callable[[Network], None], ...]:
    """Checks of what every network promises.

    Each takes a network on the CPU, in float32, and calls it with features between -1 and 1.
    """
    return (*module_checks(), gives_float32_under_autocast, says_whether_it_rounds_features)


def check_network(network: Network) -> None:
    """Runs :func:`network_checks` on a network.

    Args:
        network: Network on the CPU, in float32.

    Raises:
        AssertionError: The network breaks a promise.
    """
    for check in network_checks():
        check(network)


def gives_float32_under_autocast(network: Network) -> None:
    """The last layer is computed in full precision."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        dtype = network(draw_inputs(network)).dtype
    require(dtype == torch.float32, network, f"gives {dtype} under autocast; expected float32")


def says_whether_it_rounds_features(network: Network) -> None:
    """With ``rounds_features``, rounded features give the same values under autocast."""
    if not network.rounds_features:
        return
    features = draw_inputs(network)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values, of_rounded = network(features), network(features.bfloat16())
    require(
        torch.equal(of_rounded, values),
        network,
        "gives something else for rounded features under autocast; expected rounds_features=False",
    )
