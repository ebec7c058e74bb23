"""What a function takes, read from its code: importing ``inspect`` would double the start-up time of a worker."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_VAR_KEYWORD, _COROUTINE = 0x08, 0x80


def named_parameters(function: Callable[..., Any]) -> frozenset[str] | None:
    """The keyword names that a function takes beside its first parameter; None when it takes any."""
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__") or hasattr(function, "__signature__"):
        return _by_signature(function)
    if code.co_flags & _VAR_KEYWORD:
        return None
    # A bound method's first parameter is already given.
    skip = 2 if getattr(function, "__self__", None) is not None else 1
    first = max(skip, code.co_posonlyargcount)
    return frozenset(code.co_varnames[first : code.co_argcount + code.co_kwonlyargcount])


def positional_parameters(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters that can be given by position, beside the first one, in their order."""
    code = getattr(function, "__code__", None)
    if code is not None and not hasattr(function, "__wrapped__") and not hasattr(function, "__signature__"):
        skip = 2 if getattr(function, "__self__", None) is not None else 1
        return list(code.co_varnames[skip : code.co_argcount])
    import inspect

    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in parameters[1:] if parameter.kind in by_position]


def _by_signature(function: Callable[..., Any]) -> frozenset[str] | None:
    import inspect

    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return frozenset(parameter.name for parameter in parameters[1:] if parameter.kind in named)


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """True for an ``async def``, also behind a partial or a callable object."""
    for _ in range(32):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        if inner is None:
            break
        function = inner
    code = getattr(function, "__code__", None) or getattr(getattr(function, "__call__", None), "__code__", None)
    return bool(code is not None and code.co_flags & _COROUTINE)
