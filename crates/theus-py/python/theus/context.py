"""Context classes: what a program derives its own from."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    # "as": public here to a strict type checker, though a star import must not load them.
    from ._heavy.allocator import HeavyZoneAllocator as HeavyZoneAllocator
    from ._heavy.memory import SafeSharedMemory as SafeSharedMemory
    from ._heavy.shm_array import ShmArray as ShmArray

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


# What needs the library, and NumPy or a moment, is loaded when it is asked for.
_HOMES = {"HeavyZoneAllocator": "allocator", "SafeSharedMemory": "memory", "ShmArray": "shm_array"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"._heavy.{home}", __package__), name)
