"""Parts of a batch that a device takes best at once."""

import math
from collections.abc import Iterator

from torch import nn

from inr.batch import Batch
from inr.field.precomputed import MappedField


def split_batch(batch: Batch, part_size: int | None) -> Iterator[tuple[float, Batch]]:
    """Parts of nearly one size, each with its share of the points.

    Args:
        batch: All points.
        part_size: Points of a part, at most; None is the whole batch.
    """
    total = len(batch.coords)
    count = 1 if part_size is None else math.ceil(total / part_size)
    if count <= 1:
        yield 1.0, batch
        return
    columns = [count * [None] if column is None else column.tensor_split(count) for column in batch]
    for part in map(type(batch)._make, zip(*columns, strict=True)):
        yield len(part.coords) / total, part


def at_batch(field: nn.Module, batch: Batch) -> nn.Module:
    """What a loss sees of a field at a batch: features are looked up where there is a mapping."""
    return field.at(batch) if isinstance(field, MappedField) else field
