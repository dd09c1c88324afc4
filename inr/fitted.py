"""A fitted field in the units of its data, in one file."""

from __future__ import annotations

import copy
import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inr.atomic import replacing
from inr.field import FieldDescription, GradientField, build_field, load_field, save_field
from inr.field.rendering import placement, render_slabs
from inr.lattice import Region
from inr.signal import KINDS
from inr.source_file import MissingExtraError

WEIGHTS = "field.safetensors"
METRICS = "metrics.json"


class Fitted(nn.Module):
    """A field that was fitted to a signal, in the numbers of the signal's file or array.

    Args:
        field: ``(*batch, d) -> (*batch, c)``, with normalised values.
        description: What the field was fitted to.
        model: Plain data that names the encoding and the network; None where it is not known, and
            then :meth:`save` fails.
        metrics: How well the field fits, by name.

    Shape:
        ``(*batch, d) -> (*batch, c)``: coordinates in the unit cube to values of the data. Of an
        occupancy these are probabilities, of a distance units of the mesh.
    """

    def __init__(
        self,
        field: nn.Module,
        description: FieldDescription,
        *,
        model: dict[str, Any] | None = None,
        metrics: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.field = field
        self.description = description
        self.model = model
        self.metrics = dict(metrics or {})

    def forward(self, coords: Tensor) -> Tensor:
        display = KINDS[self.description.kind].display
        return display.decode(self.field(coords), self.description)

    def render(
        self, size: Sequence[int] | None = None, *, region: Region | None = None
    ) -> np.ndarray:
        """Values on a lattice, as the file has them: in its dtype, clipped and rounded.

        Args:
            size: Cells per axis, in array order: ``(H, W)``, ``(D, H, W)``; the signal's own when
                None.
            region: Lower and upper corner, in coordinate order, of the box to render; the unit
                cube when None.

        Shape:
            ``(*size, c)``, or ``size`` where there is one value.

        Raises:
            ValueError: ``size`` has another number of axes than the field.
        """
        shape = tuple(size or self.description.lattice)
        if len(shape) != self.description.in_features:
            raise ValueError(
                f"size is {list(shape)}; expected {self.description.in_features} numbers of cells."
            )
        display = KINDS[self.description.kind].display
        slabs = [
            display.restore(slab, self.description)
            for slab in render_slabs(self.field, shape, region=region)
        ]
        values = np.concatenate(slabs)
        return values[..., 0] if values.shape[-1] == 1 else values

    def gradient(self, coords: Tensor) -> Tensor:
        """Derivatives of the values in the coordinates: ``(*batch, d) -> (*batch, c, d)``.

        They are in numbers of the data per edge of the unit cube.
        """
        return GradientField(self)(coords).unflatten(-1, (-1, coords.shape[-1]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes everything that :func:`load` needs into one file.

        Raises:
            ValueError: The model is not known.
        """
        if self.model is None:
            raise ValueError("model is None; expected the encoding and the network to be known.")
        save_field(path, self.field, self.description, model=self.model, metrics=self.metrics)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Writes the field as an ONNX model: ``coords`` ``(n, d)`` to ``values`` ``(n, c)``.

        Raises:
            MissingExtraError: The packages of the extra ``onnx`` are not installed.
        """
        try:
            import onnxscript  # noqa: F401
        except ImportError:
            raise MissingExtraError(
                "ONNX needs the packages onnx and onnxscript; expected them to be installed. "
                "Run pip install 'inr[onnx]'."
            ) from None
        coords = torch.zeros(2, self.description.in_features).to(*placement(self))
        with warnings.catch_warnings(), _muted("torch.onnx"), replacing(path) as temporary:
            warnings.simplefilter("ignore")
            torch.onnx.export(
                copy.deepcopy(self).eval(),
                (coords,),
                temporary,
                input_names=["coords"],
                output_names=["values"],
                dynamic_shapes={"coords": {0: torch.export.Dim("n")}},
                external_data=False,
                dynamo=True,
                verbose=False,
            )


def load(path: str | os.PathLike[str], *, trust: bool = False) -> Fitted:
    """Reads a fitted field: a file that :meth:`Fitted.save` wrote, or the directory of a run.

    Args:
        path: The file, or a directory with a ``field.safetensors``.
        trust: Whether classes outside of this package may be imported and called.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is of another kind or damaged, or names a foreign class.
    """
    given = Path(path)
    measured = _read_metrics(given / METRICS)
    given = given / WEIGHTS if given.is_dir() else given
    saved = load_field(given)
    if saved.model is None:
        raise ValueError(
            f"{given} was written by an earlier version and does not say which network it is of; "
            "expected a file that names it."
        )
    description = saved.description
    if description.kind not in KINDS:
        raise ValueError(f"{given} is of {description.kind!r}; expected one of {', '.join(KINDS)}.")
    field = build_field(saved.model, description.in_features, description.out_features, trust=trust)
    try:
        field.load_state_dict(saved.state)
    except RuntimeError as error:
        raise ValueError(f"{given} has weights of another network than it names.") from error
    (dtype,) = {t.dtype for t in saved.state.values() if t.is_floating_point()} or {torch.float32}
    return Fitted(
        field.to(dtype).eval(), description, model=saved.model, metrics=saved.metrics | measured
    )


def _read_metrics(path: Path) -> dict[str, Any]:
    """The metrics of a run; none where there is no such file."""
    return dict(json.loads(path.read_text())) if path.is_file() else {}


@contextmanager
def _muted(name: str) -> Iterator[None]:
    """Silences a logger and its children below errors."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
