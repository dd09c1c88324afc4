"""Fields (an encoding and a network), stacks of them, their files, slices and derivatives."""

from inr.field.build import build_field
from inr.field.field import Field
from inr.field.file import FieldDescription, SavedField, load_field, save_field
from inr.field.infinite_ntk import infinite_ntk_of
from inr.field.stack import FieldStack
from inr.field.view import GradientField, SliceField

__all__ = [
    "Field",
    "FieldDescription",
    "FieldStack",
    "GradientField",
    "SavedField",
    "SliceField",
    "build_field",
    "infinite_ntk_of",
    "load_field",
    "save_field",
]
