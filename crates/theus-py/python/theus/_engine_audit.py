"""The audit of an engine: what it is made from, and how its records are read.

What not: recipes and counters (see ``audit`` and ``config``), and how a trail on disk is kept (see ``_trail``).
"""

from __future__ import annotations

from os import getpid
from os.path import isfile

from .errors import AuditStopError, AuditWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._native import AuditLogEntry, AuditReport, AuditSystem, Record

_RECIPE_FILE = "audit_recipe.yaml"


class EngineAudit:
    """The audit of one engine: the records of its attempts, its counters, and the trail on disk if there is one."""

    def __init__(self, audit: Any, system: AuditSystem | None) -> None:
        self._audit = audit
        self._process = getpid()
        self._system = system if system is not None else audit.system()

    def records(self, process: str | None = None, since: int | None = None) -> list[Record]:
        """The records kept in memory, oldest first: all, those of one process, or those from number ``since`` on."""
        return self._audit.records(process, since)

    @property
    def counts(self) -> dict[str, int]:
        """How many attempts ended in which outcome, since the engine was made."""
        return self._audit.counts()

    @property
    def logs(self) -> list[AuditLogEntry]:
        """What rules and failures left in the log, oldest first; empty without a recipe."""
        return [] if self._system is None else self._system.get_logs()

    @property
    def system(self) -> AuditSystem | None:
        """The counters and their recipe; None without a recipe."""
        return self._system

    @property
    def path(self) -> str | None:
        """Where the trail on disk is; None where there is none."""
        return self._audit.path()

    @property
    def opened(self) -> dict[str, int] | None:
        """What was there when the trail on disk was opened: ``records``, ``cut_bytes`` of a torn end, ``cut_at``; else None."""
        return self._audit.opened()

    @property
    def root(self) -> bytes:
        """The root of the tree of all frames of the trail: it changes with each record, and stands for all of them."""
        return self._audit.root()

    def sync(self) -> None:
        """Returns when all records so far are on the disk. Nothing to do in memory."""
        self._audit.sync()

    def checkpoint(self) -> str | None:
        """Syncs, makes a checkpoint of all records so far and gives its text; None where nothing is new, and in memory."""
        return self._audit.checkpoint()

    def verify(self) -> AuditReport:
        """Checks the trail on disk, else the records in memory: a report with ``ok``, ``count``, ``first_bad``, ``reason``."""
        return self._audit.verify()

    def reset(self, reason: str) -> None:
        """Lifts a stop (``stop_latch``) and sets all counters to zero. The reason stands in a record of its own."""
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError("reset() takes the reason, which the trail keeps: engine.audit.reset(reason='...')")
        self._audit.reset(reason)

    def _warn_of_lost(self) -> None:
        """Warns of records that a closed trail could not take before its end."""
        if getpid() != self._process:
            return
        try:
            self._audit.sync()
        except AuditStopError as error:
            import warnings

            warnings.warn(str(error), AuditWarning, stacklevel=3)


def described(
    recipe: Any, system: AuditSystem | None, path: Any, durability: str | None, on_full: str | None
) -> dict[str, Any] | None:
    """What the core's audit is made from; None for records in memory and nothing else."""
    if recipe is None and isfile(_RECIPE_FILE):
        recipe = _RECIPE_FILE
    if recipe is None and system is None and path is None and durability is None and on_full is None:
        return None
    book = None
    if recipe is not None:
        from .config import rulebook

        book = rulebook(recipe)
    return {"book": book, "system": system, "trail": _trail(path, durability, on_full)}


def _trail(audit_path: Any, durability: str | None, on_full: str | None) -> dict[str, Any] | None:
    """What the core opens the trail from; None where there is none on disk."""
    from ._trail import AuditTrail

    if isinstance(audit_path, AuditTrail) or audit_path is None:
        for name, given in (("durability", durability), ("on_full", on_full)):
            if given is not None:
                where = "the AuditTrail" if audit_path is not None else "a trail on disk: audit_path=..."
                raise ValueError(f"{name}={given!r} belongs to {where}")
        return None if audit_path is None else audit_path._opened()
    chosen = {name: given for name, given in (("durability", durability), ("on_full", on_full)) if given is not None}
    return AuditTrail(audit_path, **chosen)._opened()  # type: ignore[arg-type]
