"""The names that programs of Theus 3 import from ``theus_core``; each is the same object as in ``theus``."""

from theus import CORE_AVAILABLE, __version__
from theus.errors import ContextError, VersionMismatchError, WriteTimeoutError
from theus.structures import FrozenDict, State

__all__ = [
    "CORE_AVAILABLE",
    "ContextError",
    "FrozenDict",
    "State",
    "VersionMismatchError",
    "WriteTimeoutError",
    "__version__",
]

if CORE_AVAILABLE:
    from theus._native import ConflictManager, RetryDecision
    from theus._transaction import Transaction

    __all__ += ["ConflictManager", "RetryDecision", "Transaction"]
