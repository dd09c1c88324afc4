"""The names of tests, which workers of pytest-xdist must agree on."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

COLLECT = """
import sys, time
now, shift = time.time, int(sys.argv[1])
time.time = lambda: now() + shift
import pytest
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", "tests"]))
"""


def start_collection(shift: int, folder: Path) -> subprocess.Popen[str]:
    """Collects the suite at another time, with other hashes and another temporary folder.

    Args:
        shift: Seconds that its clock is ahead.
        folder: What temporary files are written to.
    """
    folder.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return subprocess.Popen(
        [sys.executable, "-c", COLLECT, str(shift)],
        cwd=ROOT,
        env=environment | {"PYTHONHASHSEED": str(shift), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_names_hold_no_content_and_are_the_same_at_all_times(tmp_path: Path) -> None:
    processes = [start_collection(shift, tmp_path / str(shift)) for shift in (0, 120)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    first, second = ([line for line in out.splitlines() if "::" in line] for out in outputs)
    assert any("test_collection.py::" in name for name in first)
    assert first == second
    # As pytest writes bytes and what ends a line.
    escaped = re.compile(r"(?<!\\)\\(x[0-9a-f]{2}|[nrt])")
    assert [name for name in first if escaped.search(name)] == []
