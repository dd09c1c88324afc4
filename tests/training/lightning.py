"""Lightning's trainer without all that is of no use in a test."""

import warnings
from typing import Any

import pytorch_lightning as pl

from inr.training import FieldTraining


def train_quietly(
    training: FieldTraining, *callbacks: pl.Callback, accelerator: str = "cpu", **options: Any
) -> pl.Trainer:
    """Trains on one device, and returns the trainer."""
    trainer = pl.Trainer(
        accelerator=accelerator,
        max_epochs=-1,
        log_every_n_steps=5,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    with warnings.catch_warnings():
        # Lightning's own.
        warnings.simplefilter("ignore")
        trainer.fit(training)
    return trainer
