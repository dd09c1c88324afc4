"""Sets of images of one size, a field for each."""
