"""The weights of a field, with what else is needed to render it at its own resolution."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from inr.atomic import replacing


@dataclass(frozen=True)
class FieldDescription:
    """What a field was fitted to, without its data.

    Attributes:
        kind: Kind of the signal, such as ``image``.
        in_features: Coordinate dimension d.
        out_features: Value dimension c.
        lattice: Cells per axis, in array order.
        format: Meaning of values in a file of this kind: plain data, as its display made it.
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
            KeyError: A field is missing.
            TypeError: A field has another type.
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


class SavedField(NamedTuple):
    """The content of a field's file.

    Attributes:
        state: Weights and buffers by name.
        description: What the field was fitted to.
        model: Plain data that names the encoding and the network; None in files of versions that
            did not write it.
        metrics: How well the field fits, by name.
    """

    state: dict[str, Tensor]
    description: FieldDescription
    model: dict[str, Any] | None
    metrics: dict[str, Any]


def save_field(
    path: str | os.PathLike[str],
    field: nn.Module,
    description: FieldDescription,
    *,
    model: dict[str, Any] | None = None,
    metrics: dict[str, Any] | None = None,
) -> None:
    """Writes a field's weights and buffers as safetensors, and the rest as its metadata.

    Args:
        path: File to write.
        field: The field.
        description: What the field was fitted to.
        model: Plain data that names the encoding and the network, for :func:`build_field`.
        metrics: How well the field fits, by name.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in field.state_dict().items()}
    plain = {**description.to_plain(), "model": model, "metrics": metrics or {}}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"inr": json.dumps(plain)})


def load_field(path: str | os.PathLike[str]) -> SavedField:
    """Reads what :func:`save_field` wrote.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is of another kind, or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            plain = json.loads(file.metadata()["inr"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return SavedField(
                state,
                FieldDescription.from_plain(plain),
                plain.get("model"),
                plain.get("metrics", {}),
            )
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} is no file of weights of this program ({type(error).__name__}); expected a "
            "field.safetensors that inr-fit wrote."
        ) from error
