"""Train implicit neural representations and watch their tangent kernel.

Importing this package loads nothing heavy: import what you need from its parts, such as
``inr.encoding``, ``inr.network``, ``inr.field`` and ``inr.ntk``.
"""

__version__ = "0.1.0"
