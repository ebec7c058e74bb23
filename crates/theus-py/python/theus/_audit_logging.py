"""Audit records as records of Python's ``logging``, under the logger ``theus.audit``.

Nothing is logged, nor is any thread started, before that logger is enabled for INFO: by ``logging.basicConfig(level="INFO")``,
``logging.getLogger("theus.audit").setLevel("INFO")`` or whatever a program configures. What not: no handler is installed but
one that does nothing, so that nothing is ever printed unasked.

Records are logged by a thread of their own, in their order and with their own time; a commit does not wait for it. One that
lags by more than 10,000 records misses the oldest, and says how many.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger
    from typing import Any

    from ._native import Record

NAME = "theus.audit"
_INFO = 20
_WARNING = 30
_MOST_WAITING = 10_000
# What is in the ordinary course of things; the rest is a warning.
_ORDINARY = frozenset(("committed", "conflict", "reset"))

_logger: Logger | None = None


def is_wanted() -> bool:
    """True once somebody has configured the logger. Cheap, and does not import logging by itself."""
    global _logger
    if _logger is None:
        logging = sys.modules.get("logging")
        if logging is None or not hasattr(logging, "getLogger"):
            return False
        logger = logging.getLogger(NAME)
        # Without it, warnings would reach stderr where nobody has configured anything.
        logger.addHandler(logging.NullHandler())
        _logger = logger
    return _logger.isEnabledFor(_INFO)


class LoggedAudit:
    """Follows the records of one engine and logs them, from when it is made until it is closed."""

    def __init__(self, audit: Any) -> None:
        from threading import Event, Thread, current_thread

        self._observer = audit.observe(_MOST_WAITING)
        self._closing = Event()
        self._current_thread = current_thread
        self._thread = Thread(target=self._run, name="theus-audit-logging", daemon=True)
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Logs what has come so far and ends, within so many seconds."""
        self._closing.set()
        # A handler may be what ends the engine.
        if self._current_thread() is not self._thread:
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            closing = self._closing.is_set()
            found = self._observer.recv(0.0 if closing else 0.2)
            if found is not None:
                _log(found)
            elif closing or self._observer.ended():
                return


def _log(found: Record | int) -> None:
    logger = _logger
    if logger is None:
        return
    if isinstance(found, int):
        logger.warning("%d audit records were not logged: they came faster than they were taken", found)
        return
    level = _INFO if found.outcome in _ORDINARY else _WARNING
    if not logger.isEnabledFor(level):
        return
    text = f"{found.process} {found.outcome}"
    if found.version is not None:
        text += f" version {found.version}"
    text += f" (task {found.task}, attempt {found.attempt}, {found.duration * 1e3:.3f} ms)"
    if found.error is not None:
        text += f": {found.error}"
    if found.reason is not None:
        text += f" [{found.reason}]"
    record = logger.makeRecord(NAME, level, "theus", 0, text, (), None, "audit", _fields(found))
    # When it happened, not when this thread came to it.
    record.created = found.time
    record.msecs = found.time % 1 * 1000
    try:
        logger.handle(record)
    except Exception:  # noqa: BLE001 - a stranger's filter must not end the logging of what comes after
        pass


def _fields(found: Record) -> dict[str, Any]:
    """The fields of a record as attributes of the log record; absent ones are left out."""
    fields = {
        "number": found.number,
        "process": found.process,
        "task": found.task,
        "attempt": found.attempt,
        "outcome": found.outcome,
        "base_version": found.base_version,
        "version": found.version,
        "worker": found.worker,
        "signal": found.signal,
        "requester": found.requester,
        "reason": found.reason,
        "error": found.error,
        "duration": found.duration,
    }
    return {f"theus.{name}": value for name, value in fields.items() if value is not None}
