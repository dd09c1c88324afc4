"""A fitted field as files that other programs read."""

from inr.export.field_file import FieldDescription, load_field, save_field
from inr.export.image import native_image_suffix, write_image

__all__ = [
    "FieldDescription",
    "load_field",
    "native_image_suffix",
    "save_field",
    "write_image",
]
