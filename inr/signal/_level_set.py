"""The surface where any field in space has one value, as a file."""

import warnings
from pathlib import Path

from torch import nn

from inr.field.file import FieldDescription
from inr.mesh import write_mesh
from inr.signal._kinds import KINDS
from inr.signal._surface_display import SUFFIXES


def write_level_set(
    path: Path,
    field: nn.Module,
    description: FieldDescription,
    shape: tuple[int, int, int],
    level: float | None,
    *,
    progress: bool = False,
) -> None:
    """Writes a mesh, in the frame and units of what was fitted.

    Args:
        path: Ends in ``.ply``, ``.obj``, ``.stl``, ``.off`` or ``.glb``.
        field: ``(n, 3) -> (n, 1)``.
        description: Description of the field.
        shape: Cells per axis, ``(D, H, W)``.
        level: Value on the surface, as for :meth:`Display.extract_surface`.
        progress: Whether to show a bar on stderr.

    Raises:
        ValueError: The suffix is another, or the field has that value nowhere.
    """
    if path.suffix.lower() not in SUFFIXES:
        # Before all of it is evaluated.
        raise ValueError(
            f"{path.name} has the suffix {path.suffix!r}; expected {', '.join(SUFFIXES)}. "
            f"Name it {path.stem}.ply."
        )
    display = KINDS[description.kind].display
    mesh = display.extract_surface(field, description, shape, level, progress=progress)
    for note in write_mesh(path, mesh):
        warnings.warn(note, stacklevel=2)
