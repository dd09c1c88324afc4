"""Seconds of training to a PSNR, by optimizer, network and encoding: ``scripts/bench quality``.

Each run is a training of the program at its default options, but for those that a row names, whose
schedule ends after a number of steps, the horizon. PSNR is that of the whole image, and measuring
it is not counted. A row's time to a PSNR is that of the first horizon's run to reach it, in seconds
since its start; the best-tuned Adam's is that of its best rate and schedule, at each PSNR anew.
Times are medians over the images; where half of them or more do not get there, there is none.
"""

import gc
import math
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
from _fits import PHOTO, Fit, photo
from _report import Report, make_parser

from inr.cli.render import parse_size

THRESHOLDS = (25, 30, 35, 40, 45, 50)
LOOKS = 25
SCHEDULES = ("cosine", "exponential")
TUNED = "best-tuned adam"


class Kind(NamedTuple):
    """What is fitted, and what Adam is tried with: sines want lower rates.

    Attributes:
        overrides: Network and encoding.
        adam_rates: Learning rates of Adam.
    """

    overrides: list[str]
    adam_rates: tuple[float, ...] = (1e-3, 3e-3, 5e-3)


KINDS = {
    "mlp+gaussian": Kind(["network=mlp", "encoding=gaussian"]),
    "mlp+positional": Kind(["network=mlp", "encoding=positional"]),
    "siren+identity": Kind(
        ["network=siren", "encoding=identity"],
        adam_rates=(3e-4, 1e-3, 3e-3),
    ),
}


class Ascent(pl.Callback):
    """Notes seconds and PSNR on the way, and ends a training that has got there or has no time.

    Args:
        interval: Steps between looks.
        seconds: The most that training is to take.
        enough: The PSNR to get to.

    Attributes:
        points: Steps, seconds of training and PSNR at each look.
    """

    def __init__(self, interval: int, seconds: float, enough: float) -> None:
        self._interval, self._seconds, self._enough = interval, seconds, enough
        self.points: list[tuple[int, float, float]] = []
        self.fit: Fit

    def next_stop(self, trainer: pl.Trainer) -> int:
        """The next look."""
        return (trainer.global_step // self._interval + 1) * self._interval

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        step = trainer.global_step
        with pl_module.clock.paused(pl_module.device):
            seconds = pl_module.clock.training_seconds
            late = seconds > self._seconds
            if late or step % self._interval == 0 or step == trainer.max_steps:
                decibels = self.fit.psnr()
                self.points.append((step, seconds, decibels))
                late = late or not decibels < self._enough
            trainer.should_stop = late


class Run(NamedTuple):
    """A training and how it went."""

    image: str
    kind: str
    optimizer: str
    horizon: int
    points: list[tuple[int, float, float]]


def optimizers(kind: Kind) -> dict[str, list[str]]:
    """Overrides by name, Muon's last."""
    named = {
        f"adam {rate:g}, {schedule}": [
            *("optimizer=adam", f"optimizer.lr={rate}", f"scheduler={schedule}")
        ]
        for rate in kind.adam_rates
        for schedule in SCHEDULES
    }
    return named | {"muon": ["optimizer=muon"]}


def run(
    image: Path, kind: str, optimizer: str, horizon: int, arguments: Any, *overrides: str
) -> Run:
    """Trains once."""
    ascent = Ascent(max(1, horizon // LOOKS), arguments.seconds, arguments.enough)
    with tempfile.TemporaryDirectory() as folder:
        ascent.fit = Fit(
            *photo(*parse_size(arguments.size), image),
            *KINDS[kind].overrides,
            *optimizers(KINDS[kind])[optimizer],
            f"trainer.max_steps={horizon}",
            f"sampler.batch_size={arguments.batch}",
            *overrides,
            device=arguments.device,
            folder=Path(folder),
            callbacks=[ascent],
        )
        ascent.fit.run()
    points = ascent.points
    # A trainer and what it trains refer to each other.
    del ascent
    gc.collect()
    return Run(str(image), kind, optimizer, horizon, points)


def seconds_to(runs: Sequence[Run], threshold: float) -> float:
    """Of the first of some runs to get there; infinity if none does."""
    return min(
        (seconds for r in runs for _, seconds, decibels in r.points if decibels >= threshold),
        default=math.inf,
    )


def row_of(name: str, groups: Sequence[Sequence[Run]]) -> list[Any]:
    """Cells of a row whose runs are grouped by image."""
    cells: list[Any] = [name]
    for threshold in THRESHOLDS:
        median = statistics.median(seconds_to(runs, threshold) for runs in groups)
        cells.append(median if math.isfinite(median) else None)
    best = [max(decibels for r in runs for _, _, decibels in r.points) for runs in groups]
    return [*cells, f"{statistics.median(best):.2f}"]


def ratios(adam: Sequence[Sequence[Run]], muon: Sequence[Sequence[Run]]) -> list[Any]:
    """Cells: the median of Adam's seconds over Muon's, over images where both get there."""
    cells: list[Any] = [f"{TUNED} / muon"]
    for threshold in THRESHOLDS:
        pairs = [
            (seconds_to(a, threshold), seconds_to(m, threshold))
            for a, m in zip(adam, muon, strict=True)
        ]
        both = [a / m for a, m in pairs if math.isfinite(a) and math.isfinite(m)]
        cells.append(f"x {statistics.median(both):.2f}" if both else None)
    return [*cells, None]


def report_kind(report: Report, kind: str, runs: Sequence[Run]) -> None:
    """A table of one network and encoding."""
    images = list(dict.fromkeys(r.image for r in runs))

    def groups(*names: str) -> list[list[Run]]:
        return [[r for r in runs if r.image == image and r.optimizer in names] for image in images]

    *adams, muon = optimizers(KINDS[kind])
    rows = [row_of(name, groups(name)) for name in adams]
    rows.append(row_of(TUNED, groups(*adams)))
    rows.append(row_of(muon, groups(muon)))
    rows.append(ratios(groups(*adams), groups(muon)))
    names = ", ".join(Path(image).name for image in images)
    title = f"{kind}: seconds to a PSNR, {names} at {report.name.split()[-1]}"
    columns = [kind, *(f"{threshold} dB" for threshold in THRESHOLDS), "best dB"]
    report.add(title, columns, rows, runs=[r._asdict() for r in runs])


def main() -> None:
    parser = make_parser("quality", __doc__)
    parser.add_argument("--images", nargs="+", type=Path, default=[PHOTO], metavar="PATH")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--horizons", nargs="+", type=int, default=[200, 400, 800, 1600])
    parser.add_argument("--seconds", type=float, default=60.0, help="of training in each run")
    parser.add_argument("--size", default="256x256", help="that images are resized to")
    parser.add_argument("--enough", type=float, default=THRESHOLDS[-1], help="dB that end a run")
    parser.add_argument("--batch", default="8192", help="points per step; null is all of them")
    arguments = parser.parse_args()
    overrides: list[str] = []
    if arguments.quick:
        arguments.horizons, arguments.kinds = [2, 4], arguments.kinds[:1]
        arguments.size = "16x24"
        overrides = ["network.hidden_features=16", "encoding.num_frequencies=8"]
    report = Report(f"quality {arguments.size}", arguments)
    # The first steps of a process prepare things.
    run(arguments.images[0], arguments.kinds[0], "muon", 2, arguments, *overrides)
    # All optimizers beside each other: what is compared is timed within a minute or so.
    runs = [
        run(image, kind, optimizer, horizon, arguments, *overrides)
        for image in arguments.images
        for kind in arguments.kinds
        for horizon in arguments.horizons
        for optimizer in optimizers(KINDS[kind])
    ]
    for kind in arguments.kinds:
        report_kind(report, kind, [r for r in runs if r.kind == kind])
    report.write()


if __name__ == "__main__":
    main()
