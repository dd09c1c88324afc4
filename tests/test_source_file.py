"""Files that are rejected before anything reads them, and how."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inr.source_file import MissingExtraError, RejectedError, describe, find_file
from tests.conftest import ROOT


def test_the_start_of_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(bytes(range(256)) * 4)
    file = find_file(tmp_path / "a.wav", "a sound")
    assert (file.path, file.name) == (tmp_path / "a.wav", str(tmp_path / "a.wav"))
    assert file.start == bytes(range(256))
    error = file.reject("is cut off", "a whole file", "Save it again.")
    assert str(error) == f"{file.name} is cut off; expected a whole file. Save it again."
    assert "pip install 'inr[video]'" in str(file.need("av", "video"))


def test_paths_that_are_no_files_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.wav does not exist; expected a sound"):
        find_file(tmp_path / "none.wav", "a sound")
    with pytest.raises(IsADirectoryError, match="is a directory; expected a sound"):
        find_file(tmp_path, "a sound")
    (tmp_path / "file").touch()
    with pytest.raises(RejectedError, match=r"is empty \(0 bytes\); expected a sound"):
        find_file(tmp_path / "file", "a sound")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        find_file(tmp_path / "file" / "a.wav", "a sound")
    with pytest.raises(FileNotFoundError) as caught:
        find_file("no\nfile.wav", "a sound")
    assert "\n" not in str(caught.value)
    for name in ("x" * 5000, "null\0byte"):
        with pytest.raises(RejectedError, match="cannot be opened"):
            find_file(name, "a sound")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
def test_pipes_and_devices_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(RejectedError, match="is not a regular file"):
            find_file(path, "a sound")


def test_a_file_that_may_not_be_read_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"x")

    def reject(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", reject)
    with pytest.raises(PermissionError, match=r"is not readable; .* chmod"):
        find_file(tmp_path / "a", "a sound")


def test_what_decoders_raise_becomes_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    file = find_file(tmp_path / "a", "a sound")
    for given, sentence in (
        (
            KeyError("data\nchunk"),
            r"is cut off or damaged \('data\\nchunk'\); expected a whole WAV",
        ),
        (OSError(5, "Input error", "a"), r"damaged \(Input error\)"),
        (MemoryError(), "does not fit into memory"),
    ):
        with pytest.raises(RejectedError, match=sentence), file.rejecting("WAV"):
            raise given
    with pytest.raises(MissingExtraError, match="the av package"), file.rejecting("WAV"):
        raise file.need("av", "video")
    with pytest.raises(RejectedError, match=r"a; expected b\. c\."), file.rejecting("WAV"):
        raise file.reject("a", "b", "c.")


def test_long_errors_are_shortened() -> None:
    assert describe(ValueError("one\n two")) == "one two"
    assert describe(ValueError()) == "ValueError"
    assert describe(ValueError("x" * 500)) == "x" * 97 + "..."


def test_import_is_light() -> None:
    heavy = {"av", "soundfile", "pandas", "scipy", "matplotlib", "PIL", "hydra"}
    script = f"import sys, inr.signal; print({heavy!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
