"""Metrics over all fields of a set of images."""

from inr.callback._probe import ProbeCallback
from inr.callback._record import Chart, Record
from inr.signal import Signal
from inr.training import Snapshot, StackTraining


class SetQualityCallback(ProbeCallback):
    """Logs means of the images' PSNR and SSIM, and the least PSNR.

    Args:
        per_decade: Probes per decade of steps.
    """

    name = "set_quality"
    renders = True

    def charts(self, signal: Signal) -> list[Chart]:
        return [Chart("Fit", "PSNR (dB): mean and least", r"^(min_|test_|train_)?psnr$")]

    def measure(self, snapshot: Snapshot) -> Record:
        assert isinstance(snapshot.training, StackTraining)
        qualities = snapshot.training.measure_members()
        metrics = mean_quality(qualities) | {"min_psnr": min(q["psnr"] for q in qualities)}
        snapshot.training.measured |= metrics
        return Record(scalars=metrics)


def mean_quality(qualities: list[dict[str, float]]) -> dict[str, float]:
    """The mean over images of each measure that all of them have."""
    return {
        key: sum(quality[key] for quality in qualities) / len(qualities)
        for key in qualities[0]
        if all(key in quality for quality in qualities)
    }
