"""A worker process: attach to the engine, then run one task after the other until told to end.

Started by the engine, never by hand: its standard input is the control socket.
"""

from __future__ import annotations

import os
import sys

# The module behind `signal`, which costs an import of enum.
from _signal import SIG_IGN, SIGINT, signal  # type: ignore[import-not-found]

from . import _native
from ._parameters import named_parameters
from .errors import ContractViolationError, TransferError
from .structures import StateUpdate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Made:
    """A function that this worker has made, or the error that it could not."""

    __slots__ = ("contract", "error", "function", "name")

    def __init__(self, definition: dict[str, Any]) -> None:
        self.name: str = definition["name"]
        self.error: BaseException | None = None
        self.function: Any = None
        names: frozenset[str] | None = None
        try:
            # Folders that the program has added since this worker was started.
            sys.path.extend(entry for entry in definition["path"] if entry not in sys.path)
            self.function = _make(definition)
            names = named_parameters(self.function)
        except BaseException as error:
            self.error = error
        self.contract = _native.Process(
            self.name, definition["inputs"], definition["outputs"], True, False, names, [], None, 0
        )

    def run(self, ctx: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs the function on a context."""
        if self.error is not None:
            raise TransferError(
                f"Process {self.name!r} could not be made on a worker: {type(self.error).__name__}: {self.error}",
                process=self.name,
            ) from self.error
        result = self.function(ctx, *args, **self.contract.named(kwargs))
        if hasattr(result, "__await__"):
            import asyncio

            result = asyncio.run(_awaited(result))
        return result


async def _awaited(result: Any) -> Any:
    return await result


def _make(definition: dict[str, Any]) -> Any:
    pickled = definition.get("pickle")
    if pickled is not None:
        import pickle

        return pickle.loads(pickled)
    import importlib

    found: Any = importlib.import_module(definition["module"])
    for part in definition["qualname"].split("."):
        found = getattr(found, part)
    return found


def _report(error: BaseException) -> dict[str, Any]:
    """What the engine needs to raise this exception again."""
    import pickle
    import traceback

    pickled: bytes | None = None
    try:
        pickled = pickle.dumps(error, protocol=5)
        # An exception whose __init__ takes other arguments pickles well and fails to load.
        if type(pickle.loads(pickled)) is not type(error):
            pickled = None
    except BaseException:
        pickled = None
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename == __file__:
        # The first frames are this file's; the user's begin after them.
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    summary = f"{type(error).__name__}: {_text(error)}"
    return {
        "summary": summary, "traceback": text, "pickle": pickled, "transfer": isinstance(error, TransferError),
        "contract": isinstance(error, ContractViolationError),
    }  # fmt: skip


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(an error whose text cannot be made)"


def _run(functions: dict[int, Made], task: Any) -> None:
    known = functions[task.function]
    try:
        ctx, args, kwargs = task.begin(known.contract)
        result = known.run(ctx, args, kwargs)
        if isinstance(result, StateUpdate):
            task.complete_update(known.contract, result._ops())
        else:
            task.complete(known.contract, result)
    except BaseException as error:
        # Whatever it is, it is the task's: a worker only ends when the engine says so.
        try:
            task.fail(_report(error))
        except BaseException as second:
            task.fail({"summary": f"{type(error).__name__}, which cannot be reported: {type(second).__name__}"})


def main() -> None:
    """Runs this process as a worker."""
    # The engine decides when a worker ends; Ctrl-C in a terminal reaches both.
    signal(SIGINT, SIG_IGN)
    # Descriptors that the engine's program made inheritable are not a worker's business: a pipe would never end.
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    worker = _native.Worker()
    # A task that reads its standard input shall find nothing there, not the engine's messages.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    hello = worker.hello()
    sys.path[:] = hello["path"]
    functions: dict[int, Made] = {}
    worker.ready()
    while True:
        event = worker.next()
        if event is None:
            return
        if type(event) is tuple:
            functions[event[0]] = Made(event[1])
        else:
            _run(functions, event)

