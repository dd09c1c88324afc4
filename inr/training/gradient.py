"""The gradient of a loss over a batch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.training.parts import at_batch, split_batch


class BatchGradient:
    """Accumulates the gradient over parts of a batch that a device's cache holds.

    Activations of one part after the other stay near the processor, and memory does not grow with
    the batch. The sum is that of the whole batch up to rounding: a loss is a mean over points.

    Args:
        loss: ``(field, batch) -> scalar``, a mean over the batch's points.
        part_size: Points at once, at most; None is the whole batch.
    """

    def __init__(
        self, loss: Callable[[nn.Module, Batch], Tensor], part_size: int | None = None
    ) -> None:
        self._loss = loss
        self._part_size = part_size

    def __call__(
        self, field: nn.Module, batch: Batch, scale: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """Adds the gradient to that of the parameters.

        Args:
            field: Its parameters are differentiated.
            batch: All points.
            scale: Of what is differentiated, such as a gradient scaler's.

        Returns:
            The loss, detached.
        """
        total = None
        for share, part in split_batch(batch, self._part_size):
            loss = self._loss(at_batch(field, part), part)
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
            (share * self._loss(at_batch(field, part), part)).detach()
            for share, part in split_batch(batch, self._part_size)
        ]
        return torch.stack(losses).sum()
