"""A run with many images: what each has of its own."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger

from inr.atomic import replacing
from inr.callback import (
    MemberCallback,
    ProbeCallback,
    ReconstructionCallback,
    SetQualityCallback,
    check_shows_members,
    mean_quality,
)
from inr.cli.failure import BadInputError, bad_input
from inr.cli.instantiate import build
from inr.cli.summary import collect_metrics, count_parameters, write_metrics
from inr.field.file import FieldDescription, save_field
from inr.signal import KINDS, ImageSetSignal
from inr.training import StackTraining

KIND = "image_set"
FOLDER = "images"


def build_set_callbacks(cfg: DictConfig, signal: ImageSetSignal) -> list[pl.Callback]:
    """The callbacks of a run: those that probe one field once for each image that is watched.

    Raises:
        BadInputError: A callback does not suit a set.
    """
    whole: list[pl.Callback] = []
    members = {number: list[ProbeCallback]() for number in signal.watched}
    for name in cfg.callback:
        if not cfg.callback[name]:
            continue
        callback = build(cfg.callback, name, f"callback.{name}")
        if not isinstance(callback, ProbeCallback):
            whole.append(callback)
            continue
        with bad_input(f"callback.{name}"):
            check_shows_members(callback)
            callback.check(signal.member(0))
        if isinstance(callback, ReconstructionCallback):
            whole.append(SetQualityCallback(callback.per_decade))
        for probes in members.values():
            probes.append(build(cfg.callback, name, f"callback.{name}"))
    return [
        *(MemberCallback(n, signal.names[n], probes) for n, probes in members.items() if probes),
        *whole,
    ]


def build_member_loggers(cfg: DictConfig, folder: Path) -> list[Logger]:
    """Loggers of one image, of those kinds that write to a folder."""
    loggers = [
        build(cfg.logger, name, f"logger.{name}", save_dir=str(folder))
        for name in cfg.logger
        if cfg.logger[name]
    ]
    return [logger for logger in loggers if isinstance(logger, TensorBoardLogger | CSVLogger)]


def check_set_trainer(cfg: DictConfig, precision: str) -> None:
    """Rejects what would make a field in a set another one than alone.

    Raises:
        BadInputError: The trainer does that.
    """
    if precision == "16-mixed":
        raise BadInputError(
            "trainer.precision is 16-mixed, which skips a step of all images where one overflows; "
            "expected bf16-mixed or 32-true with signal=image_set."
        )
    if cfg.trainer.compile:
        raise BadInputError("trainer.compile is true; expected false with signal=image_set.")


def describe(signal: ImageSetSignal, number: int) -> FieldDescription:
    """What one field is fitted to."""
    return FieldDescription(
        "image",
        signal.in_features,
        signal.channels,
        signal.lattice,
        asdict(signal.pixel_formats[number]),
    )


def finish_set(
    trainer: pl.Trainer,
    training: StackTraining,
    config: dict[str, Any],
    run_dir: Path,
) -> tuple[dict[str, Any], str]:
    """Writes each image's files, and what was measured of all.

    Args:
        trainer: Its run is over.
        training: The fields.
        config: Configuration of the run, plain and resolved.
        run_dir: Where to.

    Returns:
        The content of ``metrics.json``, and the name of the image that was fitted worst.
    """
    seconds, signal = training.clock.seconds, training.signal
    training.to(trainer.strategy.root_device)
    fields = [cast(Any, training.field.member(number)) for number in range(len(signal.names))]
    for number, field in enumerate(fields):
        folder = run_dir / FOLDER / signal.names[number]
        _write_configuration(folder, config, signal.paths[number])
        save_field(folder / "field.safetensors", field, describe(signal, number))
    qualities = training.measure_members()
    worst = min(range(len(fields)), key=lambda number: qualities[number]["psnr"])
    metrics = {
        **collect_metrics(trainer, training, mean_quality(qualities), seconds),
        "min_psnr": qualities[worst]["psnr"],
        "worst": signal.names[worst],
        FOLDER: dict(zip(signal.names, qualities, strict=True)),
    }
    # Of all fields, over the samples of all images.
    metrics["bits_per_sample"] /= len(fields)
    write_metrics(run_dir / "metrics.json", metrics)
    display = KINDS["image"].display
    for number, field in enumerate(fields):
        folder, description = run_dir / FOLDER / signal.names[number], describe(signal, number)
        own = {"steps": metrics["steps"], "parameters": count_parameters(field)}
        own["bits_per_sample"] = metrics["bits_per_sample"]
        write_metrics(folder / "metrics.json", {**qualities[number], **own})
        suffix = display.native_suffix(description)
        display.write(folder / f"reconstruction{suffix}", field, description)
    return metrics, signal.names[worst]


def _write_configuration(folder: Path, config: dict[str, Any], path: Path) -> None:
    """What a run of one image alone would have written, so that it is read like one."""
    image = {
        **{key: option for key, option in config["signal"].items() if key != "watched"},
        "_target_": "inr.signal.ImageSignal",
        "path": str(path.resolve()),
    }
    with replacing(folder / ".hydra" / "config.yaml") as temporary:
        OmegaConf.save(OmegaConf.create({**config, "signal": image}), temporary)


def reject_whole_set(run_dir: Path) -> BadInputError:
    """The error where one image's run is wanted, and a set's is given."""
    done = sorted(path.parent for path in run_dir.glob(f"{FOLDER}/*/field.safetensors"))
    expected = f"such as {done[0]}" if done else f"{run_dir / FOLDER}/NAME when it is finished"
    return BadInputError(f"{run_dir} is a run of many images; expected that of one, {expected}.")


def check_same_images(checkpoint: dict[str, Any], signal: Any, source: str) -> None:
    """Rejects to go on with other images than a checkpoint's.

    Raises:
        BadInputError: The images differ from those of the checkpoint.
    """
    present = signal.names if isinstance(signal, ImageSetSignal) else None
    recorded = checkpoint["inr"].get("images")
    if recorded == present:
        return
    differing = sorted(set(recorded or ()) ^ set(present or ()))
    raise BadInputError(
        f"{source} was trained on other images ({', '.join(differing[:3])}); expected those of "
        "then. Put them back, or begin another run without ckpt_path."
    )
