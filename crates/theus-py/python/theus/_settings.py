"""The settings of an engine: what an argument may be, what a variable of the environment says, and what holds without either.

A malformed value raises ValueError that names it. What not: what a setting does.
"""

from __future__ import annotations

import os

from ._heavy.zone import MOST_MEGABYTES

_ISOLATIONS = ("smart", "strict", "serializable")


def isolation(given: str | None, strict_cas: bool) -> str:
    """The isolation mode; ``strict_cas`` is an alias of ``'strict'``."""
    if given is None:
        return "strict" if strict_cas else "smart"
    if strict_cas and given != "strict":
        raise ValueError(f"strict_cas=True and isolation={given!r} contradict each other: give one of them")
    if given not in _ISOLATIONS:
        raise ValueError(f"isolation={given!r}: choose one of {', '.join(map(repr, _ISOLATIONS))}")
    return given


def pool_size(given: int | None) -> int:
    """The most worker processes at once."""
    size = given if given is not None else _from_environment("THEUS_POOL_SIZE", 4)
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"pool_size={size!r}: give a whole number from 1")
    return size


def heap_megabytes() -> int:
    """The most heavy memory."""
    return _from_environment("THEUS_HEAP_SIZE", 512, most=MOST_MEGABYTES)


def write_timeout_ms(given: float | None) -> float:
    """The longest time from the begin of a body to its commit."""
    limit = given if given is not None else _from_environment("THEUS_WRITE_TIMEOUT_MS", 300_000)
    if not isinstance(limit, (int, float)) or not limit > 0:
        raise ValueError(f"write_timeout_ms={limit!r}: give milliseconds above 0")
    return limit


def _from_environment(name: str, default: int, most: int | None = None) -> int:
    text = os.environ.get(name)
    if text is None or not text.strip():
        return default
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1 or (most is not None and value > most):
        limit = f" to {most}" if most is not None else ""
        raise ValueError(f"the environment variable {name}={text!r} must be a whole number from 1{limit}")
    return value
