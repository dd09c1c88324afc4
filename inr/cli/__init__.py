"""The commands. Only here does configuration become objects."""
