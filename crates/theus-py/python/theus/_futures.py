"""The future of a task on a worker: a ``concurrent.futures.Future`` that waits in the core.

Setting up the standard class costs a lock and a condition for each task, and waking through it a thread switch. This
subclass waits in the core, where the waiting thread receives the result from the worker itself, and only becomes a
full standard future when somebody looks at its insides: ``concurrent.futures.wait``, ``as_completed``, or asyncio.
"""

from __future__ import annotations

from _thread import allocate_lock
from concurrent.futures import CancelledError, Future, TimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

# Taken for an instant, when a future first shows its insides.
_becoming_full = allocate_lock()
_INSIDES = frozenset(("_condition", "_done_callbacks", "_exception", "_result", "_state", "_waiters"))


class TaskFuture(Future):  # type: ignore[type-arg]
    """The future of one task on a worker."""

    def __init__(self, task: Any, core: Any) -> None:
        # Not the base class's __init__: see __getattr__.
        self._task = task
        # A task whose engine was dropped shall still end.
        self._core = core

    def __getattr__(self, name: str) -> Any:
        if name not in _INSIDES:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with _becoming_full:
            first = name not in self.__dict__
            if first:
                super().__init__()
        if first:
            self._task.wake(_settle, self)
        return self.__dict__[name]

    def result(self, timeout: float | None = None) -> Any:
        """What the body returned, once it is committed; raises what went wrong."""
        if self._task.cancelled():
            raise CancelledError()
        if not self._task.wait(timeout):
            raise TimeoutError()
        if self._task.cancelled():
            raise CancelledError()
        return self._outcome()

    def _outcome(self) -> Any:
        """The result, made once: whoever asks gets the same object."""
        known = self.__dict__.get("_made")
        if known is None:
            made: tuple[Any, BaseException | None]
            try:
                made = (self._task.result(None), None)
            except BaseException as error:
                made = (None, error)
            known = self.__dict__.setdefault("_made", made)
        result, failure = known
        if failure is not None:
            raise failure
        return result

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What went wrong, or None."""
        try:
            self.result(timeout)
        except (CancelledError, TimeoutError) as error:
            if isinstance(error, CancelledError) or not self._task.done():
                raise
            return error
        except BaseException as error:
            return error
        return None

    def done(self) -> bool:
        """True once the task has ended."""
        return self._task.done()

    def running(self) -> bool:
        """True while a worker has the task."""
        return self._task.running()

    def cancelled(self) -> bool:
        """True if the task was cancelled."""
        return self._task.cancelled()

    def cancel(self) -> bool:
        """Ends the task early: a queued one is dropped, a running one loses its worker; False if it has ended."""
        if self._task.done():
            return self._task.cancelled()
        self._task.cancel()
        self._task.wait(None)
        return self._task.cancelled()

    def add_done_callback(self, fn: Callable[[Future[Any]], Any]) -> None:
        """Calls back with this future once the task has ended."""
        self._condition  # noqa: B018 - becomes a full future
        super().add_done_callback(fn)


def _settle(future: TaskFuture) -> None:
    task = future._task
    if task.cancelled():
        Future.cancel(future)
        Future.set_running_or_notify_cancel(future)
        return
    try:
        result = future._outcome()
    except BaseException as error:
        Future.set_exception(future, error)
    else:
        Future.set_result(future, result)
