"""Steps of a fit against a plain loop, other libraries and the device: ``scripts/bench fit``.

All 256 x 256 points of a photo at each step, 256 frequencies, 4 hidden layers of 256. Rows take
turns. A row's products are the step's own products of matrices and nothing else: forward, and
backward in weights and in inputs (but not in the features), in the row's dtype, for as many points
at once as the row takes, with features read from an array of all points and each result written to
an array of that many points. The PSNR is that of a new fit along a cosine: at a constant rate it
depends on how sums are rounded, by some tenths of a decibel.
"""

import importlib.util
import math
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from _fits import Fit, photo, run_steps
from _measure import in_turns, median_ratio, per_step
from _report import Report, make_parser
from torch import Tensor, nn
from torch.nn import functional

from inr.metric import psnr

BFLOAT16 = "trainer.precision=bf16-mixed"
FLOAT32 = "trainer.precision=32-true"
FACTORED = "trainer.feature_memory=0"
RECOMPUTED = [FACTORED, "encoding._target_=_fits.RecomputedGaussianEncoding"]
COMMON = ["optimizer=adam", "optimizer.lr=1e-3", "sampler.batch_size=null"]
# Few steps after few others are timed: none is among the last of a run.
TIMED = ["scheduler=constant", "trainer.full_precision_share=0.0"]


class Sizes(NamedTuple):
    """What is fitted with what, and how long it is timed."""

    edge: int
    width: int
    layers: int
    frequencies: int
    rounds: int
    seconds: float
    psnr_steps: int


FULL = Sizes(256, 256, 4, 256, rounds=7, seconds=1.0, psnr_steps=300)
QUICK = Sizes(16, 16, 2, 8, rounds=2, seconds=0.01, psnr_steps=3)


class Row(NamedTuple):
    """One way to make a step.

    Attributes:
        run: Seconds of so many steps.
        dtype: Of its products of matrices.
        part: Points at once.
        widths: Of all layers, features first.
        psnr: Of a new fit after so many steps, if that is asked.
    """

    run: Callable[[int], float]
    dtype: torch.dtype
    part: int
    widths: list[int]
    psnr: Callable[[int], float] | None = None


class PlainField(nn.Module):
    """Fourier features and a perceptron as papers' code has them, with the weights of a field."""

    def __init__(self, field: nn.Module) -> None:
        super().__init__()
        self.register_buffer("frequencies", field.encoding.frequencies.clone())
        self.layers = plain_perceptron(field.network)

    def forward(self, coords: Tensor) -> Tensor:
        phases = 2 * math.pi * coords @ self.frequencies.T
        return self.layers(torch.cat([phases.cos(), phases.sin()], dim=-1))


def plain_perceptron(network: nn.Module) -> nn.Sequential:
    """Linear layers and ReLUs with the weights of a network."""
    layers: list[nn.Module] = []
    for linear in (*network.hidden, network.output):
        plain = nn.Linear(linear.in_features, linear.out_features)
        plain.load_state_dict(linear.state_dict())
        layers += [plain, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def import_rff() -> type[nn.Module]:
    """The other library's mapping, without its reader of pictures.

    That imports torchvision, for which pip may replace torch.
    """
    sys.modules["torchvision"] = ModuleType("torchvision")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from rff.layers import GaussianEncoding
    finally:
        del sys.modules["torchvision"]
    return GaussianEncoding


class PlainLoop:
    """The loop that people write, with Adam as PyTorch has it."""

    def __init__(self, loss: Callable[[], Tensor], module: nn.Module, device: torch.device) -> None:
        self._loss, self._device = loss, device
        self.optimizer = torch.optim.Adam(module.parameters())

    def step(self) -> None:
        self.optimizer.zero_grad()
        self._loss().backward()
        self.optimizer.step()

    def run(self, steps: int) -> float:
        return run_steps(self.step, self._device, steps)


class Products:
    """The products of matrices of a step, and nothing else."""

    def __init__(self, row: Row, points: int, device: torch.device) -> None:
        make = partial(torch.randn, dtype=row.dtype, device=device)
        self._device = device
        self._features = make(points, row.widths[0])
        self._weights = [make(o, i) for i, o in zip(row.widths, row.widths[1:], strict=False)]
        self._gradients = [torch.empty_like(weight) for weight in self._weights]
        self._hidden = [make(row.part, width) for width in row.widths[1:]]
        self._backward = [torch.empty_like(hidden) for hidden in self._hidden[:-1]]
        inner = sum(weight.numel() for weight in self._weights[1:])
        self.operations = 2 * points * (2 * self._weights[0].numel() + 3 * inner)

    @torch.no_grad()
    def step(self) -> None:
        for features in self._features.split(len(self._hidden[0])):
            inputs = [features, *self._hidden]
            for number, weight in enumerate(self._weights):
                torch.mm(inputs[number], weight.T, out=self._hidden[number])
            # The last layer's results stand in for the gradient in them.
            gradient = self._hidden[-1]
            for number in reversed(range(len(self._weights))):
                torch.mm(gradient.T, inputs[number], out=self._gradients[number])
                if number:
                    torch.mm(gradient, self._weights[number], out=self._backward[number - 1])
                    gradient = self._backward[number - 1]

    def run(self, steps: int) -> float:
        return run_steps(self.step, self._device, steps)


class Bench:
    """The rows of one run of the benchmark."""

    def __init__(self, sizes: Sizes, device: str, folder: Path) -> None:
        self.sizes, self.device, self._folder = sizes, device, folder
        self.points = sizes.edge**2
        self.title = (
            f"{self.points:,} points per step, {sizes.frequencies} frequencies, {sizes.layers} "
            f"hidden layers of {sizes.width}; medians of {sizes.rounds} rounds"
        )
        self._network = [
            f"network.hidden_features={sizes.width}",
            f"network.hidden_layers={sizes.layers}",
        ]
        self._mapped = [*self._network, f"encoding.num_frequencies={sizes.frequencies}"]
        self._siren = [*self._network, "network=siren", "encoding=identity"]

    def rows(self) -> dict[str, Row]:
        """Fourier features and a perceptron, those first that the others are compared with."""
        rows = {
            "plain PyTorch loop, fp32": self._plain(),
            "ours, fp32": self._ours(FLOAT32, *RECOMPUTED),
            "ours, fp32, cached mapping": self._ours(FLOAT32)._replace(
                psnr=partial(self._psnr_of_ours, FLOAT32)
            ),
            "ours, bf16": self._ours(BFLOAT16, *RECOMPUTED),
            "ours, bf16, factored mapping": self._ours(BFLOAT16, FACTORED),
            "ours, bf16, cached mapping": self._ours(BFLOAT16)._replace(
                psnr=partial(self._psnr_of_ours, BFLOAT16)
            ),
            "ours, bf16, cached mapping, compiled": self._ours(BFLOAT16, "trainer.compile=true"),
        }
        if importlib.util.find_spec("rff"):
            rows["random-fourier-features-pytorch, fp32"] = self._rff()
        return rows

    def sirens(self) -> dict[str, Row]:
        """Sine activations, the other library's first."""
        return {
            "siren-pytorch, fp32": self._siren_pytorch(),
            "ours, fp32": self._ours(FLOAT32, siren=True),
            "ours, bf16": self._ours(BFLOAT16, siren=True),
        }

    def _fit(self, *overrides: str, siren: bool = False) -> Fit:
        field = self._siren if siren else self._mapped
        overrides = (*photo(self.sizes.edge, self.sizes.edge), *COMMON, *field, *overrides)
        return Fit(*overrides, device=self.device, folder=self._folder)

    def _ours(self, precision: str, *overrides: str, siren: bool = False) -> Row:
        fit = self._fit(precision, *TIMED, *overrides, siren=siren)
        micro_batch = fit.training.options.micro_batch or self.points
        dtype = torch.bfloat16 if precision == BFLOAT16 else torch.float32
        return Row(fit.advance, dtype, min(micro_batch, self.points), self._widths(fit))

    def _widths(self, fit: Fit) -> list[int]:
        hidden = self.sizes.layers * [self.sizes.width]
        return [fit.field.network.in_features, *hidden, fit.field.out_features]

    def _psnr_of_ours(self, precision: str, steps: int) -> float:
        fit = self._fit(precision, "scheduler=cosine", f"trainer.max_steps={steps}")
        fit.advance(steps)
        return fit.psnr()

    def _data(self, fit: Fit) -> tuple[Tensor, Tensor]:
        batch = fit.signal.train_points(None)
        return batch.coords.to(self.device), batch.values.to(self.device)

    def _plain_loop(self, fit: Fit, module: nn.Module) -> PlainLoop:
        coords, values = self._data(fit)
        module = module.to(self.device)
        return PlainLoop(
            lambda: functional.mse_loss(module(coords), values), module, torch.device(self.device)
        )

    def _plain(self) -> Row:
        fit = self._fit(FLOAT32)

        def measure(steps: int) -> float:
            module = PlainField(fit.field)
            loop = self._plain_loop(fit, module)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(loop.optimizer, steps)
            for _ in range(steps):
                loop.step()
                schedule.step()
            coords, values = self._data(fit)
            with torch.no_grad():
                found = module(coords).clamp(*fit.signal.value_range)
            return psnr(found, values, fit.signal.peak)

        run = self._plain_loop(fit, PlainField(fit.field)).run
        return Row(run, torch.float32, self.points, self._widths(fit), measure)

    def _rff(self) -> Row:
        fit = self._fit(FLOAT32)
        encoding = import_rff()(b=fit.field.encoding.frequencies.clone())
        module = nn.Sequential(encoding, plain_perceptron(fit.field.network))
        run = self._plain_loop(fit, module).run
        return Row(run, torch.float32, self.points, self._widths(fit))

    def _siren_pytorch(self) -> Row:
        from siren_pytorch import SirenNet, SirenWrapper

        fit, edge, device = self._fit(FLOAT32, siren=True), self.sizes.edge, self.device
        channels = fit.field.out_features
        net = SirenNet(2, self.sizes.width, channels, self.sizes.layers, w0_initial=30.0)
        wrapper = SirenWrapper(net, image_width=edge, image_height=edge).to(device)
        image = fit.signal.values.T.reshape(1, channels, edge, edge).to(device)
        run = PlainLoop(lambda: wrapper(image), wrapper, torch.device(device)).run
        return Row(run, torch.float32, self.points, self._widths(fit))


def time_rows(bench: Bench, rows: dict[str, Row]) -> tuple[dict[str, Any], dict[str, Products]]:
    """Seconds of a step and of its products in each round, and the products by row."""
    products: dict[str, Products] = {}
    shared: dict[Any, Products] = {}
    works: dict[str, Callable[[], float]] = {}
    for name, row in rows.items():
        key = (row.dtype, row.part, *row.widths)
        if key not in shared:
            shared[key] = Products(row, bench.points, torch.device(bench.device))
        products[name] = shared[key]
        works[name] = per_step(row.run, bench.sizes.seconds)
        works[f"products of {name}"] = per_step(products[name].run, bench.sizes.seconds / 4)
    return in_turns(works, bench.sizes.rounds), products


def report_rows(report: Report, bench: Bench, what: str, rows: dict[str, Row]) -> None:
    """Times the rows, the first of which the others are compared with, and adds their table."""
    took, products = time_rows(bench, rows)
    first, cells = next(iter(rows)), []
    for name, row in rows.items():
        step, of_products = took[name], took[f"products of {name}"]
        seconds = statistics.median(step)
        decibels = row.psnr(bench.sizes.psnr_steps) if row.psnr else None
        cells.append(
            [
                name,
                1e3 * seconds,
                bench.points / seconds / 1e6,
                median_ratio(took[first], step),
                f"{str(row.dtype).removeprefix('torch.')}, {row.part:,}",
                products[name].operations / statistics.median(of_products) / 1e12,
                median_ratio(of_products, step),
                None if decibels is None else f"{decibels:.2f}",
            ]
        )
    columns = [what, "ms per step", "M points/s", "x the first", "products in parts of"]
    columns += ["their TFLOP/s", "their share of the step"]
    columns += [f"dB after {bench.sizes.psnr_steps} steps"]
    if not any(row.psnr for row in rows.values()):
        columns, cells = columns[:-1], [row[:-1] for row in cells]
    title = f"{what.capitalize()}: {bench.title}"
    report.add(title, columns, cells, seconds=took)


def main() -> None:
    parser = make_parser("fit", __doc__)
    parser.add_argument("--skip", nargs="*", default=[], metavar="WORD", help="rows with it in")
    arguments = parser.parse_args()
    sizes, skip = FULL, list(arguments.skip)
    if arguments.quick:
        # Compiling takes as long on a small network.
        sizes, skip = QUICK, [*skip, "compiled"]
    report = Report("fit", arguments)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(sizes, arguments.device, Path(folder))
        for what, rows in (("Fourier features", bench.rows()), ("sirens", bench.sirens())):
            first, *others = rows
            kept = [first, *(n for n in others if not any(word in n for word in skip))]
            report_rows(report, bench, what, {name: rows[name] for name in kept})
    report.write()


if __name__ == "__main__":
    main()
