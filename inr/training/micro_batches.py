"""Micro-batches: parts of a batch that a device takes best at once."""

import math
from collections.abc import Iterator

from inr.batch import Batch
from inr.field.precomputed import PrecomputedFeatures


def split_batch(
    batch: Batch, size: int | None, features: PrecomputedFeatures | None = None
) -> Iterator[tuple[float, Batch]]:
    """Micro-batches of nearly one size, each with its share of the points.

    Args:
        batch: All points.
        size: Most points of a micro-batch; None is the whole batch.
        features: Precomputed features, which micro-batches of lattice points carry.
    """
    total = len(batch.coords)
    count = 1 if size is None else math.ceil(total / size)
    if count <= 1:
        yield 1.0, _with_features(batch, features)
        return
    columns = [count * [None] if column is None else column.tensor_split(count) for column in batch]
    for part in map(type(batch)._make, zip(*columns, strict=True)):
        yield len(part.coords) / total, _with_features(part, features)


def _with_features(batch: Batch, features: PrecomputedFeatures | None) -> Batch:
    if features is None or batch.index is None:
        return batch
    return batch._replace(features=features(batch.index))
