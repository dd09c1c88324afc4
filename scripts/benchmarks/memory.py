"""The most memory that large images take: ``scripts/bench memory``.

Each piece of work is a process of its own, and so is the same work on a small image; the rest is
what the image costs. Rendering is that of a tiny field into a tiled TIFF. Training is three steps
of the program at its default options, without callbacks, on a PNG of 8-bit RGB.
"""

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from _measure import in_a_process, peak_gib, seconds
from _report import Report, make_parser

from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.field.file import FieldDescription
from inr.network import MLPNetwork
from inr.raster import PixelFormat, write_raster
from inr.signal import ImageDisplay

STEPS = 3
RENDER, TRAIN = "render", "train"


def render_piece(edge: int, folder: Path) -> float:
    """Seconds of rendering a square of so many pixels."""
    encoding = GaussianEncoding(2, num_frequencies=4)
    field = Field(
        encoding, MLPNetwork(encoding.out_features, 3, hidden_features=8, hidden_layers=1)
    )
    pixels = PixelFormat("uint8", 8, 0, 255, (0.0, 1.0))
    description = FieldDescription("image", 2, 3, (edge, edge), asdict(pixels))
    return seconds(lambda: ImageDisplay().write(folder / "field.tiff", field, description))


def train_piece(edge: int, folder: Path, device: str) -> float:
    """Seconds of reading an image that is there, and of some steps."""
    from _fits import Fit

    from inr.cli.override import quote

    def work() -> None:
        path = quote(folder / f"{edge}.png")
        fit = Fit(f"signal.path={path}", f"trainer.max_steps={STEPS}", device=device, folder=folder)
        fit.run()

    return seconds(work)


def write_picture(edge: int, folder: Path) -> None:
    """A smooth image, which compresses well."""
    ramp = np.linspace(0, 255, edge).astype(np.uint8)
    image = np.empty((edge, edge, 3), np.uint8)
    image[..., 0], image[..., 1], image[..., 2] = ramp, ramp[:, None], 128
    write_raster(folder / f"{edge}.png", image, bits=8)


def run_piece(arguments: argparse.Namespace) -> None:
    """One piece of work, whose memory is that of this process."""
    with tempfile.TemporaryDirectory() as own:
        if arguments.piece == RENDER:
            took = render_piece(arguments.edge, Path(own))
        else:
            took = train_piece(arguments.edge, arguments.pictures, arguments.device)
    gpu = torch.cuda.max_memory_allocated() / 2**30 if arguments.device == "cuda" else None
    print(json.dumps({"seconds": took, "gib": peak_gib(), "gpu_gib": gpu}))


def measure(report: Report, what: str, title: str, edges: tuple[int, int], device: str) -> None:
    """A table of a small and a large image."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for edge in edges:
            if what == TRAIN:
                write_picture(edge, Path(folder))
            found.append(
                in_a_process(
                    __file__,
                    *("--piece", what, "--edge", str(edge)),
                    *("--pictures", folder, "--device", device),
                )
            )
    sizes = [edge**2 / 1e6 for edge in edges]
    rows = [
        [f"{edge:,} x {edge:,}", size, piece["gib"], None, piece["seconds"], piece["gpu_gib"]]
        for edge, size, piece in zip(edges, sizes, found, strict=True)
    ]
    size, more = sizes[1] - sizes[0], found[1]["gib"] - found[0]["gib"]
    rows.append(["the difference", size, more, more / size, None, None])
    columns = ["image", "megapixels", "GiB at most", "GiB per megapixel", "s", "GiB on the GPU"]
    if device == "cpu":
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    report.add(title, columns, rows)


def main() -> None:
    parser = make_parser("memory", __doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"{RENDER} or {TRAIN}")
    parser.add_argument("--piece", choices=(RENDER, TRAIN), help=argparse.SUPPRESS)
    parser.add_argument("--edge", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--pictures", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.piece:
        run_piece(arguments)
        return
    report = Report("memory", arguments)
    sections = {
        RENDER: ("Rendering into a tiled TIFF", (512, 16_000)),
        TRAIN: (f"Reading a PNG and {STEPS} steps", (256, 7_616)),
    }
    for name in arguments.sections or sections:
        if name not in sections:
            parser.error(f"no section {name!r}; expected some of {', '.join(sections)}")
        title, edges = sections[name]
        edges = (16, 32) if arguments.quick else edges
        measure(report, name, title, edges, arguments.device)
    report.write()


if __name__ == "__main__":
    main()
