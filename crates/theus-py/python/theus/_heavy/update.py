"""A new version of an array: filled in private, published as a whole."""

from __future__ import annotations

from ..errors import TransactionError
from .blocks import as_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .zone import HeavyZone


class ArrayUpdate:
    """``with engine.heavy.update(name) as array:``; see HeavyZone.update."""

    __slots__ = ("_array", "_base", "_block", "_copy", "_name", "_zone")

    def __init__(self, zone: HeavyZone, name: str, copy: bool) -> None:
        self._zone = zone
        self._name = name
        self._copy = copy
        self._array: Any = None
        self._block: Any = None
        self._base = 0

    def __enter__(self) -> Any:
        if self._array is not None:
            raise TransactionError(f"heavy.{self._name}: this update has begun already; ask for another one")
        self._block, self._base = self._zone.successor(self._name, self._copy)
        self._array = as_array(self._block, self._name)
        return self._array

    def __exit__(self, kind: object, _error: object, _trace: object) -> None:
        array, block = self._array, self._block
        self._array = self._block = None
        if kind is not None:
            return
        # Once others can read it nobody may write it, by this array or a view that is made from now on.
        block.seal()
        if isinstance(array, memoryview):
            array.release()
        else:
            array.flags.writeable = False
        self._zone.publish(self._name, block, self._base)
