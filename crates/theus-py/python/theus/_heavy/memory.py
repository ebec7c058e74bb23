"""SafeSharedMemory: the memory of an array as ``multiprocessing.shared_memory`` would show it."""

from __future__ import annotations

import os

from ..errors import EngineClosedError
from .names import zones

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class SafeSharedMemory:
    """What ``array.shm`` is: an owner or a borrower of the memory of one array.

    There is no file of this name: memory of the heavy zone is anonymous, so nothing has to be unlinked for it to go away.
    """

    __slots__ = ("__weakref__", "_block", "_buf", "_creator", "_mine", "_serial", "name", "size")

    def __init__(self, block: Any) -> None:
        self._block = block
        self._buf: memoryview | None = None
        self._serial: int = block.serial
        self._creator: int = block.creator
        self._mine: bool = block.owned
        #: Unique among the arrays of all engines on this machine that live at the same time.
        self.name = f"theus:{block.creator}:{block.serial}"
        #: Bytes of the elements.
        self.size: int = block.nbytes

    @property
    def buf(self) -> memoryview | None:
        """The bytes, read-only where the array is; None after close()."""
        if self._buf is None and self._block is not None:
            self._buf = memoryview(self._block.flat())
        return self._buf

    def close(self) -> None:
        """Lets go of this view of the memory; the array itself, and what was made from ``buf``, stays valid."""
        if self._buf is not None:
            self._buf.release()
        self._buf = self._block = None

    def unlink(self) -> None:
        """Takes the array's name out of the heavy zone (``engine.heavy.free``). Does nothing when it has none any more.

        PermissionError for a borrower: a worker, a program that attached itself, a forked child.
        """
        # Asked anew: a forked child has the object, and is not the owner.
        if not self._mine or self._creator != os.getpid():
            raise PermissionError(
                f"{self.name}: this process only borrows the array; its owner, process {self._creator}, frees it"
            )
        for zone in zones():
            try:
                if zone.free_block(self._serial):
                    return
            except EngineClosedError:
                # With the engine the names have gone.
                continue

    def __repr__(self) -> str:
        return f"SafeSharedMemory({self.name!r}, size={self.size})"
