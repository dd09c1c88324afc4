"""Recordings: what is measured, shown, heard and written."""

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.signal import (
    AudioSignal,
    PicturePreview,
    SoundPreview,
)
from inr.signal.audio import RecordingFormat, draw_spectrograms, write_recording
from inr.signal.audio.display import AudioDisplay

RATE = 8000


def make(samples: np.ndarray, **options: Any) -> AudioSignal:
    write_recording("in.wav", samples, RecordingFormat("WAV", "PCM_16", RATE, 2.0**15, (-1, 1)))
    return AudioSignal(path="in.wav", **options)


def noise(count: int, channels: int = 2) -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.integers(-(2**15), 2**15, (count, channels)).astype(np.int16)


class Line(nn.Module):
    """From -1 at the start to 1 at the end, and half of that."""

    def forward(self, coords: Tensor) -> Tensor:
        return torch.cat([2 * coords - 1, coords - 0.5], dim=-1)


def read(path: str) -> tuple[np.ndarray, int]:
    with wave.open(path) as file:
        samples = np.frombuffer(file.readframes(-1), np.int16)
        return samples.reshape(-1, file.getnchannels()), file.getframerate()


@pytest.mark.parametrize("value_range", [[-1.0, 1.0], [0.0, 4.0]])
def test_silence_is_the_middle_of_the_range(value_range: list[float]) -> None:
    signal = make(noise(500), value_range=value_range)
    lower, upper = value_range
    shift = torch.rand(500, 2, generator=torch.Generator().manual_seed(0))
    rendering = signal.values + (upper - lower) * (shift - 0.5)
    metrics = AudioDisplay().measure(nn.Identity(), signal, rendering)
    truth = noise(500) / 2**15
    heard = 2 * (rendering.double().numpy().clip(lower, upper) - lower) / (upper - lower) - 1
    error = ((heard - truth) ** 2).mean()
    # Inputs are float32.
    assert metrics["snr"] == pytest.approx(10 * np.log10((truth**2).mean() / error), abs=1e-4)
    assert metrics["psnr"] == pytest.approx(10 * np.log10(4 / error), abs=1e-4)


def test_the_reading_that_matters_most_is_the_noise() -> None:
    assert AudioDisplay().metrics[0].key == "snr"


def test_target_and_reconstruction_are_seen_and_heard() -> None:
    signal = make(noise(600))
    rendering = 0.5 * signal.values
    picture, *sounds = AudioDisplay().show(
        nn.Identity(), signal, rendering, error_scale=0.1, max_pixels=100
    )
    assert isinstance(picture, PicturePreview)
    truth = noise(600) / 2**15
    half = np.rint(noise(600) / 2) / 2**15
    np.testing.assert_array_equal(picture.pixels, draw_spectrograms(truth, half))
    assert [(sound.title, sound.rate) for sound in sounds] == [
        ("target", RATE),
        ("reconstruction", RATE),
    ]
    for sound, expected in zip(sounds, (truth, half), strict=True):
        assert sound.samples.dtype == np.float32
        np.testing.assert_array_equal(sound.samples, expected)


def test_of_a_long_recording_the_beginning_is_heard_until_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inr.signal.audio.display.MOST_HEARD", 100)
    signal = make(noise(600))
    for thorough, length in ((False, 100), (True, 600)):
        previews = AudioDisplay().show(
            nn.Identity(), signal, signal.values, error_scale=0.1, max_pixels=9, thorough=thorough
        )
        for preview in previews[1:]:
            assert isinstance(preview, SoundPreview)
            np.testing.assert_array_equal(preview.samples, (noise(600) / 2**15)[:length])


@pytest.mark.parametrize(
    ("size", "region", "rate"),
    [
        (None, None, RATE),
        ((1000,), None, 2 * RATE),
        ((125,), ((0.25,), (0.5,)), RATE),
        ((500,), ((0.25,), (0.5,)), 4 * RATE),
        ((750,), ((-0.5,), (1.0,)), RATE),
    ],
)
def test_the_rate_is_that_of_the_length(size: Any, region: Any, rate: int) -> None:
    display = AudioDisplay()
    description = display.describe(make(noise(500)))
    display.write("out.wav", Line(), description, size=size, region=region)
    samples, found = read("out.wav")
    count = (size or (500,))[0]
    ((lower,), (upper,)) = region or ((0.0,), (1.0,))
    time = lower + (np.arange(count) + 0.5) / count * (upper - lower)
    assert found == rate
    expected = 2**15 * np.stack([2 * time - 1, time - 0.5], axis=1)
    assert np.abs(samples - expected.clip(-(2**15), 2**15 - 1)).max() < 0.51


def test_a_recording_has_a_rate_however_few_samples_are_asked_for() -> None:
    display = AudioDisplay()
    write_recording("in.wav", noise(500), RecordingFormat("WAV", "PCM_16", 100, 2.0**15, (-1, 1)))
    description = display.describe(AudioSignal(path="in.wav"))
    display.write("out.wav", Line(), description, size=(1,))
    samples, rate = read("out.wav")
    assert (len(samples), rate) == (1, 1)


class Silent(nn.Module):
    def forward(self, coords: Tensor) -> Tensor:
        raise AssertionError("it is rendered")


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("a.mp3", None, r"'.mp3'; expected .wav or .flac. Name it a.wav"),
        ("a.flac", (50_000,), "800,000 samples per second; expected at most 655,350"),
    ],
)
def test_what_cannot_be_written_is_rejected_before_it_is_rendered(
    name: str, size: Any, message: str
) -> None:
    display = AudioDisplay()
    description = display.describe(make(noise(500)))
    with pytest.raises(ValueError, match=message):
        display.write(Path(name), Silent(), description, size=size)
    assert not Path(name).exists()


def test_a_single_sample_is_a_recording() -> None:
    signal, display = make(noise(1)), AudioDisplay()
    assert display.measure(nn.Identity(), signal, signal.values)["snr"] == np.inf
    previews = display.show(
        nn.Identity(), signal, signal.values, error_scale=0.1, max_pixels=9, thorough=True
    )
    assert [type(preview) for preview in previews] == [PicturePreview, SoundPreview, SoundPreview]
    display.write("out.wav", Line(), display.describe(signal))
    assert read("out.wav")[0].tolist() == [[0, 0]]
