"""A caller's transaction: several updates that become one version or nothing."""

from __future__ import annotations

from .structures import merge_ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from . import _native


class Transaction:
    """Several updates that become one version or nothing. Made by ``engine.transaction()``, used as a ``with`` block."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Transaction) -> None:
        self._native = native

    def update(self, data: Mapping[str, Any] | None = None, heavy: Mapping[str, Any] | None = None) -> None:
        """Merges ``data`` and ``heavy`` deeply into what will be committed.

        An update that does not fit raises and leaves the transaction as it was. Past the limit WriteTimeoutError.
        """
        self._native.update(merge_ops(data, heavy))

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: object, _error: object, _trace: object) -> None:
        if kind is None:
            self._native.commit()
        else:
            self._native.abort()
