"""Networks R^m -> R^c from features to values."""

from inr.network._network import Network
from inr.network.mlp import MLPNetwork
from inr.network.residual_siren import ResidualSirenNetwork
from inr.network.siren import SirenNetwork

__all__ = ["MLPNetwork", "Network", "ResidualSirenNetwork", "SirenNetwork"]
