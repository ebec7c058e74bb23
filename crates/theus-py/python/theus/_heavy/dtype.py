"""The types of elements: which can live in shared memory, and how they are named."""

from __future__ import annotations

from .. import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CODES = {
    "?": "|b1", "b": "|i1", "B": "|u1", "h": "<i2", "H": "<u2", "i": "<i4", "I": "<u4", "l": "<i8", "L": "<u8",
    "q": "<i8", "Q": "<u8", "e": "<f2", "f": "<f4", "d": "<f8",
}  # fmt: skip
# What memoryview.cast takes: "q" for the two names of eight bytes, as a block has it, and no half precision.
_CASTABLE = {dtype: code for code, dtype in _CODES.items() if code != "e"}
_NAMES = {
    "bool": "|b1", "int8": "|i1", "uint8": "|u1", "int16": "<i2", "uint16": "<u2", "int32": "<i4", "uint32": "<u4",
    "int64": "<i8", "uint64": "<u8", "float16": "<f2", "float32": "<f4", "float64": "<f8", "float": "<f8",
    "int": "<i8", "complex64": "<c8", "complex128": "<c16",
}  # fmt: skip
_KINDS = {"?": "b", **dict.fromkeys("bhilqn", "i"), **dict.fromkeys("BHILQN", "u"), **dict.fromkeys("efdg", "f")}


def dtype_text(name: str, dtype: Any) -> str:
    """The type of an array as text such as '<f4', from a NumPy type, a Python type, a name or a struct code."""
    text = dtype.__name__ if isinstance(dtype, type) and dtype.__module__ == "builtins" else dtype
    if isinstance(text, str):
        known = _NAMES.get(text) or _CODES.get(text) or _spelled(text)
        if known:
            return known
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


def _spelled(text: str) -> str | None:
    """A text such as '<f4', 'f4' or '|u1' the one way that NumPy spells it."""
    plain = text.lstrip("<|=")
    size = _native.item_size(f"<{plain}") if len(text) - len(plain) < 2 else None
    return None if size is None else f"{'|' if size == 1 else '<'}{plain}"


def dtype_of_format(name: str, code: str, itemsize: int) -> str:
    """The type of the elements of a buffer, from its struct code; for where there is no NumPy to ask."""
    order, plain = (code[0], code[1:]) if code[:1] in "@=<>!" and code else ("@", code)
    kind = "c" if plain in ("Zf", "Zd", "Zg", "F", "D", "G") else _KINDS.get(plain)
    text = f"{'|' if itemsize == 1 else '<'}{kind}{itemsize}"
    if kind is None or _native.item_size(text) is None:
        raise TypeError(
            f"heavy.{name}: elements of format {code!r} cannot live in shared memory; use booleans, integers, floats or "
            "complex numbers"
        )
    if order in ">!" and itemsize > 1:
        raise TypeError(f"heavy.{name}: elements of format {code!r} are big-endian, which takes NumPy to convert")
    return text


def cast_code(dtype: str) -> str | None:
    """The struct code of a type for ``memoryview.cast``; None for half and long double precision and complex numbers."""
    return _CASTABLE.get(dtype)


def shape_of(name: str, shape: Any) -> list[int]:
    """The dimensions that a caller gave, checked."""
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
