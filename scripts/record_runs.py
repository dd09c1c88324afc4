#!/usr/bin/env python3
"""Records of what small runs of every kind give, and their comparison.

A record holds, for each run, the SHA-256 of its final weights, its metrics without times, the tags
of its event files and the names of its files. Two versions of the program are compared on one
machine: a change that is not meant to change numbers leaves weights and metrics alike to the last
bit. Nothing recorded depends on time: probes of such small fields take place whenever they are due.

The program is that of this checkout, or of the one that ``PYTHONPATH`` names::

    scripts/record_runs.py before.json
    scripts/record_runs.py after.json image volume
    scripts/record_runs.py --compare before.json after.json
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TIMES = ("seconds", "points_per_second")

SMALL = [
    "network.hidden_features=32",
    "network.hidden_layers=2",
    "sampler.batch_size=256",
    "callback.ntk_spectrum.num_points=32",
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "trainer.max_steps=24",
]
FOURIER = [*SMALL, "encoding.num_frequencies=32"]
IMAGE = [*FOURIER, "signal.size=[24,32]"]
SURFACE = ["signal.resolution=24", "signal.lattice_size=16"]
SHAPE = ["signal=shape", *FOURIER, *SURFACE, "sampler.pool_size=2048"]
OCCUPANCY = [*SHAPE, "encoding.scale=2", "trainer.max_steps=60"]  # enough for a surface
THEORY = ["callback=theory", "optimizer=sgd", "optimizer.lr=0.1", "sampler.batch_size=null"]

# Each run is one or several calls of inr-fit, the later ones of which resume it.
RUNS: dict[str, list[list[str]]] = {
    "image": [IMAGE],
    "image_holdout": [[*IMAGE, "signal.holdout=alternate"]],
    "image_set": [["{images}", *FOURIER, "signal.watched=1"]],
    "volume": [["signal=volume", *FOURIER, "signal.size=[8,12,16]"]],
    "shape_occupancy": [OCCUPANCY],
    "shape_distance": [[*SHAPE, "signal.target=distance", "loss=clamped_l1"]],
    "point_cloud": [["signal=point_cloud", *SMALL, *SURFACE]],
    "audio": [["signal=audio", *FOURIER, "signal.seconds=0.2"]],
    "video": [["signal=video", *FOURIER, "signal.frames=4", "signal.size=[12,16]"]],
    "function": [["signal=function", *FOURIER, "signal.size=[512]"]],
    "theory": [[*FOURIER, *THEORY, "signal.size=[8,12]"]],
    "ntk_1d": [["experiment=ntk_1d", "experiment.hidden_features=32", "experiment.steps=20"]],
    "resume": [IMAGE, ["ckpt_path={run}", "trainer.max_steps=40"]],
}

Record = dict[str, Any]


def main() -> None:
    """Records runs, or compares two records."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", nargs="?", type=Path, help="where to write the record")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(RUNS)}; default: all")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"))
    options = parser.parse_args()
    if options.compare:
        before, after = (json.loads(path.read_text()) for path in options.compare)
        lines, is_same = compare_records(before, after)
        print("\n".join(lines) or "no differences")
        sys.exit(0 if is_same else 1)
    unknown = set(options.names) - set(RUNS)
    if options.out is None or unknown:
        parser.error(f"expected OUT.json and runs of {', '.join(RUNS)}")
    records = {name: record_run(name) for name in options.names or RUNS}
    options.out.write_text(json.dumps(records, indent=1) + "\n")


def record_run(name: str) -> Record:
    """What a run gives: its weights, metrics, tags and files."""
    print(name, file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        run, images = Path(temporary, "run"), Path(temporary, "images")
        write_images(images)
        for overrides in RUNS[name]:
            typed = [text.replace("{run}", str(run)) for text in overrides]
            typed = [text.replace("{images}", str(images)) for text in typed]
            call_inr_fit(*typed, f"hydra.run.dir={run}", cwd=Path(temporary))
        return {
            "weights": read_weights(run),
            "metrics": read_metrics(run),
            "tags": read_tags(run),
            "files": list_files(run),
        }


def write_images(folder: Path) -> None:
    """Writes two images of waves."""
    import imageio.v3 as imageio

    folder.mkdir()
    y, x = np.mgrid[0:24, 0:32]
    for number in range(2):
        waves = np.stack([np.sin(k * x / 9 + number) * np.cos(y / 5) for k in (1, 2, 3)], axis=-1)
        imageio.imwrite(folder / f"{number}.png", np.round(127.5 + 120 * waves).astype(np.uint8))


def call_inr_fit(*arguments: str, cwd: Path) -> None:
    """Runs ``inr-fit`` on one thread, and ends the program where that fails."""
    folders = os.environ.get("PYTHONPATH") or str(ROOT)
    path = os.pathsep.join(str(Path(folder).resolve()) for folder in folders.split(os.pathsep))
    done = subprocess.run(
        [sys.executable, "-c", "from inr.cli.fit import main; main()", *arguments],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"inr-fit {' '.join(arguments)}\n{done.stderr}")


def read_weights(run: Path) -> dict[str, str]:
    """The hash of each file of weights. Its metadata do not count."""
    from safetensors.numpy import load_file

    paths = sorted(run.rglob("field.safetensors"))
    return {str(path.relative_to(run)): hash_arrays(load_file(path)) for path in paths}


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the names, types, shapes and bytes of arrays."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def read_metrics(run: Path) -> dict[str, Any]:
    """Metrics without times, and hashes of the arrays that an experiment found."""
    metrics = {}
    for path in sorted(run.rglob("metrics.json")):
        prefix = "" if path.parent == run else f"{path.relative_to(run)} "
        for name, value in flatten(json.loads(path.read_text())):
            if name not in TIMES:
                metrics[prefix + name] = value
    if (run / "findings.npz").is_file():
        with np.load(run / "findings.npz") as findings:
            for name in findings.files:
                metrics[f"findings.npz {name}"] = hash_arrays({name: findings[name]})
    return metrics


def flatten(nested: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of a nested dictionary, each with its keys, joined by slashes."""
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from ((f"{key}/{name}", inner) for name, inner in flatten(value))
        else:
            yield key, value


def read_tags(run: Path) -> list[str]:
    """Folder, kind and name of each tag of the event files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tags = set()
    for folder in {path.parent for path in run.rglob("events.out.*")}:
        events = EventAccumulator(str(folder))
        events.Reload()
        for kind, names in events.Tags().items():
            if isinstance(names, list):
                tags |= {f"{folder.relative_to(run)} {kind}: {name}" for name in names}
    return sorted(tags)


def list_files(run: Path) -> list[str]:
    """The files of a run, event files without the time and the host in their names."""
    paths = [path.relative_to(run) for path in run.rglob("*") if path.is_file()]
    return sorted({re.sub(r"events\.out\..*", "events.out", str(path)) for path in paths})


def compare_records(
    before: Mapping[str, Record], after: Mapping[str, Record]
) -> tuple[list[str], bool]:
    """Compares two records, run by run.

    Args:
        before: Record of the one version, by the names of runs.
        after: Record of the other.

    Returns:
        A line for each difference, and whether weights and metrics are the same.
    """
    lines, is_same = [], True
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in before or name not in after:
            lines.append(f"{name}: only {'after' if name in after else 'before'}")
            is_same = False
            continue
        for part in ("weights", "metrics"):
            found = compare_values(before[name][part], after[name][part])
            is_same = is_same and not found
            lines += [f"{name}: {part}: {line}" for line in found]
        for part in ("tags", "files"):
            old, new = set(before[name][part]), set(after[name][part])
            lines += [f"{name}: {part}: - {item}" for item in sorted(old - new)]
            lines += [f"{name}: {part}: + {item}" for item in sorted(new - old)]
    return lines, is_same


def compare_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for each value that changed, changed its name, went or came."""
    # As JSON, in which NaN is NaN, and 1 is not 1.0.
    old, new = ({key: json.dumps(values[key]) for key in values} for values in (before, after))
    lines = [f"{k}: {old[k]} -> {new[k]}" for k in old if k in new and old[k] != new[k]]
    come = [key for key in new if key not in old]
    for key in [key for key in old if key not in new]:
        twin = next((other for other in come if new[other] == old[key]), None)
        if twin is None:
            lines.append(f"- {key}: {old[key]}")
        else:
            come.remove(twin)
            lines.append(f"renamed: {key} -> {twin}: {old[key]}")
    return lines + [f"+ {key}: {new[key]}" for key in come]


if __name__ == "__main__":
    main()
