"""A module as a linear function of its parameters."""

import copy
import warnings
from collections.abc import Mapping

from torch import Tensor, nn
from torch.func import functional_call, jvp


def shared_names(module: nn.Module) -> dict[str, str]:
    """Names of all parameters and buffers, each with the first name of the same tensor.

    ``functional_call`` finds the other names of a tensor by itself, but leaves its own tensors in a
    module that is used twice. Give it all these names, with ``tie_weights=False``.
    """
    names: dict[str, str] = {}
    firsts: dict[Tensor, str] = {}
    for path, part in module.named_modules():
        for tensors in (part.named_parameters, part.named_buffers):
            for name, tensor in tensors(path, recurse=False, remove_duplicate=False):
                names[name] = firsts.setdefault(tensor, name)
    return names


class TaylorPoint(nn.Module):
    r"""The first-order Taylor expansion of a module in its trainable parameters.

    .. math:: f_{lin}(x; \theta) = f(x; \theta_0) + \frac{\partial f(x; \theta_0)}{\partial\theta}
              (\theta - \theta_0)

    Args:
        module: Module whose present parameters are θ₀. They are copied, as buffers.

    Raises:
        ValueError: The module has no trainable parameters.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        trained = {name for name, p in module.named_parameters() if p.requires_grad}
        self._sources = {n: first for n, first in shared_names(module).items() if first in trained}
        if not trained:
            raise ValueError(
                f"{type(module).__name__} has no trainable parameters to expand in; expected some. "
                "Call requires_grad_(True)."
            )
        self.origin = copy.deepcopy(module)
        for part in self.origin.modules():
            for name, parameter in list(part.named_parameters("", False, False)):
                delattr(part, name)
                part.register_buffer(name, parameter.detach())

    def forward(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """The expansion at other parameters.

        Args:
            parameters: θ by the module's names. Only those that the module trains are used.
            x: Input of the module.

        Shape:
            The shape of the module's output.
        """
        constants = dict(self.origin.named_buffers())
        start = {name: constants[name] for name in self._sources.values()}
        moves = {name: parameters[name] - start[name] for name in start}
        with warnings.catch_warnings():
            # PyTorch warns of a function that PyTorch itself calls.
            warnings.filterwarnings("ignore", ".*torch.jit.script", DeprecationWarning)
            value_and_slope = jvp(
                lambda weights: functional_call(
                    self.origin,
                    {name: weights[source] for name, source in self._sources.items()},
                    (x,),
                    tie_weights=False,
                ),
                (start,),
                (moves,),
            )
        expansion: Tensor = value_and_slope[0] + value_and_slope[1]
        return expansion
