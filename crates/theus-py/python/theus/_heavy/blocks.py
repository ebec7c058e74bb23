"""Between blocks of shared memory and the arrays that Python sees: ShmArray, or a memoryview without NumPy."""

from __future__ import annotations

import sys

from .. import _native
from .dtype import cast_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_shm_array: Any = None
_no_numpy = False
# What an empty array without NumPy may cost for its shape, in bytes.
_LARGEST_ROW = 1 << 20


def shm_array_class() -> Any:
    """The class ShmArray, a subclass of numpy.ndarray; ImportError without NumPy."""
    global _shm_array
    if _shm_array is None:
        from .shm_array import ShmArray

        _shm_array = ShmArray
    return _shm_array


def as_array(block: Any, name: str | None = None) -> Any:
    """The array over a block: a ShmArray, or without NumPy a memoryview with shape and format."""
    global _no_numpy
    if _no_numpy:
        return memoryview(block)
    try:
        cls = shm_array_class()
    except ImportError:
        _no_numpy = True
        return memoryview(block)
    array = cls.__new__(cls, block.shape, block.dtype, block)
    array.block = block
    if name is not None:
        array.heavy_name = name
    return array


def as_plain_array(dtype: str, shape: tuple[int, ...], data: bytes) -> Any:
    """A private, writable copy of an array that was stored as a value: an ndarray, or without NumPy a memoryview.

    That memoryview has the array's shape and format, with these exceptions. Elements that ``memoryview.cast`` does not know
    (float16, longdouble, complex) come as their bytes, flat and of format 'B'. An array without elements keeps its shape
    where it is rows of at most 1 MiB, of which there are none; else it comes with its format and the shape (0,).
    """
    try:
        import numpy
    except ImportError:
        return _plain_view(dtype, shape, bytearray(data))
    return numpy.frombuffer(data, dtype=dtype).reshape(shape).copy()


def _plain_view(dtype: str, shape: tuple[int, ...], data: bytearray) -> memoryview:
    code: Any = cast_code(dtype)
    if code is None:
        return memoryview(data)
    if 0 not in shape:
        return memoryview(data).cast(code, shape)
    from math import prod

    # cast() refuses zeros, but of one row none can be taken.
    empty, row = memoryview(data).cast(code), shape[1:]
    size = prod(row) * empty.itemsize
    return memoryview(bytearray(size)).cast(code, (1, *row))[:0] if 0 < size <= _LARGEST_ROW else empty


def block_of(array: Any) -> Any:
    """The block that a value stands for as a whole, or None."""
    if _shm_array is not None and type(array) is _shm_array:
        block = array.block
        # Reshaped or reinterpreted in place it is no longer the block's array: then it is copied.
        same = block is not None and (array.shape, array.dtype.str) == (block.shape, block.dtype)
        return block if same and array.flags.c_contiguous else None
    if type(array) is memoryview and isinstance(array.obj, _native.Block):
        block = array.obj
        same = (array.shape, array.nbytes) == (block.shape, block.nbytes) and array.c_contiguous
        return block if same and array.format == memoryview(block).format else None
    return None


def encode_array(array: Any) -> tuple[str, tuple[int, ...], bytes] | None:
    """The type, shape and elements of a NumPy array of numbers; None for anything else."""
    return (array.dtype.str, array.shape, array.tobytes()) if is_plain(array) else None


def is_plain(array: Any) -> bool:
    """True for a NumPy array of numbers that is nothing but its elements.

    Subclasses mean more (a mask, another product), and so does a foreign byte order.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or type(array) not in (numpy.ndarray, numpy.memmap, _shm_array):
        return False
    return array.dtype.kind in "biufc" and array.dtype.fields is None and not array.dtype.str.startswith(">")


def scratch(array: Any) -> Any:
    """A private writable view of the pages of an array of the heavy zone: copy-on-write, seen by nobody else.

    For a ShmArray the same as its method; without NumPy for a memoryview that shows a whole array. Nothing is copied but
    the pages that are written; what is private already is copied (without NumPy as ``as_plain_array`` does it).
    """
    if _shm_array is not None and isinstance(array, _shm_array):
        return array.scratch()
    block = block_of(array)
    if block is None:
        raise TypeError(
            f"scratch() takes a ShmArray, or a memoryview of a whole array of the heavy zone, not {type(array).__name__}; "
            "for a part, take the scratch of the whole and slice that"
        )
    private = block.scratch()
    return as_array(private) if private is not None else _plain_view(block.dtype, block.shape, bytearray(array))
