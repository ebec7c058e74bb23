"""Rules held against arguments and pending states, for programs that have no engine.

>>> from theus.audit import AuditLevel, AuditRecipe, AuditSystem
>>> audit = AuditSystem(AuditRecipe(level=AuditLevel.Abort))
>>> validator = AuditValidator({"greet": {"inputs": [{"field": "age", "min": 18}]}}, audit)
>>> validator.validate_inputs("greet", {"age": 18})
>>> validator.validate_inputs("greet", {"age": 17})
Traceback (most recent call last):
theus.errors.AuditAbortError: Audit Aborted: greet:input:age failed: age is 17; it must be at least 18
"""

from __future__ import annotations

from ._native import AuditValidator

__all__ = ["AuditValidator"]
