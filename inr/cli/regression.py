"""What training for ever would make of a run's field."""

from typing import Any

import torch
from omegaconf import OmegaConf
from rich.console import Console
from rich.status import Status

from inr.cli.build import build, build_seeded_field
from inr.cli.failure import BadInputError
from inr.cli.saved_run import SavedRun, with_seed
from inr.cli.trust import check_targets
from inr.ntk import KernelRegressor

PARTS = ("signal", "encoding", "network")


def regress(run: SavedRun, device: torch.device, *, trust: bool) -> KernelRegressor:
    """Kernel regression of a run's signal, with the tangent kernel of the run's first weights.

    Those are drawn again from its seed, and its signal is read again.

    Args:
        run: Says how it began.
        device: To compute on.
        trust: Whether classes that are not the project's own may be built.

    Raises:
        BadInputError: The run does not say how it began, its signal has gone, or is too large.
    """
    seed = run.config.get("seed")
    parts: dict[str, Any] = {key: with_seed(run.config.get(key), seed) for key in PARTS}
    if not trust:
        check_targets(parts, str(run.folder))
    cfg = OmegaConf.create({**parts, "seed": seed})
    signal = build(cfg, "signal").to(device)
    field = build_seeded_field(cfg, signal).to(device)
    console = Console(stderr=True)
    with Status("kernel regression", console=console) as status:
        regressor = KernelRegressor(
            field,
            tolerance=1e-4,
            progress=lambda products, residual: status.update(
                f"kernel regression: {products} products, residual {residual:.1e}"
            ),
        ).fit(*signal.train_points(None))
    if regressor.move is not None and not regressor.move.converged:
        raise BadInputError(
            f"kernel regression of {signal.num_train} points has a residual of "
            f"{regressor.move.residual:.1e} after {regressor.move.iterations} products; expected "
            "a smaller signal.size."
        )
    return regressor
