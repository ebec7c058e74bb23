"""The heavy zone: big arrays in shared memory, read in workers without copying. NumPy is optional."""

from __future__ import annotations

import sys

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_shm_array: Any = None
_no_numpy = False


def shm_array_class() -> Any:
    """The class ShmArray, a subclass of numpy.ndarray; ImportError without NumPy."""
    global _shm_array
    if _shm_array is None:
        import numpy

        class ShmArray(numpy.ndarray):  # type: ignore[type-arg]
            """An array in shared memory. ``block`` is the memory; a slice or the result of arithmetic has none."""

            block: Any = None

            def __array_finalize__(self, _source: Any) -> None:
                # Only the whole array stands for its block; whatever is made from it does not.
                self.block = None

            def __reduce__(self) -> Any:
                return numpy.array(self, copy=True, subok=False).__reduce__()

        ShmArray.__module__ = "theus.structures"
        ShmArray.__qualname__ = "ShmArray"
        _shm_array = ShmArray
    return _shm_array


def as_array(block: Any) -> Any:
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
    return array


def as_plain_array(dtype: str, shape: tuple[int, ...], data: bytes) -> Any:
    """A private copy of an array that was stored as a value."""
    try:
        import numpy
    except ImportError:
        return memoryview(data)
    return numpy.frombuffer(data, dtype=dtype).reshape(shape).copy()


def block_of(array: Any) -> Any:
    """The block that a value stands for as a whole, or None."""
    if _shm_array is not None and type(array) is _shm_array:
        block = array.block
        # Reshaped or reinterpreted in place it is no longer the block's array: then it is copied.
        same = block is not None and (array.shape, array.dtype.str) == (block.shape, block.dtype)
        return block if same and array.flags.c_contiguous else None
    if type(array) is memoryview and isinstance(array.obj, _native.Block) and array.nbytes == array.obj.nbytes:
        return array.obj
    return None


def encode_array(array: Any) -> tuple[str, tuple[int, ...], bytes] | None:
    """The type, shape and elements of a NumPy array of numbers; None for anything else.

    Subclasses mean more than their elements (a mask, another product), and so does a foreign byte order: they are not
    taken for plain arrays.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or type(array) not in (numpy.ndarray, numpy.memmap, _shm_array):
        return None
    if array.dtype.kind not in "biufc" or array.dtype.fields is not None or array.dtype.str.startswith(">"):
        return None
    return array.dtype.str, array.shape, array.tobytes()


_CODES = {
    "?": "|b1", "b": "|i1", "B": "|u1", "h": "<i2", "H": "<u2", "i": "<i4", "I": "<u4", "l": "<i8", "L": "<u8",
    "q": "<i8", "Q": "<u8", "e": "<f2", "f": "<f4", "d": "<f8",
}  # fmt: skip
_NAMES = {
    "bool": "|b1", "int8": "|i1", "uint8": "|u1", "int16": "<i2", "uint16": "<u2", "int32": "<i4", "uint32": "<u4",
    "int64": "<i8", "uint64": "<u8", "float16": "<f2", "float32": "<f4", "float64": "<f8", "float": "<f8",
    "int": "<i8", "complex64": "<c8", "complex128": "<c16",
}  # fmt: skip


def dtype_text(name: str, dtype: Any) -> str:
    """The type of an array as text such as '<f4', from a NumPy type, a Python type, a name or a struct code."""
    text = dtype.__name__ if isinstance(dtype, type) and dtype.__module__ == "builtins" else dtype
    if isinstance(text, str):
        known = _NAMES.get(text) or _CODES.get(text)
        if known or _native.item_size(text):
            return known or text
    try:
        import numpy

        found = numpy.dtype(dtype)
    except (ImportError, TypeError, ValueError):
        raise TypeError(f"heavy.{name}: dtype {dtype!r} is not known; give a name such as 'float32'") from None
    if found.kind not in "biufc" or found.fields is not None or found.subdtype is not None:
        raise TypeError(
            f"heavy.{name}: dtype {found} cannot live in shared memory; use booleans, integers, floats or complex numbers"
        )
    return found.newbyteorder("<").str


class HeavyZone:
    """The engine's allocator of heavy arrays."""

    def __init__(self, core: Any) -> None:
        self._core = core

    def alloc(self, name: str, shape: Any = None, dtype: Any = "float64") -> Any:
        """A zeroed, writable array on anonymous shared memory; publish it with ``compare_and_swap(v, heavy={...})``.

        Raises ValueError or TypeError for a shape or type that makes no sense, MemoryError beyond the capacity or when
        the machine has not that much memory; granted memory never faults later.
        """
        if not isinstance(name, str) or not name:
            raise TypeError(f"heavy.alloc: a name is a text, not {name!r}")
        text = dtype_text(name, dtype)
        return as_array(self._core.alloc(name, _shape(name, shape), text))


def _shape(name: str, shape: Any) -> list[int]:
    import operator

    if shape is None:
        raise TypeError(f"heavy.{name}: alloc() needs a shape, such as shape=(1080, 1920)")
    try:
        dimensions = [operator.index(shape)]
    except TypeError:
        try:
            dimensions = [operator.index(dimension) for dimension in shape]
        except TypeError:
            raise TypeError(f"heavy.{name}: shape {shape!r} must be whole numbers") from None
    if any(dimension < 0 for dimension in dimensions):
        raise ValueError(f"heavy.{name}: shape {shape!r} has a negative dimension")
    if len(dimensions) > 32:
        raise ValueError(f"heavy.{name}: shape {shape!r} has more than 32 dimensions")
    if any(dimension >= 1 << 63 for dimension in dimensions):
        raise ValueError(f"heavy.{name}: shape {shape!r} has more bytes than can be addressed")
    return dimensions
