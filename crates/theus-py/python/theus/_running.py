"""Which engine's async body runs in the current task: nesting is refused by it, and what a body commits is its task's."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .engine import TheusEngine


class Body:
    """An async body of an engine, as the tasks that it starts inherit it; they may outlive it."""

    __slots__ = ("engine", "requester", "token")

    def __init__(self, engine: TheusEngine, name: str, task: int) -> None:
        self.engine: TheusEngine | None = engine
        self.requester = (name, task)
        self.token: Any = None


class Running:
    """Which engine's async body runs in the current task; the context variable is made at first use."""

    _variable: Any = None

    def enter(self, engine: TheusEngine, name: str, task: int) -> Body:
        if self._variable is None:
            import contextvars

            self._variable = contextvars.ContextVar("theus_running", default=None)
        body = Body(engine, name, task)
        body.token = self._variable.set(body)
        return body

    def leave(self, body: Body) -> None:
        body.engine = None
        self._variable.reset(body.token)

    def is_in(self, engine: TheusEngine) -> bool:
        return self._body_of(engine) is not None

    def requester_in(self, engine: TheusEngine) -> tuple[str | None, int | None]:
        """Whose async body runs in the current task: the process and the task of it."""
        body = self._body_of(engine)
        return (None, None) if body is None else body.requester

    def _body_of(self, engine: TheusEngine) -> Body | None:
        body = self._variable.get() if self._variable is not None else None
        return body if body is not None and body.engine is engine else None


running = Running()
