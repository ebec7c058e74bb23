"""Contracts: what a process reads and writes, declared by ``@process``."""

from __future__ import annotations

import enum

from .errors import ContractViolationError, GuardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar, overload

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["ContractViolationError", "GuardError", "ProcessContract", "SemanticType", "process"]

class SemanticType(enum.Enum):
    """What a process may do to the world."""

    PURE = "pure"
    EFFECT = "effect"
    GUIDE = "guide"


_POOLS = ("auto", "process")


class ProcessContract:
    """The contract of one process; ``None`` for ``inputs`` or ``outputs`` means that they were omitted."""

    __slots__ = (
        "crash_retries", "errors", "inputs", "outputs", "parallel", "pool", "semantic", "side_effects", "timeout",
    )  # fmt: skip

    def __init__(
        self,
        inputs: list[str] | None = None,
        outputs: list[str] | None = None,
        semantic: SemanticType | str = SemanticType.PURE,
        errors: list[str] | None = None,
        side_effects: list[str] | None = None,
        parallel: bool = False,
        *,
        pool: str = "auto",
        timeout: float | None = None,
        crash_retries: int = 1,
    ) -> None:
        self.inputs = _paths("inputs", inputs)
        self.outputs = _paths("outputs", outputs)
        self.semantic = SemanticType(semantic.lower()) if isinstance(semantic, str) else semantic
        self.errors = list(errors or ())
        self.side_effects = list(side_effects or ())
        self.parallel = bool(parallel)
        if pool not in _POOLS:
            raise ValueError(f"pool={pool!r}: choose one of {', '.join(map(repr, _POOLS))}")
        self.pool = pool
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout={timeout!r}: give seconds above 0, or None for no limit")
        self.timeout = timeout
        if not isinstance(crash_retries, int) or crash_retries < 0:
            raise ValueError(f"crash_retries={crash_retries!r}: give a whole number from 0")
        self.crash_retries = crash_retries

    def __repr__(self) -> str:
        return f"ProcessContract(inputs={self.inputs}, outputs={self.outputs}, semantic={self.semantic.value!r})"


def _paths(what: str, paths: Any) -> list[str] | None:
    if paths is None:
        return None
    if isinstance(paths, str):
        raise TypeError(f"{what}={paths!r}: give a list of paths, such as [{paths!r}]")
    paths = list(paths)
    for path in paths:
        if not isinstance(path, str) or not path:
            raise TypeError(f"{what}: {path!r} is no path; paths are texts such as 'domain.user.name'")
    return paths


if TYPE_CHECKING:

    @overload
    def process(inputs: F) -> F: ...

    @overload
    def process(
        inputs: list[str] | None = None,
        outputs: list[str] | None = None,
        semantic: SemanticType | str = "effect",
        errors: list[str] | None = None,
        side_effects: list[str] | None = None,
        parallel: bool = False,
        *,
        pool: str = "auto",
        timeout: float | None = None,
        crash_retries: int = 1,
    ) -> Callable[[F], F]: ...


def process(
    inputs: Any = None,
    outputs: list[str] | None = None,
    semantic: SemanticType | str = "effect",
    errors: list[str] | None = None,
    side_effects: list[str] | None = None,
    parallel: bool = False,
    *,
    pool: str = "auto",
    timeout: float | None = None,
    crash_retries: int = 1,
) -> Any:
    """Declares a function a process: ``@process`` or ``@process(inputs=[...], outputs=[...], ...)``.

    Paths are dotted from a root (``domain``, ``global``, ``heavy``, or a bare top-level key); a parent grants its
    children, and shell globs match. With ``parallel=True`` the function runs on a worker process; then omitted
    ``inputs`` allow reading all of ``domain`` and ``heavy``, and omitted ``outputs`` allow any explicit StateUpdate.
    ``timeout`` is in seconds from the call; ``crash_retries`` says how often an attempt that was lost with its worker
    is run again. The function itself is returned, with the contract as ``_pop_contract``.
    """
    bare = inputs if callable(inputs) else None
    contract = ProcessContract(
        None if bare else inputs, outputs, semantic, errors, side_effects, parallel,
        pool=pool, timeout=timeout, crash_retries=crash_retries,
    )  # fmt: skip

    def declare(function: F) -> F:
        function._pop_contract = contract  # type: ignore[attr-defined]
        return function

    return declare(bare) if bare else declare


