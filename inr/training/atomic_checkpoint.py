"""Checkpoints that are whole or not there, and data, not code."""

import io
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from inr.atomic import replacing


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target and renames; reads with ``weights_only=True``."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        with replacing(path) as temporary:
            # Through memory: a full disk is an OSError then, which says so.
            buffer = io.BytesIO()
            torch.save(checkpoint, buffer)
            temporary.write_bytes(buffer.getbuffer())

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        return torch.load(path, map_location=map_location or "cpu", weights_only=True)
