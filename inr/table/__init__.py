"""Columns of numbers from files of tables."""

from .read import Column, is_table, read_column

__all__ = ["Column", "is_table", "read_column"]
