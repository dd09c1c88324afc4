"""The unit cube on [-1, 1]."""

import torch

from inr.encoding import IdentityEncoding


def test_the_unit_square_becomes_minus_one_to_one_with_axes_in_order() -> None:
    points = torch.tensor([[0.0, 1.0], [0.5, 0.25], [1.0, 0.75]])
    expected = torch.tensor([[-1.0, 1.0], [0.0, -0.5], [1.0, 0.5]])
    assert torch.equal(IdentityEncoding(2)(points), expected)
