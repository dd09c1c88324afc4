"""Moves of the parameters by products, against those by whole matrices."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inr.ntk.spectrum.bidiagonal import parameter_move
from tests.tolerance import assert_close


class Rows:
    """A Jacobian that is given by its products alone, and counts them."""

    def __init__(self, matrix: Tensor) -> None:
        self._matrix = matrix
        self.products = [0, 0]

    def matmul(self, block: Tensor) -> Tensor:
        self.products[0] += block.shape[1]
        return self._matrix @ block

    def rmatmul(self, block: Tensor) -> Tensor:
        self.products[1] += block.shape[1]
        return self._matrix.T @ block


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ridge(amount: float) -> Callable[[Tensor], Tensor]:
    return lambda values: torch.where(values > 1e-12 * values[0], 1 / (values + amount), 0.0)


@pytest.mark.parametrize(("rows", "columns", "rank"), [(12, 30, 12), (30, 12, 12), (20, 25, 7)])
def test_without_a_ridge_it_is_the_shortest_least_squares_solution(
    rows: int, columns: int, rank: int
) -> None:
    # If rows are dependent, errors can be met only in part.
    matrix = draw(rows, rank) @ draw(rank, columns, seed=1)
    errors = draw(rows, seed=2)
    found = parameter_move(Rows(matrix), errors, ridge(0.0), tolerance=1e-10)
    assert found.converged
    assert found.iterations <= rank + 1
    assert_close(found.move, torch.linalg.pinv(matrix, rtol=1e-10) @ errors)


@pytest.mark.parametrize(
    "matrix", [torch.eye(4, 6).double(), draw(4, 1) @ draw(1, 6, seed=1)], ids=["full", "rank one"]
)
def test_it_ends_where_nothing_new_comes(matrix: Tensor) -> None:
    # The errors of the first are met, those of the second as far as they can be.
    errors = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    found = parameter_move(Rows(matrix), errors, ridge(0.0))
    assert (found.iterations, found.residual) == (1, 0.0)
    assert_close(found.move, torch.linalg.pinv(matrix, rtol=1e-9) @ errors)


def test_small_eigenvalues_do_not_spoil_the_space() -> None:
    scales = torch.logspace(0, -6, 60, dtype=torch.float64)
    rows, columns = torch.linalg.qr(draw(60, 60)).Q, torch.linalg.qr(draw(90, 60, seed=1)).Q
    errors = draw(60, seed=2)
    found = parameter_move(Rows((rows * scales) @ columns.T), errors, ridge(1e-9), tolerance=1e-15)
    assert found.iterations <= 60
    expected = columns @ (scales / (scales**2 + 1e-9) * (rows.T @ errors))
    # The condition number, 1e9 with the ridge, times the rounding.
    assert (found.move - expected).norm() < 1e-7 * expected.norm()


@pytest.mark.parametrize("amount", [1e-3, 5.0])
def test_with_a_ridge_it_is_the_normal_equations(amount: float) -> None:
    matrix, errors = draw(40, 60), draw(40, seed=2)
    found = parameter_move(Rows(matrix), errors, ridge(amount), tolerance=1e-13)
    normal = matrix @ matrix.T + amount * torch.eye(40, dtype=torch.float64)
    assert_close(found.move, matrix.T @ torch.linalg.solve(normal, errors))


@pytest.mark.parametrize("steps", [1, 5, 8])
def test_so_many_steps_of_descent_take_as_many_products(steps: int) -> None:
    matrix, errors, lr = draw(40, 60), draw(40, seed=2), 0.01
    move = torch.zeros(60, dtype=torch.float64)
    for _ in range(steps):
        move = move + lr * matrix.T @ (errors - matrix @ move)
    counted = Rows(matrix)

    def gains(values: Tensor) -> Tensor:
        return (1 - (1 - lr * values) ** steps) / values

    found = parameter_move(counted, errors, gains, max_iterations=steps)
    assert_close(found.move, move)
    assert counted.products == [steps, steps + 1]


def test_the_residual_is_the_gradient_outside_of_the_space() -> None:
    matrix, errors, calls = draw(50, 70), draw(50, seed=2), []
    found = parameter_move(
        Rows(matrix),
        errors,
        ridge(0.0),
        max_iterations=20,
        progress=lambda *call: calls.append(call),
    )
    # The gradient of least squares within the space is zero.
    gradient = matrix.T @ (errors - matrix @ found.move)
    assert found.residual == pytest.approx((gradient.norm() / (matrix.T @ errors).norm()).item())
    assert not found.converged
    assert [count for count, _ in calls] == [8, 16, 20]
    assert calls[-1][1] == found.residual


def test_the_eigenvalues_of_the_space_are_those_of_the_kernel() -> None:
    matrix = draw(9, 15)
    found = parameter_move(Rows(matrix), draw(9, seed=2), ridge(0.0), tolerance=1e-14)
    assert_close(found.eigenvalues, torch.linalg.svdvals(matrix).square())


@pytest.mark.parametrize("matrix", [draw(5, 8), torch.zeros(5, 8, dtype=torch.float64)])
def test_where_there_is_no_slope_nothing_moves(matrix: Tensor) -> None:
    errors = torch.zeros(5).double() if matrix.any() else torch.ones(5).double()
    found = parameter_move(Rows(matrix), errors, ridge(0.0))
    assert found.converged
    assert_close(found.move, torch.zeros(8))


def test_a_product_that_is_not_finite_is_rejected() -> None:
    matrix = draw(5, 8)
    matrix[2, 3] = torch.inf
    with pytest.raises(ValueError, match="product with the Jacobian is not finite"):
        parameter_move(Rows(matrix), draw(5, seed=2), ridge(0.0))
