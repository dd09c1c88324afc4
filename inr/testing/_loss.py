"""Promises of losses."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from inr.batch import Batch, SurfaceBatch
from inr.loss import differentiates, target_kind_of
from inr.testing._require import require

Loss = Callable[..., Tensor]

PARTS = (slice(0, 6), slice(6, 8))


def loss_checks() -> tuple[Callable[[Loss], None], ...]:
    """Checks of what every loss promises.

    Each takes a loss, ``(field, batch) -> scalar``, and calls it with batches whose targets are of
    the kind that the loss declares.
    """
    return (
        declares_its_targets,
        says_whether_it_differentiates,
        is_a_scalar_of_the_dtype_of_the_field,
        is_a_mean_over_points,
        has_the_mean_of_gradients,
        leaves_the_batch_as_it_is,
    )


class _SmoothField(nn.Module):
    """A small field of one output that notes whether it is differentiated in its coordinates."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.inner = nn.Parameter(torch.randn(3, 8, generator=generator).double())
        self.outer = nn.Parameter(0.01 * torch.randn(8, 1, generator=generator).double())
        self.is_differentiated = False

    def forward(self, coords: Tensor | None = None, *, features: Tensor | None = None) -> Tensor:
        if features is None:
            assert coords is not None
            self.is_differentiated |= coords.requires_grad
            features = torch.tanh(coords @ self.inner)
        return features @ self.outer


def draw_batch(loss: Loss) -> Any:
    """Eight points with targets of the kind that a loss declares."""
    generator = torch.Generator().manual_seed(0)
    coords, values = (torch.rand(8, n, generator=generator).double() for n in (3, 1))
    # Small distances, near the surface, have a gradient under every loss.
    values = 0.1 * (2 * values - 1)
    kind = target_kind_of(loss)
    if kind == "values":
        return Batch(coords, values)
    labels = (values > 0).double()
    if kind == "labels":
        return Batch(coords, labels)
    normals = nn.functional.normalize(torch.randn(8, 3, generator=generator).double(), dim=1)
    return SurfaceBatch(coords, labels, None, normals * labels)


def declares_its_targets(loss: Loss) -> None:
    """The declared kind of targets is one that signals have."""
    kind, kinds = target_kind_of(loss), ("values", "labels", "surface")
    require(kind in kinds, loss, f"compares {kind!r}; expected one of {', '.join(kinds)}")


def says_whether_it_differentiates(loss: Loss) -> None:
    """A loss that differentiates the field in its coordinates declares it."""
    field = _SmoothField()
    loss(field, draw_batch(loss))
    require(
        field.is_differentiated == differentiates(loss),
        loss,
        f"declares differentiates={differentiates(loss)}; expected {field.is_differentiated}",
    )


def is_a_scalar_of_the_dtype_of_the_field(loss: Loss) -> None:
    """A loss of float64 values is one number in float64."""
    value = loss(_SmoothField(), draw_batch(loss))
    found = tuple(value.shape), value.dtype
    require(
        found == ((), torch.float64),
        loss,
        f"gives {found[1]} of shape {found[0]}; expected float64 ()",
    )


def is_a_mean_over_points(loss: Loss) -> None:
    """The loss of a batch is the weighted mean of the losses of its parts."""
    field, batch = _SmoothField(), draw_batch(loss)
    whole, parts = loss(field, batch), _mean_of_parts(loss, field, batch)
    require(
        torch.allclose(whole, parts, rtol=1e-9, atol=1e-12),
        loss,
        f"is {whole.item()} of a batch and {parts.item()} as the mean over its parts; "
        "expected a mean over points",
    )


def has_the_mean_of_gradients(loss: Loss) -> None:
    """The gradient of a batch is the weighted mean of the gradients of its parts."""
    field, batch = _SmoothField(), draw_batch(loss)
    parameters = list(field.parameters())
    whole = torch.autograd.grad(loss(field, batch), parameters)
    parts = torch.autograd.grad(_mean_of_parts(loss, field, batch), parameters)
    require(
        all(torch.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in zip(whole, parts, strict=True)),
        loss,
        "has another gradient of a batch than of its parts; expected a mean over points",
    )
    require(
        all(bool(gradient.isfinite().all() and gradient.any()) for gradient in whole),
        loss,
        "has no gradient in the parameters; expected one that is finite and not zero",
    )


def leaves_the_batch_as_it_is(loss: Loss) -> None:
    """A loss changes no tensor of the batch."""
    batch, untouched = draw_batch(loss), draw_batch(loss)
    loss(_SmoothField(), batch).backward()
    for tensor, expected in zip(batch, untouched, strict=True):
        require(
            tensor is None or (torch.equal(tensor, expected) and not tensor.requires_grad),
            loss,
            "changes the batch; expected it as it was",
        )


def _mean_of_parts(loss: Loss, field: nn.Module, batch: Any) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for part in PARTS:
        piece = type(batch)(*(None if tensor is None else tensor[part] for tensor in batch))
        total = total + len(piece.coords) * loss(field, piece)
    return total / len(batch.coords)
