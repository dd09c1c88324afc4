"""Where pictures and text go."""

import pytorch_lightning as pl
from pytorch_lightning.loggers import TensorBoardLogger
from torch.utils.tensorboard import SummaryWriter


def tensorboard_writers(trainer: pl.Trainer) -> list[SummaryWriter]:
    """The writers of the run's TensorBoard loggers; none on other ranks than the first."""
    if not trainer.is_global_zero:
        return []
    return [
        logger.experiment for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)
    ]
