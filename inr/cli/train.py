"""One run, from its configuration to its files."""

import shlex
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities.exceptions import SIGTERMException

from inr.callback import DivergenceError, InterruptionCallback
from inr.cli.build import Parts, build_parts, build_training
from inr.cli.dashboard import log_configuration
from inr.cli.failure import RunFailedError
from inr.cli.image_set import FOLDER, KIND, describe, finish_set
from inr.cli.quiet import quiet_libraries
from inr.cli.summary import collect_metrics, print_summary, write_metrics
from inr.export import FieldDescription, native_image_suffix, save_field, write_image
from inr.signal import ImageSetSignal
from inr.training import FieldTraining, StackTraining, measure, reconstruct


def train(cfg: DictConfig, parts: Parts | None = None) -> float | None:
    """Fits a field and writes the run directory.

    Args:
        cfg: The whole configuration but Hydra's part.
        parts: What it describes, when that has been built; built here when None.

    Returns:
        The PSNR over the whole lattice, for those who optimise it; None on other ranks than the
        first.

    Raises:
        RunFailedError: The loss diverged.
        SystemExit: The run was interrupted, with status 130 or 143.
    """
    quiet_libraries("inr-fit")
    run_dir = Path(HydraConfig.get().runtime.output_dir)
    parts = parts or build_parts(cfg)
    config = cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))
    image = parts.signal
    record = {"config": config, "overrides": list(HydraConfig.get().overrides.task)}
    if isinstance(image, ImageSetSignal):
        description = replace(describe(image, 0), kind=KIND)
        record["images"] = image.names
    else:
        description = FieldDescription(
            "image", image.in_features, image.out_features, image.lattice, image.pixel_format
        )
    record["description"] = description.to_plain()
    trainer, training = build_training(cfg, parts, record, run_dir)
    log_configuration(trainer, config, HydraConfig.get().runtime.choices)
    try:
        trainer.fit(training, ckpt_path=cfg.ckpt_path)
    except DivergenceError as error:
        raise RunFailedError(str(error)) from error
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
        print_summary(metrics, run_dir, run_dir / FOLDER / worst)
        return float(metrics["psnr"])
    return _finish(trainer, training, description, run_dir)


def _stop_if_interrupted(parts: Parts, run_dir: Path) -> None:
    for callback in parts.callbacks:
        if isinstance(callback, InterruptionCallback) and callback.signal_number is not None:
            print(f"stopped; inr-fit ckpt_path={shlex.quote(str(run_dir))} resumes it")
            raise SystemExit(128 + callback.signal_number)


def _finish(
    trainer: pl.Trainer,
    training: FieldTraining,
    description: FieldDescription,
    run_dir: Path,
) -> float:
    """Measures, writes and shows the result."""
    seconds = training.clock.seconds
    training.to(trainer.strategy.root_device)
    # First what cannot be made again.
    save_field(run_dir / "field.safetensors", training.field, description)
    quality = measure(reconstruct(training.field, training.signal), training.signal)
    metrics = collect_metrics(trainer, training, quality, seconds)
    write_metrics(run_dir / "metrics.json", metrics)
    picture = run_dir / f"reconstruction{native_image_suffix(description)}"
    write_image(picture, training.field, description)
    print_summary(metrics, run_dir, picture)
    return quality["psnr"]
