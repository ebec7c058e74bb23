"""The audit trail: where it is kept, and how an engine's own is read."""

from __future__ import annotations

from os import fspath, urandom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from typing import Any, Callable

    from ._native import AuditSystem, Record
    from .audit import AuditLogEntry

DURABILITIES = ("batched", "each")
POLICIES = ("block", "pass")


class AuditTrail:
    """How a trail on disk is kept: ``TheusEngine(audit_path=AuditTrail("trail.theus", durability="each"))``.

    ``durability`` is ``"batched"`` (synced every ``sync_every`` seconds, which is what a loss of power can cost; the death
    of the process costs nothing) or ``"each"`` (a commit returns when its record is synced). ``on_full`` says what happens
    when the disk takes no record: ``"block"`` refuses the commit with AuditStopError, ``"pass"`` lets work go on while up to
    64 MB of records wait in memory; neither leaves a gap. A file of ``max_bytes`` is followed by the next.

    A checkpoint is made after ``checkpoint_records`` records or ``checkpoint_every`` seconds. ``key`` is the text of a
    private key that signs them (``theus audit keygen``). Each is handed to ``on_checkpoint(text)`` and added to the file
    ``checkpoints``: kept out of reach of whoever may write the trail, they are what shows that it was cut back or rewritten.
    """

    __slots__ = ("_words",)

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        durability: str = "batched",
        on_full: str = "block",
        sync_every: float = 0.1,
        checkpoint_records: int = 1000,
        checkpoint_every: float = 1.0,
        max_bytes: int = 64 << 20,
        key: str | None = None,
        origin: str | None = None,
        checkpoints: str | PathLike[str] | None = None,
        on_checkpoint: Callable[[str], object] | None = None,
        capacity: int = 10_000,
    ) -> None:
        if durability not in DURABILITIES:
            raise ValueError(f"durability={durability!r}: choose one of {', '.join(map(repr, DURABILITIES))}")
        if on_full not in POLICIES:
            raise ValueError(f"on_full={on_full!r}: choose one of {', '.join(map(repr, POLICIES))}")
        counts = {"checkpoint_records": checkpoint_records, "max_bytes": max_bytes, "capacity": capacity}
        for name, count in counts.items():
            if not isinstance(count, int) or not (name == "capacity") <= count + (name == "capacity") < 1 << 63:
                raise ValueError(f"{name}={count!r}: give a whole number from {0 if name == 'capacity' else 1}")
        for name, seconds in (("sync_every", sync_every), ("checkpoint_every", checkpoint_every)):
            if not isinstance(seconds, (int, float)) or not 0 < seconds < 1e9:
                raise ValueError(f"{name}={seconds!r}: give seconds above 0")
        if on_checkpoint is not None and not callable(on_checkpoint):
            raise TypeError(f"on_checkpoint takes a function, not {type(on_checkpoint).__name__}")
        self._words: dict[str, Any] = {
            "path": fspath(path),
            "durability": durability,
            "on_full": on_full,
            "sync_every": float(sync_every),
            "checkpoint_every": float(checkpoint_every),
            **counts,
            "key": key,
            "origin": origin,
            "checkpoints": None if checkpoints is None else fspath(checkpoints),
            "on_checkpoint": on_checkpoint,
        }

    @property
    def path(self) -> str:
        """Where the first file of the trail is."""
        return str(self._words["path"])

    @staticmethod
    def verify(path: str | PathLike[str], *, key: str | None = None, checkpoints: str | None = None) -> Any:
        """Checks all files of a trail: a report with ``ok``, ``count``, ``first_bad`` (number or None) and ``reason``.

        ``key`` is the text of the public key that must have signed the checkpoints; ``checkpoints`` the text of checkpoints
        that were kept elsewhere.
        """
        from . import _native

        return _native.verify_trail(fspath(path), key, checkpoints)

    def _opened(self) -> dict[str, Any]:
        return {**self._words, "id": urandom(16)}

    def __repr__(self) -> str:
        return f"AuditTrail({self.path!r})"


def described(
    audit_path: str | PathLike[str] | AuditTrail | None, durability: str | None, on_full: str | None
) -> dict[str, Any] | None:
    """What the core opens the trail from; None where there is none on disk."""
    if isinstance(audit_path, AuditTrail) or audit_path is None:
        for name, given in (("durability", durability), ("on_full", on_full)):
            if given is not None:
                where = "the AuditTrail" if audit_path is not None else "a trail on disk: audit_path=..."
                raise ValueError(f"{name}={given!r} belongs to {where}")
        return None if audit_path is None else audit_path._opened()
    chosen = {name: given for name, given in (("durability", durability), ("on_full", on_full)) if given is not None}
    return AuditTrail(audit_path, **chosen)._opened()  # type: ignore[arg-type]


class EngineAudit:
    """The audit of one engine: the records of its attempts, its counters, and the trail on disk if there is one."""

    def __init__(self, audit: Any, system: AuditSystem | None) -> None:
        self._audit = audit
        self._system = system

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

    def verify(self) -> Any:
        """Checks the trail on disk, else the records in memory: a report with ``ok``, ``count``, ``first_bad``, ``reason``."""
        return self._audit.verify()

    def reset(self, reason: str) -> None:
        """Lifts a stop (``stop_latch``) and sets all counters to zero. The reason stands in a record of its own."""
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError("reset() takes the reason, which the trail keeps: engine.audit.reset(reason='...')")
        self._audit.reset(reason)
