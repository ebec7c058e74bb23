"""Handles: what a pickled array of the heavy zone is, and the way back to its memory.

What not: the bytes and the listener, which are the core's. Invariant: a handle keeps no array alive.
"""

from __future__ import annotations

import pickle
from _thread import _local

from . import _native
from ._heavy import as_array, shm_array_class
from .errors import ContextError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Set while the engine itself pickles: what it stores or sends must not depend on who else keeps an array.
_pickling = _local()


def dumps(value: Any, protocol: int) -> bytes:
    """Pickles for the engine's own use: arrays of the heavy zone by their elements, not as handles."""
    before = getattr(_pickling, "by_elements", False)
    _pickling.by_elements = True
    try:
        return pickle.dumps(value, protocol)
    finally:
        _pickling.by_elements = before


def reduce_array(array: Any) -> tuple[Any, tuple[bytes]] | None:
    """How a ShmArray, or a part of one, is pickled as a handle; None of one that must be pickled by its elements.

    That is: private memory, memory that a worker has mapped or not handed over yet, and types that have no name.
    """
    if getattr(_pickling, "by_elements", False):
        return None
    whole = array._whole()
    if whole is None or not whole.block.shared:
        return None
    offset = array.__array_interface__["data"][0] - whole.block.address
    if offset < 0:
        return None
    handle = _native.handle(whole.block, array.dtype.str, array.shape, array.strides, offset)
    return None if handle is None else (restore_array, (handle,))


def restore_array(handle: bytes) -> Any:
    """The read-only array that a handle stands for, over the same memory.

    ContextError when its creator has ended or freed it.
    """
    block, whole, dtype, shape, strides, offset = _native.reached(handle)
    if whole:
        return as_array(block)
    try:
        cls = shm_array_class()
    except ImportError:
        raise ContextError(f"a part of a heavy array (shape {tuple(shape)}) can only be unpickled with NumPy") from None
    made = cls.__new__(cls, shape, dtype, block, offset, strides)
    made.block = block
    return made
