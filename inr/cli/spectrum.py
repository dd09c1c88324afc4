"""``inr-spectrum``: the tangent kernel's spectrum of a fitted field."""

import argparse
import json

from inr.cli.failure import BadInputError, bad_input, one_line_errors

PROGRAM = "inr-spectrum"
EPILOG = """\
example:
  inr-spectrum runs/photo/2026-01-31_12-00-00 --points 2048 --top 16
"""


def main() -> None:
    """Runs the command on ``sys.argv``."""
    arguments = _parser().parse_args()
    with one_line_errors(PROGRAM):
        _spectrum(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        PROGRAM,
        description="Eigenvalues of a fitted field's tangent kernel on a regular sub-lattice.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="a run directory or a checkpoint")
    parser.add_argument(
        "--points", type=int, default=1024, metavar="N", help="lattice points, at most (1024)"
    )
    parser.add_argument(
        "--top", type=int, default=10, metavar="K", help="eigenvalues in the table (10)"
    )
    parser.add_argument("--json", action="store_true", help="one object on stdout, all eigenvalues")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, ...")
    parser.add_argument(
        "--trust", action="store_true", help="build classes that RUN names, even foreign ones"
    )
    return parser


def _spectrum(arguments: argparse.Namespace) -> None:
    for name in ("points", "top"):
        if getattr(arguments, name) < 1:
            raise BadInputError(f"--{name} is {getattr(arguments, name)}; expected 1 or more.")
    from inr.cli.device import choose_device
    from inr.cli.saved_run import load_run
    from inr.ntk import probe_lattice

    run = load_run(arguments.run, trust=arguments.trust)
    with bad_input():
        field = run.field.to(choose_device(arguments.device))
        probe = probe_lattice(field, run.description.lattice, arguments.points)
    values = probe.eigenvalues
    result = {"points": len(values), "outputs": "mean", "step": run.step, **probe.scalars}
    if arguments.json:
        plain = {k: None if v == float("inf") else v for k, v in result.items()}
        print(json.dumps({**plain, "eigenvalues": values.tolist()}))
        return
    for key, value in result.items():
        print(f"{key:<18}{value:.6g}" if isinstance(value, float) else f"{key:<18}{value}")
    print("\n  mode  eigenvalue")
    for mode, value in enumerate(values[: arguments.top].tolist(), 1):
        print(f"{mode:>6}  {value:.6g}")
