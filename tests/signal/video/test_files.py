"""Videos and animations: frames in place and in order, rates kept, and what is rejected."""

import gc
import io
import math
import re
import struct
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inr.signal.video import VideoFormat, is_video, native_video_suffix, read_video, write_video
from inr.signal.video.pillow import is_whole_gif
from inr.signal.video.video import Frame
from inr.source_file import MissingExtraError
from tests.conftest import SHARED_DATA
from tests.tolerance import assert_close

CHI = SHARED_DATA / "odd" / "images" / "chi.gif"
ENCODED = {"mp4": "libx264", "mkv": "libx264", "webm": "libvpx-vp9", "avi": "mpeg4"}


def draw_frames(count: int = 12, height: int = 32, width: int = 48) -> np.ndarray:
    """Large patches, alike under no flip or turn, that grow brighter from frame to frame."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[:, : height // 4] = [160, 30, 30]
    frames[:, :, : width // 4] = [30, 120, 30]
    frames[:, height // 2 :, width // 2 :] = [40, 40, 180]
    return frames + np.arange(count, dtype=np.uint8)[:, None, None, None] * 5


def save_images(path: Path, frames: np.ndarray, form: str, **options: Any) -> Path:
    """An animation as Pillow writes it."""
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(path, form, save_all=True, append_images=images[1:], **options)
    return path


def encode(path: Path, frames: np.ndarray, rate: int, times: Any = None, **options: str) -> Path:
    """A video as FFmpeg writes it, of the kind that the suffix says, with a key frame of eight."""
    av = pytest.importorskip("av")
    with av.open(path, "w", options=options) as container:
        track = container.add_stream(ENCODED[path.suffix[1:]], rate=rate)
        track.height, track.width = frames.shape[1:3]
        track.pix_fmt, track.bit_rate = "yuv420p", 4_000_000
        track.codec_context.gop_size = 8
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = (times or range(999))[number], Fraction(1, rate)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return path


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return float(np.abs(found.astype(float) - expected).mean())


def count_images(mode: str) -> int:
    """Images of Pillow that are in memory."""
    gc.collect()
    return sum(issubclass(type(o), Image.Image) and o.mode == mode for o in gc.get_objects())


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_animations_without_loss_are_read_as_stored(
    form: str, options: dict[str, bool], tmp_path: Path
) -> None:
    frames = draw_frames()
    path = save_images(tmp_path / "a", frames, form, duration=40, **options)
    video = read_video(path)
    np.testing.assert_array_equal(video.frames, frames)
    assert (video.rate, video.notes) == (25, ())
    assert is_video(path)


def test_gif_is_written_and_read_frame_by_frame(tmp_path: Path) -> None:
    frames, before = draw_frames(10), count_images("RGB")

    def draw() -> Iterator[np.ndarray]:
        for frame in frames:
            yield frame
            assert count_images("RGB") - before < 4

    assert write_video(tmp_path / "new" / "a.gif", draw(), 30) == "gif"
    video = read_video(tmp_path / "new" / "a.gif")
    # A palette for each frame holds all of its few colours.
    np.testing.assert_array_equal(video.frames, frames)
    # In hundredths of a second, no frame is more than a half from where it should be.
    with Image.open(tmp_path / "new" / "a.gif") as image:
        durations = []
        for number in range(10):
            image.seek(number)
            durations.append(image.info["duration"])
    assert durations == [30, 40, 30, 30, 40, 30, 30, 40, 30, 30]
    assert abs(video.rate - 30) < 0.5
    assert not video.notes


@pytest.mark.parametrize("suffix", sorted(ENCODED))
def test_videos_are_read_in_place_and_in_order(suffix: str, tmp_path: Path) -> None:
    frames = draw_frames()
    video = read_video(encode(tmp_path / f"a.{suffix}", frames, 24))
    assert distance(video.frames, frames) < 5
    nearest = [
        np.abs(frames.astype(float) - frame).mean((1, 2, 3)).argmin() for frame in video.frames
    ]
    assert nearest == [*range(12)]
    assert (video.rate, video.notes) == (24, ())
    assert is_video(tmp_path / f"a.{suffix}")


def test_mp4_is_written_with_h264_at_its_rate(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    frames = draw_frames()
    rate = Fraction(30000, 1001)
    encoder = write_video(tmp_path / "a.mp4", iter(frames), rate)
    assert encoder in av.codecs_available
    video = read_video(tmp_path / "a.mp4")
    assert (video.rate, video.container) == (rate, "MP4")
    assert distance(video.frames, frames) < 4
    with av.open(tmp_path / "a.mp4") as container:
        track = container.streams.video[0]
        assert track.codec_context.name == ("mpeg4" if encoder == "mpeg4" else "h264")
        assert track.codec_context.pix_fmt == "yuv420p"
        # Said in the file, so that no player has to guess the colours.
        assert track.codec_context.colorspace == 1


def test_odd_sizes_are_padded_by_a_row_and_a_column(tmp_path: Path) -> None:
    pytest.importorskip("av")
    frames = draw_frames(4, 33, 47)
    write_video(tmp_path / "a.mp4", frames, 10)
    padded = np.pad(frames, ((0, 0), (0, 1), (0, 1), (0, 0)), mode="edge")
    assert distance(read_video(tmp_path / "a.mp4").frames, padded) < 5


def test_grey_frames_are_written_in_grey(tmp_path: Path) -> None:
    pytest.importorskip("av")
    grey = draw_frames(4)[..., :1]
    for name in ("a.mp4", "a.gif"):
        write_video(tmp_path / name, grey, 10)
        assert distance(read_video(tmp_path / name).frames, np.repeat(grey, 3, -1)) < 2


def test_a_grey_video_has_one_channel(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    grey = draw_frames(3)[..., 0]
    with av.open(tmp_path / "a.mkv", "w") as container:
        track = container.add_stream("ffv1", rate=10)
        track.height, track.width = grey.shape[1:]
        track.pix_fmt = "gray"
        for pixels in grey:
            container.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="gray")))
        container.mux(track.encode())
    np.testing.assert_array_equal(read_video(tmp_path / "a.mkv").frames, grey[..., None])


@pytest.mark.parametrize(
    ("form", "note"),
    [("yuv444p10le", "colours of 10 bits are rounded to 8"), ("bgra", "transparency is left out")],
)
def test_what_is_not_kept_is_told_of(form: str, note: str, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    frames = draw_frames(2)
    with av.open(tmp_path / "a.mkv", "w") as container:
        track = container.add_stream("ffv1", rate=10)
        track.height, track.width = frames.shape[1:3]
        track.pix_fmt = form
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(track.encode(frame.reformat(format=form)))
        container.mux(track.encode())
    video = read_video(tmp_path / "a.mkv")
    assert video.notes == (note,)
    assert distance(video.frames, frames) < 1


@pytest.mark.parametrize("name", ["a.gif", "a.mp4"])
def test_a_part_is_in_seconds_and_frames(name: str, tmp_path: Path) -> None:
    if name == "a.mp4":
        pytest.importorskip("av")
    path = tmp_path / name
    write_video(path, draw_frames(50, 16, 16), 10)
    whole = read_video(path)
    for options, expected in (
        ({"start": 0.5}, slice(5, None)),
        ({"start": 3.0, "seconds": 1.0}, slice(30, 40)),
        ({"start": 2.95, "frames": 3}, slice(30, 33)),
        ({"seconds": 2.0, "frames": 30}, slice(0, 20)),
        ({"start": 1.2, "every": 7}, slice(12, None, 7)),
        ({"every": 2, "frames": 3}, slice(0, 6, 2)),
    ):
        part = read_video(path, **options)  # type: ignore[arg-type]
        np.testing.assert_array_equal(part.frames, whole.frames[expected])
        assert part.rate == Fraction(10, options.get("every", 1))  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", sorted(ENCODED))
def test_a_late_start_is_found_without_decoding_all(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / f"a.{suffix}", draw_frames(40, 16, 32) // 2, 10)
    whole = read_video(path)
    decoded: list[float] = []

    def note(time: float, draw: Any) -> Frame:
        decoded.append(time)
        return Frame(time, draw)

    monkeypatch.setattr("inr.signal.video.ffmpeg.Frame", note)
    for start in (1.1, 2.0, 2.35, 3.1, 3.9):
        decoded.clear()
        part = read_video(path, start=start)
        np.testing.assert_array_equal(part.frames, whole.frames[math.ceil(10 * start - 0.01) :])
        # From the last key frame before, or the one before that.
        assert start - 1.61 < decoded[0] <= start


def test_frames_are_prepared_one_by_one(tmp_path: Path) -> None:
    frames = draw_frames()
    path = save_images(tmp_path / "a.png", frames, "PNG", duration=100)
    video = read_video(path, prepare=lambda pixels: pixels[2:9, 5:, :1], every=3)
    np.testing.assert_array_equal(video.frames, frames[::3, 2:9, 5:, :1])


def test_a_phone_held_upright_films_upright(tmp_path: Path) -> None:
    frames = draw_frames(3)
    path = encode(tmp_path / "a.mp4", frames, 10)
    content = bytearray(path.read_bytes())
    # The matrix of the track's header takes (x, y) to (-y, x): as y is down, to the right.
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    place = content.index(b"tkhd") + 4 + 40
    content[place : place + 36] = matrix
    path.write_bytes(content)
    turned = np.stack([np.rot90(frame, -1) for frame in frames])
    assert distance(read_video(path).frames, turned) < 5


def test_uneven_times_are_told_of(tmp_path: Path) -> None:
    path = save_images(tmp_path / "a.png", draw_frames(4), "PNG", duration=[50, 200, 50, 50])
    video = read_video(path)
    assert video.rate == 10
    assert video.notes == (
        "frames are shown for 50 to 200 ms and are taken as evenly spaced, 10 per second",
    )
    if "av" in sys.modules or pytest.importorskip("av"):
        path = encode(tmp_path / "a.mkv", draw_frames(4), 10, times=[0, 1, 2, 9])
        assert "100 to 700 ms" in read_video(path).notes[0]


def test_an_animation_that_says_no_times_shows_ten_frames_a_second(tmp_path: Path) -> None:
    assert read_video(save_images(tmp_path / "a.gif", draw_frames(3), "GIF")).rate == 10


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    frames = np.zeros((2, 4, 6, 4), np.uint8)
    frames[0, :, :3] = frames[1, :, 3:] = [200, 100, 0, 255]
    frames[0, 0, 5] = [0, 0, 0, 51]
    path = save_images(tmp_path / "a.png", frames, "PNG", duration=100, disposal=1, blend=0)
    video = read_video(path)
    assert video.notes == ("transparent pixels are white",)
    assert video.frames[0, 2].tolist() == [[200, 100, 0]] * 3 + [[255] * 3] * 3
    assert video.frames[0, 0, 5].tolist() == [204] * 3
    assert video.frames[1, 2].tolist() == [[255] * 3] * 3 + [[200, 100, 0]] * 3


def test_transparency_that_no_pixel_has_is_not_told_of(tmp_path: Path) -> None:
    frames = np.full((2, 4, 6, 4), 255, np.uint8)
    frames[1, ..., 0] = 0
    video = read_video(save_images(tmp_path / "a.png", frames, "PNG", duration=100))
    assert video.notes == ()
    np.testing.assert_array_equal(video.frames, frames[..., :3])


def test_a_picture_for_old_programs_is_no_frame(tmp_path: Path) -> None:
    frames = draw_frames(3)
    images = [Image.fromarray(frame) for frame in (frames[0] // 2, *frames)]
    images[0].save(
        tmp_path / "a.png", save_all=True, append_images=images[1:], default_image=True, duration=50
    )
    np.testing.assert_array_equal(read_video(tmp_path / "a.png").frames, frames)


def save(folder: Path, content: bytes) -> Path:
    (folder / "a").write_bytes(content)
    return folder / "a"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"just some text", "is no video in a known format .*expected MP4, QuickTime, Matroska"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0", "is no video in a known format"),
        (b"GIF89a" + bytes(20), "is cut off or damaged"),
        (b"\0\0\0\x18ftypisom" + bytes(60), "is cut off or damaged .*a whole MP4 file"),
    ],
)
def test_what_is_no_video_is_rejected_in_one_line(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    if b"ftypisom" in content:
        pytest.importorskip("av")
    with pytest.raises(ValueError, match=sentence) as caught:
        read_video(save(tmp_path, content))
    assert "\n" not in str(caught.value) and "; expected " in str(caught.value)


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP"])
def test_a_still_picture_is_no_video(form: str, tmp_path: Path) -> None:
    Image.fromarray(draw_frames(1)[0]).save(tmp_path / "a", form)
    assert not is_video(tmp_path / "a")
    with pytest.raises(
        ValueError, match=r"is a still picture; expected a video\. Fit it with signal="
    ):
        read_video(tmp_path / "a")


def test_a_name_is_no_address(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", draw_frames(3), 10)
    odd = path.rename(tmp_path / "http:é %03d, b.mkv")
    assert len(read_video(odd).frames) == 3
    assert len(read_video(odd.name).frames) == 3


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(tmp_path / "a.mp4", "w") as container:
        track = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 4096), np.float32), format="fltp", layout="mono"
        )
        frame.rate = 44_100
        container.mux(track.encode(frame))
        container.mux(track.encode())
    with pytest.raises(ValueError, match=r"holds sound and no video; .*with signal=audio"):
        read_video(tmp_path / "a.mp4")


@pytest.mark.parametrize("suffix", [*sorted(ENCODED), "gif", "png"])
def test_a_cut_off_video_is_rejected_and_what_is_there_can_be_read(
    suffix: str, tmp_path: Path
) -> None:
    path, noise = tmp_path / f"a.{suffix}", np.random.default_rng(0)
    frames = noise.integers(0, 256, (20, 32, 48, 3), np.uint8)
    if suffix in ENCODED:
        encode(path, frames, 24, **({"movflags": "faststart"} if suffix == "mp4" else {}))
    else:
        save_images(path, frames, suffix, duration=50)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(ValueError, match="is cut off or damaged") as caught:
        read_video(path)
    count = int(str(caught.value).partition("frames=")[2].rstrip("."))
    assert 2 <= count < 16
    assert len(read_video(path, frames=count).frames) == count


@pytest.mark.parametrize(("form", "share"), [("PNG", 0.1), ("PNG", 0.5), ("GIF", 0.5)])
def test_an_animation_that_is_cut_off_is_a_video(form: str, share: float, tmp_path: Path) -> None:
    """Or else it would be fitted as an image, without a word."""
    noise = np.random.default_rng(0).integers(0, 256, (5, 32, 48, 3), np.uint8)
    path = save_images(tmp_path / "a", noise, form, duration=50)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert is_video(path)
    with pytest.raises(ValueError, match="is cut off or damaged"):
        read_video(path)


def test_a_cut_between_two_frames_is_found_too(tmp_path: Path) -> None:
    gif = save_images(tmp_path / "a.gif", draw_frames(5), "GIF", duration=50)
    gif.write_bytes(gif.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"its end is missing.*frames=4\.$"):
        read_video(gif)
    avi = encode(tmp_path / "a.avi", draw_frames(20), 10)
    content = avi.read_bytes()
    starts = [match.start() for match in re.finditer(b"00dc", content[: content.rindex(b"idx1")])]
    avi.write_bytes(content[: starts[-8]])
    with pytest.raises(ValueError, match=r"12 of 20 frames are there.*frames=12\.$"):
        read_video(avi)
    assert len(read_video(avi, frames=12).frames) == 12


def test_the_end_of_a_gif_is_found(tmp_path: Path) -> None:
    content = save_images(tmp_path / "a.gif", draw_frames(3), "GIF", comment=b"; ! ,").read_bytes()
    assert is_whole_gif(content)
    assert is_whole_gif(content + b"more")
    assert not any(is_whole_gif(content[:end]) for end in range(len(content)))


@pytest.mark.parametrize("suffix", [*sorted(ENCODED), "gif", "png", "webp"])
def test_damage_ends_as_a_value_error_or_a_video(
    suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(len(suffix))
    path, frames = tmp_path / f"a.{suffix}", draw_frames(4, 16, 32)
    if suffix in ENCODED:
        encode(path, frames, 24)
    else:
        save_images(path, frames, suffix, duration=50)
    content = path.read_bytes()
    for trial in range(30):
        damaged = bytearray(content)
        if trial % 2:
            del damaged[random.integers(1, len(content)) :]
        else:
            for place in random.integers(0, len(content), 4):
                damaged[place] = random.integers(0, 256)
        path.write_bytes(damaged)
        try:
            assert read_video(path, max_pixels=2**20).frames.ndim == 4
        except ValueError as error:
            assert "; expected " in str(error) and "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


def test_the_limit_of_pixels_is_of_all_frames(tmp_path: Path) -> None:
    path = save_images(tmp_path / "a.png", draw_frames(10, 20, 30), "PNG", duration=50)
    assert len(read_video(path, max_pixels=6000).frames) == 10
    sentence = r"10 frames or more of 30 x 20, 6,000 pixels; .*size=\[19,29\].*max_pixels=6000"
    with pytest.raises(ValueError, match=sentence):
        read_video(path, max_pixels=5999)
    # All are counted before any but the first is decoded.
    with pytest.raises(ValueError, match=r"10 frames or more .*size=\[14,21\]"):
        read_video(path, max_pixels=3000)
    assert len(read_video(path, max_pixels=5999, frames=9).frames) == 9
    assert len(read_video(path, max_pixels=600, frames=1).frames) == 1
    assert len(read_video(path, max_pixels=3000, every=2).frames) == 5
    with pytest.raises(ValueError, match="claims frames of 600 pixels"):
        read_video(path, max_pixels=599)


def test_frames_beyond_what_the_file_claims_count_too(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.webm", draw_frames(10), 24)
    content = path.read_bytes().replace(b"DURATION", b"DURATION")
    path.write_bytes(content.replace(b"00:00:00.4", b"00:00:00.0"))
    with pytest.raises(ValueError, match="frames or more of 48 x 32"):
        read_video(path, max_pixels=9 * 32 * 48)


def test_a_bomb_is_rejected_by_its_header(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(
        buffer, "GIF", save_all=True, append_images=[Image.new("L", (4, 4), 9)]
    )
    content = buffer.getvalue()
    path = save(tmp_path, content[:6] + struct.pack("<HH", 65535, 65535) + content[10:])
    with pytest.raises(ValueError, match="claims frames of 4,294,836,225 pixels"):
        read_video(path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"start": -1.0}, "start is -1.0"),
        ({"start": 2.0}, "has no frames at start=2 or after"),
        ({"seconds": 0.0}, "seconds is 0.0"),
        ({"frames": 0}, "frames is 0"),
        ({"every": 0}, "every is 0"),
    ],
)
def test_options_out_of_range_are_rejected(
    options: dict[str, float], sentence: str, tmp_path: Path
) -> None:
    path = save_images(tmp_path / "a.gif", draw_frames(4), "GIF", duration=100)
    with pytest.raises(ValueError, match=sentence):
        read_video(path, **options)  # type: ignore[arg-type]


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'inr\[video\]'"):
        read_video(save(tmp_path, b"\0\0\0\x18ftypisom" + bytes(60)))
    with pytest.raises(ImportError, match=r"pip install 'inr\[video\]', or name it b.gif"):
        write_video(tmp_path / "b.mp4", draw_frames(2), 10)
    assert not (tmp_path / "b.mp4").exists()


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    frames = draw_frames(3)
    for name, given, rate, sentence in (
        ("a.avi", frames, 10, r"has the suffix '.avi'; .* Name it a.mp4"),
        ("a.gif", frames, 0, "rate is 0"),
        ("a.gif", frames[:0], 10, "would have no frames"),
        ("a.gif", [frames[0], frames[1][1:]], 10, "frame 1 of a.gif is uint8 of shape"),
        ("a.gif", frames / 255, 10, "frame 0 of a.gif is float64"),
    ):
        with pytest.raises(ValueError, match=sentence):
            write_video(tmp_path / name, iter(given), rate)
    assert not list(tmp_path.iterdir())


def test_bytes_and_values_correspond() -> None:
    form = VideoFormat("MP4", (24, 1), (-1.0, 3.0))
    levels = form.levels()
    assert_close(levels[[0, 51, 255]], [-1.0, -0.2, 3.0])
    assert form.step == 4 / 255
    np.testing.assert_array_equal(form.restore(levels), np.arange(256))
    assert form.restore(np.array([-9.0, 9.0, -1 + 1.4 * form.step])).tolist() == [0, 255, 1]


def test_animations_come_back_as_such() -> None:
    suffixes = [native_video_suffix(name) for name in ("GIF", "WebP", "PNG", "MP4", "Matroska")]
    assert suffixes == [".gif", ".gif", ".gif", ".mp4", ".mp4"]


def test_only_what_starts_as_a_video_is_a_video(tmp_path: Path) -> None:
    known = (
        b"\0\0\0\x18ftypisom", b"\0\0\0\x14ftypqt  ", b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0AVI LIST",
        b"\0\0\x01\xba", (b"\x47" + bytes(187)) * 3 + b"\x47", b"FLV\x01",
        b"OggS" + bytes(24) + b"\x80theora",
    )  # fmt: skip
    assert all(is_video(save(tmp_path, start + bytes(9))) for start in known)
    other = (
        b"", b"text", b"\0\0\0\x18ftypM4A ", b"\0\0\0\x18ftypheic", b"RIFF\0\0\0\0WAVEfmt ",
        b"OggS" + bytes(24) + b"\x01vorbis", b"\xff\xd8\xff\xe0", b"GIF89a",
        b"\x47" + bytes(187) + b"\x47",
    )  # fmt: skip
    assert not any(is_video(save(tmp_path, start + bytes(9))) for start in other)
    assert not is_video(tmp_path)


@pytest.mark.parametrize("count", [1, 3])
def test_colours_of_a_gif_do_not_make_it_a_stream(count: int, tmp_path: Path) -> None:
    path = save_images(tmp_path / "a", draw_frames(count), "GIF", duration=100)
    content = bytearray(path.read_bytes())
    size = 3 * 2 ** ((content[10] & 7) + 1)
    # A table of 256 colours, with the mark of a packet wherever a packet would start.
    content[13 : 13 + size] = content[13 : 13 + size].ljust(768, b"\0")
    content[10] |= 7
    for place in (188, 376, 564, 752):
        content[place] = 0x47
    path.write_bytes(content)
    assert is_video(path) == (count > 1)
    if count > 1:
        video = read_video(path)
        assert (video.container, len(video.frames)) == ("GIF", count)
    else:
        with pytest.raises(ValueError, match="is a still picture"):
            read_video(path)


def test_a_stream_of_packets_is_read(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    frames = draw_frames(5)
    with av.open(tmp_path / "a", "w", format="mpegts") as container:
        track = container.add_stream("mpeg2video", rate=25)
        track.height, track.width = frames.shape[1:3]
        track.pix_fmt, track.bit_rate = "yuv420p", 4_000_000
        for pixels in frames:
            container.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(track.encode())
    assert is_video(tmp_path / "a")
    video = read_video(tmp_path / "a")
    assert video.container == "MPEG-TS"
    assert distance(video.frames, frames) < 5


@pytest.mark.skipif(not CHI.is_file(), reason="needs the shared data")
def test_a_real_animation_is_read() -> None:
    video = read_video(CHI)
    assert video.frames.shape == (31, 240, 320, 3)
    assert video.rate == 10
