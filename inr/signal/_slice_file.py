"""Pictures of a plane through a field of three coordinates."""

from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.lattice import Region
from inr.signal._image_file import TIFF_SUFFIXES, native_image_suffix, write_image
from inr.signal._picture import colored

# In other numbers of channels the last is taken for transparency, which a volume has none of.
OPAQUE = (1, 3)


class ColoredField(nn.Module):
    """A field of any number of channels as one of colours.

    Args:
        field: ``(n, d) -> (n, c)``.

    Shape:
        ``(n, d) -> (n, 3)``, or ``(n, 1)`` of one channel.
    """

    def __init__(self, field: nn.Module) -> None:
        super().__init__()
        self.field = field

    def forward(self, coords: Tensor) -> Tensor:
        return colored(self.field(coords))


def native_slice_suffix(description: FieldDescription) -> str:
    """The suffix of a file that holds all channels at their own depth."""
    is_image = description.out_features in OPAQUE
    return native_image_suffix(description) if is_image else ".npz"


def write_slice(
    path: Path,
    field: nn.Module,
    description: FieldDescription,
    *,
    size: tuple[int, ...],
    region: Region | None = None,
    progress: bool = False,
) -> None:
    """Writes an image without transparency.

    TIFF and NPZ have the numbers of the file; in PNG they are spread from the least to the greatest
    that it has. Of two channels, or more than three, PNG shows those that pictures of volumes do.

    Args:
        path: Ends in ``.png``, ``.tif``, ``.tiff`` or ``.npz``.
        field: ``(n, 2) -> (n, c)``.
        description: Description of the slice, as an image.
        size: ``(H, W)``.
        region: Corners ``((x0, y0), (x1, y1))`` of the box to render; all when None.
        progress: Whether to show a bar on stderr.

    Raises:
        ValueError: The suffix is another, or such a file cannot hold it.
    """
    channels, suffix = description.out_features, path.suffix.lower()
    if channels not in OPAQUE and suffix == ".png":
        field, description = ColoredField(field), replace(description, out_features=3)
    elif channels not in OPAQUE and suffix in TIFF_SUFFIXES:
        raise ValueError(
            f"{path.name} would have transparency or colours of {channels} channels that are "
            f"none; expected .npz, which holds all, or .png, which shows up to three. Use "
            f"-o {path.stem}.npz."
        )
    write_image(path, field, description, size=size, region=region, progress=progress)
