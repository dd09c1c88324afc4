"""Previews and curves in TensorBoard."""

import io
from collections.abc import Iterable

import numpy as np
import torch
from PIL import Image
from pytorch_lightning.loggers import Logger, TensorBoardLogger
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from inr.signal import FilmPreview, MeshPreview, PicturePreview, Preview, SoundPreview, magnified
from inr.training import add_summary


def tensorboard_writers(loggers: Iterable[Logger]) -> list[SummaryWriter]:
    """The writers of the TensorBoard loggers among some loggers, on the first rank."""
    return [logger.experiment for logger in loggers if isinstance(logger, TensorBoardLogger)]


def add_curve(writer: SummaryWriter, tag: str, x: np.ndarray, y: np.ndarray) -> None:
    """Writes y against whole numbers x, where TensorBoard has steps."""
    for position, value in zip(x.tolist(), y.tolist(), strict=True):
        writer.add_scalar(tag, value, position)


def add_preview(writer: SummaryWriter, preview: Preview, step: int) -> None:
    """Writes a preview."""
    match preview:
        case PicturePreview(title, pixels):
            writer.add_image(title, magnified(pixels), step, dataformats="HWC")
        case SoundPreview(title, samples, rate):
            # TensorBoard's player has one channel, and no use for a single sample.
            mixed = samples.mean(1) if len(samples) > 1 else np.zeros(2, np.float32)
            writer.add_audio(title, torch.from_numpy(mixed).clamp(-1, 1), step, rate)
        case MeshPreview(title, vertices, faces):
            points, triangles = torch.from_numpy(vertices)[None], torch.from_numpy(faces)[None]
            writer.add_mesh(title, points.float(), faces=triangles.int(), global_step=step)
        case FilmPreview():
            add_summary(writer, _moving_image(preview), step)


def _moving_image(film: FilmPreview) -> Summary:
    """A GIF, which a browser plays where TensorBoard shows an image."""
    pixels = magnified(film.frames)
    frames = [Image.fromarray(frame) for frame in pixels]
    file = io.BytesIO()
    milliseconds = round(1000 / film.rate)
    frames[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=milliseconds,
        loop=0,
    )
    _, height, width, _ = pixels.shape
    image = Summary.Image(
        height=height, width=width, colorspace=3, encoded_image_string=file.getvalue()
    )
    return Summary(value=[Summary.Value(tag=film.title, image=image)])
