"""Arrays of others, copied once into the heavy zone: NumPy's, anything with the buffer protocol, anything with DLPack."""

from __future__ import annotations

import sys

from .dtype import dtype_of_format, dtype_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The kinds of DLPack devices whose memory a CPU can read: CPU, and the pinned or managed memory of CUDA and ROCm.
_READABLE_DEVICES = (1, 3, 11, 13)


def adopted(native: Any, name: str, source: Any) -> Any:
    """A block that holds a copy of the source's elements, row by row and little-endian. It has no name yet."""
    try:
        import numpy
    except ImportError:
        return _without_numpy(native, name, source)
    array = source if isinstance(source, numpy.ndarray) else _as_ndarray(numpy, name, source)
    masked = sys.modules.get("numpy.ma")
    if masked is not None and isinstance(array, masked.MaskedArray):
        raise TypeError(f"heavy.{name}: the mask of a masked array would be lost; adopt array.filled(value)")
    block = native.reserve(name, list(array.shape), dtype_text(name, array.dtype))
    target = numpy.ndarray(block.shape, block.dtype, block)
    # Between equal types of different byte order; anything else would change values.
    numpy.copyto(target, array, casting="equiv")
    return block


def _as_ndarray(numpy: Any, name: str, source: Any) -> Any:
    try:
        view = memoryview(source)
    except TypeError:
        return _from_dlpack(numpy, name, source)
    try:
        return numpy.asarray(view)
    except (TypeError, ValueError) as error:
        raise TypeError(f"heavy.{name}: elements of format {view.format!r} cannot be taken: {error}") from error


def _from_dlpack(numpy: Any, name: str, source: Any) -> Any:
    _check_dlpack(name, source)
    try:
        return numpy.from_dlpack(source)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"heavy.{name}: {type(source).__name__} cannot be taken by DLPack: {error}") from error


def _check_dlpack(name: str, source: Any) -> None:
    if not hasattr(source, "__dlpack__"):
        raise _not_an_array(name, source)
    device = source.__dlpack_device__()
    if device[0] not in _READABLE_DEVICES:
        raise TypeError(f"heavy.{name}: the array lies on a device (DLPack device {tuple(device)}); copy it to the CPU first")


def _without_numpy(native: Any, name: str, source: Any) -> Any:
    try:
        view = memoryview(source)
    except TypeError:
        view = _dlpack_view(name, source)
    block = native.reserve(name, list(view.shape or ()), dtype_of_format(name, view.format, view.itemsize))
    block.fill(view)
    return block


def _dlpack_view(name: str, source: Any) -> memoryview:
    from .. import _native

    _check_dlpack(name, source)
    try:
        try:
            capsule = source.__dlpack__(max_version=(1, 0))
        except TypeError:
            # A producer from before DLPack 1.0 does not know the word.
            capsule = source.__dlpack__()
        return memoryview(_native.Tensor(capsule))
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"heavy.{name}: {type(source).__name__} cannot be taken by DLPack: {error}") from error


def _not_an_array(name: str, source: Any) -> TypeError:
    return TypeError(
        f"heavy.{name}: a {type(source).__name__} is no array: give a NumPy array, or something with the buffer protocol or "
        "DLPack (for numbers in lists: numpy.array(...))"
    )
