"""Encodings γ: R^d -> R^m of coordinates, which decide what frequencies a network learns."""

from inr.encoding._encoding import Encoding
from inr.encoding._fourier import FourierEncoding
from inr.encoding.basic import BasicEncoding
from inr.encoding.gaussian import GaussianEncoding
from inr.encoding.identity import IdentityEncoding
from inr.encoding.positional import PositionalEncoding

__all__ = [
    "BasicEncoding",
    "Encoding",
    "FourierEncoding",
    "GaussianEncoding",
    "IdentityEncoding",
    "PositionalEncoding",
]
