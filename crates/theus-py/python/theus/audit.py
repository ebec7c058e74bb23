"""The audit trail as Python sees it: one record for every attempt."""

from __future__ import annotations

from ._native import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["EngineAudit", "Record"]


class EngineAudit:
    """The audit of one engine."""

    def __init__(self, core: Any) -> None:
        self._core = core

    def records(self, process: str | None = None, since: int | None = None) -> list[Record]:
        """The kept records, oldest first: all, those of one process, or those from record number ``since`` on."""
        return self._core.records(process, since)

    @property
    def counts(self) -> dict[str, int]:
        """How many attempts ended in which outcome, since the engine was made."""
        return self._core.audit_counts()
