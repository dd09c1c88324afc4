"""The gradients of many fields' losses over a batch."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.field.precomputed import PrecomputedFeatures
from inr.field.stack import FieldStack, map_fields
from inr.training.micro_batches import split_batch

# An operation on several fields takes longer to start: it takes so many times the points.
MAPPED = 4


class StackGradient:
    """Accumulates the gradient of each field's loss, of some fields and points at a time.

    The activations of those stay near the processor, and memory grows with neither the fields nor
    the batch. Each field has the gradient of its own loss, as if it were alone: it is that of the
    losses' sum.

    Args:
        stack: Its parameters are differentiated.
        loss: ``(field, batch) -> scalar``, a mean over the batch's points.
        micro_batch: Most points of one field at once, or four times as many of several fields
            together; None is all.
    """

    def __init__(
        self,
        stack: FieldStack,
        loss: Callable[[nn.Module, Batch], Tensor],
        micro_batch: int | None = None,
    ) -> None:
        self._stack = stack
        self._loss = loss
        self._micro_batch = micro_batch

    def __call__(
        self,
        field: nn.Module,
        batch: Batch,
        scale: Callable[[Tensor], Tensor] | None = None,
        features: PrecomputedFeatures | None = None,
    ) -> Tensor:
        """Adds the gradients to those of the parameters.

        Args:
            field: Field of the stack.
            batch: All points, with the values of all fields: ``(n, F·c)``.
            scale: Function of the loss that is differentiated, such as a gradient scaler's.
            features: Precomputed features of lattice points.

        Returns:
            The losses, ``(F,)``, detached.
        """
        parameters = self._stack.parameters_by_name()
        total = None
        for share, part in split_batch(batch, self._micro_batch, features):
            found = []
            for fields in self._fields_at_once(len(part.coords)):
                # Leaves of their own: the gradient of a slice would be as large as the whole.
                leaves = {n: p.detach()[fields].requires_grad_() for n, p in parameters.items()}
                losses = share * self._losses(field, leaves, part, fields)
                with torch.autocast(losses.device.type, enabled=False):
                    goal = losses.sum() if scale is None else scale(losses.sum())
                    gradients = torch.autograd.grad(goal, list(leaves.values()))
                for parameter, gradient in zip(parameters.values(), gradients, strict=True):
                    _add_gradient(parameter, gradient, fields)
                found.append(losses.detach())
            total = torch.cat(found) if total is None else total + torch.cat(found)
        assert total is not None
        return total

    @torch.no_grad()
    def measure(self, field: nn.Module, batch: Batch) -> Tensor:
        """The losses over a batch, ``(F,)``, without their gradients."""
        parameters = self._stack.parameters_by_name()
        losses = []
        for fields in self._fields_at_once(len(batch.coords)):
            chosen = {name: p[fields] for name, p in parameters.items()}
            parts = split_batch(batch, self._micro_batch)
            losses.append(sum(s * self._losses(field, chosen, part, fields) for s, part in parts))
        return torch.cat([torch.as_tensor(loss) for loss in losses])

    def _losses(
        self, field: nn.Module, parameters: dict[str, Tensor], batch: Batch, fields: slice
    ) -> Tensor:
        """``(f,)`` losses of some fields, with these parameters."""
        values = batch.values.unflatten(-1, (self._stack.size, -1)).movedim(-2, 0)[fields]

        def loss(field: nn.Module, values: Tensor) -> Tensor:
            return self._loss(field, batch._replace(values=values))

        return map_fields(field, parameters, loss, values)

    def _fields_at_once(self, points: int) -> Iterator[slice]:
        size = self._stack.size
        most = size if self._micro_batch is None else max(1, MAPPED * self._micro_batch // points)
        for start in range(0, size, most):
            yield slice(start, min(start + most, size))


def _add_gradient(parameter: nn.Parameter, gradient: Tensor, fields: slice) -> None:
    """Adds some fields' gradient to the parameter's."""
    if parameter.grad is None and gradient.shape == parameter.shape:
        parameter.grad = gradient
        return
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    parameter.grad[fields] += gradient
