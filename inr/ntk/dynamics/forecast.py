"""A forecast of a training from the kernel at one step."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from inr.ntk.dynamics.mode_dynamics import ModeDynamics
from inr.ntk.kernel.empirical import empirical_ntk

NULL_FLOOR = torch.finfo(torch.float64).eps


class Forecast:
    r"""Gradient descent on the linearised field, followed step by step from an anchor.

    .. math:: f_t(x) = f_0(x) + K(x, X) K^{-1} (r_t - r_0), \qquad r_t = \sum_i q_i e_{i,t}

    with the kernel :math:`K = J P J^\top = \sum_i \lambda_i q_i q_i^\top` of all pairs of outputs
    at the anchor, and modes :math:`e_i` that move as in :class:`inr.ntk.ModeDynamics`. Modes whose
    eigenvalue is below the rounding of float64 never move.

    Args:
        field: Field with its weights at the anchor. They are not kept.
        coords: ``(n, d)`` training points.
        values: ``(n, c)`` targets at the training points.
        elsewhere: ``(m, d)`` other points to forecast at; the training points when None.
        momentum: Momentum of ``torch.optim.SGD``.
        weighting: Diagonal of P by parameter name; ones when None.

    Attributes:
        eigenvalues: ``(n·c,)`` eigenvalues of the kernel, descending.
        residual: ``(n, c)`` outputs less targets at the anchor.
        num_null: Number of modes that are not learned, with an eigenvalue below rounding.

    Raises:
        ValueError: The values have another shape than the field's.
    """

    def __init__(
        self,
        field: nn.Module,
        coords: Tensor,
        values: Tensor,
        *,
        elsewhere: Tensor | None = None,
        momentum: float = 0.0,
        weighting: Mapping[str, Tensor] | None = None,
    ) -> None:
        kernel = empirical_ntk(field, coords, weighting=weighting, dtype=torch.float64)
        eigenvalues, vectors = torch.linalg.eigh(kernel)
        self.eigenvalues, self._vectors = eigenvalues.flip(0), vectors.flip(1)
        learned = self.eigenvalues > len(kernel) * NULL_FLOOR * self.eigenvalues[0]
        self.num_null = int((~learned).sum())
        with torch.no_grad():
            outputs = field(coords)
            if values.shape != outputs.shape:
                raise ValueError(
                    f"values have shape {tuple(values.shape)}; expected {tuple(outputs.shape)}, "
                    "the field's."
                )
            self.residual = (outputs - values).double()
            self._start = self.residual + values if elsewhere is None else field(elsewhere).double()
        self._lift = self._vectors * learned
        if elsewhere is not None:
            cross = empirical_ntk(
                field, elsewhere, coords, weighting=weighting, dtype=torch.float64
            )
            inverse = torch.where(learned, 1 / self.eigenvalues, 0.0)
            self._lift = cross @ (self._vectors * inverse)
        self._errors = self.project(self.residual)
        self._modes = ModeDynamics(
            torch.where(learned, self.eigenvalues, 0.0), self._errors, values.numel(), momentum
        )

    def step(self, lr: float) -> None:
        """Forecasts one more step of training.

        Args:
            lr: Learning rate of the step.
        """
        self._modes.step(lr)

    @property
    def mode_errors(self) -> Tensor:
        """The forecast of q_iᵀ r after the steps so far: ``(n·c,)``."""
        return self._modes.errors

    @property
    def loss(self) -> float:
        """The forecast of the mean squared error at the training points."""
        return self.mode_errors.square().mean().item()

    def project(self, residual: Tensor) -> Tensor:
        """q_iᵀ r of ``(n, c)`` residuals: ``(n·c,)``."""
        return self._vectors.T @ residual.double().flatten().to(self._vectors)

    def restore(self, errors: Tensor) -> Tensor:
        """The residual of ``(n·c,)`` errors in the modes: ``(n, c)``."""
        return (self._vectors @ errors).view_as(self.residual)

    def outputs(self) -> Tensor:
        """The forecast of the field's values elsewhere: ``(m, c)``."""
        return self._start + (self._lift @ (self.mode_errors - self._errors)).view_as(self._start)

    def limit(self) -> Tensor:
        """The values elsewhere after training to convergence, by kernel regression: ``(m, c)``."""
        return self._start - (self._lift @ self._errors).view_as(self._start)

    def state_dict(self) -> dict[str, Tensor]:
        """The state of the forecast: ``residual`` and ``velocity``, both ``(n, c)``."""
        return {
            "residual": self.restore(self._modes.errors),
            "velocity": self.restore(self._modes.velocity),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continues from a state.

        Args:
            state: ``residual``, and ``velocity``: the change of the residual in a step for each
                unit of learning rate, with a minus.
        """
        self._modes.errors = self.project(state["residual"])
        self._modes.velocity = self.project(state["velocity"])
