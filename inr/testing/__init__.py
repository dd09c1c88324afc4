"""Contracts of the families, as checks to run on members of your own.

``encoding_checks`` and its siblings give functions. Each takes a member, or a function that makes
one, and raises ``AssertionError`` with one sentence if the member breaks a promise. No check
changes what it is given. Under pytest each check is a test of its own name::

    @pytest.mark.parametrize("check", encoding_checks())
    def test_mine_keeps_the_contract(check):
        check(MineEncoding(2))

Example:
    >>> from inr.encoding import GaussianEncoding
    >>> check_encoding(GaussianEncoding(2, num_frequencies=8))
    >>> optimizer_checks()[0].__name__
    'trains_trainable_parameters_alone'
"""

from inr.testing._encoding import check_encoding, encoding_checks
from inr.testing._loss import loss_checks
from inr.testing._network import check_network, network_checks
from inr.testing._optimizer import optimizer_checks
from inr.testing._sampler import sampler_checks
from inr.testing._scheduler import scheduler_checks
from inr.testing._signal import check_signal, signal_checks

__all__ = [
    "check_encoding",
    "check_network",
    "check_signal",
    "encoding_checks",
    "loss_checks",
    "network_checks",
    "optimizer_checks",
    "sampler_checks",
    "scheduler_checks",
    "signal_checks",
]
