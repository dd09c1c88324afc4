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

import torch


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


def in_turns(works: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Seconds that each of some works says it took, in each round; in a round all take turns."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            took[name].append(work())
    return took


def per_step(run: Callable[[int], float], least: float) -> Callable[[], float]:
    """Seconds of one of some steps: as many as take a time that noise does not hide.

    Args:
        run: Seconds of so many steps. The first of them prepare things, and are not counted.
        least: Seconds that all of them are to take.
    """
    for _ in range(2):
        first = run(2) / 2
    steps = max(2, round(least / first))
    return lambda: run(steps) / steps


def median_ratio(slow: list[float], fast: list[float]) -> float:
    """The median of the ratios of neighbours."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def synchronize(device: torch.device) -> None:
    """Waits for what a GPU has still to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


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


def as_text(cell: Any) -> str:
    """A number with three digits, and nothing for None."""
    if cell is None:
        return ""
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def show(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A table as text; progress goes to stderr."""
    cells = [[as_text(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    print(f"\n{title}")
    for row in cells:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    sys.stdout.flush()
