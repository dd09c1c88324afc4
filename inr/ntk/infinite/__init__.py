"""Closed-form kernels of infinitely wide networks."""
