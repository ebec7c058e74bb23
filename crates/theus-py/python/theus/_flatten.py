"""How the context that a program hands to the engine becomes the first state."""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ROOTS = {"global_": "global", "global_ctx": "global", "domain_ctx": "domain"}


def flatten(context: Any) -> dict[str, Any]:
    """The roots of the first state: nothing is dropped silently but private names."""
    if context is None:
        return {}
    if isinstance(context, Mapping):
        parts: Mapping[str, Any] = context
    else:
        parts = {name: getattr(context, name) for name in ("domain", "global_ctx") if hasattr(context, name)}
        if not parts:
            raise TypeError(
                f"context: {type(context).__name__} has neither 'domain' nor 'global_ctx'; give a dict of roots or an "
                "object with these attributes"
            )
    roots: dict[str, Any] = {}
    for key, value in parts.items():
        if not isinstance(key, str):
            raise TypeError(f"context: the root {key!r} is no text")
        root = _ROOTS.get(key, key)
        if root in roots:
            raise ValueError(f"context: the root {root!r} is given twice")
        if value is not None:
            roots[root] = _plain(value)
    return roots


def _plain(value: Any) -> Any:
    """A part of the context as a mapping of its public names; plain values stay as they are."""
    if isinstance(value, Mapping):
        return dict(value)
    for name in ("to_dict", "model_dump"):
        method = getattr(value, name, None)
        if callable(method):
            return dict(method())
    fields = getattr(value, "__dict__", None)
    if fields is None or isinstance(value, type):
        return value
    return {name: item for name, item in fields.items() if not name.startswith("_")}
