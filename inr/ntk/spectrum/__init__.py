"""Eigenvalues and eigenvectors of a kernel, dense or from products, and numbers drawn from them."""
