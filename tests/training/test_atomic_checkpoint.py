"""Checkpoints are whole or not there, and data, not code."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from inr.training import AtomicCheckpointIO


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    checkpoint = {
        "state_dict": {"weight": torch.arange(6.0).reshape(2, 3)},
        "step": 7,
        "inr": {"names": ["a", "b"], "scale": 0.5, "none": None},
    }
    path = tmp_path / "folder" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint(checkpoint, path)
    loaded = AtomicCheckpointIO().load_checkpoint(path)
    assert torch.equal(
        loaded["state_dict"].pop("weight"),
        checkpoint["state_dict"].pop("weight"),  # type: ignore[attr-defined]
    )
    assert loaded == checkpoint
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("weights_only", [None, True, False])
def test_a_checkpoint_with_code_is_rejected_whatever_the_caller_says(
    tmp_path: Path, weights_only: bool | None
) -> None:
    path, mark = tmp_path / "last.ckpt", tmp_path / "mark"
    torch.save({"state_dict": {}, "payload": Payload(mark)}, path)
    with pytest.raises(pickle.UnpicklingError):
        AtomicCheckpointIO().load_checkpoint(path, weights_only=weights_only)
    assert not mark.exists()


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_crash_while_writing_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"step": 1}, path)

    def write_half(target: Path, data: bytes) -> None:
        with target.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise error

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(error):
        AtomicCheckpointIO().save_checkpoint({"step": 2}, path)
    monkeypatch.undo()
    assert AtomicCheckpointIO().load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]
