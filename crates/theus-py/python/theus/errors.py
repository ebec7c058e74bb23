"""The exceptions of Theus: each says what happened, where, and what to do.

Every class derives from :class:`TheusError` and carries ``process``, ``path``, ``base_version``, ``current_version`` and
``hint`` (None where they do not apply). Standard bases are added where callers expect them, so that code which catches
``PermissionError``, ``TypeError``, ``pickle.PicklingError`` or ``TimeoutError`` keeps working.
"""

from __future__ import annotations

try:
    # The class that pickle itself exports, without importing all of it.
    from _pickle import PicklingError
except ImportError:
    from pickle import PicklingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class TheusError(Exception):
    """Base of all errors of Theus."""

    def __init__(
        self,
        *args: Any,
        process: str | None = None,
        path: str | None = None,
        base_version: int | None = None,
        current_version: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(*args)
        self.process = process
        self.path = path
        self.base_version = base_version
        self.current_version = current_version
        self.hint = hint


class ContractViolationError(TheusError):
    """A process broke its contract: what it returned does not fit its outputs."""


class GuardError(ContractViolationError, PermissionError):
    """A read or write was refused: undeclared, or not allowed in the zone that the path's names put it into."""


class ContextError(TheusError):
    """The state refused an operation."""


class ImmutableError(ContextError, TypeError):
    """Something frozen was written to."""


class VersionMismatchError(ContextError):
    """The state has changed since the version that the update was computed from."""


class SystemBusyError(VersionMismatchError):
    """Another requester holds the priority ticket and commits next."""


class SchemaViolationError(TheusError):
    """A schema rejects the pending state, or an audit recipe is malformed: each line of the text names one mistake."""


class AuditBlockError(TheusError, RuntimeError):
    """Something failed more often than the audit lets pass."""


class AuditAbortError(TheusError, RuntimeError):
    """Something failed that the audit lets nobody do."""


class AuditStopError(TheusError, RuntimeError):
    """Something failed that must stop everything, or the audit trail takes no record."""


class AuditWarning(UserWarning):
    """Something has failed so often that the audit warns before it blocks."""


class TransactionError(TheusError):
    """A transaction failed as such."""


class WriteTimeoutError(TransactionError, TimeoutError):
    """A transaction outlived its limit; nothing was committed."""


class UnsupportedValueError(TheusError, TypeError):
    """A value cannot be stored and given back equal."""


class TransferError(TheusError, PicklingError):
    """A function, an argument or a result cannot travel to or from a worker."""


class NestedExecutionError(TheusError, RuntimeError):
    """The engine was run from inside a process that it runs."""


class TaskTimeoutError(TheusError, TimeoutError):
    """A task's time limit has passed."""


class EngineClosedError(TheusError, RuntimeError):
    """The engine was called after its shutdown."""


if TYPE_CHECKING:
    from concurrent.futures import BrokenExecutor

    class WorkerCrashedError(TheusError, BrokenExecutor):
        """A worker was lost in the middle of a task, and the crash retries are used up."""

        record: dict[str, Any] | None


_worker_crashed: type[WorkerCrashedError] | None = None


def worker_crashed_error() -> type[WorkerCrashedError]:
    """The class WorkerCrashedError; made at first use, for its base costs an import of concurrent.futures."""
    global _worker_crashed
    if _worker_crashed is None:
        from concurrent.futures import BrokenExecutor

        class Crashed(TheusError, BrokenExecutor):
            """A worker was lost in the middle of a task, and the crash retries are used up.

            ``record`` tells of the last lost attempt: ``task``, ``process``, ``base_version``, ``attempt``, ``worker``
            (process id), ``signal`` (number or None) and ``error`` (text).
            """

            record: dict[str, Any] | None = None

        Crashed.__module__ = __name__
        Crashed.__name__ = Crashed.__qualname__ = "WorkerCrashedError"
        _worker_crashed = Crashed  # type: ignore[assignment]
        assert _worker_crashed is not None
    return _worker_crashed


def __getattr__(name: str) -> Any:
    if name == "WorkerCrashedError":
        return worker_crashed_error()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def make(kind: str, message: str, fields: dict[str, Any]) -> BaseException:
    """Makes the error that the core asks for; called by the core only."""
    record = fields.pop("record", None)
    if kind == "WorkerCrashedError":
        error = worker_crashed_error()(message, **fields)
        error.record = record
        return error
    standard = {"ValueError": ValueError, "TypeError": TypeError, "MemoryError": MemoryError}.get(kind)
    if standard is not None:
        return standard(message)
    error = globals()[kind](message, **fields)
    return error


def remote(process: str, report: dict[str, Any]) -> BaseException:
    """Rebuilds an exception that a task raised on a worker, with the worker's traceback as a note."""
    import pickle

    error: BaseException | None = None
    data = report.get("pickle")
    if isinstance(data, bytes):
        try:
            error = pickle.loads(data)
        except Exception:  # noqa: BLE001 - any exception may come out of a stranger's __reduce__
            error = None
    if not isinstance(error, BaseException):
        kind = TransferError if report.get("transfer") else TheusError
        error = kind(f"Process {process!r}: {report.get('summary')}", process=process)
    trace = report.get("traceback")
    if isinstance(trace, str):
        note = f"\nOn a worker, in process {process!r}:\n{trace}"
        try:
            error.add_note(note)
        except Exception:  # noqa: BLE001 - an exception may refuse attributes; it must still arrive
            wrapped = TheusError(f"Process {process!r}: {report.get('summary')}", process=process)
            wrapped.add_note(note)
            wrapped.__cause__ = error
            error = wrapped
    return error
