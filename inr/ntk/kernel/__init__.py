"""The tangent kernel of a module: exact matrices, products with it, and its linear model."""
