"""The weights of a field, with what else is needed to render it at its own resolution."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from inr.atomic import replacing


@dataclass(frozen=True)
class FieldDescription:
    """What a field was fitted to, without its data.

    Attributes:
        kind: Of its signal's display, such as ``image``.
        in_features: Coordinate dimension d.
        out_features: Value dimension c.
        lattice: Cells per axis, in array order.
        format: What values mean in a file of this kind: plain data, the display's own.
    """

    kind: str
    in_features: int
    out_features: int
    lattice: tuple[int, ...]
    format: dict[str, Any]

    def to_plain(self) -> dict[str, Any]:
        """Plain data, for JSON and checkpoints."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "FieldDescription":
        """The inverse of :meth:`to_plain`.

        Raises:
            KeyError: Something is missing.
            TypeError: Something is of another kind.
        """
        # Runs of images were once the only ones, and called it so.
        format = plain["pixel_format"] if "pixel_format" in plain else plain["format"]
        return cls(
            plain["kind"],
            plain["in_features"],
            plain["out_features"],
            tuple(plain["lattice"]),
            dict(format),
        )


def save_field(
    path: str | os.PathLike[str], field: nn.Module, description: FieldDescription
) -> None:
    """Writes a field's weights and buffers as safetensors, with its description as metadata."""
    tensors = {name: t.detach().cpu().contiguous() for name, t in field.state_dict().items()}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"inr": json.dumps(description.to_plain())})


def load_field(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], FieldDescription]:
    """Reads what :func:`save_field` wrote.

    Raises:
        ValueError: It is no such file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            description = FieldDescription.from_plain(json.loads(file.metadata()["inr"]))
            return {name: file.get_tensor(name) for name in file.keys()}, description  # noqa: SIM118
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} is no file of weights of this program ({type(error).__name__}); expected a "
            "field.safetensors that inr-fit wrote."
        ) from error
