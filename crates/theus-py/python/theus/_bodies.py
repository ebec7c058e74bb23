"""Threads for ordinary bodies: they never keep the interpreter from ending, and a shutdown waits for them.

The standard executor's threads are joined when the interpreter ends, so a body that never returns, whose caller gave up
long ago, would keep the whole program. These are daemon threads; what a body returns after the shutdown is discarded.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._native import Cancel

_MOST_THREADS = 32


class BodyThreads:
    """A pool of daemon threads, started as they are needed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Future[Any], Cancel, Callable[..., Any], tuple[Any, ...]]] = deque()
        self._running: set[Cancel] = set()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def submit(self, cancel: Cancel, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Runs ``function(*args)`` on a thread; ``cancel`` is set if its result is not wanted any more."""
        future: Future[Any] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("the threads for bodies have ended")
            self._waiting.append((future, cancel, function, args))
            if self._idle >= len(self._waiting):
                self._changed.notify()
            elif self._threads < _MOST_THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name=f"theus-body-{self._threads}", daemon=True).start()
        return future

    def shutdown(self, timeout: float) -> None:
        """Waits this long for the bodies; what has not ended then is discarded."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting and not self._running, timeout)
            for cancel in self._running:
                cancel.set(False)
            for future, *_ in self._waiting:
                future.cancel()
            self._waiting.clear()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._waiting and not self._closed:
                    self._changed.wait()
                self._idle -= 1
                if not self._waiting:
                    return
                future, cancel, function, args = self._waiting.popleft()
                if not future.set_running_or_notify_cancel():
                    continue
                self._running.add(cancel)
            try:
                result = function(*args)
            except BaseException as error:
                future.set_exception(error)
                del error
            else:
                future.set_result(result)
                del result
            with self._changed:
                self._running.discard(cancel)
                self._changed.notify_all()
            del future, cancel, function, args
