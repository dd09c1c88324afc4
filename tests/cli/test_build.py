"""What is prepared before a run."""

from collections.abc import Iterator

import pytest
import torch

from inr.cli.build import build_parts
from inr.cli.compose import compose_config
from tests.conftest import SAMPLE, TINY


@pytest.fixture(autouse=True)
def flushing_as_it_was() -> Iterator[None]:
    flushed = (torch.tensor(1e-30) * 1e-12).item() == 0
    yield
    torch.set_flush_denormal(flushed)


def test_numbers_next_to_zero_become_zero() -> None:
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor cannot")
    tiny = torch.full((100,), 1e-30)
    assert (tiny * 1e-12).all()
    build_parts(compose_config([f"signal.path={SAMPLE}", *TINY]))
    assert not (tiny * 1e-12).any()
