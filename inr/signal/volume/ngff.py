"""OME-NGFF metadata of a Zarr store: axes and spacing of an image's levels.

Versions 0.4 (Zarr 2) and 0.5 (Zarr 3) of https://ngff.openmicroscopy.org are read, 0.5 is written.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .volume_format import Container

VERSION = "0.5"
NAMES = {
    "nm": "nanometer",
    "um": "micrometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "m": "meter",
}
UNITS = {name: unit for unit, name in NAMES.items()}
TYPES = {"t": "time", "c": "channel"}


class Level(NamedTuple):
    """An image at one resolution.

    Attributes:
        path: Path of the level's array in the store.
        axes: Axes of the array, a letter each; None where an axis has another name than ours.
        spacing: Spacing along x, y and z.
        unit: Unit of lengths.
    """

    path: str
    axes: str | None
    spacing: Sequence[float] | None
    unit: str | None


def read_levels(attributes: Mapping[str, Any]) -> list[Level]:
    """The levels of a group's first image, the finest first; none where it is no such group."""
    try:
        image = attributes.get("ome", attributes)["multiscales"][0]
        return [read_level(image, dataset) for dataset in image["datasets"]]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return []


def read_level(image: Mapping[str, Any], dataset: Mapping[str, Any]) -> Level:
    """One level of an image."""
    names = [axis["name"] for axis in image["axes"]]
    scale = [1.0] * len(names)
    for owner in (dataset, image):
        for step in owner.get("coordinateTransformations", ()):
            if step["type"] == "scale":
                scale = [a * float(b) for a, b in zip(scale, step["scale"], strict=True)]
    steps: dict[str, float] = dict(zip(names, scale, strict=True))
    x, y = steps["x"], steps["y"]
    z = steps.get("z", x)
    has_spacing = all(step > 0 and math.isfinite(step) for step in (x, y, z))
    unit = next((axis.get("unit") for axis in image["axes"] if axis["name"] == "x"), None)
    is_ours = len(steps) == len(names) and set(names) <= set("tczyx")
    return Level(
        str(dataset["path"]).strip("/"),
        "".join(names) if is_ours else None,
        (x, y, z) if has_spacing else None,
        None if unit is None else UNITS.get(str(unit), str(unit)),
    )


def make_attributes(path: str, container: Container, spacing: Sequence[float]) -> dict[str, Any]:
    """The attributes of a group of one image at one level."""
    steps = dict(zip("xyz", spacing, strict=True))
    axes = [{"name": axis, "type": TYPES.get(axis, "space")} for axis in container.axes]
    for axis in axes:
        if container.unit is not None and axis["type"] == "space":
            axis["unit"] = NAMES.get(container.unit, container.unit)
    scale = [steps.get(axis, 1.0) for axis in container.axes]
    level = {"path": path, "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    return {"ome": {"version": VERSION, "multiscales": [{"axes": axes, "datasets": [level]}]}}
