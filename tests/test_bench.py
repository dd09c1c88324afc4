"""The benchmarks run, and say what they are to say."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

SECTIONS = {
    "accuracy": ["SirenNet of siren-pytorch", "refused: LSTM gave a tuple"],
    "speed": ["vmap(jacrev), n = 64, 1 output", "bare matrix products", "GiB"],
    "growth": ["exponent", "points", "width"],
    "leading": ["24 x 24"],
    "planted": ["multiplicity 12"],
}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_kernel_benchmark_runs(section: str) -> None:
    script = ROOT / "scripts" / "benchmarks" / "ntk.py"
    done = subprocess.run(
        [sys.executable, script, section, "--quick"], capture_output=True, text=True, check=True
    )
    for words in SECTIONS[section]:
        assert words in done.stdout


def test_a_benchmark_that_there_is_not_is_refused() -> None:
    done = subprocess.run([ROOT / "scripts" / "bench", "magic"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "scripts/benchmarks/ntk.py" in done.stderr
