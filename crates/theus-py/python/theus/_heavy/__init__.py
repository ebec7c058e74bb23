"""The heavy zone: big arrays in shared memory, read in workers without copying. NumPy is optional.

What not: NumPy is imported when the first array is made, and never here.
"""

from __future__ import annotations

from .blocks import as_array, as_plain_array, block_of, encode_array, scratch, shm_array_class
from .zone import HeavyZone

__all__ = ["HeavyZone", "as_array", "as_plain_array", "block_of", "encode_array", "scratch", "shm_array_class"]
