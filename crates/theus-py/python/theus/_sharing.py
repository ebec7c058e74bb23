"""Sessions: arrays of other programs of this user, by name. And what the host can promise.

What not: sockets and checks, which are the core's; pickled arrays (``_handles``).
"""

from __future__ import annotations

from typing import NamedTuple

from . import _native
from ._heavy import as_array
from ._heavy.dtype import dtype_text, shape_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["AttachedHeavy", "AttachedSession", "Finding", "attach", "doctor", "sessions"]


class Session(NamedTuple):
    """A live named session: its name and its process (0 when the system does not tell)."""

    name: str
    pid: int


def sessions() -> list[Session]:
    """The live named sessions of this user. Sockets that dead ones have left behind are removed.

    ContextError when the runtime folder is not this user's alone.
    """
    return [Session(name, pid) for name, pid in _native.sessions()]


def attach(name: str) -> AttachedSession:
    """Attaches to the engine that listens under this name, in whichever program of this user it runs.

    ContextError when there is none, ValueError for what cannot be a name.
    """
    return AttachedSession(_native.attach(name))


class AttachedSession:
    """Another program's engine, to read from: ``with theus.attach("camera") as camera: camera.heavy["frame"]``.

    Arrays that were read stay valid as long as they are held, whatever becomes of the session or the other program.
    """

    def __init__(self, native: _native.Session) -> None:
        self._native = native
        #: The arrays of the other engine.
        self.heavy = AttachedHeavy(native)

    @property
    def name(self) -> str:
        """The session's name."""
        return self._native.name

    @property
    def pid(self) -> int:
        """The process of the session; 0 when the system does not tell."""
        return self._native.pid

    def close(self) -> None:
        """Takes nothing more from the session. Arrays stay valid; when the last is gone, the connection ends."""
        self._native.close()

    def __enter__(self) -> AttachedSession:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"AttachedSession({self.name!r}, pid={self.pid})"


class AttachedHeavy:
    """The heavy zone of another program's engine: names to read-only arrays, uncopied, as they are when they are read.

    ContextError once the other program has ended or this session was closed.
    """

    def __init__(self, native: _native.Session) -> None:
        self._native = native

    def names(self) -> list[str]:
        """The names of all published arrays, sorted; dots lead into mappings of the heavy zone."""
        return self._native.names()

    def get(self, name: str, shape: Any = None, dtype: Any = None) -> Any:
        """The newest published array of this name.

        Raises KeyError when there is none, ValueError when it has not the ``shape`` or ``dtype`` that was asked for.
        """
        if not isinstance(name, str):
            raise TypeError(f"a name is a text, not {type(name).__name__}: {name!r}")
        block = self._native.get(name)
        if shape is not None and block.shape != tuple(shape_of(name, shape)):
            raise ValueError(f"heavy.{name}: its shape is {block.shape}, not {shape!r}")
        if dtype is not None and block.dtype != dtype_text(name, dtype):
            raise ValueError(f"heavy.{name}: its dtype is {block.dtype}, not {dtype!r}")
        return as_array(block, name)

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __repr__(self) -> str:
        return f"AttachedHeavy({self._native.name!r})"


class Finding(NamedTuple):
    """One thing that ``doctor()`` looked at."""

    name: str
    #: 'ok', 'degraded' (it works, at the price that ``advice`` names) or 'missing'.
    verdict: str
    seen: str
    #: What to do; empty when nothing is to be done.
    advice: str

    def __str__(self) -> str:
        advice = f"\n    {self.advice}" if self.advice else ""
        return f"{self.verdict:8} {self.name}: {self.seen}{advice}"


class Findings(list):  # type: ignore[type-arg]
    """A list of findings that prints one on each line."""

    def __repr__(self) -> str:
        return "\n".join(map(str, self))


def doctor() -> list[Finding]:
    """What this host can promise, each tried or read just now: seals, futexes, limits, memory, who may look into whom.

    >>> import theus
    >>> [finding.verdict for finding in theus.doctor() if finding.name == "futex"]
    ['ok']
    """
    return Findings(Finding(*found) for found in _native.doctor())
