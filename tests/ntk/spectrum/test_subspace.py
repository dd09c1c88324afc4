"""Angles that are known."""

import math

import torch
from torch import Tensor

from inr.ntk.spectrum.subspace import subspace_rotation
from tests.tolerance import assert_close


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_rotation_is_the_mean_squared_sine_of_the_angles() -> None:
    angle = 0.3
    first = torch.eye(4, 2, dtype=torch.float64)
    second = first.clone()
    second[1, 1], second[2, 1] = math.cos(angle), math.sin(angle)
    assert_close(subspace_rotation(first, second), math.sin(angle) ** 2 / 2)
    assert_close(subspace_rotation(first, first), 0.0)
    assert_close(subspace_rotation(first, torch.eye(4).double()[:, 2:]), 1.0)


def test_a_subspace_in_another_basis_is_the_same() -> None:
    basis, _ = torch.linalg.qr(random(7, 3))
    turned = basis @ torch.linalg.qr(random(3, 3))[0]
    assert abs(subspace_rotation(basis, turned)) < 1e-12
