"""TensorBoard gets what can be seen and heard."""

import io
import wave
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from PIL import Image, ImageSequence
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray
from torch.utils.tensorboard import SummaryWriter

from inr.callback._tensorboard import add_preview
from inr.signal import FilmPreview, MeshPreview, PicturePreview, Preview, SoundPreview, magnified
from tests.callback.events import read_events


def written(preview: Preview, folder: Path) -> EventAccumulator:
    writer = SummaryWriter(str(folder / "tensorboard"))
    add_preview(writer, preview, 7)
    writer.close()
    return read_events(folder)


def test_a_picture_is_written_pixel_by_pixel(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 7, 3)).astype(np.uint8)
    (shown,) = written(PicturePreview("a title", pixels), tmp_path).Images("a title")
    assert shown.step == 7
    np.testing.assert_array_equal(imageio.imread(shown.encoded_image_string), magnified(pixels))


@pytest.mark.parametrize("channels", [1, 2])
def test_a_sound_is_mixed_down_at_its_rate(channels: int, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (50, channels)).astype(np.float32)
    (heard,) = written(SoundPreview("both", samples, 12_345), tmp_path).Audio("both")
    assert heard.step == 7
    with wave.open(io.BytesIO(heard.encoded_audio_string)) as file:
        assert file.getframerate() == 12_345
        found = np.frombuffer(file.readframes(-1), np.int16) / 2**15
    np.testing.assert_allclose(found, samples.mean(1), atol=1e-4)


def test_a_sound_of_one_sample_is_no_reason_to_fail(tmp_path: Path) -> None:
    click = SoundPreview("click", np.ones((1, 2), np.float32), 8000)
    (heard,) = written(click, tmp_path).Audio("click")
    assert heard.step == 7


@pytest.mark.parametrize("length", [1, 3])
def test_a_film_plays_where_images_are_shown(length: int, tmp_path: Path) -> None:
    frames = np.zeros((length, 4, 6, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[:, number] = [255, 80 * number, 0]
    (shown,) = written(FilmPreview("moving", frames, 4.0), tmp_path).Images("moving")
    assert (shown.step, shown.width, shown.height) == (7, 6 * 128, 4 * 128)
    with Image.open(io.BytesIO(shown.encoded_image_string)) as image:
        assert image.format == "GIF"
        found = np.stack([frame.convert("RGB") for frame in ImageSequence.Iterator(image)])
        assert length == 1 or (image.info["duration"], image.info["loop"]) == (250, 0)
    np.testing.assert_array_equal(found[:, ::128, ::128], frames)


def test_a_surface_is_written_with_its_triangles(tmp_path: Path) -> None:
    vertices, faces = np.eye(3, dtype=np.float64), np.array([[0, 1, 2], [2, 1, 0]])
    events = written(MeshPreview("solid", vertices, faces), tmp_path)
    tags = {tag.rpartition("_")[2]: tag for tag in events.Tags()["tensors"]}
    found = {kind: events.Tensors(tag)[0].tensor_proto for kind, tag in tags.items()}
    np.testing.assert_array_equal(make_ndarray(found["VERTEX"])[0], vertices)
    np.testing.assert_array_equal(make_ndarray(found["FACE"])[0], faces)
