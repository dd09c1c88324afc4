"""Points at once fill the caches, and no more."""

import pytest
import torch
from torch import nn

from inr.encoding import GaussianEncoding, IdentityEncoding
from inr.field import Field
from inr.micro_batch import fitting_points
from inr.network import MLPNetwork, SirenNetwork


@pytest.mark.parametrize(
    ("field", "itemsize", "points"),
    [
        (Field(GaussianEncoding(2, num_frequencies=256), MLPNetwork(512, 3)), 2, 4096),
        (Field(GaussianEncoding(2, num_frequencies=256), MLPNetwork(512, 3)), 4, 2048),
        (Field(IdentityEncoding(2), SirenNetwork(2, 3, hidden_features=300)), 4, 2048),
        (nn.Linear(2, 1), 4, 2**20),
    ],
)
def test_the_widest_activations_fill_the_second_level_caches(
    field: nn.Module, itemsize: int, points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: {"l2_cache_size": 2**21}, raising=False
    )
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert fitting_points(field, torch.device("cpu"), itemsize) == points


@pytest.mark.parametrize("known", [{}, {"l2_cache_size": 0}])
def test_a_processor_that_does_not_tell_its_caches_counts_as_a_small_one(
    known: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert fitting_points(nn.Linear(2, 256), torch.device("cpu"), 4) == 4096


@pytest.mark.parametrize(
    ("field", "device"), [(nn.Linear(2, 1), "meta"), (nn.Conv2d(3, 4, 1), "cpu")]
)
def test_nothing_is_known_of_other_devices_and_layers(field: nn.Module, device: str) -> None:
    assert fitting_points(field, torch.device(device), 4) is None
