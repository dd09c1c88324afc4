"""The field that training would give if its tangent kernel stayed constant."""

import copy
import logging
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from inr.argument import check_choice, check_count, check_positive
from inr.ntk.dynamics.dynamics import Prediction, predict
from inr.ntk.dynamics.mode_dynamics import check_momentum, check_steps, mode_factors
from inr.ntk.dynamics.rates import max_lr
from inr.ntk.kernel.function import PointFunction
from inr.ntk.kernel.jacobian import JacobianOperator
from inr.ntk.kernel.operator import CHUNK, NTKOperator
from inr.ntk.kernel.plan import Plan
from inr.ntk.spectrum.bidiagonal import ParameterMove, parameter_move

Kernel = Callable[[Tensor, Tensor], Tensor]

# All eigenvectors of a kernel of this many rows take minutes, and a few gigabytes.
EXACT_ROWS = 10_000

log = logging.getLogger(__name__)


class KernelRegressor(nn.Module):
    r"""Kernel regression with a tangent kernel, or t steps of training with that kernel.

    Training a module whose kernel stays constant moves its parameters by
    :math:`d\theta_t = J^\top Q\, \mathrm{diag}(g_t)\, Q^\top (y - f_0)`, see
    :func:`inr.ntk.predict`, and its outputs to

    .. math:: f_t(x) = f_0(x) + J(x)\, d\theta_t

    This needs no kernel with the points x, and holds for any number of them. A fitted regressor is
    a field like the module: ``render(regressor, shape)`` renders it. It keeps the weights and the
    device that the module had at ``fit``: later changes of the module have no effect. All numbers
    are float64.

    Args:
        model: A module ``(n, ...) -> (n, c)``, which starts at its present outputs, with all pairs
            of them in the kernel. Or a kernel ``(x, x2) -> (n, m)``, such as one in closed form,
            which all outputs share and which starts at zero.
        lr: Learning rate η of gradient descent on the mean squared error. None for
            ``steps=math.inf``, where no rate matters.
        steps: Number of steps; ``math.inf`` gives kernel regression.
        momentum: β of ``torch.optim.SGD``.
        ridge: Number added to the eigenvalues at ``steps=math.inf``.
        flow: Whether to follow gradient flow, the limit of small steps, with fractions of steps.
        method: ``dense`` uses all eigenvectors of the kernel. ``cg`` uses conjugate gradients in
            the parameters, or for t steps the Krylov space that they search, up to the tolerance;
            it needs a module (see :func:`inr.ntk.spectrum.bidiagonal.parameter_move`). ``auto`` is
            dense up to 10,000 rows (n · c), and for a kernel.
        tolerance: Largest gradient that cg may leave outside of its search space, relative to the
            first gradient.
        max_iterations: Largest number of iterations of cg, which holds as many vectors of the
            parameters.
        chunk_size: Points that are taken at once.
        progress: Callback of cg, called with the number of iterations and the residual.

    Attributes:
        prediction: Prediction of the dense method at the training points, with losses, null modes
            and unstable modes.
        move: Result of cg, with iterations, residual, and whether it has converged.

    Raises:
        ValueError: An argument is out of range, or contradicts another.

    References:
        Jacot, Gabriel and Hongler 2018, "Neural Tangent Kernel", section 5; Lee et al. 2019, "Wide
        Neural Networks of Any Depth Evolve as Linear Models Under Gradient Descent", section 2.2.

    Example:
        >>> x = torch.tensor([[0.0], [1.0]])
        >>> regressor = KernelRegressor(torch.nn.Linear(1, 1)).fit(x, 3 * x + 1)
        >>> regressor.predict(torch.tensor([[2.0]]))
        tensor([[7.0000]], dtype=torch.float64)
    """

    def __init__(
        self,
        model: nn.Module | Kernel,
        *,
        lr: float | None = None,
        steps: float = math.inf,
        momentum: float = 0.0,
        ridge: float = 0.0,
        flow: bool = False,
        method: str = "auto",
        tolerance: float = 1e-8,
        max_iterations: int = 300,
        chunk_size: int = CHUNK,
        progress: Callable[[int, float], None] | None = None,
    ) -> None:
        super().__init__()
        check_choice("method", method, ("auto", "dense", "cg"))
        if len(check_steps(steps, flow=flow)) > 1:
            raise ValueError(f"steps is {steps!r}; expected one number. Make a regressor for each.")
        if lr is None and steps != math.inf:
            raise ValueError(f"lr is None for steps={steps}; expected a learning rate. Pass lr=.")
        if ridge and steps != math.inf:
            raise ValueError(f"ridge is {ridge} for steps={steps}; expected 0, or steps=math.inf.")
        if method == "cg" and not isinstance(model, nn.Module):
            raise ValueError("method is cg for a kernel; expected dense, or a module as the model.")
        if lr is not None:
            check_positive("lr", lr)
        check_momentum(momentum)
        self.model = model
        self.steps = steps
        # Gradient flow converges to the same limit as every stable rate.
        self.lr, self.flow = (1.0, True) if lr is None else (lr, flow)
        self.momentum = momentum
        self.ridge = check_positive("ridge", ridge, zero=True)
        self.method = method
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self.chunk_size = check_count("chunk_size", chunk_size)
        self.progress = progress
        self.prediction: Prediction | None = None
        self.move: ParameterMove | None = None
        self._fitted: Callable[[Tensor], Tensor] | None = None

    def fit(self, x: Tensor, y: Tensor) -> "KernelRegressor":
        """Learns values at points.

        Args:
            x: ``(n, ...)`` points, most often ``(n, d)``.
            y: ``(n, c)`` or ``(n,)`` values.

        Raises:
            ValueError: Shapes do not fit, values or a kernel are not finite, or modes grow at the
                learning rate and the regression has no limit.
        """
        self.prediction = self.move = self._fitted = None
        values = (y[:, None] if y.ndim == 1 else y).detach()
        if values.ndim != 2 or len(values) != len(x):
            raise ValueError(
                f"y has shape {tuple(y.shape)} for {len(x)} points; expected ({len(x)}, c)."
            )
        if not values.isfinite().all():
            raise ValueError("y has infinities or NaN; expected finite values. Leave them out.")
        # Inference tensors cannot be differentiated.
        with torch.inference_mode(False):
            if isinstance(self.model, nn.Module):
                self._fit_module(self.model, x, values)
            else:
                self._fit_kernel(self.model, x, values)
        return self

    def predict(self, x: Tensor) -> Tensor:
        """Values at any points, ``(m, ...) -> (m, c)``, in float64.

        Raises:
            ValueError: The regressor is not fitted, or there are no points.
        """
        if self._fitted is None:
            raise ValueError("the regressor was not fitted; call fit(x, y) first.")
        if len(x) == 0:
            raise ValueError("x has no points; expected one or more.")
        fitted = self._fitted
        with torch.inference_mode(False), torch.no_grad():
            return torch.cat([fitted(chunk) for chunk in x.split(self.chunk_size)])

    def forward(self, x: Tensor) -> Tensor:
        """Values at points, as from :meth:`predict`."""
        return self.predict(x)

    def _fit_kernel(self, kernel: Kernel, x: Tensor, y: Tensor) -> None:
        x = x.detach().double()
        self.prediction = self._predict(kernel(x, x), y, None)
        coefficients = self.prediction.coefficients[0]
        self._fitted = lambda points: kernel(points.to(x), x).double() @ coefficients

    def _fit_module(self, model: nn.Module, x: Tensor, y: Tensor) -> None:
        if any(p.device.type == "mps" for p in model.parameters()):  # It has no float64.
            model = copy.deepcopy(model).cpu()
        operator = NTKOperator(model, x, chunk_size=self.chunk_size, dtype=torch.float64)
        jacobian = operator.jacobian_operator
        function, y = jacobian.function, y.to(operator.device, torch.float64)
        with torch.no_grad():
            f0 = torch.cat([function(chunk) for chunk in jacobian.chunks])
        if f0.shape != y.shape:
            raise ValueError(f"y has shape {tuple(y.shape)}; expected {tuple(f0.shape)}.")
        is_small = operator.shape[0] <= EXACT_ROWS
        if self.method == "dense" or (self.method == "auto" and is_small):
            self.prediction = self._predict(operator.to_dense(), y, f0)
            move = jacobian.rmatmul(self.prediction.coefficients[0].reshape(-1, 1))
        else:
            self.move = self._search(jacobian, (y - f0).flatten())
            move = self.move.move[:, None]
        self._fitted = _linearised(function, move)

    def _predict(self, kernel: Tensor, y: Tensor, f0: Tensor | None) -> Prediction:
        prediction = predict(
            kernel,
            y,
            f0,
            lr=self.lr,
            steps=self.steps,
            momentum=self.momentum,
            flow=self.flow,
            ridge=self.ridge,
        )
        if prediction.warning is not None:
            if self.steps == math.inf:
                raise ValueError(
                    f"{prediction.warning} Training has no end there; leave lr out for kernel "
                    "regression."
                )
            log.warning("%s", prediction.warning)
        return prediction

    def _search(self, jacobian: JacobianOperator, errors: Tensor) -> ParameterMove:
        """Finds the parameters' move from products with the Jacobian."""

        def find_gains(eigenvalues: Tensor) -> Tensor:
            largest = eigenvalues[0].item()
            self._reject_growth(largest, len(errors))
            return mode_factors(
                eigenvalues,
                self.lr,
                len(errors),
                self.steps,
                self.momentum,
                flow=self.flow,
                ridge=self.ridge,
                floor=len(errors) * torch.finfo(torch.float64).eps * largest,
            ).gains[0]

        move = parameter_move(
            jacobian,
            errors,
            find_gains,
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
            progress=self.progress,
        )
        if not move.converged:
            log.warning(
                "cg stopped after %d iterations with the residual %.2g; expected at most %.2g. "
                "Raise max_iterations, or tolerance.",
                move.iterations,
                move.residual,
                self.tolerance,
            )
        return move

    def _reject_growth(self, largest: float, num_values: int) -> None:
        """Rejects a learning rate at which modes grow, since a Krylov space does not resolve them.

        Raises:
            ValueError: The learning rate is too large for the largest eigenvalue.
        """
        stable = max_lr(largest, num_values, momentum=self.momentum)
        if not self.flow and self.lr > stable:
            raise ValueError(
                f"modes grow at lr={self.lr:g}, which cg cannot follow; expected at most "
                f"{stable:.3g}. Pass a smaller lr, or none for kernel regression."
            )


def _linearised(function: PointFunction, move: Tensor) -> Callable[[Tensor], Tensor]:
    """The function after a move ``(p, 1)`` of its parameters, to first order in the move."""
    plan = Plan((), tuple(function.params), 0)

    def evaluate(x: Tensor) -> Tensor:
        points = function.place(x)
        outputs = function(points)
        jacobian = JacobianOperator(
            function, points, outputs="full", plan=plan, weighting=None, chunk_size=len(points)
        )
        return outputs + jacobian.matmul(move).view_as(outputs)

    return evaluate
