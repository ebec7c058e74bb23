"""The audit: recipes, levels, counters and their log; and the records that an engine keeps.

>>> audit = AuditSystem(AuditRecipe(level="B", threshold_max=1))
>>> audit.log_fail("greet")
>>> audit.log_fail("greet")
Traceback (most recent call last):
theus.errors.AuditBlockError: Audit Blocked: greet exceeded threshold 1 with failure 2
>>> audit.log_success("greet")
>>> audit.get_count("greet")
0
"""

from __future__ import annotations

from enum import IntEnum

from ._engine_audit import EngineAudit
from ._native import AuditLogEntry, AuditRecipe, AuditSystem, Record
from ._trail import AuditTrail
from .errors import AuditAbortError, AuditBlockError, AuditStopError, AuditWarning

__all__ = [
    "AuditAbortError",
    "AuditBlockError",
    "AuditLevel",
    "AuditLogEntry",
    "AuditRecipe",
    "AuditStopError",
    "AuditSystem",
    "AuditTrail",
    "AuditWarning",
    "EngineAudit",
    "Record",
]


class AuditLevel(IntEnum):
    """What a failure leads to. ``AuditLevel("S")`` and ``AuditLevel("stop")`` find a level by its letter or name."""

    Stop = 0
    """Refused at once; with ``stop_latch`` for good."""
    Abort = 1
    """Refused at once."""
    Block = 2
    """Counted, and refused above the threshold."""
    Count = 3
    """Counted, never refused."""
    Ignore = 4
    """Neither counted nor refused."""

    @classmethod
    def _missing_(cls, value: object) -> AuditLevel | None:
        if not isinstance(value, str):
            return None
        wanted = value.lower()
        return next((level for level in cls if wanted in (level.name.lower(), level.name[0].lower())), None)
