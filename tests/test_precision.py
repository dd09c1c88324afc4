"""Devices that compute fast in bfloat16."""

import pytest
import torch

from inr.precision import has_fast_bfloat16


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), False), ((8, 0), True)])
def test_gpus_from_ampere_on_are_fast(
    capability: tuple[int, int], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert has_fast_bfloat16(torch.device("cuda")) is expected


@pytest.mark.parametrize(
    ("tiles", "vectors", "expected"),
    [(False, False, False), (True, False, True), (False, True, True)],
)
def test_processors_with_instructions_for_it_are_fast(
    tiles: bool, vectors: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"_is_amx_tile_supported": tiles, "_is_avx512_bf16_supported": vectors}
    for question, answer in answers.items():
        monkeypatch.setattr(torch.cpu, question, lambda answer=answer: answer, raising=False)
    assert has_fast_bfloat16(torch.device("cpu")) is expected


def test_other_devices_are_not() -> None:
    assert not has_fast_bfloat16(torch.device("mps"))
