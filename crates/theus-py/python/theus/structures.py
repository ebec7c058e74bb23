"""What travels between bodies and the engine: updates, and frozen containers read from the state."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import ContextError, GuardError, ImmutableError, VersionMismatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

try:
    from ._native import View
except ImportError:
    # Without the library there are no views either.
    pass
else:
    Mapping.register(View)

__all__ = ["ContextError", "FrozenDict", "FrozenList", "State", "StateUpdate", "VersionMismatchError"]


class StateUpdate:
    """A change of the state that a process asks for; the engine checks and commits it.

    ``key``/``val`` set one dotted path (with ``key`` given, None is a value); ``data`` is merged deeply; ``heavy`` maps
    names of the heavy zone to arrays; ``assert_version`` refuses the update at any other current version.
    """

    __slots__ = ("assert_version", "data", "heavy", "key", "signal", "val")

    def __init__(
        self,
        key: str | None = None,
        val: Any = None,
        data: Mapping[str, Any] | None = None,
        heavy: Mapping[str, Any] | None = None,
        signal: Mapping[str, Any] | None = None,
        assert_version: int | None = None,
    ) -> None:
        if key is not None and not isinstance(key, str):
            raise TypeError(f"StateUpdate: key must be a dotted path as text, not {type(key).__name__}")
        for name, mapping in (("data", data), ("heavy", heavy)):
            if mapping is not None and not isinstance(mapping, Mapping):
                raise TypeError(f"StateUpdate: {name} must be a mapping, not {type(mapping).__name__}")
        if signal:
            raise TypeError("StateUpdate: signals are not part of this version yet (see SHORTCOMINGS.md)")
        self.key = key
        self.val = val
        self.data = data
        self.heavy = heavy
        self.signal = signal
        self.assert_version = assert_version

    def _ops(self) -> list[tuple[int, str, Any]]:
        """The update as the core takes it: (kind, path, value) with kind 0 set, 1 merge, 4 the version to assert."""
        ops: list[tuple[int, str, Any]] = []
        if self.data:
            ops.extend(_merge_op(key, value) for key, value in self.data.items())
        if self.heavy:
            ops.extend((0, f"heavy.{name}", array) for name, array in self.heavy.items())
        if self.key is not None:
            ops.append((0, self.key, self.val))
        if self.assert_version is not None:
            ops.append((4, "", self.assert_version))
        return ops

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StateUpdate):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        given = ((name, getattr(self, name)) for name in ("key", "val", "data", "heavy", "assert_version"))
        return f"StateUpdate({', '.join(f'{name}={value!r}' for name, value in given if value is not None)})"


def _merge_op(key: str, value: Any) -> tuple[int, str, Any]:
    if not isinstance(key, str):
        raise TypeError(f"a path in an update must be text, not {type(key).__name__}: {key!r}")
    if not isinstance(value, Mapping):
        return (0, key, value)
    if type(value) not in (dict, FrozenDict):
        value = dict(value)
    # A mapping with other keys is an object to the state, stored whole.
    return (1 if all(type(name) is str for name in value) else 0, key, value)


def merge_ops(data: Mapping[str, Any] | None, heavy: Mapping[str, Any] | None) -> list[tuple[int, str, Any]]:
    """The operations that merge these mappings into the state."""
    return StateUpdate(data=data, heavy=heavy)._ops()


class _Frozen:
    """What frozen containers share: a place in the state, and the refusal of every change."""

    __slots__ = ()
    _path: str = ""
    _process: str | None = None

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        where = f"'{self._path}' " if self._path else ""
        if self._process is not None:
            raise GuardError(
                f"Process '{self._process}': Illegal Write: {where}belongs to a snapshot and cannot be changed in place; "
                "return the new value or a StateUpdate",
                process=self._process,
                path=self._path or None,
                hint="return the new value or a StateUpdate",
            )
        raise ImmutableError(
            f"Immutable: {where}belongs to a snapshot of the state; copy it (to_dict(), to_list()) or commit a change",
            path=self._path or None,
        )

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


class FrozenDict(_Frozen, dict):  # type: ignore[type-arg]
    """A dict of the state: reads like one (keys as attributes too), refuses every change."""

    __slots__ = ("_path", "_process")

    def __init__(self, mapping: Any = (), _path: str = "", _process: str | None = None) -> None:
        dict.__init__(self, mapping)
        object.__setattr__(self, "_path", _path)
        object.__setattr__(self, "_process", _process)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"'{self._path or 'this mapping'}' has no key {name!r}") from None

    __setitem__ = __delitem__ = __setattr__ = __delattr__ = __ior__ = _Frozen._refuse  # type: ignore[assignment]
    update = pop = popitem = clear = setdefault = _Frozen._refuse  # type: ignore[assignment]

    def to_dict(self) -> dict[str, Any]:
        """A deep copy as plain dicts and lists."""
        return {key: thaw(value) for key, value in self.items()}

    def copy(self) -> dict[str, Any]:
        """A shallow copy that can be changed."""
        return dict(self)

    def __reduce__(self) -> Any:
        return FrozenDict, (dict(self), self._path)

    def __repr__(self) -> str:
        return f"FrozenDict({dict.__repr__(self)}{f', path={self._path!r}' if self._path else ''})"


class FrozenList(_Frozen, list):  # type: ignore[type-arg]
    """A list of the state: reads like one, refuses every change."""

    __slots__ = ("_path", "_process")

    def __init__(self, items: Any = (), _path: str = "", _process: str | None = None) -> None:
        list.__init__(self, items)
        object.__setattr__(self, "_path", _path)
        object.__setattr__(self, "_process", _process)

    __setitem__ = __delitem__ = __iadd__ = __imul__ = __setattr__ = __delattr__ = _Frozen._refuse  # type: ignore[assignment]
    append = extend = insert = remove = pop = clear = sort = reverse = _Frozen._refuse  # type: ignore[assignment]

    def to_list(self) -> list[Any]:
        """A deep copy as plain dicts and lists."""
        return [thaw(value) for value in self]

    def copy(self) -> list[Any]:
        """A shallow copy that can be changed."""
        return list(self)

    def __reduce__(self) -> Any:
        return FrozenList, (list(self), self._path)

    def __repr__(self) -> str:
        return f"FrozenList({list.__repr__(self)}{f', path={self._path!r}' if self._path else ''})"


def thaw(value: Any) -> Any:
    """The value with frozen containers copied to plain ones, deeply."""
    if isinstance(value, FrozenDict):
        return value.to_dict()
    if isinstance(value, FrozenList):
        return value.to_list()
    if type(value) is tuple:
        return tuple(thaw(item) for item in value)
    return value


class Roots(Mapping):  # type: ignore[type-arg]
    """The roots of a snapshot as a read-only mapping; ``engine.state.data`` is one."""

    __slots__ = ("_snapshot",)

    def __init__(self, snapshot: Any) -> None:
        self._snapshot = snapshot

    def __getitem__(self, key: str) -> Any:
        return self._snapshot.item(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._snapshot.keys())

    def __len__(self) -> int:
        return len(self._snapshot.keys())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]

    def to_dict(self) -> dict[str, Any]:
        """A deep copy as plain dicts and lists."""
        return {key: thaw(value) for key, value in self.items()}

    def __repr__(self) -> str:
        return f"Roots({dict(self)!r})"


class State:
    """The state at one version. It never changes."""

    __slots__ = ("_snapshot",)

    def __init__(self, snapshot: Any) -> None:
        object.__setattr__(self, "_snapshot", snapshot)

    @property
    def version(self) -> int:
        """The number of commits so far (and one for initial data)."""
        return self._snapshot.version

    @property
    def data(self) -> Roots:
        """The roots of the data, read-only."""
        return Roots(self._snapshot)

    @property
    def heavy(self) -> FrozenDict:
        """The heavy zone: names to read-only arrays, uncopied."""
        return self._snapshot.heavy()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        key = "global" if name in ("global_", "global_ctx") else "domain" if name == "domain_ctx" else name
        try:
            return self._snapshot.item(key)
        except KeyError:
            raise AttributeError(f"the state has no root {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise ImmutableError(f"Immutable: the state cannot be assigned to ({name}); commit a change instead", path=name)

    def __copy__(self) -> State:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> State:
        return self

    def __repr__(self) -> str:
        return f"State(version={self.version}, roots={self._snapshot.keys()})"


if TYPE_CHECKING:
    # "as": public here to a strict type checker, though a star import must not load them.
    from ._heavy.allocator import ManagedAllocator as ManagedAllocator
    from ._heavy.blocks import scratch as scratch
    from ._heavy.shm_array import ShmArray as ShmArray

# What needs the library, and NumPy or a moment, is loaded when it is asked for.
_HOMES = {"ManagedAllocator": "allocator", "ShmArray": "shm_array", "scratch": "blocks"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"._heavy.{home}", __package__), name)
