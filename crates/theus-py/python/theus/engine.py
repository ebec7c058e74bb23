"""The engine: a thin, typed face over the Rust core."""

from __future__ import annotations

import weakref
from _thread import allocate_lock
from sys import modules
from time import monotonic

from . import _native
from . import _settings as settings
from ._audit_logging import is_wanted
from ._engine_audit import EngineAudit, described
from ._flatten import flatten
from ._heavy import HeavyZone
from ._registry import Registered, Registry
from ._running import running
from .errors import NestedExecutionError
from .structures import State, merge_ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future
    from typing import Any, Callable

    from os import PathLike

    from ._audit_logging import LoggedAudit
    from ._native import AuditSystem, RetryDecision
    from ._sharing import Finding
    from ._trail import AuditTrail
    from ._transaction import Transaction

__all__ = ["TheusEngine"]



class TheusEngine:
    """One Brain: it alone owns the state, checks contracts, commits, and keeps the audit trail.

    ``context`` is None, a dict with the roots (``domain``, ``global``; other keys become roots of their own), or an
    object with ``domain`` and ``global_ctx``. ``isolation`` is ``'smart'`` (a commit is refused when what it writes has
    changed), ``'strict'`` (any change refuses) or ``'serializable'`` (also a change of what was read).
    ``pool_size`` is the most worker processes at once (default: ``THEUS_POOL_SIZE``, else 4); ``THEUS_HEAP_SIZE`` is the
    most heavy memory in MB (default 512). ``write_timeout_ms`` (``THEUS_WRITE_TIMEOUT_MS``, default 300,000) is the longest
    time from the begin of a body to its commit (``WriteTimeoutError``), and the longest wait for somebody else's ticket.

    ``audit_recipe`` holds processes to rules: the path of a YAML file, a dict, an AuditRecipe or an AuditRecipeBook; None takes
    ``audit_recipe.yaml`` of the working directory, if there is one. ``audit_system`` shares the counters and settings of other engines.
    ``audit_path`` keeps the trail on disk too: a path, or an AuditTrail with all settings; ``durability`` is ``'batched'`` (a
    loss of power costs a tenth of a second) or ``'each'`` (a commit returns when its record is synced), ``on_full`` is
    ``'block'`` (no commit without its record) or ``'pass'``.

    ``hardened=True`` keeps other programs of the same user, except root (root may always), out of this process's memory
    (``PR_SET_DUMPABLE`` 0), for as long as the process lives. Without it a worker, or any program of the user, can read and
    write that memory through ``/proc`` where Yama does not forbid it. It costs: no core dumps, and no debugger or profiler
    of the user can attach.
    """

    def __init__(
        self,
        context: Any = None,
        *,
        strict_cas: bool = False,
        isolation: str | None = None,
        pool_size: int | None = None,
        write_timeout_ms: float | None = None,
        audit_recipe: Any = None,
        audit_system: AuditSystem | None = None,
        audit_path: str | PathLike[str] | AuditTrail | None = None,
        durability: str | None = None,
        on_full: str | None = None,
        hardened: bool = False,
    ) -> None:
        isolation = settings.isolation(isolation, strict_cas)
        size = settings.pool_size(pool_size)
        limit = settings.write_timeout_ms(write_timeout_ms)
        if hardened:
            _native.harden()
        audit = described(audit_recipe, audit_system, audit_path, durability, on_full)
        self._core = _native.Core(flatten(context), isolation, settings.heap_megabytes() << 20, size, limit / 1000, audit)
        self._registry = Registry(self._core)
        self._threads: Any = None
        self._starting = allocate_lock()
        self._awaiting = 0
        self.heavy = HeavyZone(self._core, self)
        self.audit = EngineAudit(self._core.audit(), audit_system)
        self._audit = self.audit.system
        self._logged: LoggedAudit | None = None
        _open_engines.add(self)
        _at_exit_once()
        self._log_if_wanted()

    @property
    def state(self) -> State:
        """The state as it is now: one snapshot, which never changes."""
        return State(self._core.snapshot())

    @property
    def isolation(self) -> str:
        """Which changes beside a commit refuse it: 'smart', 'strict' or 'serializable'. Settable."""
        return self._core.isolation

    @isolation.setter
    def isolation(self, isolation: str) -> None:
        self._core.isolation = settings.isolation(str(isolation), False)

    def register(self, func: Callable[..., Any]) -> None:
        """Registers a process under its ``__name__``."""
        self._registry.register(func)

    def compare_and_swap(
        self,
        expected_version: int,
        data: Mapping[str, Any] | None = None,
        heavy: Mapping[str, Any] | None = None,
        *,
        requester: str | None = None,
    ) -> None:
        """Commits ``data`` and ``heavy``, merged deeply into the state, if nothing of it changed since that version.

        Raises VersionMismatchError otherwise, and SystemBusyError while another than ``requester`` holds the priority
        ticket; the state is then as it was.
        """
        if not isinstance(expected_version, int) or not 0 <= expected_version < 1 << 63:
            raise ValueError(f"expected_version={expected_version!r}: give a version, such as engine.state.version")
        self._log_if_wanted()
        task = None
        if requester is None:
            # From an async body: the task itself, whose own ticket must not refuse it. The core knows the sync ones.
            requester, task = running.requester_in(self)
        self._core.compare_and_swap(expected_version, merge_ops(data, heavy), requester, task)

    def transaction(self, write_timeout_ms: float = 5000) -> Transaction:
        """Several updates that become one version or nothing.

        >>> from theus import TheusEngine
        >>> with TheusEngine() as engine:
        ...     with engine.transaction() as tx:
        ...         tx.update(data={"domain": {"a": 1}})
        ...         tx.update(data={"domain.b": 2})
        ...     engine.state.version, dict(engine.state.domain)
        (1, {'a': 1, 'b': 2})

        Leaving the block commits against the version at its begin, in the engine's isolation mode: VersionMismatchError if
        something that it changes has changed meanwhile, WriteTimeoutError past the limit. An exception applies nothing.
        """
        from ._transaction import Transaction

        self._log_if_wanted()
        requester, task = running.requester_in(self)
        return Transaction(self._core.transaction(write_timeout_ms / 1000, requester, task))

    def report_conflict(self, name: str) -> RetryDecision:
        """A compare-and-swap under this requester's name conflicted: ``wait_ms`` says how long to wait before the next.

        After five conflicts in a row the name lines up for the priority ticket, which binds every commit.
        """
        return self._core.report_conflict(name)

    def report_success(self, name: str) -> None:
        """A compare-and-swap under this name went through: clears its count and gives its ticket back."""
        self._core.report_success(name)

    async def execute(
        self,
        func_or_name: Callable[..., Any] | str,
        /,
        *args: Any,
        retries: int = 0,
        timeout: float | None = None,
        parallel: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Runs a process, commits what it returns by its contract, and gives the body's value back.

        A conflict runs the body again on a fresh snapshot; ``retries`` adds attempts to the engine's own. A parallel
        process runs on a worker; a sync one on a thread, so that the loop never blocks. ``timeout`` is in seconds.
        """
        self._refuse_nesting("execute")
        self._log_if_wanted()
        if not isinstance(retries, int) or retries < 0:
            raise ValueError(f"retries={retries!r}: give a whole number from 0")
        registered = self._registry.resolve(func_or_name, parallel)
        if retries or timeout is not None:
            registered.add_named(kwargs, retries=retries, timeout=timeout)
        if registered.parallel:
            return await self._await_task(self._submit(registered, args, kwargs, timeout, retries))
        run = self._run_async if registered.is_async else self._run_on_thread
        limit = timeout if timeout is not None else registered.contract.timeout
        if limit is None:
            return await run(registered, args, kwargs, retries)
        return await _within(run, limit, registered, args, kwargs, retries)

    execute_process = execute

    def call(self, fn: Callable[..., Any] | str, /, *args: Any, **kwargs: Any) -> Any:
        """Runs a process in the calling thread, without a thread hop, and blocks until it is committed."""
        self._log_if_wanted()
        registered = self._registry.resolve(fn, None)
        _refuse_in_loop(registered)
        if registered.parallel:
            self._refuse_nesting("call")
            task = self._submit(registered, args, kwargs)
            try:
                return task.result(None)
            except KeyboardInterrupt:
                task.cancel()
                raise
        if registered.is_async:
            raise RuntimeError(
                f"Process {registered.name!r} is an async def, which call() cannot run: use `await engine.execute(...)`"
            )
        return self._core.call(registered.native, registered.function, args, kwargs, 0)

    def submit(self, fn: Callable[..., Any] | str, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Hands a task in and returns a ``concurrent.futures.Future`` of what the body returned, once committed."""
        self._refuse_nesting("submit")
        self._log_if_wanted()
        registered = self._registry.resolve(fn, None)
        if registered.parallel:
            return _task_future(self._submit(registered, args, kwargs), self._core)
        if registered.is_async:
            raise RuntimeError(
                f"Process {registered.name!r} is an async def, which submit() cannot run: use `await engine.execute(...)`"
            )
        cancel = _native.Cancel()
        call = (self._core.call, registered.native, registered.function, args, kwargs, 0, cancel)
        return self._threads_for_bodies().submit(cancel, *call)

    def listen(self, name: str) -> None:
        """Lets other programs of this user read the arrays of ``state.heavy`` (always the newest) until shutdown.

        They call ``theus.attach(name)``. The name is a socket that only this user can use, in the user's runtime folder
        (``$XDG_RUNTIME_DIR/theus``, else ``/tmp/theus-<uid>``). ValueError for a name that cannot be one, ContextError when
        a live session has it already.
        """
        _native.listen(self._core, name)

    def doctor(self) -> list[Finding]:
        """What this host can promise; see ``theus.doctor()``."""
        from ._sharing import doctor

        return doctor()

    def stats(self) -> dict[str, Any]:
        """What the engine has done and is doing: version, attempts by outcome, workers, heavy bytes."""
        return self._core.stats()

    def shutdown(self, timeout: float = 5.0) -> None:
        """Takes no more work, gives running tasks ``timeout`` seconds, and ends the workers. Always returns."""
        deadline = monotonic() + max(0.0, timeout)
        self._core.drain(max(0.0, timeout))
        if self._threads is not None:
            self._threads.shutdown(max(0.0, deadline - monotonic()))
        # Only now, so that the bodies on those threads have their records.
        self._core.shutdown()
        self.audit._warn_of_lost()
        if self._logged is not None:
            self._logged.close(max(1.0, deadline - monotonic()))
        _open_engines.discard(self)

    def __enter__(self) -> TheusEngine:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.shutdown()

    async def __aenter__(self) -> TheusEngine:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        import asyncio

        await asyncio.to_thread(self.shutdown)

    def __repr__(self) -> str:
        return f"TheusEngine(version={self._core.snapshot().version})"

    def _log_if_wanted(self) -> None:
        """Begins to log the audit's records once somebody has configured the logger."""
        if self._logged is None and is_wanted():
            from ._audit_logging import LoggedAudit

            with self._starting:
                if self._logged is None:
                    self._logged = LoggedAudit(self._core.audit())

    def _submit(
        self, registered: Registered, args: Any, kwargs: dict[str, Any], timeout: float | None = None, retries: int = 0
    ) -> Any:
        return self._core.submit(registered.native, registered.remote(), args, kwargs, timeout, retries)

    async def _await_task(self, task: Any) -> Any:
        # A short task that nothing else waits beside is over before another thread could wake this loop.
        if self._awaiting == 0 and task.glance():
            return task.result(None)
        import asyncio

        loop = asyncio.get_running_loop()
        done = loop.create_future()
        task.wake(loop.call_soon_threadsafe, _set_done, done)
        self._awaiting += 1
        try:
            await done
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._awaiting -= 1
        return task.result(None)

    async def _run_async(
        self, registered: Registered, args: Any, kwargs: dict[str, Any], retries: int, scope: Any = None
    ) -> Any:
        import asyncio

        attempt = self._core.begin(registered.native, args, kwargs, retries)
        named = registered.native.named(kwargs)
        while True:
            body = running.enter(self, registered.name, attempt.task)
            try:
                result = registered.function(attempt.context(), *args, **named)
                if hasattr(result, "__await__"):
                    result = await result
            except BaseException as error:
                wait = attempt.raised(error, scope is not None and scope.expired())
                if wait is None:
                    raise
            else:
                wait = attempt.settle(result)
            finally:
                running.leave(body)
            if wait is None:
                return result
            while wait is not None:
                await asyncio.sleep(wait)
                wait = attempt.ready()
            attempt.again()

    async def _run_on_thread(
        self, registered: Registered, args: Any, kwargs: dict[str, Any], retries: int, scope: Any = None
    ) -> Any:
        import asyncio
        import contextvars

        cancel = _native.Cancel()
        call = (self._core.call, registered.native, registered.function, args, kwargs, retries, cancel)
        future = self._threads_for_bodies().submit(cancel, contextvars.copy_context().run, *call)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # The thread cannot be stopped, but its result can be discarded.
            cancel.set(scope is not None and scope.expired())
            raise

    def _threads_for_bodies(self) -> Any:
        self._core.check_open()
        if self._threads is None:
            from ._bodies import BodyThreads

            with self._starting:
                if self._threads is None:
                    self._threads = BodyThreads()
        return self._threads

    def _refuse_nesting(self, what: str) -> None:
        if self._core.in_body() or running.is_in(self):
            raise NestedExecutionError(
                f"engine.{what}() was called from inside a process that this engine runs. Compose plain functions in one "
                "process (one atomic commit), or run the processes one after the other from outside",
                hint="compose plain functions in one process",
            )


def _refuse_in_loop(registered: Registered) -> None:
    asyncio = modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        raise RuntimeError(
            f"engine.call() of process {registered.name!r} would block the event loop that runs in this thread: use "
            "`await engine.execute(...)`"
        )


def _set_done(future: Any) -> None:
    if not future.done():
        future.set_result(None)


async def _within(run: Any, limit: float, registered: Registered, *call: Any) -> Any:
    """Awaits a body; past the limit (seconds) it is cancelled and TaskTimeoutError raised."""
    import asyncio

    from .errors import TaskTimeoutError

    try:
        async with asyncio.timeout(limit) as scope:
            return await run(registered, *call, scope)
    except TimeoutError as error:
        if not scope.expired():
            # The body's own.
            raise
        raise TaskTimeoutError(
            f"Process {registered.name!r} was cancelled after its time limit of {limit} s", process=registered.name
        ) from error


_future_class: Any = None


def _task_future(task: Any, core: Any) -> Any:
    global _future_class
    if _future_class is None:
        from ._futures import TaskFuture

        _future_class = TaskFuture
    return _future_class(task, core)


_open_engines: weakref.WeakSet[TheusEngine] = weakref.WeakSet()
_at_exit_done = False


def _at_exit_once() -> None:
    """Workers end, and the audit is written and logged, with the interpreter also where nobody calls shutdown()."""
    global _at_exit_done
    if not _at_exit_done:
        import atexit

        atexit.register(_shut_all_down)
        _at_exit_done = True


def _shut_all_down() -> None:
    for engine in list(_open_engines):
        engine.shutdown(timeout=0.0)


