"""ShmArray: a NumPy array in shared memory. The one module that needs NumPy to be imported.

Reads and arithmetic are NumPy's own. Only what writes is wrapped, so that a refusal can say what to do instead.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy

from .. import _native
from .names import name_of

__all__ = ["ShmArray"]

_set_item = numpy.ndarray.__setitem__


def _guarded(name: str) -> Any:
    """The method of this name of an array, whose refusal to write tells the ways out."""
    method = getattr(numpy.ndarray, name)

    @wraps(method)
    def guarded(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return method(self, *arguments, **named)
        except ValueError as error:
            if self.flags.writeable:
                raise
            raise ValueError(_read_only(self)) from error

    return guarded


def _read_only(array: ShmArray) -> str:
    whole = array._whole()
    name = None if whole is None else whole.heavy_name or name_of(whole.block)
    which, asked = ("this heavy array", "name") if name is None else (f"heavy array {name!r}", repr(name))
    return (
        f"{which} is read-only: snapshots, and tasks on workers, read these very bytes. To change a private copy, call "
        f".scratch() on it (the same pages, copied as they are written); to publish a changed one, use "
        f"`with engine.heavy.update({asked}) as array:`, or return the changed copy from the process"
    )


class ShmArray(numpy.ndarray[Any, Any]):
    """An array in shared memory: a numpy.ndarray that knows its block.

    Slices and views of it are ShmArrays too and keep the memory, as a memoryview or a DLPack capsule of it does. What is
    computed from it is an ordinary array. Made by ``engine.heavy`` and by reading the heavy zone.
    """

    # Set on the whole array only: what is made from it does not stand for its block, but finds the whole by its base.
    block: Any = None
    heavy_name: str | None = None
    _shm: Any = None

    # Native, and nothing that Python binds first: arithmetic costs less so than on a subclass that says nothing.
    __array_wrap__ = _native.computed  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        from .._handles import reduce_array

        handle = reduce_array(self)
        if handle is not None:
            return handle
        return numpy.array(self, copy=True, subok=False).__reduce__()

    def __setitem__(self, key: Any, value: Any) -> None:
        # Written out, for it is what loops call.
        try:
            _set_item(self, key, value)
        except ValueError as error:
            if self.flags.writeable:
                raise
            raise ValueError(_read_only(self)) from error

    def scratch(self) -> ShmArray:
        """A private writable view of the same pages: each is copied when it is first written. Seen by nobody else.

        Pages that were not written yet still show what an owner writes into a published array. Committing the result
        copies it.
        """
        whole = self._whole()
        block = whole.block.scratch() if whole is not None and self.size else None
        if whole is None or block is None:
            # Nobody else has it, so what keeps the two apart is a copy.
            return self.copy()
        offset = self.__array_interface__["data"][0] - whole.block.address
        made: ShmArray = numpy.ndarray.__new__(ShmArray, self.shape, self.dtype, block, offset, self.strides)
        made.block = block
        return made

    @property
    def shm(self) -> Any:
        """The memory as ``multiprocessing.shared_memory`` has it: name, size, buf, close(), unlink(); None in private memory."""
        whole = self._whole()
        if whole is None or not whole.block.shared:
            return None
        if whole._shm is None:
            from .memory import SafeSharedMemory

            whole._shm = SafeSharedMemory(whole.block)
        return whole._shm

    def _whole(self) -> ShmArray | None:
        """The array that stands for the block in which this one lies."""
        found: Any = self
        while isinstance(found, ShmArray):
            if found.block is not None:
                return found
            found = found.base
        return None


for _name in (
    "__iadd__", "__isub__", "__imul__", "__imatmul__", "__itruediv__", "__ifloordiv__", "__imod__", "__ipow__",
    "__ilshift__", "__irshift__", "__iand__", "__ixor__", "__ior__", "fill", "sort", "put", "partition", "setfield",
    "byteswap", "setflags",
):  # fmt: skip
    if hasattr(numpy.ndarray, _name):
        setattr(ShmArray, _name, _guarded(_name))

ShmArray.__module__ = "theus.structures"
