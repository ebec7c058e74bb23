"""The registry: which functions an engine knows, their contracts, and how they reach a worker."""

from __future__ import annotations

import sys
from _thread import allocate_lock

from . import _native
from ._parameters import is_coroutine_function, named_parameters, positional_parameters
from .contracts import ProcessContract
from .errors import TransferError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_UNDECORATED = ProcessContract()


class Registered:
    """A function and its contract, as the core knows them."""

    __slots__ = ("_core", "_names", "_remote", "contract", "function", "is_async", "name", "native", "parallel")

    def __init__(self, core: Any, function: Callable[..., Any], contract: ProcessContract | None, parallel: bool) -> None:
        self._core = core
        self.function = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        declared = contract or _UNDECORATED
        self.contract = declared
        self.parallel = parallel
        self.is_async = is_coroutine_function(function)
        self._names = named_parameters(function)
        self._remote: Any = None
        self.native = _native.Process(
            self.name,
            declared.inputs,
            declared.outputs,
            parallel,
            contract is None and not parallel,
            self._names,
            positional_parameters(function),
            declared.timeout,
            declared.crash_retries,
        )

    def add_named(self, kwargs: dict[str, Any], **engine_words: Any) -> None:
        """Gives the engine's own words to a function that names them too."""
        for word, value in engine_words.items():
            if value and self._names is not None and word in self._names:
                kwargs[word] = value

    def remote(self) -> Any:
        """What workers make the function from; sent to each worker once."""
        if self._remote is None:
            self._remote = self._core.function(definition(self.function, self.name, self.contract))
        return self._remote


# Functions that are kept ready without having been registered. A program that makes a new lambda for each call must not
# grow without bound; one that comes back after this many others is only described anew.
_MOST_FUNCTIONS = 1024


class Registry:
    """The functions that an engine knows, by name and by themselves."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self._by_name: dict[str, Registered] = {}
        self._by_function: dict[tuple[Any, bool], Registered] = {}
        self._lock = allocate_lock()

    def register(self, function: Callable[..., Any]) -> Registered:
        """Registers a function under its name, in place of any other of that name."""
        if not callable(function):
            raise TypeError(f"register() takes a function, not {type(function).__name__}")
        contract = getattr(function, "_pop_contract", None)
        registered = self._known(function, contract, contract is not None and contract.parallel)
        self._by_name[registered.name] = registered
        return registered

    def resolve(self, function_or_name: Callable[..., Any] | str, parallel: bool | None) -> Registered:
        """The registered process that is meant; a function that is not registered is taken as it is."""
        if isinstance(function_or_name, str):
            named = self._by_name.get(function_or_name)
            if named is None:
                names = ", ".join(sorted(self._by_name)) or "none"
                raise ValueError(
                    f"Process {function_or_name!r} not found: register it with engine.register(function). Known: {names}"
                )
            function = named.function
        else:
            function = function_or_name
            if not callable(function):
                raise TypeError(f"a process is a function or the name of one, not {type(function).__name__}")
        contract = getattr(function, "_pop_contract", None)
        wanted = parallel if parallel is not None else contract is not None and contract.parallel
        known = self._by_function.get((_identity(function), wanted))
        if known is not None and known.function == function and known.contract is (contract or _UNDECORATED):
            return known
        registered = self._known(function, contract, wanted)
        if wanted and not isinstance(function_or_name, str):
            self._by_name.setdefault(registered.name, registered)
        return registered

    def _known(self, function: Callable[..., Any], contract: ProcessContract | None, parallel: bool) -> Registered:
        registered = Registered(self._core, function, contract, parallel)
        with self._lock:
            self._by_function[_identity(function), parallel] = registered
            if len(self._by_function) > _MOST_FUNCTIONS:
                del self._by_function[next(iter(self._by_function))]
        return registered


def _identity(function: Any) -> Any:
    """What stays the same for a function; a bound method is a new object each time it is looked up."""
    bound = getattr(function, "__func__", None)
    return id(function) if bound is None else (id(function.__self__), id(bound))


def definition(function: Callable[..., Any], name: str, contract: ProcessContract) -> dict[str, Any]:
    """How a worker makes this function: by module and name where it can be imported, else by value."""
    described: dict[str, Any] = {"name": name, "inputs": contract.inputs, "outputs": contract.outputs}
    described["path"] = [entry for entry in sys.path if isinstance(entry, str)]
    module, qualified = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if module and qualified and _importable(module, qualified, function):
        return {**described, "module": module, "qualname": qualified}
    try:
        import cloudpickle  # type: ignore[import-untyped]
    except ImportError as error:
        raise TransferError(
            f"Process {name!r} can only reach a worker by value, which needs the package cloudpickle: install it, or move "
            "the function to a module that can be imported",
            process=name,
        ) from error
    try:
        return {**described, "pickle": cloudpickle.dumps(function)}
    except Exception as error:
        raise TransferError(
            f"Process {name!r} cannot travel to a worker: {type(error).__name__}: {error}. What the function refers to "
            "must be importable or picklable; pass locks, files and connections neither as globals nor as arguments",
            process=name,
        ) from error


def _importable(module: str, qualified: str, function: Any) -> bool:
    if module == "__main__" or "<" in qualified:
        return False
    loaded = sys.modules.get(module)
    if loaded is None or getattr(loaded, "__spec__", None) is None:
        return False
    found: Any = loaded
    for part in qualified.split("."):
        found = getattr(found, part, None)
    return found is function
