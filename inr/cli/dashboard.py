"""What loggers get at the start of a run."""

from typing import Any

import pytorch_lightning as pl
from omegaconf import OmegaConf
from pytorch_lightning.loggers import TensorBoardLogger
from torch.utils.tensorboard.summary import hparams

SORTED_BY = ("psnr", "test_psnr", "ssim", "train/loss", "train/points_per_second")
LAYOUT = {
    "Tangent kernel": {
        "log10 eigenvalue by mode (x: mode)": ["Multiline", [r"ntk_spectrum/.*"]],
        "log10 eigenvalue of what Adam steps": ["Multiline", [r"ntk_preconditioned/.*"]],
        "Share of the error in the leading modes (x: mode)": ["Multiline", [r"ntk_residual/.*"]],
        "Largest stable learning rate, and the one in use": ["Multiline", ["ntk/(max_)?lr"]],
        "Drift and rotation": ["Multiline", ["ntk/(drift|rotation)"]],
        "Largest eigenvalue": ["Multiline", ["ntk/lambda_max"]],
        "Trace": ["Multiline", ["ntk/trace"]],
        "Effective rank": ["Multiline", ["ntk/effective_rank"]],
        "Condition number": ["Multiline", ["ntk/condition_number"]],
    },
    "Predicted dynamics": {
        "Measured over predicted error of modes": ["Multiline", [r"predicted_dynamics_ratio/.*"]],
        "Loss, measured and predicted": ["Multiline", [r"predicted_dynamics/(predicted_)?loss"]],
        "Error of each octave, measured and predicted": [
            "Multiline",
            [r"predicted_dynamics_bands/.*"],
        ],
        "Error of the kernel machine along the path": ["Multiline", ["path_kernel/error"]],
    },
    "Spectral bias": {
        "Relative error of each octave": ["Multiline", [r"frequency_bands/.*"]],
        "Measured decay of each octave": ["Multiline", [r"ntk_measured_rates/.*"]],
        "Predicted decay of each octave": ["Multiline", [r"ntk_predicted_rates/.*"]],
    },
    "Fit": {
        "PSNR (dB)": ["Multiline", [r"^(test_|train_)?psnr$"]],
        "PSNR of the batch (dB)": ["Multiline", ["train/psnr"]],
        "Loss": ["Multiline", ["train/loss"]],
    },
}


def log_configuration(trainer: pl.Trainer, config: dict[str, Any], choices: dict[str, str]) -> None:
    """The whole configuration as text, its options so that the runs of a sweep can be sorted.

    TensorBoard gets the layout of its custom scalars, too, and its HPARAMS shows the options beside
    the last PSNR and SSIM of the curves.

    Args:
        trainer: Its loggers are written to.
        config: Plain and resolved.
        choices: The member of each family.
    """
    options: dict[str, Any] = {"seed": config["seed"]}
    for family in ("encoding", "network", "sampler", "loss", "optimizer", "scheduler"):
        options[family] = choices[family]
        options |= _scalars(family, config[family])
    for key in ("max_steps", "precision"):
        options[f"trainer.{key}"] = config["trainer"][key]
    for logger in trainer.loggers:
        if not isinstance(logger, TensorBoardLogger):
            logger.log_hyperparams(options)
        elif trainer.is_global_zero:
            text = OmegaConf.to_yaml(OmegaConf.create(config))
            logger.experiment.add_text("config", f"```yaml\n{text}```")
            logger.experiment.add_custom_scalars(LAYOUT)
            for summary in hparams(options, dict.fromkeys(SORTED_BY)):
                logger.experiment._get_file_writer().add_summary(summary)


def _scalars(family: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{family}.{key}": value
        for key, value in options.items()
        if isinstance(value, bool | int | float | str) and not key.startswith("_")
    }
