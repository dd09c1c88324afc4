"""The gradient of a loss over a batch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.field.precomputed import PrecomputedFeatures
from inr.training.micro_batches import split_batch


class BatchGradient:
    """Accumulates the gradient over micro-batches that a device's cache holds.

    Activations of one after the other stay near the processor, and memory does not grow with the
    batch. The sum is that of the whole batch up to rounding: a loss is a mean over points.

    Args:
        loss: ``(field, batch) -> scalar``, a mean over the batch's points.
        micro_batch: Most points at once; None is the whole batch.
    """

    def __init__(
        self, loss: Callable[[nn.Module, Batch], Tensor], micro_batch: int | None = None
    ) -> None:
        self._loss = loss
        self._micro_batch = micro_batch

    def __call__(
        self,
        field: nn.Module,
        batch: Batch,
        scale: Callable[[Tensor], Tensor] | None = None,
        features: PrecomputedFeatures | None = None,
    ) -> Tensor:
        """Adds the gradient to that of the parameters.

        Args:
            field: Field whose parameters get the gradient.
            batch: All points.
            scale: Function of the loss that is differentiated, such as a gradient scaler's.
            features: Precomputed features of lattice points.

        Returns:
            The loss, detached.
        """
        total = None
        for share, part in split_batch(batch, self._micro_batch, features):
            loss = self._loss(field, part)
            loss = loss if share == 1 else share * loss
            # Each product goes back in the precision that it was computed in: not autocast's, which
            # would round the last layer's.
            with torch.autocast(loss.device.type, enabled=False):
                (loss if scale is None else scale(loss)).backward()
            total = loss.detach() if total is None else total + loss.detach()
        assert total is not None
        return total

    def measure(self, field: nn.Module, batch: Batch) -> Tensor:
        """The loss over a batch, without its gradient."""
        losses = [
            (share * self._loss(field, part)).detach()
            for share, part in split_batch(batch, self._micro_batch)
        ]
        return torch.stack(losses).sum()
