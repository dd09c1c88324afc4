"""Recordings as signals, from files that are written here."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
import torch

from inr.signal import AudioSignal
from tests.tolerance import assert_close

RATE = 1000


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """Two seconds of two channels: one rises from silence, the other falls half as fast."""
    rising = np.arange(2 * RATE, dtype=np.int16) * 16
    scipy.io.wavfile.write(tmp_path / "ramp.wav", RATE, np.stack([rising, -rising // 2], 1))
    return tmp_path / "ramp.wav"


def test_time_runs_over_the_unit_interval_and_channels_are_outputs(ramp: Path) -> None:
    signal = AudioSignal(path=ramp)
    assert (signal.lattice, signal.in_features, signal.out_features) == ((2000,), 1, 2)
    assert (signal.name, signal.kind, signal.value_range) == ("ramp", "audio", (-1.0, 1.0))
    coords, values = signal.train_points(torch.tensor([0, 7, 1999]))[:2]
    assert_close(coords[:, 0], [0.5 / 2000, 7.5 / 2000, 1999.5 / 2000])
    assert_close(values[:, 0], [0, 7 * 16 / 2**15, 1999 * 16 / 2**15])
    assert_close(values[:, 1], [0, -7 * 8 / 2**15, -1999 * 8 / 2**15])


def test_a_part_and_a_channel_are_cut_out(ramp: Path) -> None:
    signal = AudioSignal(path=ramp, start=0.5, seconds=0.3, channel=1)
    assert (signal.lattice, signal.out_features) == ((300,), 1)
    assert_close(signal.values[:, 0], -8 * torch.arange(500, 800) / 2**15)


def test_a_wider_range_is_louder_to_the_field(ramp: Path) -> None:
    plain, loud = AudioSignal(path=ramp), AudioSignal(path=ramp, value_range=[-8, 8])
    assert_close(loud.values, 8 * plain.values)
    assert plain.step is not None
    assert (plain.step, loud.step) == (2 / 2**16, 16 / 2**16)
    restored = loud.recording_format.restore(loud.values.numpy())
    np.testing.assert_array_equal(restored, scipy.io.wavfile.read(ramp)[1])
    assert (loud.recording_format.rate, loud.recording_format.subtype) == (RATE, "PCM_16")


def test_every_other_sample_is_held_out(ramp: Path) -> None:
    signal = AudioSignal(path=ramp, seconds=0.005, holdout="alternate")
    train, test = signal.train_index, signal.test_index
    assert train is not None and test is not None
    assert (train.tolist(), test.tolist()) == ([0, 2, 4], [1, 3])


def test_what_the_reader_decided_is_a_warning(tmp_path: Path) -> None:
    samples = np.array([0.5, np.nan], np.float32)
    scipy.io.wavfile.write(tmp_path / "a.wav", RATE, samples)
    with pytest.warns(UserWarning, match="1 NaN or infinite samples are read as 0"):
        signal = AudioSignal(path=tmp_path / "a.wav", nonfinite="zero")
    assert signal.values[:, 0].tolist() == [0.5, 0.0]
    assert signal.step is None


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"value_range": (1.0, -1.0)}, ValueError, "expected the lower first"),
        ({"value_range": 1.0}, TypeError, "value_range is 1.0"),
        ({"max_samples": 3999}, ValueError, "claims 4,000 samples; .*seconds=1.999, or"),
        ({"channel": 2}, ValueError, "has no channel 2: it has 2"),
    ],
)
def test_knobs_out_of_range_are_rejected(
    ramp: Path, options: dict[str, object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        AudioSignal(path=ramp, **options)  # type: ignore[arg-type]
