"""Shapes: the inside of a mesh, or the distance from its surface."""
