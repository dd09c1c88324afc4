"""How benchmarks measure: in pairs, since a machine drifts, and in processes of their own."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def seconds(work: Callable[[], Any]) -> float:
    """Of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(
    slow: Callable[[], Any], fast: Callable[[], Any], rounds: int, repeats: int = 10
) -> tuple[float, float, float]:
    """Median seconds of both, run in turns, and the median of the ratios of neighbours.

    Args:
        slow: Called once in a round.
        fast: Called so often in a round that both take a time that can be told apart from noise.
        rounds: Turns.
        repeats: Calls of ``fast`` in each; their mean counts.
    """
    fast()
    pairs = []
    for _ in range(rounds):
        pairs.append((seconds(slow), seconds(lambda: [fast() for _ in range(repeats)]) / repeats))
    slows, fasts = zip(*pairs, strict=True)
    ratios = [a / b for a, b in pairs]
    return statistics.median(slows), statistics.median(fasts), statistics.median(ratios)


def peak_gib() -> float:
    """The most memory that this process has held so far."""
    # Not getrusage's, which a process inherits from the one that started it.
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**30


def in_a_process(script: str, *arguments: str) -> dict[str, Any]:
    """What a benchmark prints as JSON when it calls itself: memory is that of one piece of work."""
    done = subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def exponent(sizes: list[int], costs: list[float]) -> float:
    """p of the power law cost ~ size^p that fits best."""
    import numpy as np

    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def show(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A table as text; progress goes to stderr."""
    cells = [columns, *([f"{c:.3g}" if isinstance(c, float) else str(c) for c in r] for r in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    print(f"\n{title}")
    for row in cells:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    sys.stdout.flush()
