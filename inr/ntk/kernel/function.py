"""The function of parameters and points whose tangent kernel is computed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils import parametrize

from inr.taylor import shared_names

Parameters = Mapping[str, Tensor]
PointMap = nn.Module | Callable[[dict[str, Tensor], Tensor], Tensor]
CHECKED_POINTS = 16


class PointFunction:
    """A module or a callable as a function of its trainable parameters, each point by itself.

    Evaluation leaves the model's parameters, buffers and gradients unchanged. Autocast is off, and
    a compiled module runs without its compilation.

    Args:
        model: A module ``(n, ...) -> (n, ...)``, or a callable ``(params, x) -> outputs``.
        params: Parameters of a callable by name, all of them trainable. None for a module, whose
            trainable parameters are those that require gradients.
        dtype: float32 or float64. None takes float64 for parameters in it, else float32.
        copying: Whether to copy the present weights, so that later changes of the model have no
            effect.

    Attributes:
        name: Name of the module's class, or of the callable.
        params: Trainable parameters by name: leaves that require gradients, all real. A complex
            parameter has a last axis for its real and its imaginary part.
        dtype: Real dtype of the computation.
        device: Device of the parameters.

    Raises:
        TypeError: ``params`` are given with a module, or missing with a callable.
        ValueError: There is nothing to train, the dtype is neither float32 nor float64, or a module
            is in training mode with layers that mix points or draw numbers.
    """

    def __init__(
        self,
        model: PointMap,
        params: Parameters | None = None,
        dtype: torch.dtype | None = None,
        *,
        copying: bool = False,
    ) -> None:
        self._model = model
        constants: dict[str, Tensor] = {}
        if isinstance(model, nn.Module):
            if params is not None:
                raise TypeError("params are for a callable fn(params, x); a module has its own.")
            _reject_training_mode(model)
            if parametrize._cache_enabled:
                raise ValueError(
                    "parametrize.cached() is on, which hides weights from their parameters; "
                    "expected a kernel outside of it."
                )
            self.name = type(model).__name__
            self._names = shared_names(model)
            named = dict(model.named_parameters())
            params = {name: p for name, p in named.items() if p.requires_grad}
            constants = {name: p.detach() for name, p in named.items() if not p.requires_grad}
            constants |= {name: b.detach() for name, b in model.named_buffers()}
        else:
            self.name = getattr(model, "__name__", type(model).__name__)
            if params is None:
                raise TypeError(f"{self.name} is no module; expected params={{name: tensor}}.")
        if not params:
            raise ValueError(
                f"{self.name} has no trainable parameters; expected some. "
                "Call requires_grad_(True)."
            )
        first = next(iter(params.values()))
        is_double = first.dtype in (torch.float64, torch.complex128)
        self.dtype = dtype or (torch.float64 if is_double else torch.float32)
        if self.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"dtype is {dtype}; expected torch.float32 or torch.float64.")
        self.device = first.device
        if copying:
            params = {name: p.detach().clone() for name, p in params.items()}
            constants = {name: t.clone() for name, t in constants.items()}
        self._constants = {name: self._cast(t) for name, t in constants.items()}
        self._complex = {name for name, p in params.items() if p.is_complex()}
        self.params = {
            name: _real(self._cast(p.detach())).requires_grad_() for name, p in params.items()
        }

    def __call__(self, x: Tensor, params: Parameters | None = None) -> Tensor:
        """Outputs at points, ``(n, ...) -> (n, c)``.

        Args:
            x: ``(n, ...)`` points.
            params: Replacements of some of :attr:`params` by name, to differentiate in their place.
        """
        merged = dict(self.params)
        if params is not None:
            merged = {name: p.detach() for name, p in merged.items()} | dict(params)
        merged |= {name: torch.view_as_complex(merged[name]) for name in self._complex}
        with torch.autocast(x.device.type, enabled=False), _uncompiled(self._model):
            if isinstance(self._model, nn.Module):
                # Some modules write into their buffers.
                merged |= {name: constant.clone() for name, constant in self._constants.items()}
                everywhere = {name: merged[first] for name, first in self._names.items()}
                outputs = functional_call(self._model, everywhere, (x,), tie_weights=False)
            else:
                outputs = self._model(merged, x)
        if not isinstance(outputs, Tensor):
            raise ValueError(
                f"{self.name} gave a {type(outputs).__name__}; expected one tensor (n, ...). "
                "Wrap it in a module that returns one."
            )
        if outputs.ndim == 0 or len(outputs) != len(x) or outputs.is_complex():
            raise ValueError(
                f"{self.name} gave shape {tuple(outputs.shape)} of {outputs.dtype} for {len(x)} "
                "points; expected real outputs, as many rows as points."
            )
        return outputs.reshape(len(x), -1)

    def place(self, x: Tensor) -> Tensor:
        """A copy of points on the parameters' device; floating-point ones in :attr:`dtype`."""
        return self._cast(x.detach().to(self.device, copy=True))

    def place_weighting(self, weighting: Parameters | None) -> Parameters | None:
        """A weighting on the parameters' device and in :attr:`dtype`.

        Raises:
            ValueError: The weighting has other names or shapes than the parameters, or a number
                that is negative or not finite.
        """
        if weighting is None:
            return None
        if weighting.keys() != self.params.keys():
            odd = sorted(weighting.keys() ^ self.params.keys())
            raise ValueError(
                f"the weighting has other names than the trainable parameters ({', '.join(odd)}); "
                "expected one tensor for each of them."
            )
        placed = {}
        for name, parameter in self.params.items():
            part = weighting[name].detach().to(self.device, self.dtype)
            if part.shape != parameter.shape or not (part.isfinite() & (part >= 0)).all():
                raise ValueError(
                    f"the weighting of {name} has shape {tuple(part.shape)} and a least number of "
                    f"{part.min().item():.3g}; expected finite ones, 0 or more, of shape "
                    f"{tuple(parameter.shape)}."
                )
            placed[name] = part
        return placed

    @torch.no_grad()
    def check(self, x: Tensor) -> int:
        """Number of outputs of a point, found by evaluating some points.

        They are evaluated together, then again, then in a smaller batch, and must give the same.

        Raises:
            ValueError: ``x`` is empty, or a point's outputs depend on other points or on
                chance, or are not finite.
        """
        if len(x) == 0:
            raise ValueError("x has no points; expected one or more.")
        some = x[:CHECKED_POINTS]
        half = (len(some) + 1) // 2
        together = self(some)
        if not together.isfinite().all():
            raise ValueError(f"outputs of {self.name} are not finite; its weights may have NaN.")
        for part, again in ((together, self(some)), (together[:half], self(some[:half]))):
            if not torch.allclose(part, again, rtol=1e-3, atol=1e-5 * part.abs().max().item()):
                raise ValueError(
                    f"{self.name} gives a point another value when repeated or among others; "
                    "expected one that treats each point by itself."
                )
        return together.shape[1]

    def _cast(self, tensor: Tensor) -> Tensor:
        if tensor.is_complex():
            return tensor.to(self.dtype.to_complex())
        return tensor.to(self.dtype) if tensor.is_floating_point() else tensor


@contextmanager
def _uncompiled(model: PointMap) -> Iterator[None]:
    """Runs compiled modules without compilation, which hides operations from function modes."""
    modules = model.modules() if isinstance(model, nn.Module) else ()
    if any(module._compiled_call_impl is not None for module in modules):
        with torch.compiler.set_stance("force_eager"):
            yield
    else:
        yield


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def _reject_training_mode(model: nn.Module) -> None:
    """Rejects a model with a layer that mixes points or draws numbers in its present mode."""
    for path, module in model.named_modules():
        mixes = isinstance(module, _BatchNorm)
        draws = isinstance(module, _DropoutNd) and module.p > 0
        if module.training and (mixes or draws):
            what = "mixes points" if mixes else "draws numbers"
            where = f" at {path}" if path else ""
            raise ValueError(
                f"{type(module).__name__}{where} is in training mode, where it {what}; expected "
                "each point by itself. Call eval()."
            )
