"""``inr-render``: a fitted field as an image of any size."""

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from inr.cli.failure import BadInputError, bad_input, one_line_errors

if TYPE_CHECKING:
    from torch import nn

    from inr.export import FieldDescription
    from inr.lattice import Region

PROGRAM = "inr-render"
EPILOG = """\
example:
  inr-render runs/photo/2026-01-31_12-00-00 --scale 4 -o large.tiff

The suffix of -o chooses the format: .png, .tiff (streamed: as large as you like) or .npz.
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
    size.add_argument("--size", metavar="HxW", help="height x width in pixels, as in 1536x2048")
    size.add_argument("--scale", type=float, metavar="S", help="times the native size")
    parser.add_argument(
        "--region",
        metavar="X0,Y0,X1,Y1",
        help="the box to render, as shares of width and height: 0,0,0.5,0.5 is the upper left",
    )
    parser.add_argument(
        "--regression",
        action="store_true",
        help="render what training for ever would give if the kernel of the run's first weights "
        "stayed: kernel regression",
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda, ...")
    parser.add_argument("--force", action="store_true", help="replace OUT if it exists")
    parser.add_argument(
        "--trust", action="store_true", help="build classes that RUN names, even foreign ones"
    )
    return parser


def _render(arguments: argparse.Namespace) -> None:
    region = parse_region(arguments.region) if arguments.region else None
    size = parse_size(arguments.size) if arguments.size else None
    if arguments.scale is not None and not 0 < arguments.scale < float("inf"):
        raise BadInputError(f"--scale is {arguments.scale}; expected a number above 0.")
    from inr.cli.device import choose_device
    from inr.cli.saved_run import load_run
    from inr.export import native_image_suffix, write_image

    run = load_run(arguments.run, trust=arguments.trust)
    shape = size or _natural_size(run.description, region, arguments.scale or 1.0)
    kind = "regression" if arguments.regression else "render"
    name = f"{kind}_{shape[0]}x{shape[1]}{_region_name(region)}"
    out = Path(arguments.out or run.folder / (name + native_image_suffix(run.description)))
    if out.exists() and not arguments.force:
        raise BadInputError(f"{out} exists; expected a new file. Use --force to replace it.")
    with bad_input():
        device = choose_device(arguments.device)
        field: nn.Module = run.field.to(device)
        if arguments.regression:
            from inr.cli.quiet import quiet_libraries
            from inr.cli.regression import regress

            quiet_libraries(PROGRAM)
            field = regress(run, device, trust=arguments.trust)
        write_image(out, field, run.description, size=shape, region=region, progress=True)
    print(out)


def parse_size(text: str) -> tuple[int, int]:
    """``HxW`` as two numbers.

    Raises:
        BadInputError: It is something else.
    """
    match = re.fullmatch(r"([1-9]\d*)[x×]([1-9]\d*)", text.strip())
    if match is None:
        raise BadInputError(f"--size is {text}; expected HxW in pixels, as in 1536x2048.")
    return int(match[1]), int(match[2])


def parse_region(text: str) -> "Region":
    """``X0,Y0,X1,Y1`` as a lower and an upper corner.

    Raises:
        BadInputError: It is something else, or an empty box.
    """
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        x0 = x1 = 0.0
    if not (x0 < x1 and y0 < y1) or any(abs(edge) == float("inf") for edge in (x0, y0, x1, y1)):
        raise BadInputError(
            f"--region is {text}; expected X0,Y0,X1,Y1 with X0 < X1 and Y0 < Y1, as in 0,0,0.5,0.5."
        )
    return (x0, y0), (x1, y1)


def _natural_size(
    description: "FieldDescription", region: "Region | None", scale: float
) -> tuple[int, int]:
    """The region's size in pixels at the native density times ``scale``."""
    (x0, y0), (x1, y1) = region or ((0.0, 0.0), (1.0, 1.0))
    height, width = description.lattice
    return max(1, round(height * (y1 - y0) * scale)), max(1, round(width * (x1 - x0) * scale))


def _region_name(region: "Region | None") -> str:
    return "" if region is None else "_" + "_".join(f"{c:g}" for corner in region for c in corner)
