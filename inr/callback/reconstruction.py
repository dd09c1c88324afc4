"""Metrics and previews of a field while it trains."""

from inr.argument import check_count, check_positive
from inr.callback._probe import ProbeCallback
from inr.callback._record import Chart, Record
from inr.signal import Preview, Signal
from inr.training import Snapshot


class ReconstructionCallback(ProbeCallback):
    """Shows what has been learnt beside the signal, and logs how well the field fits.

    Args:
        per_decade: Probes per decade of steps.
        error_scale: The error, as a share of the value range, that is shown brightest.
        max_pixels: Larger pictures are thinned to at most this many pixels; metrics never are.
    """

    name = "reconstruction"
    renders = True

    def __init__(
        self, *, per_decade: int = 2, error_scale: float = 0.1, max_pixels: int = 1_000_000
    ) -> None:
        super().__init__(per_decade)
        self.error_scale = check_positive("error_scale", error_scale)
        self.max_pixels = check_count("max_pixels", max_pixels)

    def charts(self, signal: Signal) -> list[Chart]:
        first, keys = signal.display.metrics[0], [m.key for m in signal.display.metrics]
        charts = [Chart("Fit", "PSNR (dB)", r"^(test_|train_)?psnr$")] if "psnr" in keys else []
        if first.key != "psnr":
            charts.insert(0, Chart("Fit", first.label, rf"^(near_)?{first.key}$"))
        return charts

    def measure(self, snapshot: Snapshot) -> Record:
        display = snapshot.signal.display
        metrics = display.measure(snapshot.field, snapshot.signal, snapshot.render())
        snapshot.training.measured |= metrics
        return Record(scalars=metrics)

    def previews(self, snapshot: Snapshot) -> list[Preview]:
        return snapshot.signal.display.show(
            snapshot.field,
            snapshot.signal,
            snapshot.render(),
            error_scale=self.error_scale,
            max_pixels=self.max_pixels,
            thorough=snapshot.is_last,
        )
