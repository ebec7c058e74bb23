"""Theus: parallel programs with shared state. One Brain, many Hands.

>>> from theus import TheusEngine, process
>>> @process(inputs=["domain.count"], outputs=["domain.count"])
... def count(ctx):
...     return ctx.domain.count + 1
>>> with TheusEngine({"domain": {"count": 41}}) as engine:
...     engine.call(count)
...     engine.state.domain.count
42
42
"""

from __future__ import annotations

# Not typing's: importing it would cost more than all the rest. Type checkers know the name.
TYPE_CHECKING = False


try:
    from ._native import __version__
except ImportError as _reason:  # The library is missing or of another platform: say so when an engine is wanted.
    CORE_AVAILABLE = False
    __version__ = "0"
    _core_error: ImportError | None = _reason
else:
    CORE_AVAILABLE = True
    _core_error = None

if TYPE_CHECKING:
    from typing import Any

    from .context import BaseDomainContext, BaseGlobalContext, BaseSystemContext
    from .contracts import ProcessContract, SemanticType, process
    from .engine import TheusEngine
    from .errors import (
        AuditAbortError,
        AuditBlockError,
        AuditStopError,
        AuditWarning,
        ContextError,
        ContractViolationError,
        EngineClosedError,
        GuardError,
        ImmutableError,
        NestedExecutionError,
        SchemaViolationError,
        SystemBusyError,
        TaskTimeoutError,
        TheusError,
        TransactionError,
        TransferError,
        UnsupportedValueError,
        VersionMismatchError,
        WorkerCrashedError,
        WriteTimeoutError,
    )
    from ._sharing import attach, doctor, sessions
    from .structures import FrozenDict, FrozenList, ShmArray as ShmArray, State, StateUpdate

# Where each public name lives; loaded when it is asked for, so that `import theus` stays cheap.
_HOMES = {
    "_sharing": ("attach", "doctor", "sessions"),
    "contracts": ("ProcessContract", "SemanticType", "process"),
    "context": ("BaseDomainContext", "BaseGlobalContext", "BaseSystemContext"),
    "engine": ("TheusEngine",),
    "errors": (
        "AuditAbortError", "AuditBlockError", "AuditStopError", "AuditWarning", "ContextError", "ContractViolationError",
        "EngineClosedError", "GuardError", "ImmutableError", "NestedExecutionError", "SchemaViolationError",
        "SystemBusyError", "TaskTimeoutError", "TheusError", "TransactionError", "TransferError", "UnsupportedValueError",
        "VersionMismatchError", "WorkerCrashedError", "WriteTimeoutError",
    ),
    "structures": ("FrozenDict", "FrozenList", "ShmArray", "State", "StateUpdate"),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

# Written out, because type checkers do not compute it; a test compares it with the table above.
__all__ = [
    "AuditAbortError",
    "AuditBlockError",
    "AuditStopError",
    "AuditWarning",
    "BaseDomainContext",
    "BaseGlobalContext",
    "BaseSystemContext",
    "CORE_AVAILABLE",
    "ContextError",
    "ContractViolationError",
    "EngineClosedError",
    "FrozenDict",
    "FrozenList",
    "GuardError",
    "ImmutableError",
    "NestedExecutionError",
    "ProcessContract",
    "SchemaViolationError",
    "SemanticType",
    "State",
    "StateUpdate",
    "SystemBusyError",
    "TaskTimeoutError",
    "TheusEngine",
    "TheusError",
    "TransactionError",
    "TransferError",
    "UnsupportedValueError",
    "VersionMismatchError",
    "WorkerCrashedError",
    "WriteTimeoutError",
    "__version__",
    "attach",
    "doctor",
    "process",
    "sessions",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if home in ("engine", "_sharing") and _core_error is not None:
        raise ImportError(f"the Theus library cannot be loaded: {_core_error}") from _core_error
    from importlib import import_module

    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
