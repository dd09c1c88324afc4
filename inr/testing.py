"""Contracts of encodings, networks and signals, to run on your own classes.

Each check raises ``AssertionError`` with one sentence. None of them changes what it is given.

Example:
    >>> from inr.encoding import GaussianEncoding
    >>> check_encoding(GaussianEncoding(2, num_frequencies=8))
"""

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call, vmap

from inr.encoding import Encoding
from inr.network import Network
from inr.signal import FiniteSignal, LatticeSignal, Signal

BATCHES: tuple[tuple[int, ...], ...] = ((), (5,), (2, 3), (0,))


def check_encoding(encoding: Encoding) -> None:
    """Checks what every encoding promises.

    Its sizes, a wrong width rejected, each point by itself, the dtype that it is moved to, a state
    dict that holds all, the same result twice, right first and second derivatives, no parameter
    without gradient, and full precision under autocast.

    Args:
        encoding: On the CPU, in float32. It sees points of the unit cube.

    Raises:
        AssertionError: It breaks one of them.
    """
    points = torch.rand(7, encoding.in_features, generator=torch.Generator().manual_seed(0))
    _check_module(encoding, points)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = encoding(points)
    _require(
        torch.equal(features, encoding(points)),
        encoding,
        "computes something else under autocast; expected its phases in full precision",
    )


def check_network(network: Network) -> None:
    """Checks what every network promises.

    Its sizes, a wrong width rejected, each point by itself, the dtype that it is moved to, a state
    dict that holds all, the same result twice, right first and second derivatives, no parameter
    without gradient, float32 results under autocast, and there the same for rounded features, if it
    rounds them.

    Args:
        network: On the CPU, in float32. It sees features between -1 and 1.

    Raises:
        AssertionError: It breaks one of them.
    """
    points = torch.rand(7, network.in_features, generator=torch.Generator().manual_seed(0))
    _check_module(network, 2 * points - 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = network(points)
        of_rounded = network(points.bfloat16()) if network.rounds_features else values
    dtype = values.dtype
    _require(dtype == torch.float32, network, f"gives {dtype} under autocast; expected float32")
    _require(
        torch.equal(of_rounded, values),
        network,
        "gives something else for rounded features under autocast; expected rounds_features=False",
    )


def check_signal(signal: Signal) -> None:
    """Checks what every signal promises, and more of one with points that can be numbered.

    A lattice of its dimension, the targets there by position and as a whole if they are known, no
    data in the state dict, and the dtype that it is moved to. Of numbered points: coordinates in
    the unit cube, and the same by position and as a whole. Of a lattice: values in their range at
    the right cell centres, the points' positions where it gives them, and nothing both trained and
    tested on.

    Args:
        signal: On the CPU.

    Raises:
        AssertionError: It breaks one of them.
    """
    if isinstance(signal, FiniteSignal):
        _check_points(signal)
    if isinstance(signal, LatticeSignal):
        _check_lattice(signal)
    _require(
        len(signal.lattice) == signal.in_features,
        signal,
        f"has a lattice of {signal.lattice}; expected {signal.in_features} axes",
    )
    targets, some = signal.targets(), torch.arange(signal.num_points).flip(0)[:5]
    if targets is not None:
        sizes = (signal.num_points, signal.out_features)
        _require(
            tuple(targets.shape) == sizes and torch.equal(targets[some], _known(signal, some)),
            signal,
            f"has targets of shape {tuple(targets.shape)}; expected {sizes}, and the same in parts",
        )
    _require(not signal.state_dict(), signal, "keeps data in its state dict; expected none")
    moved = copy.deepcopy(signal).to(torch.float64)
    _require(moved.dtype == torch.float64, signal, "does not follow .to(torch.float64)")


def _known(signal: Signal, index: Tensor) -> Tensor:
    targets = signal.targets(index)
    assert targets is not None
    return targets


def _check_points(signal: FiniteSignal) -> None:
    every = signal.train_points(None)
    shapes = tuple(every.coords.shape), tuple(every.values.shape)
    expected = (signal.num_train, signal.in_features), (signal.num_train, signal.out_features)
    _require(
        shapes == expected,
        signal,
        f"gives all coordinates and values in shapes {shapes}; expected {expected}",
    )
    _require(
        bool(((every.coords >= 0) & (every.coords <= 1)).all()),
        signal,
        "has coordinates outside of the unit cube",
    )
    for positions in (torch.arange(signal.num_train), torch.arange(signal.num_train).flip(0)[:5]):
        some = signal.train_points(positions)
        _require(
            torch.equal(some.coords, every.coords[positions])
            and torch.equal(some.values, every.values[positions]),
            signal,
            "gives other training points by position than as a whole",
        )
        if every.index is not None:
            _require(
                some.index is not None and torch.equal(some.index, every.index[positions]),
                signal,
                "gives other positions by position than as a whole",
            )
    moved = copy.deepcopy(signal).to(torch.float64).train_points(None)
    _require(
        moved.coords.dtype == moved.values.dtype == torch.float64,
        signal,
        "does not follow .to(torch.float64)",
    )


def _check_lattice(signal: LatticeSignal) -> None:
    sizes = len(signal.lattice), (math.prod(signal.lattice), signal.out_features)
    _require(
        sizes == (signal.in_features, tuple(signal.values.shape)),
        signal,
        f"has values of shape {tuple(signal.values.shape)} on a lattice of {signal.lattice}",
    )
    low, high = signal.value_range
    _require(
        bool(((signal.values >= low) & (signal.values <= high)).all()),
        signal,
        f"has values outside of its range from {low} to {high}",
    )
    batch = signal.train_points(None)
    sizes_xyz = torch.tensor(signal.lattice[::-1])
    cells = (batch.coords * sizes_xyz).floor().long()
    centres = (cells + 0.5) / sizes_xyz
    flat = torch.zeros(len(cells), dtype=torch.int64)
    for n, cell in zip(signal.lattice, cells.flip(-1).unbind(-1), strict=True):
        flat = flat * n + cell
    _require(
        torch.allclose(batch.coords, centres.to(batch.coords), rtol=0, atol=1e-6),
        signal,
        "has training points that are not cell centres (i + 0.5) / n",
    )
    _require(
        torch.equal(batch.values, signal.values[flat]),
        signal,
        "has its values at other cells; expected C order with x along the last lattice axis",
    )
    if batch.index is not None:
        dtype = batch.index.dtype
        _require(
            dtype == torch.int64,
            signal,
            f"gives positions of dtype {dtype}; expected torch.int64",
        )
        _require(
            torch.equal(batch.index, flat), signal, "gives other positions than its points have"
        )
    indices = [index for index in (signal.train_index, signal.test_index) if index is not None]
    joint = torch.cat([torch.empty(0, dtype=torch.int64), *indices])
    _require(
        len(joint.unique()) == len(joint), signal, "trains on points twice or on what it tests on"
    )
    if signal.train_index is not None:
        _require(torch.equal(flat, signal.train_index), signal, "trains on points held out")


def _check_module(module: Encoding | Network, points: Tensor) -> None:
    """What encodings and networks have in common; ``points`` are valid inputs, ``(7, d)``."""
    _check_sizes(module, points)
    _require(
        all(p.requires_grad for p in module.parameters()),
        module,
        "has parameters without gradient; expected constants to be buffers",
    )
    _require(
        torch.equal(module(points), module(points)), module, "gives different results when repeated"
    )
    double, points = copy.deepcopy(module).to(torch.float64), points.double()
    dtype = double(points).dtype
    _require(
        dtype == torch.float64, module, f"gives {dtype} after .to(torch.float64); expected float64"
    )
    _check_pointwise(double, points)
    emptied = copy.deepcopy(double)
    for tensor in (*emptied.parameters(), *emptied.buffers()):
        tensor.detach().zero_()
    emptied.load_state_dict(double.state_dict())
    _require(
        torch.equal(emptied(points), double(points)),
        module,
        "gives another result after its state dict is loaded; expected all of its tensors there",
    )
    _check_gradients(double, points)


def _check_sizes(module: Encoding | Network, points: Tensor) -> None:
    for batch in BATCHES:
        count = math.prod(batch)
        result = module(points[:count].reshape(*batch, module.in_features))
        expected = (*batch, module.out_features)
        _require(
            tuple(result.shape) == expected,
            module,
            f"maps a batch of shape {batch} to {tuple(result.shape)}; expected {expected}",
        )
    for width in (module.in_features + 1, module.in_features - 1):
        try:
            module(torch.zeros(5, width))
        except ValueError:
            continue
        except Exception as error:
            raise AssertionError(
                f"{type(module).__name__} raises {type(error).__name__} for inputs {width} wide "
                f"instead of {module.in_features}; expected ValueError."
            ) from error
        _require(
            False, module, f"takes inputs {width} wide; expected ValueError: {module.in_features}"
        )


def _check_pointwise(module: nn.Module, points: Tensor) -> None:
    expected = module(points)
    ways: dict[str, Callable[[], Tensor]] = {
        "alone": lambda: torch.stack([module(point) for point in points]),
        "in another order": lambda: module(points.flip(0)).flip(0),
        "in a batch of two axes": lambda: module(points[:6].reshape(2, 3, -1)).flatten(0, 1),
        "under torch.func.vmap": lambda: vmap(module)(points),
    }
    for way, evaluate in ways.items():
        result = evaluate()
        _require(
            torch.allclose(result, expected[: len(result)], rtol=1e-9, atol=1e-9),
            module,
            f"gives a point another value {way}; expected each point by itself",
        )


def _check_gradients(module: nn.Module, points: Tensor) -> None:
    names = [name for name, _ in module.named_parameters()]
    values = [p.detach().clone().requires_grad_() for p in module.parameters()]

    def evaluate(points: Tensor, *parameters: Tensor) -> Tensor:
        return functional_call(module, dict(zip(names, parameters, strict=True)), (points,))

    checks: dict[str, Callable[..., bool]] = {
        "gradients": gradcheck,
        "second derivatives": gradgradcheck,
    }
    for what, check in checks.items():
        try:
            check(evaluate, (points.clone().requires_grad_(), *values), fast_mode=True)
        except Exception as error:
            raise AssertionError(
                f"{type(module).__name__} has {what} that differ from finite differences."
            ) from error


def _require(condition: bool, module: nn.Module, what: str) -> None:
    if not condition:
        raise AssertionError(f"{type(module).__name__} {what}.")
