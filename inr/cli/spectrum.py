"""``inr-spectrum``: the tangent kernel's spectrum of a fitted field."""

import argparse
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from inr.cli.failure import BadInputError, bad_input, one_line_errors

if TYPE_CHECKING:
    from torch import Tensor

    from inr.ntk import Probe

PROGRAM = "inr-spectrum"
EPILOG = """\
examples:
  inr-spectrum runs/photo/2026-01-31_12-00-00 --points 2048 --top 16
  inr-spectrum runs/photo/2026-01-31_12-00-00 --points all --top 64 --json
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
    from inr.ntk import DENSE_ROWS, check_outputs, num_rows, probe_field

    run = load_run(arguments.run, trust=arguments.trust)
    lattice, num_outputs = run.description.lattice, run.description.out_features
    with bad_input("--outputs"):
        check_outputs(outputs, num_outputs)
    with bad_input():
        field = run.field.to(choose_device(arguments.device))
    index, _ = sublattice(lattice, num_points or math.prod(lattice))
    rows = num_rows(len(index), num_outputs, outputs)
    with _progress(arguments.top) as show:
        probe = probe_field(
            field,
            lattice_points(lattice, index, dtype=torch.float64),
            outputs=outputs,
            k=None if rows <= DENSE_ROWS else min(arguments.top, rows),
            progress=show,
        )
    facts = {"points": len(index), "outputs": outputs, "step": run.step}
    if arguments.json:
        print(json.dumps(_finite({**facts, **_everything(probe)})))
    else:
        _print_table(facts, probe, arguments.top)


def _count_points(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise BadInputError(f"--points is {text}; expected 1 or more, or all.")
    return int(text)


@contextmanager
def _progress(wanted: int) -> Iterator[Callable[[int, int], None]]:
    """Shows on stderr how many products were made and how many eigenvalues are known."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("computing the kernel") as status:

        def show(products: int, found: int) -> None:
            line = f"{products} products, {found} of {wanted} eigenvalues"
            if console.is_terminal:
                status.update(line)
            elif products % 25 == 0:
                console.print(line)

        yield show


def _everything(probe: "Probe") -> dict[str, Any]:
    found = probe.spectrum
    return {
        "rows": found.rows,
        "method": found.method,
        **probe.scalars,
        "eigenvalues": found.eigenvalues.tolist(),
        "residuals": None if found.residuals is None else found.residuals.tolist(),
    }


def _finite(result: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no infinity."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in result.items()
    }


def _print_table(facts: dict[str, Any], probe: "Probe", top: int) -> None:
    found = probe.spectrum
    for key, value in {**facts, "method": found.method, **probe.scalars}.items():
        print(f"{key:<20}{value:.6g}" if isinstance(value, float) else f"{key:<20}{value}")
    residuals: Tensor | None = found.residuals
    print("\n  mode  eigenvalue" + ("" if residuals is None else "     residual"))
    for number, value in enumerate(found.eigenvalues[:top].tolist()):
        error = "" if residuals is None else f"  {residuals[number].item():.2g}"
        print(f"{number + 1:>6}  {value:<11.6g}{error}")
