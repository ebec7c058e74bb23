"""HeavyZone: ``engine.heavy``, arrays by their names."""

from __future__ import annotations

import weakref

from .._running import running
from .blocks import as_array, block_of
from .dtype import dtype_text, shape_of
from .names import add_zone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The largest capacity, in MB: it is counted in bytes, in 64 bits.
MOST_MEGABYTES = (1 << 44) - 1

# Not None: that is no array, and who passes one by mistake must hear of it.
_ABSENT: Any = object()


class HeavyZone:
    """The engine's arrays in shared memory.

    A name is a text; dots lead into mappings of the heavy zone (``"cameras.left"`` is ``state.heavy["cameras"]["left"]``).
    Memory is freed when the last Python reference (a slice, memoryview or DLPack capsule counts) and the last snapshot
    that has it are gone. After ``engine.shutdown()`` every method but ``cleanup`` raises EngineClosedError; arrays held
    stay valid. In a forked child they raise RuntimeError, and the memory of arrays is not there: touching one ends the
    child with SIGSEGV.
    """

    def __init__(self, core: Any, engine: Any = None) -> None:
        self._core = core
        self._zone = core.heavy_zone()
        self._engine = weakref.ref(engine) if engine is not None else None
        add_zone(self)

    def alloc(self, name: str, shape: Any = None, dtype: Any = "float64") -> Any:
        """A zeroed, writable array on anonymous shared memory; publish it with ``compare_and_swap(v, heavy={...})``.

        A name that is in use gets a new block; the array published under it stays what it is. Until it is published the
        zone remembers the array under its name, but does not keep it.

        Raises ValueError or TypeError for a name, shape or type that makes no sense, MemoryError beyond the capacity or when
        the machine has not that much memory; granted memory never faults later.
        """
        text = dtype_text(_checked("alloc", name), dtype)
        return as_array(self._zone.alloc(name, shape_of(name, shape), text), name)

    def get(self, name: str, shape: Any = None, dtype: Any = None) -> Any:
        """The newest published array of this name, read-only and uncopied; before it is published, the one that was allocated.

        Raises KeyError when there is none, ValueError when it has not the ``shape`` or ``dtype`` that was asked for.
        """
        block = self._zone.get(_checked("get", name))
        if shape is not None and block.shape != tuple(shape_of(name, shape)):
            raise ValueError(f"heavy.{name}: its shape is {block.shape}, not {shape!r}")
        if dtype is not None and block.dtype != dtype_text(name, dtype):
            raise ValueError(f"heavy.{name}: its dtype is {block.dtype}, not {dtype!r}")
        return as_array(block, name)

    def update(self, name: str, array: Any = _ABSENT, *, copy: bool = True) -> Any:
        """A new version of an array beside the old one.

        ``with engine.heavy.update("m") as array:`` yields a private writable successor of the published array, a copy of it
        or zeroed with ``copy=False``, and commits it at the end of the block; an exception drops it. Readers of older
        snapshots keep their bytes, and nobody sees half of each. After the block the array is read-only (without NumPy it is
        released); do not write through slices of it that were taken inside.

        ``update("m", array)`` publishes this array: as it is if it came from alloc() or adopt(), else a copy. A new name
        will do, and another shape or type.

        Raises VersionMismatchError when somebody else changed this array meanwhile (in the strict mode: anything), KeyError
        or ContextError at the begin when there is no published array, MemoryError beyond the capacity, TypeError for what is
        no array (None too).
        """
        _checked("update", name)
        if array is _ABSENT:
            from .update import ArrayUpdate

            return ArrayUpdate(self, name, copy)
        base = self._core.snapshot().version
        block = block_of(array)
        if block is None or not block.owned:
            self._core.check_open()
            from .adopt import adopted

            block = adopted(self._zone, name, array)
        self.publish(name, block, base)
        return None

    def adopt(self, name: str, array: Any) -> Any:
        """A writable array of the heavy zone with the elements of another one: exactly one copy. Not published, as alloc().

        Takes NumPy arrays of any order, strides and byte order, everything with the buffer protocol, and everything with
        DLPack on the CPU. The result lies row by row and little-endian.

        Raises TypeError for elements that cannot live in shared memory (objects, texts, records, dates), MemoryError as
        alloc().
        """
        from .adopt import adopted

        _checked("adopt", name)
        self._core.check_open()
        block = adopted(self._zone, name, array)
        self._zone.remember(name, block)
        return as_array(block, name)

    def free(self, name: str) -> None:
        """Takes a name out of the state, in a version of its own; its memory goes back when the last holder is gone.

        Raises KeyError when there is none, VersionMismatchError when somebody else changed it at the same time, GuardError
        for a constant (``const_``).
        """
        self._zone.free(_checked("free", name), *self._requester())

    def cleanup(self) -> None:
        """Forgets the names of arrays that are not published, and gives memory that nobody uses back to the system.

        Never needed: memory is freed when the last holder is gone. What is published stays.
        """
        self._zone.cleanup()

    def successor(self, name: str, copy: bool) -> tuple[Any, int]:
        """For ArrayUpdate: a private block that takes the place of a published one, and the version of that."""
        found: tuple[Any, int] = self._zone.successor(name, copy)
        return found

    def publish(self, name: str, block: Any, base: int) -> None:
        """For ArrayUpdate: commits a block under a name."""
        self._zone.publish(name, block, base, *self._requester())

    def name_of(self, serial: int) -> str | None:
        """The name that stands for the block of this serial now."""
        found: str | None = self._zone.name_of(serial)
        return found

    def free_block(self, serial: int) -> bool:
        """As free(), for the name that stands for the block of this serial; False when none does any more."""
        return bool(self._zone.free_block(serial, *self._requester()))

    def _requester(self) -> tuple[str | None, int | None]:
        # From an async body: the task itself, whose own ticket must not refuse it. The core knows the sync ones.
        engine = self._engine() if self._engine is not None else None
        return running.requester_in(engine) if engine is not None else (None, None)


def _checked(method: str, name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"heavy.{method}: a name is a text, not {type(name).__name__}: {name!r}")
    if not name:
        raise ValueError(f"heavy.{method}: a name is not empty")
    return name
