r"""Full-batch gradient descent on a model whose tangent kernel stays constant.

The outputs then move in the span of the kernel. After t steps they are

.. math:: f_t(x) = f_0(x) + K(x, X)\, Q\, \mathrm{diag}(g_t)\, Q^\top (y - f_0(X))

with the kernel's eigenvectors Q and the gains g of each mode, see
:mod:`inr.ntk.dynamics.mode_dynamics`.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from inr.argument import check_positive
from inr.ntk.dynamics.mode_dynamics import Steps, check_steps, mode_factors
from inr.ntk.dynamics.rates import decay_rates, max_lr
from inr.ntk.spectrum.krylov import check_square

# Rounding makes a kernel's zero eigenvalues negative, by far less than this part of the largest.
INDEFINITE = 1e-3


@dataclass(frozen=True)
class Prediction:
    """The predicted course of gradient descent, in float64 on the kernel's device.

    Attributes:
        steps: ``(T,)`` numbers of steps.
        outputs: ``(T, n, c)`` outputs at the training points.
        losses: ``(T,)`` losses at the training points, as ``loss`` defines them.
        coefficients: ``(T, n, c)`` α: the outputs at any points are f_0 + K(x, X) α.
        eigenvalues: ``(modes,)`` eigenvalues of the kernel, descending.
        eigenvectors: ``(modes, modes)`` eigenvectors, in columns.
        mode_errors: ``(T, modes)`` sizes of the error along each eigenvector, or ``(T, modes, c)``
            where several outputs share a kernel.
        num_null: Number of eigenvalues that cannot be distinguished from zero: those up to
            rows · eps · λ_max with the eps of the kernel's dtype. At infinity their modes are not
            learned.
        num_unstable: Number of modes that grow.
        lr: Learning rate η.
        max_lr: Largest rate at which no mode grows.
        test_outputs: ``(T, m, c)`` outputs at the test points, if ``K_test`` was given.
        test_losses: ``(T,)`` losses at the test points, if ``y_test`` was given.
    """

    steps: Tensor
    outputs: Tensor
    losses: Tensor
    coefficients: Tensor
    eigenvalues: Tensor
    eigenvectors: Tensor
    mode_errors: Tensor
    num_null: int
    num_unstable: int
    lr: float
    max_lr: float
    test_outputs: Tensor | None = None
    test_losses: Tensor | None = None

    @property
    def warning(self) -> str | None:
        """One sentence when some modes grow, else None."""
        if not self.num_unstable:
            return None
        return (
            f"{self.num_unstable} of {len(self.eigenvalues)} modes grow at lr={self.lr:g}; the "
            f"largest stable rate is {self.max_lr:.3g}."
        )


def predict(
    K: Tensor,
    y: Tensor,
    f0: Tensor | None = None,
    *,
    lr: float,
    steps: Steps,
    K_test: Tensor | None = None,
    f0_test: Tensor | None = None,
    y_test: Tensor | None = None,
    momentum: float = 0.0,
    loss: str = "mse",
    flow: bool = False,
    ridge: float = 0.0,
) -> Prediction:
    r"""Outputs and errors of full-batch gradient descent on the linearised model.

    With the step size a = 2η/(nc), t steps multiply each mode's error by
    :math:`\rho = (1 - a\lambda)^t`, by the recursion of ``torch.optim.SGD`` with momentum, or by
    :math:`e^{-a\lambda t}` in gradient flow. The outputs at other points move by
    :math:`K_{test} Q \mathrm{diag}(g_t) Q^\top (y - f_0)` with the gains g = (1 - ρ)/λ. A recursion
    gives the gains without a division, so that no kernel is inverted.

    ``steps=math.inf`` gives kernel regression, with the gains 1/λ, or 1/(λ + ridge). Null modes are
    not learned there. Discrete steps leave an infinite error in modes that grow, and outputs are
    then not finite: ``flow=True`` gives a regression for any rate.

    Args:
        K: ``(n·c, n·c)`` kernel of all pairs of outputs with rows n·c + o, or ``(n, n)`` kernel
            that all outputs share, each learned by itself.
        y: ``(n, c)`` or ``(n,)`` values to learn.
        f0: Outputs at the start, of y's shape; zero when None.
        lr: Learning rate η for ``loss`` as defined below.
        steps: Number of steps, or a sequence of numbers of steps; ``math.inf`` is allowed.
        K_test: ``(m·c, n·c)`` or ``(m, n)`` kernel of test points with training points. The
            rounding errors of its null modes grow with the steps: long trainings need kernels in
            float64.
        f0_test: ``(m, c)`` or ``(m,)`` outputs at the test points at the start; zero when None.
        y_test: Values at the test points, of the same shape, for ``test_losses``.
        momentum: β of ``torch.optim.SGD``; in gradient flow it makes the rate η/(1 - β).
        loss: ``mse``, the mean over points and outputs; ``half_sse``, ½ Σ r².
        flow: Whether to follow gradient flow, the limit of small steps, with times in steps of
            ``lr``.
        ridge: Number added to the eigenvalues at ``steps=math.inf``, and at no other time.

    Raises:
        ValueError: K is not a finite symmetric kernel, shapes do not fit, or an argument is out of
            range.

    References:
        Lee et al. 2019, "Wide Neural Networks of Any Depth Evolve as Linear Models Under Gradient
        Descent", eq. 10 and 11; Tancik et al. 2020, "Fourier Features Let Networks Learn High
        Frequency Functions", eq. 3.

    Example:
        >>> K = torch.diag(torch.tensor([1.0, 0.1]))
        >>> prediction = predict(K, torch.ones(2), lr=0.5, steps=[1, 10, math.inf])
        >>> prediction.outputs[:, :, 0]
        tensor([[0.5000, 0.0500],
                [0.9990, 0.4013],
                [1.0000, 1.0000]], dtype=torch.float64)
    """
    if loss not in ("mse", "half_sse"):
        raise ValueError(
            f"loss is {loss!r}; expected mse or half_sse: only squared errors are linear in the "
            "residual."
        )
    times = check_steps(steps, flow=flow)
    check_positive("lr", lr)
    values, vectors, floor = _decompose(K)
    y = _as_columns("y", y, K)
    columns = _count_columns(len(K), *y.shape)
    f0 = torch.zeros_like(y) if f0 is None else _match("f0", f0, y, "as y has")
    # Half a sum of squares is the mean of two.
    num_values = y.numel() if loss == "mse" else 2
    factors = mode_factors(
        values, lr, num_values, times, momentum, flow=flow, ridge=ridge, floor=floor
    )
    weights = vectors.mT @ (y - f0).reshape(-1, columns)
    left = _scale(factors.errors, weights)
    errors = _lift(vectors, left).reshape(-1, *y.shape)
    coefficients = _lift(vectors, _scale(factors.gains, weights)).reshape(-1, *y.shape)
    test_outputs, test_losses = _predict_elsewhere(
        coefficients, columns, K_test, f0_test, y_test, loss, starts_at_zero=not f0.any()
    )
    rates = decay_rates(values, lr, num_values)
    stable = max_lr(values[0].item(), num_values, momentum=momentum)
    return Prediction(
        steps=times.to(y.device),
        outputs=y - errors,
        losses=_losses(errors, loss),
        coefficients=coefficients,
        eigenvalues=values,
        eigenvectors=vectors,
        mode_errors=left.abs().squeeze(2) if columns == 1 else left.abs(),
        num_null=int((values <= floor).sum()),
        num_unstable=0 if flow else int((rates > 2 * (1 + momentum)).sum()),
        lr=lr,
        max_lr=math.inf if flow else stable,
        test_outputs=test_outputs,
        test_losses=test_losses,
    )


def _decompose(K: Tensor) -> tuple[Tensor, Tensor, float]:
    """Eigenvalues, descending, eigenvectors, and the largest number that counts as a zero.

    Raises:
        ValueError: The kernel is not square or not finite, or not symmetric or not positive but for
            rounding.
    """
    rows = check_square(K)
    eps = torch.finfo(K.dtype).eps if K.is_floating_point() else torch.finfo(torch.float64).eps
    K = _double(K)
    if not K.isfinite().all():
        raise ValueError("the kernel is not finite; expected finite numbers.")
    asymmetry = (K - K.mT).abs().max().item()
    if asymmetry > math.sqrt(eps) * K.abs().max().item():
        raise ValueError(
            f"the kernel differs from its transpose by {asymmetry:.3g}; expected a symmetric one, "
            "of the training points with themselves."
        )
    values, vectors = torch.linalg.eigh((K + K.mT) / 2)
    values, vectors = values.flip(0), vectors.flip(1)
    largest, smallest = values[0].item(), values[-1].item()
    if smallest < -INDEFINITE * abs(largest):
        raise ValueError(
            f"the kernel has the eigenvalue {smallest:.3g} beside {largest:.3g}; expected none "
            "below 0 but for rounding."
        )
    return values, vectors, rows * eps * largest


def _predict_elsewhere(
    coefficients: Tensor,
    columns: int,
    K_test: Tensor | None,
    f0_test: Tensor | None,
    y_test: Tensor | None,
    loss: str,
    *,
    starts_at_zero: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Outputs and losses at test points, as far as these are given."""
    if K_test is None:
        if f0_test is not None or y_test is not None:
            raise ValueError("f0_test or y_test is given without K_test; expected both or neither.")
        return None, None
    if f0_test is None and not starts_at_zero:
        raise ValueError("f0_test is None, but f0 is not zero; expected the outputs at the start.")
    num_times, _, num_outputs = coefficients.shape
    weights = coefficients.reshape(num_times, -1, columns)
    rows = weights.shape[1]
    if K_test.ndim != 2 or K_test.shape[1] != rows or len(K_test) * columns % num_outputs:
        raise ValueError(
            f"K_test has shape {tuple(K_test.shape)}; expected rows of test points and {rows} "
            "columns, those of K."
        )
    if not K_test.isfinite().all():
        raise ValueError("K_test is not finite; expected finite numbers.")
    outputs = _lift(_double(K_test), weights).reshape(num_times, -1, num_outputs)
    if f0_test is not None:
        outputs = outputs + _match("f0_test", f0_test, outputs[0], "as K_test has rows")
    if y_test is None:
        return outputs, None
    values = _match("y_test", y_test, outputs[0], "as K_test has rows")
    return outputs, _losses(outputs - values, loss)


def _as_columns(name: str, values: Tensor, K: Tensor) -> Tensor:
    """``(n, c)`` in float64 on the kernel's device."""
    if values.ndim not in (1, 2) or not values.isfinite().all():
        raise ValueError(
            f"{name} has shape {tuple(values.shape)}; expected finite numbers, (n, c) or (n,)."
        )
    return (values[:, None] if values.ndim == 1 else values).to(_double(K[:0]))


def _match(name: str, values: Tensor, like: Tensor, reason: str) -> Tensor:
    """``(n, c)`` in float64, of the shape of other values."""
    columns = _as_columns(name, values, like)
    if columns.shape != like.shape:
        raise ValueError(
            f"{name} has shape {tuple(columns.shape)}; expected {tuple(like.shape)}, {reason}."
        )
    return columns


def _count_columns(rows: int, num_points: int, num_outputs: int) -> int:
    """Number of columns of errors that the kernel multiplies: one, or one for each output."""
    if rows == num_points * num_outputs:
        return 1
    if rows == num_points:
        return num_outputs
    raise ValueError(
        f"the kernel has {rows} rows for {num_points} points with {num_outputs} outputs; expected "
        f"{num_points * num_outputs} of all pairs of outputs, or {num_points} shared by them."
    )


def _double(tensor: Tensor) -> Tensor:
    """A tensor in float64, on the CPU where the device has none."""
    return (tensor.detach().cpu() if tensor.device.type == "mps" else tensor.detach()).double()


def _scale(factors: Tensor, weights: Tensor) -> Tensor:
    """``(T, modes)`` times ``(modes, k)``: ``(T, modes, k)``; a weight of 0 stays 0."""
    return torch.where(weights == 0, 0.0, factors[:, :, None] * weights)


def _lift(matrix: Tensor, weights: Tensor) -> Tensor:
    """``(p, modes)`` times each of T matrices ``(modes, k)``, as one product: ``(T, p, k)``."""
    joined = weights.transpose(0, 1)
    return (matrix @ joined.flatten(1)).unflatten(1, joined.shape[1:]).transpose(0, 1)


def _losses(errors: Tensor, loss: str) -> Tensor:
    squares = errors.square().flatten(1)
    losses = squares.mean(1) if loss == "mse" else squares.sum(1) / 2
    # Infinities of either sign that were added.
    return torch.where(losses.isnan(), math.inf, losses)
