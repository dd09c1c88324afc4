"""``inr-spectrum``: the tangent kernel's spectrum of a fitted field."""

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from inr.cli.failure import BadInputError, bad_input, one_line_errors
from inr.cli.products import show_products

if TYPE_CHECKING:
    from torch import Tensor

    from inr.field import Field
    from inr.ntk import Probe
    from inr.ntk.kernel.outputs import Outputs

PROGRAM = "inr-spectrum"
EPILOG = """\
examples:
  inr-spectrum runs/photo/2026-01-31_12-00-00 --points 2048 --top 16
  inr-spectrum runs/photo/2026-01-31_12-00-00 --points all --top 64 --json
  inr-spectrum runs/photo/2026-01-31_12-00-00 --infinite
"""


def main() -> None:
    """Runs the command on ``sys.argv``."""
    arguments = _parser().parse_args()
    with one_line_errors(PROGRAM):
        _spectrum(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        PROGRAM,
        description="Eigenvalues of a fitted field's tangent kernel on a regular sub-lattice: all "
        "of them up to 4096 rows, the leading ones beyond.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="a run directory or a checkpoint")
    parser.add_argument(
        "--points", default="1024", metavar="N", help="lattice points, at most (1024), or all"
    )
    parser.add_argument(
        "--top",
        type=int,
        default=10,
        metavar="K",
        help="eigenvalues in the table, and to find where there are more than 4096 rows (10)",
    )
    parser.add_argument(
        "--outputs", default="mean", metavar="O", help="mean (default), full or the number of one"
    )
    parser.add_argument(
        "--density",
        action="store_true",
        help="estimate all eigenvalues by quadrature, with a 95 %% confidence band",
    )
    parser.add_argument(
        "--infinite",
        action="store_true",
        help="beside it, the spectrum of the same initialisation in infinite width",
    )
    parser.add_argument("--json", action="store_true", help="one object on stdout, nothing else")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, ...")
    parser.add_argument(
        "--trust", action="store_true", help="build classes that RUN names, even foreign ones"
    )
    return parser


def _spectrum(arguments: argparse.Namespace) -> None:
    if arguments.top < 1:
        raise BadInputError(f"--top is {arguments.top}; expected 1 or more.")
    num_points = _count_points(arguments.points)
    outputs = int(arguments.outputs) if arguments.outputs.isdecimal() else arguments.outputs
    import torch

    from inr.cli.device import choose_device
    from inr.cli.saved_run import load_run
    from inr.lattice import lattice_points, sublattice
    from inr.ntk import DENSE_ROWS, check_outputs, num_rows, probe_field, spectrum

    run = load_run(arguments.run, trust=arguments.trust)
    lattice, num_outputs = run.description.lattice, run.description.out_features
    with bad_input("--outputs"):
        check_outputs(outputs, num_outputs)
    with bad_input():
        field = run.field.to(choose_device(arguments.device))
    index, _ = sublattice(lattice, num_points or math.prod(lattice))
    rows = num_rows(len(index), num_outputs, outputs)
    goal = "of {}" if arguments.density else f"{{}} of {arguments.top} eigenvalues known"
    if arguments.infinite and (rows > DENSE_ROWS or arguments.density):
        raise BadInputError(
            f"--infinite is of whole kernels, and there are {rows} rows; expected at most "
            f"{DENSE_ROWS}, and no --density. Use a smaller --points."
        )
    coords = lattice_points(lattice, index, dtype=torch.float64)
    with show_products("computing the kernel") as show:
        probe = probe_field(
            field,
            coords,
            outputs=outputs,
            k=None if rows <= DENSE_ROWS or arguments.density else min(arguments.top, rows),
            density=arguments.density,
            progress=lambda products, found: show(products, goal.format(found)),
        )
    facts = {"points": len(index), "outputs": outputs, "step": run.step}
    limit: Tensor | None = None
    if arguments.infinite:
        kernel = _infinite_kernel(field, coords, outputs)
        assert probe.kernel is not None
        facts["distance_from_infinite"] = ((probe.kernel - kernel).norm() / kernel.norm()).item()
        limit = spectrum(kernel).eigenvalues
    if arguments.json:
        found = {"infinite_eigenvalues": None if limit is None else limit.tolist()}
        print(json.dumps(_finite({**facts, **_everything(probe), **found})))
    else:
        _print_table(facts, probe, arguments.top, limit)


def _infinite_kernel(field: "Field", coords: "Tensor", outputs: "Outputs") -> "Tensor":
    """The kernel in infinite width, with rows as that of the field."""
    import torch

    from inr.field.infinite_ntk import infinite_ntk_of

    with bad_input("--infinite"):
        kernel = infinite_ntk_of(field, coords).ntk
    if outputs == "full":
        return torch.kron(kernel, torch.eye(field.out_features).to(kernel))
    return kernel


def _count_points(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise BadInputError(f"--points is {text}; expected 1 or more, or all.")
    return int(text)


def _everything(probe: "Probe") -> dict[str, Any]:
    found = probe.spectrum
    return {
        "rows": found.rows,
        "method": found.method,
        **probe.scalars,
        "eigenvalues": found.eigenvalues.tolist(),
        "residuals": None if found.residuals is None else found.residuals.tolist(),
        "band": None if found.band is None else found.band.tolist(),
    }


def _finite(result: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no infinity."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in result.items()
    }


def _print_table(facts: dict[str, Any], probe: "Probe", top: int, limit: "Tensor | None") -> None:
    found = probe.spectrum
    for key, value in {**facts, "method": found.method, **probe.scalars}.items():
        if value is None:  # A run directory does not say its step.
            continue
        print(f"{key:<20}{value:.6g}" if isinstance(value, float) else f"{key:<20}{value}")
    errors, modes = "", list(range(min(top, len(found.eigenvalues))))
    if found.residuals is not None:
        errors = "residual"
    elif found.band is not None:
        # All of them: some, evenly spaced in the logarithm.
        errors, modes = "95 % band", _spread(len(found.eigenvalues), top)
    elif limit is not None:
        errors = "in infinite width"
    print(f"\n  mode  eigenvalue   {errors}")
    for mode in modes:
        error = ""
        if found.residuals is not None:
            error = f"{found.residuals[mode].item():.2g}"
        elif found.band is not None:
            error = "{:.6g} to {:.6g}".format(*found.band[:, mode].tolist())
        elif limit is not None:
            error = f"{limit[mode].item():.6g}"
        print(f"{mode + 1:>6}  {found.eigenvalues[mode].item():<11.6g}  {error}".rstrip())


def _spread(count: int, top: int) -> list[int]:
    """At most ``top`` of the numbers below ``count``."""
    steps = range(1, top)
    return sorted({0} | {round((count - 1) ** (step / len(steps))) for step in steps})
