"""Reads an audit trail without the engine: a second, independent reader and verifier of its files.

What: `check_trail` (all checks that the format asks of a reader) and the records in it as dicts. Standard library only; it
may be copied to wherever a trail has to be checked.
What not: no writer, no speed, no checkpoints kept elsewhere: a trail that was cut back to an older end is a good trail.
The format is described in `crates/theus-audit/src/log/mod.rs`.
"""

import base64
import hashlib
import os
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from unicodedata import category

MAGIC = b"theus audit 1\n\0\0"
SHORTEST, LONGEST = 41, 1 << 20
FILE, ATTEMPT, CHECKPOINT, OPENED = 1, 2, 3, 4
OUTCOMES = "committed conflict contract schema audit failed crashed timeout cancelled refused reset".split()
VERSION, SIGNAL, WORKER, ERROR, INPUTS, UPDATE, REQUESTER, REASON = (1 << n for n in range(8))


class Flaw(ValueError):
    """Something is not as the format draws it."""


class NoFrame(Flaw):
    """These bytes are no frame: what a crash can leave at the end of the newest file."""


class WrongLink(Flaw):
    """A frame that links to another than the one before: either of the two was changed."""


class WrongTree(Flaw):
    """Another tree than the frames have: any frame since the last checkpoint may be the one that was changed."""


def need(fact, what, kind=Flaw):
    """Raise unless `fact`."""
    if not fact:
        raise kind(what)


def _castagnoli(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


TABLE = [_castagnoli(byte) for byte in range(256)]


@lru_cache(1 << 14)
def crc32c(data):
    """The CRC-32C of `data`. Remembered, as the tests ask for the same frames again and again."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Tree:
    """The Merkle tree of RFC 6962, section 2.1: of each size, the roots of the largest complete subtrees."""

    def __init__(self):
        self.subtrees = [()]

    def add(self, leaf):
        """Add a leaf hash: two complete subtrees of one height make the next higher one."""
        roots, count = [*self.subtrees[-1], leaf], len(self.subtrees)
        while count % 2 == 0:
            roots[-2:] = [hashlib.sha256(b"\1" + roots[-2] + roots[-1]).digest()]
            count //= 2
        self.subtrees.append(tuple(roots))

    def root(self, size):
        """The root of the first `size` leaves."""
        *roots, root = self.subtrees[size] or (hashlib.sha256(b"").digest(),)
        for left in reversed(roots):
            root = hashlib.sha256(b"\1" + left + root).digest()
        return root


# Ed25519 as in RFC 8032, section 5.1, in extended coordinates.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def _sum(a, b):
    s, t = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = t - s, d - c, d + c, t + s
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(factor, point):
    total = (0, 1, 1, 0)
    while factor:
        total = _sum(total, point) if factor & 1 else total
        point, factor = _sum(point, point), factor >> 1
    return total


def _point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else P - x
    return (x, y, 1, x * y % P)


def _small(point):
    """True for the eight points that are keys of nobody: anything would be signed by them."""
    x, y, z, _ = _times(8, point)
    return x % P == 0 and (y - z) % P == 0


BASE = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


@lru_cache(1 << 14)
def usable(key):
    """True if these bytes are a public key."""
    point = _point(key)
    return point is not None and not _small(point)


@lru_cache(1 << 14)
def signed(key, signature, message):
    """True if `signature` is that of `message` by the owner of the public key `key`."""
    public, nonce, s = _point(key), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or public is None or nonce is None or _small(nonce) or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    a, b = _times(s, BASE), _sum(nonce, _times(k, public))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


class Fields:
    """Takes a payload apart from its start; nothing may be left at its end."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, count):
        self.at += count
        need(self.at <= len(self.data), "a payload that ends early")
        return self.data[self.at - count : self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.bytes(struct.calcsize("<" + form)))[0]

    def text(self, count):
        try:
            return str(self.bytes(count), "utf-8")
        except UnicodeDecodeError as error:
            raise Flaw("text that is not UTF-8") from error

    def end(self):
        need(self.at == len(self.data), "bytes after the payload")


@dataclass(frozen=True)
class Frame:
    """A whole frame: what its bytes say of it alone."""

    kind: int
    number: int
    time: int
    link: bytes
    payload: bytes
    digest: bytes
    length: int


def frame_at(data, at):
    """The frame at an offset of a file. Raises `NoFrame` if there is none."""
    need(len(data) - at >= SHORTEST, "fewer bytes left than the shortest frame has", NoFrame)
    length, kind, number, time, link = struct.unpack_from("<IBQQ16s", data, at)
    need(SHORTEST <= length <= LONGEST, f"a frame of {length} bytes", NoFrame)
    need(length <= len(data) - at, "fewer bytes left than the frame has", NoFrame)
    need(FILE <= kind <= OPENED, f"a frame of kind {kind}", NoFrame)
    body, checksum = data[at : at + length - 4], data[at + length - 4 : at + length]
    need(crc32c(body).to_bytes(4, "little") == checksum, "the checksum is that of other bytes", NoFrame)
    return Frame(kind, number, time, link, body[37:], hashlib.sha256(b"\0" + body).digest(), length)


@lru_cache(1 << 14)
def attempt(payload):
    """The payload of an attempt as a dict."""
    fields = Fields(payload)
    outcome, has = fields.number("B"), fields.number("B")
    need(outcome < len(OUTCOMES), f"outcome {outcome}")
    record = {"outcome": OUTCOMES[outcome], "task": fields.number("Q"), "attempt": fields.number("I")}
    record["base_version"] = fields.number("Q")

    def present(bit, value):
        need(has & bit or not value, "a field that is absent and not 0")
        return value if has & bit else None

    record["version"] = present(VERSION, fields.number("Q"))
    record["signal"] = present(SIGNAL, fields.number("i"))
    record["worker"] = present(WORKER, fields.number("I"))
    record["duration"] = fields.number("Q")
    lengths = [fields.number("I") for _ in range(4)]
    paths, record["more_paths"] = fields.number("I"), fields.number("I")
    for name, bit in (("inputs", INPUTS), ("update", UPDATE)):
        record[name] = fields.bytes(32) if has & bit else None
    record["process"] = fields.text(lengths[0])
    for name, bit, length in zip(("error", "requester", "reason"), (ERROR, REQUESTER, REASON), lengths[1:], strict=True):
        record[name] = present(bit, fields.text(length))
    record["paths"] = tuple((fields.text(fields.number("I")), fields.bytes(32)) for _ in range(paths))
    fields.end()
    return record


def checkpoint(payload):
    """The payload of a checkpoint: size, root and note."""
    fields = Fields(payload)
    found = fields.number("Q"), fields.bytes(32), fields.text(fields.number("I"))
    fields.end()
    return found


def check_note(note, key, origin, size, root):
    """A checkpoint's note says the same as the checkpoint, and is signed if there is a key."""
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    need(note.startswith(body + "\n"), "a note that says something else than its checkpoint")
    lines = note[len(body) + 1 :]
    if key is None:
        return need(lines == "", "a note that is signed, where no key is")
    start, name = "\u2014 ", hashlib.sha256(origin.encode() + b"\n\1" + key).digest()[:4]
    need(lines.startswith(f"{start}{origin} ") and lines.endswith("\n"), "a note that the key did not sign")
    try:
        line = base64.b64decode(lines[len(start) + len(origin) + 1 : -1], validate=True)
    except ValueError as error:
        raise Flaw("a signature that is no base64") from error
    need(base64.b64encode(line).decode() == lines[len(start) + len(origin) + 1 : -1], "another way to write the base64")
    need(line[:4] == name and signed(key, line[4:], body.encode()), "a note that the key did not sign")


@dataclass(frozen=True)
class Verdict:
    """What was found. `frames`: how many passed all checks; `first_bad`: the frame at fault, or `between`: one of these is;
    `torn`: bytes at the end that opening the trail would cut."""

    ok: bool
    frames: int
    first_bad: int | None
    between: tuple | None
    reason: str
    torn: int
    records: list = field(repr=False)


class Trail:
    """The frames read so far, and what they say of those that may follow."""

    def __init__(self):
        self.tree, self.records = Tree(), []
        self.last = Frame(0, 0, 0, bytes(16), b"", bytes(16), 0)
        self.files = self.covered = 0
        self.identity = None

    def add(self, frame, first):
        """The next frame, which is the first of its file or not. Raises `Flaw` and changes nothing."""
        last = self.last
        need(frame.number == last.number + 1, f"number {frame.number} after {last.number}")
        need(frame.link == last.digest[:16], "a link to another frame than the one before", WrongLink)
        need(frame.time >= last.time, "a time before that of the frame before")
        need((frame.kind == FILE) == first, "a file that does not begin with its frame, or such a frame within a file")
        {FILE: self._file, ATTEMPT: self._attempt, CHECKPOINT: self._checkpoint, OPENED: self._opened}[frame.kind](frame)
        self.last = frame
        self.tree.add(frame.digest)

    def _file(self, frame):
        fields = Fields(frame.payload)
        trail, index, count = fields.bytes(16), fields.number("I"), fields.number("B")
        need(count == (frame.number - 1).bit_count(), f"{count} subtrees")
        subtrees = tuple(fields.bytes(32) for _ in range(count))
        keyed = fields.number("B")
        need(keyed < 2, "neither a key nor none")
        key = fields.bytes(32) if keyed else None
        origin = fields.text(fields.number("H"))
        fields.end()
        need(key is None or usable(key), "a key that is none")
        bad = [letter for letter in origin if letter == "+" or letter.isspace() or category(letter) == "Cc"]
        need(1 <= len(origin.encode()) <= 255 and not bad, "an origin under which nothing can be signed")
        need(index == self.files + 1, f"file {index} after {self.files}")
        need(subtrees == self.tree.subtrees[-1], "other subtrees than the frames before give", WrongTree)
        need(self.identity in (None, (trail, key, origin)), "a file of another trail")
        self.files, self.identity = index, (trail, key, origin)

    def _attempt(self, frame):
        names = {"number": frame.number, "time": frame.time, "link": frame.link, "digest": frame.digest}
        self.records.append({**names, **attempt(frame.payload)})

    def _checkpoint(self, frame):
        size, root, note = checkpoint(frame.payload)
        need(self.covered < size < frame.number, f"a checkpoint of {size} frames")
        need(root == self.tree.root(size), "a checkpoint with another root than the frames have", WrongTree)
        check_note(note, *self.identity[1:], size, root)
        self.covered = size

    def _opened(self, frame):
        fields = Fields(frame.payload)
        fields.number("I")
        count, at, digest = fields.number("Q"), fields.number("Q"), fields.bytes(32)
        fields.end()
        need(count or (at == 0 and digest == bytes(32)), "nothing was cut, and yet it was")


def covering(data, number):
    """True if a whole checkpoint lies anywhere in these bytes that covers frame `number`."""
    at = data.find(CHECKPOINT, 4)
    while at >= 0:
        try:
            found = frame_at(data, at - 4)
            if found.kind == CHECKPOINT and checkpoint(found.payload)[0] >= number:
                return True
        except Flaw:
            pass
        at = data.find(CHECKPOINT, at + 1)
    return False


def changed(data, at):
    """Which frame was changed if this one does not link to the one before: the next in the file tells, if there is one."""
    frame = frame_at(data, at)
    try:
        after = frame_at(data, at + frame.length)
    except Flaw:
        return None
    if after.number != frame.number + 1:
        return None
    return frame.number - (after.link == frame.digest[:16])


def check(files):
    """The verdict on a trail, given the bytes of its files in order."""
    trail = Trail()
    for index, data in enumerate(files):
        at = 0
        try:
            need(data.startswith(MAGIC), "a file that does not begin as one of a trail", NoFrame)
            at = len(MAGIC)
            while at < len(data) or at == len(MAGIC):
                frame = frame_at(data, at)
                trail.add(frame, at == len(MAGIC))
                at += frame.length
        except Flaw as flaw:
            good, rest = trail.last.number, data[at:]
            bad = changed(data, at) if isinstance(flaw, WrongLink) and good else good + 1
            between = (good, good + 1) if bad is None else None
            if isinstance(flaw, WrongTree):
                bad, between = None, (trail.covered + 1, good + 1)
            torn = isinstance(flaw, NoFrame) and index == len(files) - 1 and not covering(rest, good + 1)
            return Verdict(False, good, bad, between, str(flaw), len(rest) if torn else 0, trail.records)
    return Verdict(True, trail.last.number, None, None, "", 0, trail.records)


def check_trail(path):
    """The verdict on the trail at `path`, all its files."""
    path, files = os.fspath(path), []
    while not files or os.path.exists(f"{path}.{len(files) + 1}"):
        with open(path if not files else f"{path}.{len(files) + 1}", "rb") as file:
            files.append(file.read())
    verdict = check(files)
    folder, name = os.path.split(path)
    later = [end for start, _, end in (found.rpartition(".") for found in os.listdir(folder or ".")) if start == name]
    if verdict.ok and any(end.isdecimal() and int(end) > len(files) for end in later):
        bad, reason = verdict.frames + 1, f"file {len(files) + 1} is missing, and later ones are there"
        return Verdict(False, verdict.frames, bad, None, reason, 0, verdict.records)
    return verdict
