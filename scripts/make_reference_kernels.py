"""Writes kernels by Neural Tangents, which tests/ntk/test_infinite.py compares with ours.

It needs an environment of its own, and the project's does without it:

    python3.11 -m venv /tmp/neural-tangents
    /tmp/neural-tangents/bin/pip install jax==0.5.3 jaxlib==0.5.3 frozendict
    /tmp/neural-tangents/bin/pip install --no-deps neural-tangents==0.6.5
    /tmp/neural-tangents/bin/python scripts/make_reference_kernels.py
"""

import json
import math
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np

# Its experiments alone need TensorFlow.
sys.modules["neural_tangents.experimental"] = ModuleType("neural_tangents.experimental")
from neural_tangents import stax  # noqa: E402

TESTS = Path(__file__).resolve().parent.parent / "tests"
TARGET = TESTS / "ntk" / "infinite" / "neural_tangents.json"
PACKAGES = ("neural-tangents", "jax", "jaxlib")
ACTIVATIONS = {"relu": stax.Relu, "erf": stax.Erf, "sine": stax.Sin, "gelu": stax.Gelu}
# Arguments of inr.ntk.infinite_ntk.
NETWORKS: list[dict[str, Any]] = [
    {
        "hidden_layers": 2,
        "hidden_features": 96,
        "activation": "relu",
        "parameterization": "standard",
        "weight_std": 1.3,
        "bias_std": 0.4,
    },
    {
        "hidden_layers": 1,
        "hidden_features": 64,
        "activation": "erf",
        "parameterization": "ntk",
        "weight_std": 1.5,
        "bias_std": 0.2,
    },
    {
        "hidden_layers": 3,
        "hidden_features": 128,
        "activation": "sine",
        "parameterization": "ntk",
        "weight_std": 1.2,
        "bias_std": 0.5,
    },
    {
        "hidden_layers": 2,
        "hidden_features": 32,
        "activation": "relu",
        "parameterization": "standard",
        "weight_std": 1.0,
        "bias_std": None,
    },
    {
        "hidden_layers": 2,
        "hidden_features": 32,
        "activation": "gelu",
        "parameterization": "standard",
        "weight_std": 0.8,
        "bias_std": 0.0,
    },
]


def make_kernels(network: dict[str, Any], x1: np.ndarray, x2: np.ndarray) -> dict[str, Any]:
    """NNGP and NTK of a perceptron with one output."""
    options = {
        "W_std": network["weight_std"],
        "b_std": network["bias_std"],
        "parameterization": network["parameterization"],
    }
    layers = []
    for _ in range(network["hidden_layers"]):
        layers += [stax.Dense(network["hidden_features"], **options)]
        layers += [ACTIVATIONS[network["activation"]]()]
    kernel_fn = stax.serial(*layers, stax.Dense(1, **options))[2]
    kernels = kernel_fn(x1, x2, ("nngp", "ntk"))
    return {
        "network": network,
        "nngp": np.asarray(kernels.nngp).tolist(),
        "ntk": np.asarray(kernels.ntk).tolist(),
    }


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    # Points of different lengths, with angles up to more than a right one.
    x1 = np.array([[math.cos(k) * (1 + k / 3), math.sin(2 * k), k / 4 - 0.3] for k in range(4)])
    x2 = np.array([[math.sin(k + 1), math.cos(3 * k) - 0.2, 0.5] for k in range(3)])
    table = {
        "versions": {package: version(package) for package in PACKAGES},
        "x1": x1.tolist(),
        "x2": x2.tolist(),
        "kernels": [make_kernels(network, x1, x2) for network in NETWORKS],
    }
    TARGET.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
