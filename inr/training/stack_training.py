"""The LightningModule of many images, each with a field of its own."""

import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from inr.batch import Batch
from inr.field.rendering import render
from inr.field.stack import FieldStack
from inr.metric import psnr
from inr.signal import ImageSetSignal
from inr.training.field_training import FieldTraining
from inr.training.stack_gradient import StackGradient

CLIP_EPS = 1e-6  # that of PyTorch's clip_grad_norm_


class StackTraining(FieldTraining):
    """Fits each field of a stack to its image; each becomes what it would have become alone.

    What is added up over parameters (the largest gradient) or looked at for trouble (losses) is
    each field's own.

    Args:
        field: One field for each image.
        signal: The images.
        options: As those of :class:`FieldTraining`.
    """

    field: FieldStack
    signal: ImageSetSignal

    def __init__(self, field: FieldStack, signal: ImageSetSignal, **options: Any) -> None:
        super().__init__(field, signal, **options)
        self._options = options
        self._gradient = StackGradient(field, self.loss, self.options.micro_batch)

    def single_field(self) -> nn.Module:
        return self.field.field

    def count_points(self, batch: Batch) -> int:
        return self.field.size * len(batch.coords)

    def clip_gradient(self, largest: float) -> None:
        gradients = [p.grad for p in self.field.parameters() if p.grad is not None]
        norms = [torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients]
        norm = torch.linalg.vector_norm(torch.stack(norms), dim=0)
        factors = (largest / (norm + CLIP_EPS)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factors.view(-1, *(gradient.ndim - 1) * [1]))

    def measure_batch(self, most_points: int) -> dict[str, float]:
        """Mean and least PSNR (dB) of the fields at some points of the last batch."""
        assert self.batch is not None
        count = max(1, most_points // self.field.size)
        with torch.no_grad():
            found = self.field(self.batch.coords[:count])
        values = [self.signal.values_by_image(v) for v in (found, self.batch.values[:count])]
        each = [psnr(f, v, self.signal.peak) for f, v in zip(*values, strict=True)]
        return {"psnr": sum(each) / len(each), "min_psnr": min(each)}

    def measure_members(self) -> list[dict[str, float]]:
        """PSNR (dB) over all points and over each part of them, and SSIM, of each image."""
        start = time.perf_counter()
        qualities = []
        for number in range(self.field.size):
            image = self.signal.member(number)
            field = self.field.member(number)
            rendering = render(field, image.lattice)
            qualities.append(self.signal.display.measure(field, image, rendering, thorough=True))
        self._rendering_seconds = time.perf_counter() - start
        return qualities

    def affords_rendering(self, *, is_last: bool) -> bool:
        if self._rendering_seconds is None:
            one = self.member(0)
            one.affords_rendering(is_last=is_last)
            self._rendering_seconds = self.field.size * (one._rendering_seconds or 0.0)
        return super().affords_rendering(is_last=is_last)

    def member(self, number: int) -> FieldTraining:
        """The training of one field, to be looked at: a copy as it stands now."""
        training = FieldTraining(
            self.field.member(number), self.signal.member(number), **self._options
        )
        training.to(self.device)
        training.clock, training.points = self.clock, self.points // self.field.size
        if self.batch is not None:
            values = self.signal.values_by_image(self.batch.values)[number]
            training.batch = self.batch._replace(values=values)
        return training

    def member_optimizer(
        self, optimizer: Optimizer, number: int, training: FieldTraining
    ) -> Optimizer:
        """The optimizer of one field, with its share of the state.

        Args:
            optimizer: Optimizer of the stack.
            number: Number of the field.
            training: Training of the field.
        """
        alone = self.make_optimizer(training.field)
        for group, own in zip(optimizer.param_groups, alone.param_groups, strict=True):
            own |= {key: value for key, value in group.items() if key != "params"}
            for stacked, parameter in zip(group["params"], own["params"], strict=True):
                if stacked in optimizer.state:
                    alone.state[parameter] = {
                        key: _share(value, stacked, number)
                        for key, value in optimizer.state[stacked].items()
                    }
        return alone


def _share(value: Any, stacked: nn.Parameter, number: int) -> Any:
    if not isinstance(value, Tensor):
        return value
    return (value[number] if value.shape == stacked.shape else value).clone()
