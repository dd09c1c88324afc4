#!/usr/bin/env python3
"""Record what small runs of every kind give, and compare two records.

Usage: scripts/record_runs.py OUT.json [RUN ...]
       scripts/record_runs.py --compare BEFORE.json AFTER.json

A record has, for each run, the SHA-256 of its final weights, its metrics without times, the tags
of its event files, and the files it wrote. Records are compared between versions on one machine: a
change that is not meant to change numbers leaves weights and metrics as they are, to the last bit.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TIMES = ("seconds", "points_per_second")
FIELD = ["network.hidden_features=32", "network.hidden_layers=2", "trainer.precision=32-true"]
STEPS = ["trainer.max_steps=24", "callback.ntk_spectrum.num_points=32", "trainer.accelerator=cpu"]
SMALL = [*FIELD, *STEPS, "sampler.batch_size=256"]
FOURIER = [*SMALL, "encoding.num_frequencies=32"]
IMAGE = ["signal.size=[24,32]", *FOURIER]
SURFACE = ["signal.resolution=24", "signal.lattice_size=16", *FOURIER, "sampler.pool_size=2048"]
CLOUD = ["signal.resolution=24", "signal.lattice_size=16", *SMALL]
THEORY = ["callback=theory", "optimizer=sgd", "sampler.batch_size=null", "optimizer.lr=0.1"]
RUNS: dict[str, list[str]] = {
    "image": IMAGE,
    "image_holdout": [*IMAGE, "signal.holdout=alternate"],
    "image_set": ["{images}", "signal.watched=1", *FOURIER],
    "volume": ["signal=volume", "signal.size=[8,12,16]", *FOURIER],
    "shape_occupancy": ["signal=shape", *SURFACE],
    "shape_distance": ["signal=shape", "signal.target=distance", "loss=clamped_l1", *SURFACE],
    "point_cloud": ["signal=point_cloud", *CLOUD],
    "audio": ["signal=audio", "signal.seconds=0.2", *FOURIER],
    "video": ["signal=video", "signal.frames=4", "signal.size=[12,16]", *FOURIER],
    "function": ["signal=function", "signal.size=[256]", *FOURIER],
    "theory": ["signal.size=[8,12]", *FOURIER, *THEORY],
    "ntk_1d": ["experiment=ntk_1d", "experiment.hidden_features=32", "experiment.steps=20"],
    "resume": IMAGE,
}


def main() -> None:
    """Records or compares, as the arguments say."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--compare"] and len(arguments) == 3:
        before, after = (json.loads(Path(path).read_text()) for path in arguments[1:])
        lines, is_same = compare(before, after)
        print("\n".join(lines) or "no differences")
        sys.exit(0 if is_same else 1)
    if not arguments or arguments[0].startswith("-"):
        sys.exit(__doc__)
    names = arguments[1:] or list(RUNS)
    Path(arguments[0]).write_text(json.dumps({n: record(n) for n in names}, indent=1) + "\n")


def record(name: str) -> dict[str, Any]:
    """Runs one of the runs, and says what came of it."""
    print(name, file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        make_images(Path(folder) / "images")
        overrides = [o.format(images=f"{folder}/images") if "{" in o else o for o in RUNS[name]]
        run = Path(folder) / "run"
        inr_fit(folder, *overrides, f"hydra.run.dir={run}")
        if name == "resume":
            inr_fit(folder, f"ckpt_path={run}", "trainer.max_steps=40", f"hydra.run.dir={run}")
        return {
            "weights": hash_weights(run),
            "metrics": read_metrics(run),
            "tags": read_tags(run),
            "files": list_files(run),
        }


def make_images(folder: Path) -> None:
    """Two small images."""
    import imageio.v3 as imageio

    folder.mkdir()
    rows, columns = np.mgrid[0:12, 0:16]
    for number in range(2):
        waves = np.stack([np.sin(k * columns / 5 + number) * np.cos(rows / 3) for k in (1, 2, 3)])
        pixels = np.round(127.5 + 120 * waves).astype(np.uint8)
        imageio.imwrite(folder / f"{number}.png", pixels.transpose(1, 2, 0))


def inr_fit(folder: str, *arguments: str) -> None:
    """Runs ``inr-fit`` of this checkout, or of the one that PYTHONPATH names first."""
    path = os.environ.get("PYTHONPATH") or str(ROOT)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    code = "from inr.cli.fit import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"inr-fit {' '.join(arguments)}\n{done.stderr}")


def hash_weights(run: Path) -> dict[str, str]:
    """SHA-256 of names, dtypes, shapes and bytes of all tensors, by file; metadata do not count."""
    from safetensors.numpy import load_file

    found = {}
    for path in sorted(run.rglob("field.safetensors")):
        digest = hashlib.sha256()
        for key, tensor in sorted(load_file(path).items()):
            digest.update(f"{key} {tensor.dtype} {tensor.shape}".encode())
            digest.update(np.ascontiguousarray(tensor).tobytes())
        found[str(path.relative_to(run))] = digest.hexdigest()
    return found


def read_metrics(run: Path) -> dict[str, Any]:
    """``metrics.json`` without times, and in an experiment's the arrays of its findings, hashed."""
    metrics = json.loads((run / "metrics.json").read_text())
    metrics = {key: value for key, value in metrics.items() if key not in TIMES}
    if (run / "findings.npz").is_file():
        with np.load(run / "findings.npz") as arrays:
            for key in sorted(arrays.files):
                content = np.ascontiguousarray(arrays[key]).tobytes()
                metrics[f"findings/{key}"] = hashlib.sha256(content).hexdigest()
    return metrics


def read_tags(run: Path) -> list[str]:
    """The tags of all event files, each with its kind."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tags = set()
    for folder in {path.parent for path in run.rglob("events.out.*")}:
        events = EventAccumulator(str(folder))
        events.Reload()
        for kind, names in events.Tags().items():
            tags |= {f"{kind}: {name}" for name in names} if isinstance(names, list) else set()
    return sorted(tags)


def list_files(run: Path) -> list[str]:
    """All files, without the time and the host in the names of event files."""
    names = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    return sorted({re.sub(r"events\.out\..*", "events.out", name) for name in names})


def compare(before: dict[str, Any], after: dict[str, Any]) -> tuple[list[str], bool]:
    """What differs, a line each, and whether weights and metrics are the same."""
    lines, is_same = [], True
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            lines.append(f"{name}: only {'after' if name in after else 'before'}")
            is_same = False
            continue
        old, new = before[name], after[name]
        for part in ("weights", "metrics"):
            for key in sorted(old[part].keys() | new[part].keys()):
                pair = (old[part].get(key), new[part].get(key))
                if pair[0] != pair[1]:
                    lines.append(f"{name}: {part} {key}: {pair[0]} -> {pair[1]}")
                    is_same = False
        for part in ("tags", "files"):
            gone, come = set(old[part]) - set(new[part]), set(new[part]) - set(old[part])
            lines += [f"{name}: {part}: -{item}" for item in sorted(gone)]
            lines += [f"{name}: {part}: +{item}" for item in sorted(come)]
    return lines, is_same


if __name__ == "__main__":
    main()
