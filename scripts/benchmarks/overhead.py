"""What Lightning adds to steps of a small network: ``scripts/bench overhead``.

Three hidden layers of 64, 1,024 points of a photo per step in a new random order each epoch, Adam
and a cosine. The bare loop has the same features in a table, draws the same way and does nothing
else. Callbacks' looks at a run are not counted, but that steps stop for them is.
"""

import math
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from _fits import Fit, photo, run_steps
from _measure import in_turns, median_ratio, per_step
from _report import Report, make_parser
from torch.nn import functional

from inr.field.precomputed import CachedFeatures

EDGE, BATCH, HORIZON = 256, 1024, 10**9
BARE = "bare loop"
WAYS = {
    "one step per batch of Lightning's": ["trainer.steps_per_batch=1"],
    "50 steps per batch, no callbacks": ["trainer.steps_per_batch=50"],
    "50 steps per batch, default callbacks": ["trainer.steps_per_batch=50"],
}
# Looks are not counted, and are to take little time for all that; lines of progress are as many as
# in a long run.
FEW_LOOKS = ["callback.ntk_spectrum.num_points=64", "callback.progress.lines=1"]


class BareLoop:
    """Steps of a fit in a loop that knows nothing but tables."""

    def __init__(self, fit: Fit, dtype: torch.dtype | None, device: torch.device) -> None:
        self._device, self._dtype = device, dtype
        self._network = fit.field.network.to(device)
        features = CachedFeatures(
            fit.field.encoding.to(device),
            fit.signal.lattice,
            dtype=dtype or torch.float32,
            device=device,
        )
        self._features, self._values = features.features, fit.signal.values.to(device)
        self._optimizer = fit.training.make_optimizer(fit.field)
        self._rates = [group["lr"] for group in self._optimizer.param_groups]
        self._step = 0

    def run(self, steps: int) -> float:
        return run_steps(self.step, self._device, steps)

    def step(self) -> None:
        start = self._step * BATCH % len(self._values)
        if start == 0:
            self._order = torch.randperm(len(self._values), device=self._device)
        index = self._order[start : start + BATCH]
        self._optimizer.zero_grad()
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype is not None):
            loss = functional.mse_loss(self._network(self._features[index]), self._values[index])
        loss.backward()
        self._optimizer.step()
        self._step += 1
        factor = (1 + math.cos(math.pi * self._step / HORIZON)) / 2
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = factor * rate


def make_ways(
    frequencies: int, precision: str, device: str, folder: Path
) -> dict[str, Callable[[int], float]]:
    """Seconds of so many steps, by name; the bare loop is first."""
    common = [
        *photo(EDGE, EDGE),
        *(f"trainer.precision={precision}", "trainer.full_precision_share=0.0"),
        f"encoding.num_frequencies={frequencies}",
        *("network.hidden_features=64", "network.hidden_layers=3", "optimizer=adam"),
        *(f"sampler.batch_size={BATCH}", f"trainer.max_steps={HORIZON}"),
    ]

    def make(*overrides: str, watched: bool = False) -> Fit:
        options = (*common, *overrides, *(FEW_LOOKS if watched else []))
        return Fit(*options, device=device, folder=folder, default_callbacks=watched)

    dtype = torch.bfloat16 if precision == "bf16-mixed" else None
    ways = {BARE: BareLoop(make(), dtype, torch.device(device)).run}
    for name, overrides in WAYS.items():
        ways[name] = make(*overrides, watched="default callbacks" in name).advance
    return ways


def measure(
    report: Report, frequencies: int, precision: str, device: str, rounds: int, seconds: float
) -> None:
    """A table of all ways, in one precision."""
    with tempfile.TemporaryDirectory() as folder:
        runs = make_ways(frequencies, precision, device, Path(folder))
        works = {name: per_step(run, seconds) for name, run in runs.items()}
        took = in_turns(works, rounds)
    rows = [
        [
            name,
            1e3 * statistics.median(own),
            None if name == BARE else f"{100 * (median_ratio(own, took[BARE]) - 1):+.1f} %",
        ]
        for name, own in took.items()
    ]
    title = (
        f"{BATCH:,} points per step, 3 hidden layers of 64, {frequencies} frequencies, "
        f"{precision}; medians of {rounds} rounds"
    )
    report.add(title, ["steps", "ms per step", "beyond the bare loop"], rows, seconds=took)


def main() -> None:
    parser = make_parser("overhead", __doc__)
    parser.add_argument("--frequencies", nargs="+", type=int, default=[64, 256])
    parser.add_argument("--precision", nargs="+", default=["32-true", "bf16-mixed"])
    arguments = parser.parse_args()
    report = Report("overhead", arguments)
    rounds, seconds = (2, 0.01) if arguments.quick else (15, 1.0)
    frequencies, precisions = arguments.frequencies, arguments.precision
    if arguments.quick:
        frequencies, precisions = frequencies[:1], precisions[:1]
    for precision in precisions:
        for number in frequencies:
            measure(report, number, precision, arguments.device, rounds, seconds)
    report.write()


if __name__ == "__main__":
    main()
