"""Functions of known content, and columns of tables."""

from .axis import Axis, read_axis
from .read import Column, is_table, read_column

__all__ = ["Axis", "Column", "is_table", "read_axis", "read_column"]
