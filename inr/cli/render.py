"""``inr-render``: a fitted field as a file of any resolution."""

import argparse
import operator
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from inr.cli.failure import BadInputError, bad_input, one_line_errors

if TYPE_CHECKING:
    from torch import nn

    from inr.lattice import Region

PROGRAM = "inr-render"
EPILOG = """\
example:
  inr-render runs/photo/2026-01-31_12-00-00 --scale 4 -o large.tiff
  inr-render runs/scan/2026-01-31_12-00-00 --slice z=0.5 -o slice.png

The suffix of -o chooses the format. Of an image: .png, .tiff (streamed: as large as you like) or
.npz; of others that of the file that was fitted, and .ply, .obj, .stl, .off or .glb of a surface.
"""


def main() -> None:
    """Runs the command on ``sys.argv``."""
    # A region may begin with a minus, which argparse takes for another option.
    typed = sys.argv[1:]
    for position in range(len(typed) - 1, 0, -1):
        if typed[position - 1] == "--region":
            typed[position - 1 : position + 1] = [f"--region={typed[position]}"]
    arguments = _parser().parse_args(typed)
    with one_line_errors(PROGRAM):
        _render(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        PROGRAM,
        description="Render a fitted field at any resolution.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="a run directory or a checkpoint")
    parser.add_argument("-o", "--out", metavar="OUT", help="the file to write; in RUN by default")
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--size",
        metavar="HxW",
        help="cells per axis: 1536x2048, or DxHxW of a volume, or N",
    )
    size.add_argument("--scale", type=float, metavar="S", help="times the native size")
    parser.add_argument(
        "--region",
        metavar="X0,Y0,X1,Y1",
        help="the box to render, as shares of each axis: 0,0,0.5,0.5 is the upper left; X0,X1 of "
        "a sound, X0,Y0,Z0,X1,Y1,Z1 of a volume",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--slice", metavar="AXIS=POSITION", help="an image out of three axes: z=0.5")
    what.add_argument(
        "--mesh", action="store_true", help="the surface where a field in space has one value"
    )
    parser.add_argument(
        "--resolution", type=int, metavar="N", help="of --mesh: cells along each axis"
    )
    parser.add_argument(
        "--level",
        type=float,
        metavar="V",
        help="of --mesh: the value, in the units of the file: of a CT, Hounsfield units; of "
        "a shape, how far outside, or the probability of being inside",
    )
    parser.add_argument(
        "--gradient",
        action="store_true",
        help="the derivatives, in the file's own numbers per pixel, or per unit of length or time "
        "that it tells: their length as an image, or all in .npz",
    )
    parser.add_argument(
        "--regression",
        action="store_true",
        help="render what training to convergence would give if the kernel of the run's first "
        "weights stayed: kernel regression",
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, ...")
    parser.add_argument("--force", action="store_true", help="replace OUT if it exists")
    parser.add_argument(
        "--trust", action="store_true", help="build classes that RUN names, even foreign ones"
    )
    return parser


def _render(arguments: argparse.Namespace) -> None:
    check_combination(arguments)
    region = parse_region(arguments.region) if arguments.region else None
    size = parse_size(arguments.size) if arguments.size else None
    if arguments.scale is not None and not 0 < arguments.scale < float("inf"):
        raise BadInputError(f"--scale is {arguments.scale}; expected a number above 0.")
    from inr.cli.device import choose_device
    from inr.cli.product import make_product
    from inr.cli.saved_run import load_run

    run = load_run(arguments.run, trust=arguments.trust)
    with bad_input():
        device = choose_device(arguments.device)
        field: nn.Module = run.field.to(device)
        product = make_product(arguments, run.description, size, region)
        out = Path(arguments.out or run.folder / product.name)
        if out.exists() and not arguments.force:
            raise BadInputError(f"{out} exists; expected a new file. Use --force to replace it.")
        if arguments.regression:
            from inr.cli.quiet import quiet_libraries
            from inr.cli.regression import regress

            quiet_libraries(PROGRAM)
            field = regress(run, device, trust=arguments.trust)
        product.write(out, field)
    print(out)


def check_combination(arguments: argparse.Namespace) -> None:
    """Rejects options that exclude each other.

    Raises:
        BadInputError: Two options exclude each other, or the resolution is below 2.
    """
    for name in ("resolution", "level"):
        if getattr(arguments, name) is not None and not arguments.mesh:
            raise BadInputError(f"--{name} is of a mesh; expected --mesh with it.")
    if arguments.mesh:
        for name in ("size", "scale", "region", "gradient"):
            if getattr(arguments, name):
                raise BadInputError(
                    f"--{name} is not of a mesh; expected --mesh with --resolution and --level."
                )
        if arguments.resolution is not None and arguments.resolution < 2:
            raise BadInputError(f"--resolution is {arguments.resolution}; expected 2 or more.")


def parse_size(text: str) -> tuple[int, ...]:
    """``HxW``, or as many numbers as there are axes.

    Raises:
        BadInputError: The text has another form.
    """
    if re.fullmatch(r"[1-9]\d*([x×][1-9]\d*)*", text.strip()) is None:
        raise BadInputError(
            f"--size is {text}; expected HxW in pixels, as in 1536x2048, or DxHxW of a volume."
        )
    return tuple(map(int, re.split("[x×]", text.strip())))


def parse_region(text: str) -> "Region":
    """``X0,Y0,X1,Y1``, or corners with as many numbers as there are axes.

    Raises:
        BadInputError: The text has another form, or the box is empty.
    """
    try:
        edges = tuple(float(part) for part in text.split(","))
    except ValueError:
        edges = ()
    lower, upper = edges[: len(edges) // 2], edges[len(edges) // 2 :]
    is_box = edges and len(lower) == len(upper) and all(map(operator.lt, lower, upper))
    if not is_box or any(abs(edge) == float("inf") for edge in edges):
        raise BadInputError(
            f"--region is {text}; expected X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, as in "
            "0,0,0.5,0.5; X0,X1 of a sound, and X0,Y0,Z0,X1,Y1,Z1 of a volume."
        )
    return lower, upper
