"""Recordings: WAV against other programs' files, depth and rate kept, and what is rejected."""

import io
import struct
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
import soundfile
from numpy.typing import DTypeLike

from inr.signal.audio import (
    RecordingFormat,
    draw_spectrograms,
    find_powers,
    is_recording,
    mp3,
    native_recording_suffix,
    read_recording,
    write_recording,
)
from tests.conftest import SHARED_DATA
from tests.tolerance import assert_close

RATE = 8000
BITS = {"PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
# Behind the two bytes that say PCM or float, the rest of an extensible format's name.
GUID_TAIL = bytes.fromhex("0000000010008000" + "00aa00389b71")
COUNTING = SHARED_DATA / "audio" / "gt_counting.wav"


def draw_samples(subtype: str, count: int = 37, channels: int = 2) -> np.ndarray:
    """Random samples with the extremes among them; channels differ."""
    random = np.random.default_rng(len(subtype))
    if subtype not in BITS:
        dtype: DTypeLike = np.float64 if subtype == "DOUBLE" else np.float32
        return random.uniform(-1, 1, (count, channels)).astype(dtype)
    half = 2 ** (BITS[subtype] - 1)
    samples = random.integers(-half, half, (count, channels))
    samples[0, 0], samples[1, -1] = -half, half - 1
    return samples.astype({8: np.int8, 16: np.int16}.get(BITS[subtype], np.int32))


def make_wav(*chunks: tuple[bytes, bytes], form: bytes = b"RIFF") -> bytes:
    """A file of the given chunks."""
    order = ">" if form == b"RIFX" else "<"
    body = b"".join(
        name + struct.pack(order + "I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in chunks
    )
    return form + struct.pack(order + "I", 4 + len(body)) + b"WAVE" + body


def make_form(tag: int, channels: int, bits: int, order: str = "<") -> tuple[bytes, bytes]:
    """The chunk that says how samples are stored."""
    width = channels * bits // 8
    packed = struct.pack(order + "HHIIHH", tag, channels, RATE, RATE * width, width, bits)
    return b"fmt ", packed


def save(folder: Path, content: bytes, name: str = "sound.wav") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("subtype", [*BITS, "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 3])
def test_wav_keeps_every_sample_of_every_depth(subtype: str, channels: int, tmp_path: Path) -> None:
    samples = draw_samples(subtype, channels=channels)
    form = RecordingFormat("WAV", subtype, RATE, 1.0, (-1.0, 1.0))
    write_recording(tmp_path / "new" / "sound.wav", samples, form)
    sound = read_recording(tmp_path / "new" / "sound.wav")
    assert (sound.rate, sound.container, sound.subtype) == (RATE, "WAV", subtype)
    assert sound.samples.dtype == samples.dtype == form.dtype
    np.testing.assert_array_equal(sound.samples, samples)
    assert not sound.notes


@pytest.mark.parametrize("subtype", [*BITS, "FLOAT", "DOUBLE"])
def test_libsndfile_agrees_on_what_is_read_and_written(subtype: str, tmp_path: Path) -> None:
    samples = draw_samples(subtype)
    form = RecordingFormat("WAV", subtype, RATE, 1.0, (-1.0, 1.0))
    write_recording(tmp_path / "ours.wav", samples, form)
    full_scale = 1.0 if subtype not in BITS else 2.0 ** (BITS[subtype] - 1)
    found, rate = soundfile.read(tmp_path / "ours.wav")
    assert rate == RATE
    np.testing.assert_array_equal(found, samples / full_scale)
    for name in ("WAV", "WAVEX", "RF64"):
        soundfile.write(tmp_path / "theirs.wav", found, RATE, subtype=subtype, format=name)
        np.testing.assert_array_equal(read_recording(tmp_path / "theirs.wav").samples, samples)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_scipy_agrees_on_what_is_read(dtype: DTypeLike, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    samples = (random.uniform(0, 100, (20, 2))).astype(dtype)
    scipy.io.wavfile.write(tmp_path / "sound.wav", RATE, samples)
    found = read_recording(tmp_path / "sound.wav").samples
    offset = 128 if dtype == np.uint8 else 0
    np.testing.assert_array_equal(found.astype(np.float64), samples.astype(np.float64) - offset)


def test_python_reads_the_24_bits_that_are_written(tmp_path: Path) -> None:
    samples = np.array([[1], [-1], [-(2**23)], [2**23 - 1], [0x123456]], np.int32)
    form = RecordingFormat("WAV", "PCM_24", RATE, 1.0, (-1.0, 1.0))
    write_recording(tmp_path / "sound.wav", samples, form)
    with wave.open(str(tmp_path / "sound.wav")) as file:
        assert (file.getsampwidth(), file.getframerate(), file.getnframes()) == (3, RATE, 5)
        assert file.readframes(5)[:6] == b"\1\0\0\xff\xff\xff"


def test_the_numbers_of_other_orders_and_headers_are_read(tmp_path: Path) -> None:
    samples = np.array([[1, -2], [300, -400]], np.int16)
    plain = samples.astype("<i2").tobytes()
    extensible = make_form(0xFFFE, 2, 16)[1] + struct.pack("<HHIH", 22, 12, 3, 1) + GUID_TAIL
    big = make_wav(
        make_form(1, 2, 16, ">"), (b"data", samples.astype(">i2").tobytes()), form=b"RIFX"
    )
    for content in (
        make_wav((b"fmt ", extensible), (b"data", plain)),
        make_wav((b"LIST", b"odd"), make_form(1, 2, 16), (b"bext", b"x" * 7), (b"data", plain)),
        make_wav(make_form(1, 2, 16), (b"data", plain), (b"id3 ", b"more")),
        big,
    ):  # fmt: skip
        np.testing.assert_array_equal(read_recording(save(tmp_path, content)).samples, samples)


def test_24_bits_of_another_order_are_read(tmp_path: Path) -> None:
    content = make_wav(make_form(1, 1, 24, ">"), (b"data", b"\0\1\2\xff\xff\xfe"), form=b"RIFX")
    assert read_recording(save(tmp_path, content)).samples[:, 0].tolist() == [0x000102, -2]


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_a_header_from_a_pipe_leaves_the_length_open(length: int, tmp_path: Path) -> None:
    content = bytearray(make_wav(make_form(1, 1, 16), (b"data", bytes(range(8)))))
    struct.pack_into("<I", content, content.index(b"data") + 4, length)
    sound = read_recording(save(tmp_path, bytes(content)))
    assert sound.samples[:, 0].tolist() == [0x0100, 0x0302, 0x0504, 0x0706]
    assert sound.notes == ("header does not say how long it is; it is read to its end",)


def test_what_follows_samples_of_no_length_is_read_too(tmp_path: Path) -> None:
    """A known limit: what comes behind them cannot be told from them."""
    chunks = make_form(1, 1, 16), (b"data", b""), (b"id3 ", b"more")
    assert len(read_recording(save(tmp_path, make_wav(*chunks))).samples) == 6


@pytest.mark.parametrize("form", [b"RIFF", b"RIFX"])
@pytest.mark.parametrize("bits", [20, 24])
def test_the_container_of_a_sample_counts(bits: int, form: bytes, tmp_path: Path) -> None:
    """Of 20 or 24 bits in a container of 32, the rest may be anything."""
    order = "<" if form == b"RIFF" else ">"
    samples = np.random.default_rng(bits).integers(-(2**31), 2**31, (50, 2))
    header = struct.pack(order + "HHIIHH", 1, 2, RATE, RATE * 8, 8, bits)
    content = make_wav(
        (b"fmt ", header), (b"data", samples.astype(order + "i4").tobytes()), form=form
    )
    recording = read_recording(save(tmp_path, content))
    assert recording.subtype == "PCM_32"
    np.testing.assert_array_equal(recording.samples, samples)


def test_a_part_is_in_seconds(tmp_path: Path) -> None:
    samples = np.arange(3 * RATE, dtype=np.int16)[:, None] * np.array([1, -1], np.int16)
    form = RecordingFormat("WAV", "PCM_16", RATE, 1.0, (-1.0, 1.0))
    write_recording(tmp_path / "sound.wav", samples, form)
    found = read_recording(tmp_path / "sound.wav", start=0.5, seconds=0.25, channel=1)
    np.testing.assert_array_equal(found.samples, samples[4000:6000, 1:])
    assert len(read_recording(tmp_path / "sound.wav", start=2.5, seconds=9).samples) == 4000


@pytest.mark.parametrize("kind", ["FLAC", "AIFF"])
@pytest.mark.parametrize("bits", [16, 24])
def test_other_formats_without_loss_are_read_as_stored(
    kind: str, bits: int, tmp_path: Path
) -> None:
    samples = draw_samples(f"PCM_{bits}", 5000)
    path = tmp_path / "sound"
    wide = samples.astype(np.int32) << (32 - bits)
    soundfile.write(path, wide, 44_100, format=kind, subtype=f"PCM_{bits}")
    sound = read_recording(path)
    assert (sound.rate, sound.container, sound.subtype) == (44_100, kind, f"PCM_{bits}")
    np.testing.assert_array_equal(sound.samples, samples)
    part = read_recording(path, start=0.05, seconds=0.01)
    np.testing.assert_array_equal(part.samples, samples[2205:2646])


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_flac_keeps_every_sample(bits: int, tmp_path: Path) -> None:
    samples = draw_samples({8: "PCM_U8"}.get(bits, f"PCM_{bits}"))
    form = RecordingFormat("FLAC", {8: "PCM_S8"}.get(bits, f"PCM_{bits}"), 12_345, 1.0, (-1.0, 1.0))
    assert native_recording_suffix(form) == ".flac"
    write_recording(tmp_path / "sound.flac", samples, form)
    sound = read_recording(tmp_path / "sound.flac")
    assert (sound.rate, sound.subtype) == (12_345, form.subtype)
    np.testing.assert_array_equal(sound.samples, samples)
    write_recording(tmp_path / "sound.wav", samples, form)
    np.testing.assert_array_equal(read_recording(tmp_path / "sound.wav").samples, samples)


def test_what_was_lossy_becomes_floats(tmp_path: Path) -> None:
    wave = 0.5 * np.sin(np.arange(4000) / 10)
    soundfile.write(tmp_path / "sound.ogg", wave, 16_000, format="OGG", subtype="VORBIS")
    sound = read_recording(tmp_path / "sound.ogg")
    assert sound.samples.dtype == np.float32
    assert np.abs(sound.samples[500:-500, 0] - wave[500:-500]).max() < 0.1
    form = RecordingFormat.of(sound, (-1.0, 1.0))
    assert (form.step, native_recording_suffix(form)) == (None, ".wav")
    write_recording(tmp_path / "sound.wav", form.restore(form.normalize(sound.samples)), form)
    assert read_recording(tmp_path / "sound.wav").subtype == "FLOAT"


@pytest.mark.parametrize("subtype", [*BITS, "FLOAT", "DOUBLE"])
def test_normalised_samples_come_back(subtype: str, tmp_path: Path) -> None:
    samples = draw_samples(subtype)
    write_recording(
        tmp_path / "a.wav", samples, RecordingFormat("WAV", subtype, RATE, 1.0, (-1.0, 1.0))
    )
    form = RecordingFormat.of(read_recording(tmp_path / "a.wav"), (-3.0, 1.0))
    values = form.normalize(samples)
    assert values.min() >= -3 and values.max() <= 1
    # Silence is the middle of the range.
    assert_close(form.normalize(np.zeros((1, 1), samples.dtype)), [[-1.0]])
    if subtype in ("PCM_32", "DOUBLE"):
        scaled = (form.restore(values) / form.full_scale).astype(np.float32)
        assert_close(scaled, samples / form.full_scale)
    else:
        assert_close(form.restore(values).astype(np.float32), samples, looser=10)
    loud = form.restore(np.array([[-9.0, 9.0]]))
    top = 1 if form.bits is None else 2 ** (form.bits - 1)
    assert loud.tolist() == [[-top, top - (form.bits is not None)]]


def test_floats_beyond_full_scale_stay_in_the_range(tmp_path: Path) -> None:
    samples = np.array([[0.5], [-4.0]], np.float32)
    write_recording(
        tmp_path / "a.wav", samples, RecordingFormat("WAV", "FLOAT", RATE, 1.0, (-1.0, 1.0))
    )
    form = RecordingFormat.of(read_recording(tmp_path / "a.wav"), (-1.0, 1.0))
    values = form.normalize(samples)
    # A hair is left, for rounding.
    assert_close(values, [[0.125], [-1.0]], looser=10)
    assert values.min() >= -1
    assert_close(form.restore(values), samples, looser=10)


PLAIN = make_wav(make_form(1, 1, 16), (b"data", bytes(200)))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"just some text", "is no audio in a known format .*expected WAV, FLAC"),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), "is no audio"),
        (PLAIN[:-100], r"is cut off \(50 of 100 samples are there\).*seconds=0.0062\.$"),
        (PLAIN[:30], "is cut off or damaged"),
        (PLAIN[:38], "is cut off or damaged .*No 'data' chunk"),
        (make_wav(make_form(1, 1, 16), (b"data", b"")), "has no samples"),
        (
            make_wav((b"data", bytes(8)), make_form(1, 1, 16)),
            "is cut off or damaged .*No 'data' chunk",
        ),
        (make_wav(make_form(1, 0, 16), (b"data", bytes(8))), "Channel count is zero"),
    ],
)
def test_what_is_no_recording_is_rejected_in_one_line(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        read_recording(save(tmp_path, content))
    assert "\n" not in str(caught.value) and "; expected " in str(caught.value)


def test_what_is_there_of_a_cut_off_file_can_be_read(tmp_path: Path) -> None:
    path = save(tmp_path, PLAIN[:-100])
    assert len(read_recording(path, seconds=0.0062).samples) == 50
    with pytest.raises(ValueError, match=r"Re-save it\.$"):
        read_recording(path, start=60 / RATE)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"start": -1.0}, ValueError, "start is -1.0"),
        ({"start": 1.0}, ValueError, "lasts 0.0125 seconds and ends before start=1"),
        ({"seconds": 0.0}, ValueError, "seconds is 0.0"),
        ({"seconds": 1e-6}, ValueError, "none in seconds=1e-06"),
        ({"channel": 1}, ValueError, "has no channel 1: it has 1; .*Use channel=0"),
        ({"channel": 0.5}, TypeError, "channel is 0.5"),
        ({"nonfinite": "drop"}, ValueError, "nonfinite is 'drop'"),
        ({"max_samples": 99}, ValueError, "claims 100 samples; expected at most 99.*seconds=0.01"),
    ],
)
def test_knobs_out_of_range_are_rejected(
    options: dict[str, object], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=sentence):
        read_recording(save(tmp_path, PLAIN), **options)  # type: ignore[arg-type]


def test_a_header_that_lies_takes_no_memory(tmp_path: Path) -> None:
    content = bytearray(PLAIN)
    struct.pack_into("<I", content, content.index(b"data") + 4, 0xFFFFFFF0)
    with pytest.raises(ValueError, match="claims 2,147,483,640 samples; expected at most 16,"):
        read_recording(save(tmp_path, bytes(content)))
    with pytest.raises(ValueError, match=r"is cut off \(100 of 2,147,483,640 samples"):
        read_recording(tmp_path / "sound.wav", max_samples=2**40)


def test_nan_is_rejected_or_zero(tmp_path: Path) -> None:
    samples = np.array([0.5, np.nan, np.inf], "<f4").tobytes()
    path = save(tmp_path, make_wav(make_form(3, 1, 32), (b"data", samples)))
    with pytest.raises(ValueError, match=r"holds 2 NaN or infinite samples of 3; .*nonfinite=zero"):
        read_recording(path)
    sound = read_recording(path, nonfinite="zero")
    assert sound.samples.tolist() == [[0.5], [0.0], [0.0]]
    assert sound.notes == ("2 NaN or infinite samples are read as 0",)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "AIFF", "MP3"])
def test_damage_ends_as_a_value_error_or_a_sound(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(len(kind))
    buffer = io.BytesIO()
    soundfile.write(buffer, random.uniform(-0.5, 0.5, (2000, 2)), 44_100, format=kind)
    content = buffer.getvalue()
    assert is_recording(save(tmp_path, content))
    # Encoders put silence around.
    assert len(read_recording(tmp_path / "sound.wav").samples) >= 2000
    for trial in range(40):
        damaged = bytearray(content)
        if trial % 2:
            del damaged[random.integers(1, len(content)) :]
        else:
            for place in random.integers(0, len(content) if trial % 4 else 60, 4):
                damaged[place] = random.integers(0, 256)
        try:
            sound = read_recording(save(tmp_path, bytes(damaged)), nonfinite="zero")
        except ValueError as error:
            assert "; expected " in str(error) and "\n" not in str(error)
        else:
            assert sound.samples.ndim == 2 and sound.samples.size
    assert capfd.readouterr() == ("", "")


def test_a_rate_that_no_file_could_be_written_with_is_rejected(tmp_path: Path) -> None:
    content = bytearray(PLAIN)
    place = content.index(b"fmt ") + 12
    content[place : place + 4] = struct.pack("<I", 2**32 - 1)
    with pytest.raises(ValueError, match=r"header makes no sense.*; expected"):
        read_recording(save(tmp_path, bytes(content)))
    content[place : place + 4] = struct.pack("<I", 2**24 + 1)
    with pytest.raises(ValueError, match=r"claims 16,777,217 samples per second; expected at most"):
        read_recording(save(tmp_path, bytes(content)))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_mp3_is_known_by_the_mark_of_a_frame_of_any_rate(rate: int, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, draw_samples("FLOAT", 4_000), rate, format="MP3")
    assert is_recording(save(tmp_path, buffer.getvalue()))


def encode_mp3(rate: int, channels: int, mode: str) -> tuple[bytes, bytes]:
    """An MP3 that turns loud half-way, whole and without the frame that says its length."""
    noise = np.random.default_rng(rate).uniform(-0.4, 0.4, (30_000, channels))
    noise[15_000:] *= 0.01
    buffer = io.BytesIO()
    soundfile.write(
        buffer, noise, rate, format="MP3", bitrate_mode=mode, compression_level=0.5
    )  # fmt: skip
    content = buffer.getvalue()
    frames = list(mp3.find_frames(content))
    # Frame behind frame, without a gap.
    assert [frame.start for frame in frames[1:]] == [frame.end for frame in frames[:-1]]
    assert frames[-1].end == len(content)
    return content, content[frames[0].end :]


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_an_mp3_that_does_not_say_its_length_is_read_to_its_end(
    rate: int, channels: int, mode: str, tmp_path: Path
) -> None:
    content, unsaid = encode_mp3(rate, channels, mode)
    whole = read_recording(save(tmp_path, content))
    assert (whole.samples.shape, whole.notes) == ((30_000, channels), ())
    tag = b"APETAGEX" + bytes(range(256)) * 30
    for trial in (unsaid, unsaid + tag, b"ID3\4\0\0\0\0\1\0" + bytes(128) + unsaid):
        sound = read_recording(save(tmp_path, trial))
        # The encoder's delay, which the frame that is gone tells of too.
        assert_close(sound.samples[576:30_576], whole.samples)
        assert sound.notes == ("header does not say how long it is; it is read to its end",)
    part = read_recording(tmp_path / "sound.wav", start=0.5, seconds=0.1)
    first = rate // 2
    assert_close(part.samples, sound.samples[first : first + rate // 10])


def test_an_mp3_that_does_not_say_its_length_is_within_the_limits(tmp_path: Path) -> None:
    _, unsaid = encode_mp3(44_100, 2, "VARIABLE")
    with pytest.raises(ValueError, match=r"claims 63,... samples; expected at most 60,000"):
        read_recording(save(tmp_path, unsaid), max_samples=60_000)
    assert (
        len(read_recording(tmp_path / "sound.wav", seconds=0.5, max_samples=60_000).samples)
        == 22050
    )
    # Of one that is cut off, what is there: it says nowhere that it goes on.
    assert (
        14_000
        < len(read_recording(save(tmp_path, unsaid[: len(unsaid) * 2 // 3])).samples)
        < 30_000
    )


@pytest.mark.parametrize("tag", [b"APETAGEX" + bytes(range(256)) * 30, b"TAG" + bytes(125)])
def test_an_mp3_that_says_its_length_is_read_so_far_or_rejected(tag: bytes, tmp_path: Path) -> None:
    content, _ = encode_mp3(44_100, 2, "CONSTANT")
    assert len(read_recording(save(tmp_path, content + tag)).samples) == 30_000
    with pytest.raises(ValueError, match=r"is cut off .* of 30,000 samples are there"):
        read_recording(save(tmp_path, content[: len(content) // 2]))


def test_what_lies_between_the_frames_of_an_mp3_is_passed_over(tmp_path: Path) -> None:
    _, unsaid = encode_mp3(44_100, 1, "CONSTANT")
    frames = list(mp3.find_frames(unsaid))
    middle = frames[len(frames) // 2].start
    # What starts as a frame is none without another behind it.
    damaged = unsaid[:middle] + b"not" + unsaid[:4] + b"a frame" * 300 + unsaid[middle:]
    expected = read_recording(save(tmp_path, unsaid)).samples
    np.testing.assert_array_equal(read_recording(save(tmp_path, damaged)).samples, expected)


@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64", "AIFF", "AU", "FLAC"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_a_cut_off_file_is_rejected(kind: str, subtype: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, draw_samples("FLOAT", 20_000), RATE, format=kind, subtype=subtype)
    path = save(tmp_path, buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(ValueError, match="is cut off") as caught:
        read_recording(path)
    if kind != "FLAC":
        seconds = float(
            str(caught.value).partition("20,000 samples")[2].partition("seconds=")[2][:-1]
        )
        assert 1.2 < seconds < 1.25
        assert len(read_recording(path, seconds=seconds).samples) == round(seconds * RATE)


def test_many_chunks_do_not_hide_that_a_file_is_cut_off(tmp_path: Path) -> None:
    text = b"INFOICMT" + struct.pack("<I", 40) + bytes(40)
    chunks = [(b"LIST", text)] * 80 + [make_form(1, 1, 16), (b"data", bytes(2000))]
    content = make_wav(*chunks)
    assert len(read_recording(save(tmp_path, content)).samples) == 1000
    with pytest.raises(ValueError, match=r"is cut off \(800 of 1,000 samples are there\)"):
        read_recording(save(tmp_path, content[:-400]))


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_the_same_samples_make_the_same_file(subtype: str, tmp_path: Path) -> None:
    form = RecordingFormat("WAV", subtype, RATE, 1.0, (-1.0, 1.0))
    write_recording(tmp_path / "a.wav", draw_samples(subtype), form)
    # Encoders that write the time of day have seconds.
    time.sleep(1.1)
    write_recording(tmp_path / "b.wav", draw_samples(subtype), form)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_only_what_starts_as_audio_is_audio(tmp_path: Path) -> None:
    assert is_recording(save(tmp_path, PLAIN, "named.txt"))
    assert is_recording(save(tmp_path, b"ID3\4" + bytes(20)))
    theora = b"OggS" + bytes(24) + b"\x80theora" + bytes(20)
    for content in (b"", b"RIFF\0\0\0\0AVI ", b"\xff\xd8\xff\xe0", theora, b"text"):
        assert not is_recording(save(tmp_path, content))
    assert not is_recording(tmp_path)
    assert not is_recording(tmp_path / "none.wav")


@pytest.mark.parametrize(
    ("name", "form", "sentence"),
    [
        ("a.mp3", ("WAV", "PCM_16"), r"has the suffix '.mp3'; .* Name it a.wav"),
        ("a.flac", ("WAV", "FLOAT"), "cannot hold floats; expected 8, 16 or 24 bits"),
        ("a.flac", ("WAV", "PCM_32"), "cannot hold 32-bit samples of 1 channels"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_rejected(
    name: str, form: tuple[str, str], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=sentence):
        write_recording(
            tmp_path / name, np.zeros((3, 1)), RecordingFormat(*form, RATE, 1.0, (-1.0, 1.0))
        )
    with pytest.raises(ValueError, match="of shape"):
        write_recording(
            tmp_path / "a.wav", np.zeros(3), RecordingFormat("WAV", "FLOAT", RATE, 1.0, (-1.0, 1.0))
        )
    assert not list(tmp_path.iterdir())


def test_a_sine_has_its_power_at_its_frequency_while_it_lasts() -> None:
    time = np.arange(8192)
    samples = 0.8 * np.sin(2 * np.pi * 32 / 256 * time)[:, None]
    samples[4096:] = 0
    powers = find_powers(samples, window=256, columns=64)
    assert powers.shape == (129, 64)
    heard = powers[:, :29]
    assert (heard.argmax(0) == 32).all()
    assert_close(heard[32], np.full(29, 0.8**2 / 4))
    # A Hann window of a whole number of periods is seen in three frequencies alone.
    assert heard[[*range(31), *range(34, 129)]].max() < 1e-20
    assert powers[:, 35:].max() == 0


def test_long_recordings_are_averaged_and_short_ones_seen_as_a_whole() -> None:
    noise = np.random.default_rng(0).normal(size=(50_000, 2))
    powers = find_powers(noise, window=64, columns=10)
    assert powers.shape == (33, 10)
    # White noise of variance 1: sum of the squares of a window, over the square of its sum.
    assert np.abs(powers[1:-1].mean() / (1.5 / 64) - 1) < 0.05
    assert find_powers(noise[:5]).shape == (3, 1)
    assert find_powers(noise[:1]).shape == (1, 1)


def test_a_spectrogram_has_time_to_the_right_and_frequency_upwards() -> None:
    time = np.arange(4096)
    target = np.where(time < 2048, np.sin(2 * np.pi * 10 / 256 * time), 0)[:, None]
    quieter = 0.1 * target
    picture = draw_spectrograms(target, quieter, window=256, columns=40).astype(int).sum(2)
    assert picture.shape[0] == 129
    width = (picture.shape[1] - 4) // 2
    left, right = picture[:, :width], picture[:, -width:]
    assert np.unravel_index(left.argmax(), left.shape)[0] == 128 - 10
    assert left[118, 2] == left.max() > left[118, -2] == left.min()
    # 20 dB below are a quarter of the way to the darkest.
    assert left[118, 2] > right[118, 2] > right[118, -2]
    import matplotlib

    shade = np.array(matplotlib.colormaps["magma"](0.75, bytes=True)[:3], int).sum()
    assert abs(right[118, 2] - shade) <= 3


def test_silence_has_a_spectrogram_too() -> None:
    silence = np.zeros((600, 1))
    assert draw_spectrograms(silence, silence + 1e-3).dtype == np.uint8


@pytest.mark.skipif(not COUNTING.is_file(), reason="needs the shared data")
def test_a_real_recording_is_read_as_scipy_reads_it() -> None:
    rate, samples = scipy.io.wavfile.read(COUNTING)
    sound = read_recording(COUNTING)
    assert sound.rate == rate == 44_100
    np.testing.assert_array_equal(sound.samples[:, 0], samples)
