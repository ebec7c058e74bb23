"""Allocators without an engine, as programs of Theus 3 have them."""

from __future__ import annotations

import os

from .. import _native
from .zone import MOST_MEGABYTES, HeavyZone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ManagedAllocator(HeavyZone):
    """Shared memory for arrays without an engine: ``alloc``, ``adopt``, ``get``, ``cleanup``, as ``engine.heavy`` has them.

    ``capacity_mb`` is the most memory at once. ``session_id`` is only kept: the names of memory are unique without it.
    An array from here can be committed to any engine of this process, uncopied; it goes on counting against this capacity.
    """

    def __init__(self, capacity_mb: int = 512, session_id: str | None = None) -> None:
        # A bool is an int to Python, but no size.
        if not isinstance(capacity_mb, int) or isinstance(capacity_mb, bool) or not 1 <= capacity_mb <= MOST_MEGABYTES:
            raise ValueError(f"capacity_mb={capacity_mb!r}: give a whole number from 1 to {MOST_MEGABYTES}")
        self.capacity_mb = capacity_mb
        self.session_id = session_id if session_id is not None else f"{os.getpid()}-{id(self):x}"
        super().__init__(_native.Core({}, "smart", capacity_mb << 20, 1, 300.0))


class HeavyZoneAllocator(ManagedAllocator):
    """A ManagedAllocator with the capacity that an engine has: ``THEUS_HEAP_SIZE`` MB, else 512."""

    def __init__(self) -> None:
        from .._settings import heap_megabytes

        super().__init__(heap_megabytes())
