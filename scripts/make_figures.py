"""Draws the pictures in ``docs/``: ``python scripts/make_figures.py [PAGE ...]``.

Pages are kernel, optimizers, scale, signals and theory. Takes some minutes.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from inr.callback._dynamics_figures import draw_dynamics, shown_modes
from inr.callback._ntk_figures import draw_content, draw_residuals, draw_spectra
from inr.callback._path_kernel_figure import draw_influence
from inr.callback.frequency_bands import draw_band_errors

ROOT = Path(__file__).resolve().parent.parent
COLORS = {1: "#0072B2", 10: "#009E73", 100: "#D55E00"}  # told apart by the colour-blind too
STEPS = 600
CUSTOMARY = (
    *("optimizer=adam", "scheduler=cosine", "encoding.scale=10"),
    "trainer.precision=32-true",
)
OPTIMIZERS = {"adam": "#0072B2", "muon": "#D55E00"}
EARLY, LATE = 10, 300
THEORY = ("ntk_1d", "ntk_1d_scale", "spectral_bias", "lazy", "overparameterized", "nngp")


SIGNALS = {
    "volume": ["signal=volume", "trainer.max_steps=400"],
    "shape": ["signal=shape", "trainer.max_steps=400", "signal.lattice_size=96"],
    "point_cloud": [
        *("protocol=siren_point_cloud_small", "trainer.max_steps=400"),
        "signal.lattice_size=96",
    ],
    "audio": ["protocol=siren_audio_small", "trainer.max_steps=800"],
    "video": ["signal=video", "trainer.max_steps=400"],
    "function": [
        *("signal=function", "signal.kind=chirp", "signal.frequencies=[2,40]"),
        *("signal.size=[512]", "trainer.max_steps=60"),
    ],
}


def inr_fit(run: Path, *overrides: str) -> Path:
    """Runs ``inr-fit`` into a folder."""
    command = [
        *(sys.executable, "-c", "from inr.cli.fit import main; main()"),
        *("logger=csv", f"hydra.run.dir={run}", *overrides),
    ]
    subprocess.run(command, check=True)
    return run


def fit(run: Path, *overrides: str) -> Path:
    """Fits the sample's even rows and columns as most papers would."""
    return inr_fit(run, "signal.holdout=alternate", *CUSTOMARY, *overrides)


def fit_scale(folder: Path, scale: int) -> Path:
    """Fits with one scale."""
    options = (f"encoding.scale={scale}", f"trainer.max_steps={STEPS}")
    return fit(folder / f"fit{scale}", *options, "callback.reconstruction.per_decade=6")


def read_first_spectrum(folder: Path, scale: int) -> np.ndarray:
    """Eigenvalues before training, on points close enough to tell the scales apart."""
    options = (f"encoding.scale={scale}", "trainer.max_steps=1")
    run = fit(folder / f"probe{scale}", *options, "callback.ntk_spectrum.num_points=4096")
    return np.load(run / "ntk" / "step=00000000.npz")["eigenvalues"]


def read_curve(run: Path, key: str) -> tuple[list[int], list[float]]:
    """Steps and values of one logged quantity."""
    with (run / "csv" / "metrics.csv").open() as file:
        rows = [(int(row["step"]), float(row[key])) for row in csv.DictReader(file) if row[key]]
    steps, values = zip(*rows, strict=True)
    return list(steps), list(values)


def draw_picture(axes: Axes, path: Path, title: str, color: str) -> None:
    """One image with a title, enlarged so that pixels can be seen."""
    axes.imshow(imageio.imread(path)[90:218, 40:232], interpolation="nearest")
    axes.set_title(title, color=color, fontsize=11)
    axes.set_axis_off()


def draw_scales(folder: Path) -> Figure:
    """What the scale of Fourier features does to the picture, the kernel and the convergence."""
    runs = {scale: fit_scale(folder, scale) for scale in COLORS}
    figure = Figure(figsize=(11, 6.2), layout="constrained")
    grid = figure.add_gridspec(2, 12, height_ratios=[1, 1.3])
    sample = ROOT / "data" / "sample.png"
    draw_picture(figure.add_subplot(grid[0, 0:3]), sample, "image", "black")
    spectra, curves = figure.add_subplot(grid[1, 0:6]), figure.add_subplot(grid[1, 6:12])
    for column, (scale, run) in enumerate(runs.items(), 1):
        color = COLORS[scale]
        steps, held_out = read_curve(run, "test_psnr")
        title = f"σ = {scale}: {held_out[-1]:.1f} dB unseen"
        panel = figure.add_subplot(grid[0, 3 * column : 3 * column + 3])
        draw_picture(panel, run / "reconstruction.png", title, color)
        values = read_first_spectrum(folder, scale)
        spectra.loglog(np.arange(1, len(values) + 1), values, color=color, label=f"σ = {scale}")
        curves.semilogx(steps, held_out, color=color, label=f"σ = {scale}, unseen")
        steps, trained = read_curve(run, "train_psnr")
        curves.semilogx(steps, trained, color=color, ls=":", label=f"σ = {scale}, trained on")
    spectra.set(xlabel="mode", ylabel="eigenvalue", title="Tangent kernel before training")
    curves.set(xlabel="step", ylabel="PSNR (dB)", title="Convergence")
    for axes in (spectra, curves):
        axes.legend(frameon=False, fontsize="small")
        axes.grid(alpha=0.3)
    return figure


def read_looks(folder: Path) -> dict[int, dict[str, Any]]:
    """What a callback wrote at each step."""
    looks = {}
    for path in sorted(folder.glob("step=*.npz")):
        with np.load(path) as file:
            looks[int(file["step"])] = {k: v if v.ndim else v.item() for k, v in file.items()}
    return looks


def draw_kernel(folder: Path) -> np.ndarray:
    """What a run's callbacks show of its kernel and its errors: four of their figures."""
    run = fit(folder / "kernel", f"trainer.max_steps={STEPS}")
    looks, errors = read_looks(run / "ntk"), read_looks(run / "frequency_bands")
    last = looks[STEPS]
    energies = np.stack([look["error_energies"] for look in errors.values()])
    figures = [
        draw_spectra(looks),
        draw_residuals(looks),
        draw_content(last["eigenvector_bands"], last["band_edges"], STEPS),
        draw_band_errors(
            list(errors), energies, errors[STEPS]["target_energies"], errors[STEPS]["edges"]
        ),
    ]
    panels = []
    for figure in figures:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        panels.append(np.asarray(canvas.buffer_rgba())[..., :3])
    return np.vstack([np.hstack(panels[:2]), np.hstack(panels[2:])])


def draw_prediction(folder: Path) -> Figure:
    """A training beside its prediction, as its callback shows it."""
    run = inr_fit(folder / "ntk_image", "protocol=ntk_image")
    looks = read_looks(run / "predicted_dynamics")
    return draw_dynamics(looks, shown_modes(len(looks[0]["eigenvalues"]), 8))


def draw_path_kernel(folder: Path) -> Figure:
    """Which training pixels made which, as the callback shows it."""
    run = inr_fit(
        folder / "path_kernel",
        *("callback=theory", "optimizer=sgd", "optimizer.lr=0.3", "sampler.batch_size=null"),
        *("signal.size=[24,32]", f"trainer.max_steps={STEPS}"),
        *("scheduler=cosine", "encoding.scale=10"),
    )
    looks = read_looks(run / "path_kernel")
    return draw_influence(looks[STEPS], imageio.imread(run / "reconstruction.png") / 255, STEPS)


def fit_optimizer(folder: Path, name: str) -> Path:
    """Fits the sample with one optimizer, and looks at the kernel that it steps."""
    look = "callback.ntk_spectrum"
    return inr_fit(
        folder / name,
        *(f"optimizer={name}", f"trainer.max_steps={LATE}"),
        *(f"{look}.preconditioned=true", f"{look}.per_decade=2", f"{look}.num_points=400"),
        "callback.reconstruction.per_decade=6",
    )


def draw_shares(axes: Axes, look: dict[str, Any], key: str, **line: Any) -> None:
    """Eigenvalues as shares of their sum, against their number."""
    values = look[key][look[key] > 0]
    axes.loglog(np.arange(1, len(values) + 1), values / look[key].sum(), **line)


def draw_optimizers(folder: Path) -> Figure:
    """What orthogonal steps do to the training, the kernel and its preconditioned form."""
    figure = Figure(figsize=(11, 6.6), layout="constrained")
    grid = figure.subplots(2, 2)
    (curves, ranks), (plain, stepped) = grid
    for name, color in OPTIMIZERS.items():
        run = fit_optimizer(folder, name)
        curves.semilogx(*read_curve(run, "psnr"), color=color, label=name)
        looks = read_looks(run / "ntk")
        steps = sorted(step for step in looks if step > 0)
        effective = [looks[step]["effective_rank"] for step in steps]
        ranks.semilogx(steps, effective, "-o", color=color, label=name)
        for step, alpha in ((EARLY, 0.45), (LATE, 1.0)):
            line = {"color": color, "alpha": alpha, "label": f"{name}, step {step}"}
            draw_shares(plain, looks[step], "eigenvalues", **line)
            draw_shares(stepped, looks[step], "preconditioned_eigenvalues", **line)
    curves.set(xlabel="step", ylabel="PSNR (dB)", title="Convergence")
    ranks.set(xlabel="step", ylabel="effective rank", title="Modes that the kernel Θ consists of")
    for axes, title in ((plain, "Θ = J Jᵀ"), (stepped, "J P Jᵀ, which the optimizer steps")):
        axes.set(xlabel="mode", ylabel="share of the trace", title=title)
    for axes in grid.flat:
        axes.legend(frameon=False, fontsize="small")
        axes.grid(alpha=0.3)
    return figure


def draw_theory(folder: Path) -> None:
    """The pictures of ``docs/theory.md``."""
    draw_prediction(folder).savefig(ROOT / "docs" / "theory_ntk_image.png", dpi=110)
    draw_path_kernel(folder).savefig(ROOT / "docs" / "theory_path_kernel.png", dpi=110)
    for name in THEORY:
        run = inr_fit(folder / name, f"experiment={name}")
        shutil.copy(run / f"{name}.png", ROOT / "docs" / f"theory_{name}.png")


def draw_signals(folder: Path) -> None:
    """The pictures of ``docs/signals.md``: the samples, as a run of each shows them."""
    for kind, overrides in SIGNALS.items():
        run = inr_fit(folder / kind, *overrides, "callback=none")
        shutil.copy(run / "picture.png", ROOT / "docs" / f"signal_{kind}.png")


def main() -> None:
    """Draws every picture, or those of the pages that are named."""
    pages = {
        "kernel": lambda folder: imageio.imwrite(ROOT / "docs" / "kernel.png", draw_kernel(folder)),
        "scale": lambda folder: draw_scales(folder).savefig(ROOT / "docs" / "scale.png", dpi=110),
        "signals": draw_signals,
        "theory": draw_theory,
        "optimizers": lambda folder: draw_optimizers(folder).savefig(
            ROOT / "docs" / "optimizers.png", dpi=110
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        for page in sys.argv[1:] or pages:
            pages[page](Path(folder))


if __name__ == "__main__":
    main()
