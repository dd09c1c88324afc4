"""The field that training to convergence gives, by kernel regression."""

import warnings
from typing import Any

import torch
from omegaconf import OmegaConf

from inr.cli.build import build_seeded_field
from inr.cli.failure import BadInputError
from inr.cli.instantiate import build
from inr.cli.products import show_products
from inr.cli.saved_run import SavedRun, with_seed
from inr.cli.trust import check_targets
from inr.ntk import KernelRegressor
from inr.signal import FiniteSignal

TOLERANCE = 1e-4
PARTS = ("signal", "encoding", "network")


def regress(run: SavedRun, device: torch.device, *, trust: bool) -> KernelRegressor:
    """Kernel regression of a run's signal, with the tangent kernel of the run's first weights.

    Those are drawn again from its seed, and its signal is read again.

    Args:
        run: Saved run, with the configuration that it began with.
        device: Device of the computation.
        trust: Whether classes that are not the project's own may be built.

    Raises:
        BadInputError: The run has no configuration, its signal is gone, or the signal draws its
            training points without end.
    """
    seed = run.config.get("seed")
    parts: dict[str, Any] = {key: with_seed(run.config.get(key), seed) for key in PARTS}
    if not trust:
        check_targets(parts, str(run.folder))
    cfg = OmegaConf.create({**parts, "seed": seed})
    signal = build(cfg, "signal").to(device)
    if not isinstance(signal, FiniteSignal):
        raise BadInputError(
            f"--regression wants a signal with a number of training points, and a "
            f"{run.description.kind} is sampled without end; expected a run of a signal on a "
            "lattice, such as an image or a volume."
        )
    field = build_seeded_field(cfg, signal).to(device)
    with show_products("kernel regression") as show:
        regressor = KernelRegressor(
            field,
            tolerance=TOLERANCE,
            progress=lambda products, residual: show(products, f"residual {residual:.1e}"),
        )
        regressor.fit(*signal.train_points(None)[:2])
    if regressor.move is not None and not regressor.move.converged:
        warnings.warn(
            f"kernel regression stopped after {regressor.move.iterations} products with a residual "
            f"of {regressor.move.residual:.1e}; {TOLERANCE:.0e} is a picture's. What is learned "
            "last is missing. A run with a smaller signal.size would get there.",
            stacklevel=2,
        )
    return regressor
