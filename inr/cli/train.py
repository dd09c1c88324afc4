"""One run, from its configuration to its files."""

import shlex
import signal
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor

from inr.callback import DivergenceError, InterruptionCallback, ProbeError
from inr.cli.build import Parts, build_parts, build_training
from inr.cli.dashboard import log_configuration
from inr.cli.failure import RunFailedError
from inr.cli.image_set import FOLDER, KIND, describe, finish_set
from inr.cli.quiet import quiet_libraries
from inr.cli.summary import collect_metrics, print_summary, write_metrics
from inr.field.file import FieldDescription, save_field
from inr.progress import show_status
from inr.raster import write_raster
from inr.signal import ImageSetSignal, PicturePreview, magnified
from inr.training import FieldTraining, StackTraining

PICTURE = "picture.png"
WEIGHTS = "field.safetensors"
ERROR_SCALE = 0.1
MAX_PICTURE_PIXELS = 1_000_000


def train(cfg: DictConfig, parts: Parts | None = None, *, summarize: bool = True) -> float | None:
    """Fits a field and writes the run directory.

    Args:
        cfg: The whole configuration but Hydra's part.
        parts: What it describes, when that has been built; built here when None.
        summarize: Whether to print what was reached and written.

    Returns:
        What says best how well it fits, for those who optimise it: the PSNR over the whole lattice,
        or of shapes the IoU; None on other ranks than the first.

    Raises:
        RunFailedError: The loss diverged.
        SystemExit: The run was interrupted, with status 130 or 143.
    """
    quiet_libraries("inr-fit")
    run_dir = Path(HydraConfig.get().runtime.output_dir)
    parts = parts or build_parts(cfg)
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    data = parts.signal
    record = {"config": config, "overrides": list(HydraConfig.get().overrides.task)}
    if isinstance(data, ImageSetSignal):
        description = replace(describe(data, 0), kind=KIND)
        record["images"] = data.names
    else:
        description = data.display.describe(data)
    record["description"] = description.to_plain()
    trainer, training = build_training(cfg, parts, record, run_dir)
    log_configuration(trainer, config, HydraConfig.get().runtime.choices, data)
    try:
        trainer.fit(training, ckpt_path=cfg.ckpt_path)
    except DivergenceError as error:
        raise RunFailedError(str(error)) from error
    except ProbeError as error:
        advice = f"callback.{error.probe}=null trains without it."
        raise RunFailedError(f"{error} {advice}") from error
    except SIGTERMException:
        # Lightning's own way to stop, which also works without our callback.
        _stop_if_interrupted(parts, run_dir)
        raise SystemExit(128 + signal.SIGTERM) from None
    except SystemExit:
        # Lightning's answer to Ctrl-C.
        raise SystemExit(128 + signal.SIGINT) from None
    _stop_if_interrupted(parts, run_dir)
    if not trainer.is_global_zero:
        return None
    if isinstance(training, StackTraining):
        metrics, worst = finish_set(trainer, training, config, run_dir)
        readings = training.signal.display.metrics
        print_summary(metrics, readings, run_dir, run_dir / FOLDER / worst)
        return float(metrics["psnr"])
    model = {family: config[family] for family in ("encoding", "network")}
    return _finish(trainer, training, description, model, run_dir, summarize)


def _stop_if_interrupted(parts: Parts, run_dir: Path) -> None:
    for callback in parts.callbacks:
        if isinstance(callback, InterruptionCallback) and callback.signal_number is not None:
            print(f"stopped; inr-fit ckpt_path={shlex.quote(str(run_dir))} resumes it")
            raise SystemExit(128 + callback.signal_number)


def _finish(
    trainer: pl.Trainer,
    training: FieldTraining,
    description: FieldDescription,
    model: dict[str, Any],
    run_dir: Path,
    summarize: bool,
) -> float:
    """Measures, writes and shows the result."""
    seconds, display = training.clock.seconds, training.signal.display
    training.to(trainer.strategy.root_device)
    # First what cannot be made again.
    save_field(run_dir / WEIGHTS, training.field, description, model=model)
    with show_status("rendering"):
        rendering = training.render()
    with show_status("measuring"):
        quality = display.measure(training.field, training.signal, rendering, thorough=True)
    metrics = collect_metrics(trainer, training, quality, seconds)
    write_metrics(run_dir / "metrics.json", metrics)
    if description.kind != "image":
        _write_picture(run_dir / PICTURE, training, rendering)
    del rendering
    training.forget_rendering()
    result = run_dir / f"reconstruction{display.native_suffix(description)}"
    try:
        display.write(result, training.field, description, progress=True)
    except (ImportError, ValueError) as error:
        warnings.warn(f"{result.name} is not written: {error}", stacklevel=2)
        result = run_dir / WEIGHTS
    else:
        metrics |= display.measure_result(result, training.signal)
        write_metrics(run_dir / "metrics.json", metrics)
    if summarize:
        print_summary(metrics, display.metrics, run_dir, result)
    return quality[display.metrics[0].key]


def _write_picture(path: Path, training: FieldTraining, rendering: Tensor) -> None:
    """The result at a glance, where that is no image itself."""
    previews = training.signal.display.show(
        training.field,
        training.signal,
        rendering,
        error_scale=ERROR_SCALE,
        max_pixels=MAX_PICTURE_PIXELS,
    )
    picture = previews[0]
    assert isinstance(picture, PicturePreview)
    write_raster(path, magnified(picture.pixels), bits=8)
