"""Arrays whose memory travels beside a worker's result: what may go that way, and what the caller gets of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def attachable(array: Any, least: int) -> tuple[str, tuple[int, ...], Any, int] | None:
    """The type, shape, an array with the elements row by row, and its address; None for what must travel otherwise.

    That is whatever is no plain array of numbers in ordinary memory (pages of a mapped file may fail to be read) and of
    at least this many bytes.
    """
    from ._heavy.blocks import is_plain

    if not is_plain(array) or array.nbytes < least:
        return None
    import numpy

    if _is_mapped(array, numpy.memmap):
        return None
    rows = numpy.ascontiguousarray(array)
    return array.dtype.str, array.shape, rows, rows.__array_interface__["data"][0]


def _is_mapped(array: Any, memmap: type) -> bool:
    while array is not None:
        if isinstance(array, memmap) or type(array).__module__ == "mmap":
            return True
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
    return False


def own_array(block: Any) -> Any:
    """The caller's own array over a private block: an ordinary ndarray, or without NumPy a memoryview."""
    try:
        import numpy
    except ImportError:
        return memoryview(block)
    return numpy.ndarray(block.shape, block.dtype, block)


def geometry(shape: Any, dtype: Any) -> tuple[list[int], str]:
    """The shape and type of ``ctx.alloc``, checked."""
    from ._heavy.dtype import dtype_text, shape_of

    return shape_of("alloc", shape), dtype_text("alloc", "float64" if dtype is None else dtype)


def zeroed(dtype: str, shape: list[int]) -> Any:
    """A zeroed array in ordinary memory; None without NumPy."""
    try:
        import numpy
    except ImportError:
        return None
    return numpy.zeros(shape, dtype)
