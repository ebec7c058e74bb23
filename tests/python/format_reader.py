"""Reads encoded values without the engine: a second, independent implementation of the byte format.

What: `decode` (strict, whole) and `Ref` (one field, without touching the others). Standard library only; it may be
copied to wherever encoded values have to be read.
What not: no writer, no speed. The format is described in `crates/theus-value/src/encoding/mod.rs`.
"""

import struct
from dataclasses import dataclass

VERSION, MAX_DEPTH, ORDERED_ABOVE = 1, 128, 8
NULL, FALSE, TRUE, INTEGER, FLOAT, STR, BYTES, LIST, TUPLE, MAP, SET, HEAVY, OBJECT = range(13)
CONTAINERS = (LIST, TUPLE, MAP, SET)


class FormatError(ValueError):
    """These bytes are not the encoding of a value."""


@dataclass(frozen=True)
class Set:
    """A set: its items in canonical order. Not a Python set, which takes 1, 1.0 and True for the same."""

    items: tuple


@dataclass(frozen=True)
class Heavy:
    """An array in shared memory, by name."""

    block: tuple
    shape: tuple
    dtype: str


@dataclass(frozen=True)
class Object:
    """A host object as a codec's name and bytes."""

    codec: str
    data: bytes


def need(fact, what):
    """Raise unless `fact`."""
    if not fact:
        raise FormatError(what)


def text(data):
    """UTF-8 as str."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("text that is not UTF-8") from error


class Ref:
    """An encoded value, read in place: reaching a field looks at the tables on the way and at nothing else."""

    def __init__(self, data):
        """`data`: a whole encoding."""
        data = memoryview(data)
        need(len(data) > 0 and data[0] == VERSION, "no bytes, or another version")
        self._open(data[1:])

    def _open(self, data):
        need(len(data) > 0, "a value without a tag")
        self.kind, width, self.data, self.raw = data[0] & 15, data[0] >> 4, data[1:], data
        need(self.kind <= OBJECT, "an unknown tag")
        self.count = self.slots = self.body = 0
        self.width = 1
        if self.kind not in CONTAINERS:
            need(width == 0, "a table width on a scalar")
            return
        if width == 0:
            need(len(self.data) == 0, "an empty container with contents")
            return
        self.width = 1 << (width - 1)
        self.count = int.from_bytes(self.data[-self.width :], "little")
        self.slots = self.count * (2 if self.kind == MAP else 1)
        self.body = len(self.data) - self.width * (self.slots + (self.count if self.ordered else 0))
        need(self.count > 0 and self.body >= 0, "a table longer than its container")
        # No width above 8 passes this, whatever the nibble says.
        least = next(w for w in (1, 2, 4, 8) if self.body < 1 << (8 * w))
        need(self.width == least, "a table wider or narrower than its items need")

    @property
    def ordered(self):
        """True for a map that carries its keys' order."""
        return self.kind == MAP and self.count > ORDERED_ABOVE

    def _number(self, n):
        at = self.body + n * self.width
        return int.from_bytes(self.data[at : at + self.width], "little")

    def _slot(self, n):
        """The bytes of item `n`; a map's keys and values count as items in turn."""
        start = self._number(n - 1) if n else 0
        end = self._number(n) if n + 1 < self.slots else self.body
        need(start <= end <= self.body, "a table that points astray")
        return self.data[start:end]

    def _item(self, n):
        item = object.__new__(Ref)
        item._open(self._slot(n))
        return item

    def _entry(self, rank):
        entry = self._number(self.slots - 1 + rank)
        need(entry < self.count, "an order that names no entry")
        return entry

    def __len__(self):
        return self.count

    def __getitem__(self, key):
        """The item at an index of a list, tuple or set, or the value at a key of a map. O(log n)."""
        if self.kind != MAP:
            if not 0 <= key < self.count:
                raise IndexError(key)
            return self._item(key)
        wanted, low, high = key.encode(), 0, self.count
        while self.ordered and low < high:
            middle = (low + high) // 2
            entry = self._entry(middle)
            have = bytes(self._slot(2 * entry))
            if have == wanted:
                return self._item(2 * entry + 1)
            low, high = (middle + 1, high) if have < wanted else (low, middle)
        for entry in range(0 if self.ordered else self.count):
            if self._slot(2 * entry) == wanted:
                return self._item(2 * entry + 1)
        raise KeyError(key)

    def value(self, depth=MAX_DEPTH):
        """The whole value, strictly: raises `FormatError` unless an encoder wrote exactly these bytes."""
        data = self.data
        if self.kind in CONTAINERS:
            need(depth > 0, "too many containers inside one another")
            return self._map(depth - 1) if self.kind == MAP else self._sequence(depth - 1)
        if self.kind in (NULL, FALSE, TRUE):
            need(len(data) == 0, "bytes after a value that has none")
            return {NULL: None, FALSE: False, TRUE: True}[self.kind]
        if self.kind == INTEGER:
            value = int.from_bytes(data, "little", signed=True)
            bits = (value if value >= 0 else ~value).bit_length() + 1
            need(len(data) == (bits + 7) // 8, "an integer in too many bytes, or in none")
            return value
        if self.kind == FLOAT:
            need(len(data) == 8, "a float without 8 bytes")
            return struct.unpack("<d", data)[0]
        if self.kind == STR:
            return text(data)
        return bytes(data) if self.kind == BYTES else self._named()

    def _named(self):
        if self.kind == OBJECT:
            need(len(data := self.data) >= 8, "an object cut short")
            end = 8 + int.from_bytes(data[:8], "little")
            need(end <= len(data), "a codec longer than its object")
            return Object(text(data[8:end]), bytes(data[end:]))
        need(len(data := self.data) >= 40, "a heavy value cut short")
        *block, dimensions = struct.unpack_from("<5Q", data)
        need(40 + 8 * dimensions <= len(data), "more dimensions than there are bytes")
        shape = struct.unpack_from(f"<{dimensions}Q", data, 40)
        return Heavy(tuple(block), shape, text(data[40 + 8 * dimensions :]))

    def _sequence(self, depth):
        items = [self._item(n) for n in range(self.count)]
        raw = [bytes(item.raw) for item in items] if self.kind == SET else []
        need(all(a < b for a, b in zip(raw, raw[1:], strict=False)), "a set out of order")
        values = [item.value(depth) for item in items]
        return {LIST: list, TUPLE: tuple, SET: lambda found: Set(tuple(found))}[self.kind](values)

    def _map(self, depth):
        keys = [bytes(self._slot(2 * n)) for n in range(self.count)]
        need(len(set(keys)) == self.count, "a key twice")
        order = sorted(range(self.count), key=keys.__getitem__) if self.ordered else []
        need([self._number(self.slots - 1 + rank) for rank in range(len(order))] == order, "an order that lies")
        return {text(key): self._item(2 * n + 1).value(depth) for n, key in enumerate(keys)}


def decode(data):
    """The value that `data` encodes. Raises `FormatError` unless these are its canonical bytes."""
    return Ref(data).value()
