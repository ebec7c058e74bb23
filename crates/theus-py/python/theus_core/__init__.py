"""The names that programs of Theus 3 import from ``theus_core``; each is the same object as in ``theus``."""

from theus import CORE_AVAILABLE, __version__
from theus.errors import (
    AuditAbortError,
    AuditBlockError,
    AuditStopError,
    AuditWarning,
    ContextError,
    SchemaViolationError,
    VersionMismatchError,
    WriteTimeoutError,
)
from theus.structures import FrozenDict, State

__all__ = [
    "AuditAbortError",
    "AuditBlockError",
    "AuditStopError",
    "AuditWarning",
    "CORE_AVAILABLE",
    "ContextError",
    "FrozenDict",
    "SchemaViolationError",
    "State",
    "VersionMismatchError",
    "WriteTimeoutError",
    "__version__",
]

if CORE_AVAILABLE:
    from theus._native import ConflictManager, RetryDecision
    from theus._transaction import Transaction
    from theus.audit import AuditLevel, AuditLogEntry, AuditRecipe, AuditSystem
    from theus.config import ConfigLoader

    __all__ += ["AuditLevel", "AuditLogEntry", "AuditRecipe", "AuditSystem", "ConfigLoader"]
    __all__ += ["ConflictManager", "RetryDecision", "Transaction"]
