"""One experiment with its own data, from its configuration to its files."""

import json
import sys
from pathlib import Path

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from pytorch_lightning.loggers import Logger, TensorBoardLogger
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from inr.atomic import replacing
from inr.cli.build import build_loggers
from inr.cli.failure import RunFailedError
from inr.cli.instantiate import build
from inr.cli.quiet import quiet_libraries
from inr.cli.summary import measured
from inr.experiment import Experiment, Findings
from inr.progress import make_bar

PICTURE_DPI = 120


def run_experiment(cfg: DictConfig, experiment: Experiment | None = None) -> None:
    """Runs an experiment and writes its directory.

    Args:
        cfg: The whole configuration but Hydra's part.
        experiment: What it describes, when that has been built; built here when None.

    Raises:
        RunFailedError: Its numbers do not work out.
    """
    quiet_libraries("inr-fit")
    run_dir = Path(HydraConfig.get().runtime.output_dir)
    name = HydraConfig.get().runtime.choices["experiment"]
    experiment = experiment or build(cfg, "experiment")
    loggers = build_loggers(cfg)
    with _Reporter() as reporter:
        try:
            findings = experiment.run(reporter.report)
        except (ValueError, ArithmeticError) as error:
            raise RunFailedError(f"experiment={name}: {error}") from error
        except (RuntimeError, MemoryError) as error:
            if "memory" not in str(error) and not isinstance(error, MemoryError):
                raise
            raise RunFailedError(
                f"experiment={name} needs more memory than there is; expected smaller widths or "
                "fewer points."
            ) from error
    for logger in loggers:
        _log(logger, name, findings)
    with replacing(run_dir / "findings.npz") as temporary:
        np.savez(temporary, **findings.arrays)
    picture = run_dir / f"{name}.png"
    with replacing(picture) as temporary:
        findings.figure.savefig(temporary, dpi=PICTURE_DPI)
    # Last, since it is what says that the run is whole.
    with replacing(run_dir / "metrics.json") as temporary:
        temporary.write_text(json.dumps(measured(findings.metrics), indent=2) + "\n")
    _print_summary(findings, run_dir, picture)


class _Reporter:
    """A bar for what is done; a line for each thing begun where there is no terminal."""

    def __enter__(self) -> "_Reporter":
        self._bar = make_bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._task = self._bar.add_task("")
        self._what = ""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def report(self, what: str, done: int, total: int) -> None:
        """Shows how far an experiment is: see :meth:`inr.experiment.Experiment.run`."""
        self._bar.update(self._task, description=what, completed=done, total=total)
        if what != self._what and self._bar.disable:
            print(what, file=sys.stderr)
        self._what = what


def _log(logger: Logger, name: str, findings: Findings) -> None:
    for tag, (steps, values) in findings.curves.items():
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            if np.isfinite(value):
                logger.log_metrics({f"{name}/{tag}": value}, step)
    if isinstance(logger, TensorBoardLogger):
        logger.experiment.add_figure(name, findings.figure)
        rows = "\n".join(f"| {key} | {value:.6g} |" for key, value in findings.metrics.items())
        logger.experiment.add_text(name, f"| found | value |\n|---|---|\n{rows}")
    logger.finalize("success")


def _print_summary(findings: Findings, folder: Path, picture: Path) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for key, value in findings.metrics.items():
        table.add_row(key, f"{value:.5g}")
    table.add_row("picture", str(picture))
    table.add_row("run", str(folder))
    Console(width=max(80, 60 + len(str(picture))), highlight=False, markup=False).print(table)
