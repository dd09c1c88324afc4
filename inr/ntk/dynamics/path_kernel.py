"""Gradient descent as a kernel machine: the contribution of each training point to an output."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from inr.argument import check_positive
from inr.ntk.kernel.empirical import empirical_ntk
from inr.ntk.kernel.function import PointFunction

# Training points whose kernel and layer factors are held at once.
CHUNK = 4096


class PathKernel:
    r"""The tangent kernel summed along the path of gradient descent.

    To first order in the learning rate, each step moves the output at a point by a sum over the
    training points. Over all steps,

    .. math::
        f_T(x) \approx f_0(x) + \sum_i C_i(x), \qquad
        C_{io}(x) = -\sum_t \eta_t \sum_p \Theta^{(t)}_{o,p}(x, x_i)
        \frac{\partial L}{\partial f_p(x_i)}\Big|_t,

    which is the left-point rule for the integral along the path of gradient flow. It is exact for a
    linear model. For others the error falls with the learning rate. With one output, Domingos
    writes :math:`C_i(x) = a_i K^{path}(x, x_i)`: :math:`-a_i` is the slope of the loss, averaged
    along the path with the kernel as weight.

    It holds for descent without momentum, weight decay, clipping or mini-batches.

    Args:
        model: A module ``(n, ...) -> (n, c)`` that treats each point by itself. It is not copied:
            train it in place.
        x_test: ``(m, ...)`` points whose outputs are explained.
        x_train: ``(n, ...)`` points of the loss.
        dtype: float32 or float64; the model's when None.

    Attributes:
        initial: ``(m, c)`` outputs f_0 at the start of the path.
        contributions: ``(m, c, n)`` contributions C, in units of the outputs.
        path_kernel: ``(m, n)`` path kernel :math:`\sum_t \eta_t \frac1c \sum_o
            \Theta^{(t)}_{oo}(x, x_i)`, a mean over outputs.

    Raises:
        ValueError: The model mixes points, draws numbers or has nothing to train.

    References:
        Domingos 2020, "Every Model Learned by Gradient Descent Is Approximately a Kernel Machine",
        definition 1 and theorem 1.

    Example:
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = torch.nn.init.zeros_(model.weight)
        >>> path = PathKernel(model, torch.tensor([[1.0]]), torch.tensor([[1.0], [2.0]]))
        >>> path.accumulate(0.1, torch.tensor([[-1.0], [-2.0]]))
        >>> path.contributions
        tensor([[[0.1000, 0.4000]]])
    """

    def __init__(
        self,
        model: nn.Module,
        x_test: Tensor,
        x_train: Tensor,
        *,
        dtype: torch.dtype | None = None,
    ) -> None:
        self._model = model
        with torch.inference_mode(False):
            function = PointFunction(model, dtype=dtype)
            self._dtype = function.dtype
            self.x_test, self.x_train = function.place(x_test), function.place(x_train)
            c = function.check(self.x_test)
            function.check(self.x_train)
            self.initial = self._evaluate(self.x_test)
            self.contributions = self.initial.new_zeros(len(x_test), c, len(x_train))
            self.path_kernel = self.initial.new_zeros(len(x_test), len(x_train))

    @property
    def outputs(self) -> Tensor:
        """Outputs of the kernel machine at the test points, f_0 + Σ_i C_i: ``(m, c)``."""
        return self.initial + self.contributions.sum(-1)

    def accumulate(self, lr: float, slopes: Tensor) -> None:
        """Adds the contributions of one step of gradient descent. Call it before the step.

        Args:
            lr: Learning rate η of the step.
            slopes: ``(n, c)`` derivatives of the loss in the outputs at the training points, at
                the weights before the step; see :meth:`slopes`.

        Raises:
            ValueError: The slopes have another shape, or the kernel is not finite.
        """
        check_positive("lr", lr, zero=True)
        m, c, n = self.contributions.shape
        if slopes.shape != (n, c):
            raise ValueError(
                f"slopes have shape {tuple(slopes.shape)}; expected {(n, c)}, one for each output "
                "of each training point."
            )
        with torch.no_grad():
            slopes = slopes.to(self.initial)
            for start in range(0, n, CHUNK):
                points = slice(start, start + CHUNK)
                x = self.x_train[points]
                kernel = empirical_ntk(self._model, self.x_test, x, dtype=self._dtype)
                kernel = kernel.view(m, c, len(x), c)
                pull = (kernel * slopes[points]).sum(-1)
                self.contributions[..., points] -= lr * pull
                self.path_kernel[:, points] += lr * kernel.diagonal(dim1=1, dim2=3).mean(-1)

    def slopes(self, loss: Callable[[Tensor, Tensor], Tensor], targets: Tensor) -> Tensor:
        """Derivatives of a loss in the outputs at the training points, at the present weights.

        Args:
            loss: Function ``(outputs, targets) -> scalar`` of ``(n, c)`` outputs.
            targets: Second argument of the loss.

        Shape:
            ``(n, c)``.
        """
        with torch.inference_mode(False), torch.enable_grad():
            outputs = self._evaluate(self.x_train).requires_grad_()
            (slopes,) = torch.autograd.grad(loss(outputs, targets), outputs)
        return slopes

    def error(self) -> float:
        r"""Distance of the kernel machine from the present model, relative to the model's change.

        .. math:: \lVert f_0 + \textstyle\sum_i C_i - f_T \rVert / \lVert f_T - f_0 \rVert

        over all outputs of the test points; 0 at the start, where neither has moved.
        """
        now = self._evaluate(self.x_test)
        difference = torch.linalg.vector_norm(self.outputs - now)
        change = torch.linalg.vector_norm(now - self.initial)
        return (difference / change).item() if difference > 0 else 0.0

    def state_dict(self) -> dict[str, Tensor]:
        """The sums so far, without the model's weights and the points."""
        return {
            "initial": self.initial.clone(),
            "contributions": self.contributions.clone(),
            "path_kernel": self.path_kernel.clone(),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continues from the sums of a path that ends at the model's present weights.

        Raises:
            ValueError: The numbers of points or outputs differ.
        """
        given, expected = (
            tuple(part["contributions"].shape) for part in (state, self.state_dict())
        )
        if given != expected:
            raise ValueError(
                f"the state's contributions have shape {given}; expected {expected}: as many test "
                "points, outputs and training points as before."
            )
        self.initial = state["initial"].to(self.initial, copy=True)
        self.contributions = state["contributions"].to(self.initial, copy=True)
        self.path_kernel = state["path_kernel"].to(self.initial, copy=True)

    @torch.no_grad()
    def _evaluate(self, x: Tensor) -> Tensor:
        return PointFunction(self._model, dtype=self._dtype)(x)
