"""Context classes: what a program derives its own from."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BaseDomainContext", "BaseGlobalContext", "BaseSystemContext"]


class BaseDomainContext:
    """Base of a program's own domain class."""


class BaseGlobalContext:
    """Base of a program's own global class."""


@dataclass
class BaseSystemContext:
    """A program's context: its global and its domain part."""

    global_ctx: Any = None
    domain: Any = None
