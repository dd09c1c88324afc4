"""Many small images at once against one after another: ``scripts/bench many``.

Each image is fitted by a field of its own at the program's defaults, but for the width of its
hidden layers, and that each step sees all of its points. At once is ``signal=image_set``; one after
another is ``signal=image`` of each. Only steps are counted, not what a run does before its first.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

from _fits import PHOTO, Fit
from _measure import in_turns, median_ratio, per_step
from _report import Report, make_parser

from inr.cli.override import quote
from inr.raster import read_raster, write_raster


def write_crops(folder: Path, count: int, edge: int) -> list[Path]:
    """Squares of a photo, beside each other and row by row."""
    pixels = read_raster(PHOTO).pixels
    across = pixels.shape[1] // edge
    paths = []
    for number in range(count):
        top, left = (edge * part for part in divmod(number, across))
        paths.append(folder / f"{number:03d}.png")
        write_raster(paths[-1], pixels[top : top + edge, left : left + edge], bits=8)
    return paths


class OneByOne:
    """Fits of images, each of which makes its steps when the one before has made its own."""

    def __init__(self, fits: list[Fit]) -> None:
        self.fits = fits

    def run(self, steps: int) -> float:
        """Seconds of so many steps of all."""
        return sum(fit.advance(steps) for fit in self.fits)


def make_ways(count: int, edge: int, width: int, device: str, folder: Path) -> tuple[OneByOne, Fit]:
    """One after another, and at once."""
    paths = write_crops(folder / "crops", count, edge)

    def make(path: Path, *overrides: str) -> Fit:
        return Fit(
            *overrides,
            f"signal.path={quote(path)}",
            f"network.hidden_features={width}",
            "sampler.batch_size=null",
            device=device,
            folder=folder / "run",
        )

    return OneByOne([make(path) for path in paths]), make(folder / "crops", "signal=image_set")


def measure(
    count: int, edge: int, width: int, device: str, rounds: int, seconds: float
) -> tuple[list[Any], dict[str, list[float]]]:
    """A row of the table, and the seconds of each round."""
    with tempfile.TemporaryDirectory() as folder:
        one_by_one, at_once = make_ways(count, edge, width, device, Path(folder))
        works = {
            "one after another": per_step(one_by_one.run, seconds),
            "at once": per_step(at_once.advance, seconds),
        }
        took = in_turns(works, rounds)
    apart, together = took.values()
    milliseconds = [1e3 * statistics.median(times) / count for times in (apart, together)]
    return [f"{edge} x {edge}, {width} wide", *milliseconds, median_ratio(apart, together)], took


def main() -> None:
    parser = make_parser("many", __doc__)
    parser.add_argument("--count", type=int, default=32, help="images")
    parser.add_argument("--edges", nargs="+", type=int, default=[16, 32], help="of the images")
    parser.add_argument("--widths", nargs="+", type=int, default=[64, 256], help="of the networks")
    arguments = parser.parse_args()
    rounds, seconds = 9, 0.5
    if arguments.quick:
        arguments.count, arguments.edges, arguments.widths = 3, [8], [8]
        rounds, seconds = 2, 0.01
    report = Report("many", arguments)
    rows: list[list[Any]] = []
    details = {}
    for edge in arguments.edges:
        for width in arguments.widths:
            row, took = measure(arguments.count, edge, width, arguments.device, rounds, seconds)
            rows.append(row)
            details[row[0]] = took
    title = f"{arguments.count} fields, medians of {rounds} rounds"
    columns = ["images and networks", "ms per step of one, one after another", "at once", "x"]
    report.add(title, columns, rows, seconds=details)
    report.write()


if __name__ == "__main__":
    main()
