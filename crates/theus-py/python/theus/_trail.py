"""How a trail on disk is kept.

What not: what stands in it (see ``_engine_audit``), and how it is written, which is the core's.
"""

from __future__ import annotations

from os import fspath, urandom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from typing import Any, Callable

    from ._native import AuditReport

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
    ``on_checkpoint`` should be short: while it runs there is no other checkpoint, and ``shutdown()`` waits for it; in the trail's
    own thread no batched sync is made either. In it ``engine.audit.checkpoint()`` only syncs, and ``engine.shutdown()`` leaves
    the trail open. ``checkpoints`` is for one trail at a time.
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
    def verify(path: str | PathLike[str], *, key: str | None = None, checkpoints: str | None = None) -> AuditReport:
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
