"""The trail's files have a second reader, in Python, written from the format's description alone: both say the same.

What not: how a trail is written, synced and recovered (`crates/theus-audit/tests/it`). The trails are made by the engine,
and damaged in every small way and in thousands of random ones; THEUS_MUTATIONS asks for more of those.
"""

import asyncio
import base64
import gc
import hashlib
import os
import random
import signal
import struct
from pathlib import Path

import pytest
import tasks
import trail_reader
from trail_reader import CHECKPOINT, MAGIC, SHORTEST, check, check_trail, crc32c, frame_at, signed

from theus import TheusEngine, WorkerCrashedError, _native, process
from theus.audit import AuditStopError, AuditTrail
from theus.errors import TaskTimeoutError

MUTATIONS = int(os.environ.get("THEUS_MUTATIONS", "2000"))
SEED = 20
# Points, no points, and points of small order.
KEYS = [n.to_bytes(32, "little") for low in (0, 2**255) for n in range(low, low + 19)]
KEYS += [hashlib.sha256(bytes([n])).digest() for n in range(40)]
ORIGINS = ["a", "a/b", "ü", "\ufeffa", "", " ", "a b", "a+b", "a\nb", "a\x7fb", "a\x80b", "a\u00a0b", "a\u2028b", "a" * 255]
ORIGINS += ["a" * 256, "ü" * 128]
FIELDS = (
    "number process task attempt base_version version outcome paths more_paths error signal worker requester reason inputs"
    " update link digest"
).split()


@process(outputs=["domain.count", "domain.items"])
def several(ctx, n):
    return n, ["ü", n]


@process(outputs=["domain.guarded"])
def guarded(ctx, n):
    return n


@process
def failing(ctx):
    raise ValueError("no: größer")


@process
async def waiting(ctx):
    await asyncio.Event().wait()


RECIPE = {"process_recipes": {"guarded": {"inputs": [{"field": "n", "max": 5, "level": "S"}]}}}


def work(engine):
    """Attempts of many outcomes, of the kinds that need no worker."""
    engine.compare_and_swap(0, data={"domain": {"count": 1, "gone": 2}})
    for n in range(4):
        engine.call(several, n=n)
    with pytest.raises(ValueError):
        engine.call(failing)
    with pytest.raises(AuditStopError):
        engine.call(guarded, n=9)
    with pytest.raises(TaskTimeoutError):
        asyncio.run(engine.execute(waiting, timeout=0.02))
    engine.audit.reset(reason="looked at")


def session(described):
    """An engine from its begin to its end. The trail is closed when nothing holds the engine any more."""
    with TheusEngine(audit_path=described, audit_recipe=RECIPE) as engine:
        work(engine)
    del engine
    gc.collect()


def held(path):
    """The bytes of all files of a trail."""
    names = [Path(path), *sorted(Path(path).parent.glob(f"{Path(path).name}.[0-9]*"), key=lambda name: int(name.suffix[1:]))]
    return [name.read_bytes() for name in names]


def agrees(found, records):
    """The reader's records are the engine's, field by field."""
    assert len(found) == len(records)
    for mine, theirs in zip(found, records, strict=True):
        assert {name: mine[name] for name in FIELDS} == {name: getattr(theirs, name) for name in FIELDS}
        assert (mine["time"] / 1e9, mine["duration"] / 1e9) == pytest.approx((theirs.time, theirs.duration), rel=1e-15)


@pytest.fixture(scope="module")
def trails(tmp_path_factory):
    """Good trails of several files: unsigned and signed, checkpoints often and seldom, opened once and twice."""
    folder, key = tmp_path_factory.mktemp("trails"), _native.new_key("example.com/trail", bytes(range(32)))[0]
    made, one = [], 1 << 20
    kinds = [(900, 1, None), (900, 3, key), (one, 2, key), (700, 1000, None), (one, 2, None)]
    for n, (size, often, secret) in enumerate(kinds):
        for _ in range(1 + n % 2):
            described = AuditTrail(
                folder / f"{n}.theus", max_bytes=size, checkpoint_records=often, checkpoint_every=1e6, key=secret
            )
            session(described)
        made.append(held(folder / f"{n}.theus"))
        assert check(made[-1]).ok
    return made


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """Compares verdicts."""
    return Judge(tmp_path_factory.mktemp("judged"))


def frames_of(files):
    """The frames of a good trail as bytes without their checksums, file by file."""
    found = []
    for data in files:
        at, frames = len(MAGIC), []
        while at < len(data):
            frame = frame_at(data, at)
            frames.append(data[at : at + frame.length - 4])
            at += frame.length
        found.append(frames)
    return found


def closed(body):
    """A frame with its length and checksum as they should be."""
    body = struct.pack("<I", len(body) + 4) + body[4:]
    return body + crc32c(body).to_bytes(4, "little")


def joined(found, start=None, numbers=False):
    """Files of these frames, checksums made anew; links too from frame `start` on, and numbers if asked for."""
    files, last, count = [], bytes(16), 0
    for frames in found:
        data = MAGIC
        for body in frames:
            count += 1
            if numbers:
                body = body[:5] + struct.pack("<Q", count) + body[13:]
            if start is not None and count > start:
                body = body[:21] + last + body[37:]
            frame = closed(body)
            last = hashlib.sha256(b"\0" + frame[:-4]).digest()[:16]
            data += frame
        files.append(data)
    return files


def flipped(data, bit):
    """One bit turned."""
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


class Mutator:
    """Damages trails, by chance from a seed."""

    def __init__(self, seed, trails):
        self.chance, self.trails = random.Random(seed), trails
        self.kinds = [self.bits, self.truncation, self.cut_bytes, self.files, self.frames, self.frames, self.frames]

    def one(self):
        """The name of what was done, and the files."""
        kind = self.chance.choice(self.kinds)
        return kind(list(self.chance.choice(self.trails)))

    def bits(self, files):
        n = self.chance.randrange(len(files))
        for _ in range(self.chance.choice((1, 1, 1, 2, 9))):
            files[n] = flipped(files[n], self.chance.randrange(8 * len(files[n])))
        return "bits", files

    def truncation(self, files):
        n = self.chance.choice((len(files) - 1, self.chance.randrange(len(files))))
        files[n] = files[n][: self.chance.randrange(len(files[n]))]
        return "truncation", files[: n + 1] if self.chance.random() < 0.5 else files

    def cut_bytes(self, files):
        n, data = self._some(files)
        a, b = sorted(self.chance.randrange(len(data) + 1) for _ in range(2))
        extra = self.chance.choice((b"", data[a:b], self.chance.randbytes(b - a), bytes(b - a)))
        files[n] = self.chance.choice((data[:a] + extra + data[b:], data[:b] + extra + data[b:], data + extra))
        return "bytes", files

    def files(self, files):
        n, m = self.chance.randrange(len(files)), self.chance.randrange(len(files))
        act = self.chance.randrange(5)
        if act == 0:
            del files[n]
        elif act == 1:
            files[n], files[m] = files[m], files[n]
        elif act == 2:
            files.insert(n, files[m])
        elif act == 3:
            files[n] = self.chance.choice((b"", MAGIC, MAGIC[:9]))
        else:
            other = self.chance.choice(self.trails)
            files[n:] = other[n:] or other[-1:]
        return f"files {act}", files or [b""]

    def frames(self, files):
        """Frames changed, cut, swapped, repeated or brought from elsewhere; checksums good, links and numbers at times."""
        found = frames_of(files)
        n = self.chance.randrange(len(found))
        frames = found[n]
        k, other = self.chance.randrange(len(frames)), self.chance.randrange(len(frames))
        act = self.chance.choice(("bit", "bit", "bit", "byte", "cut", "swap", "repeat", "insert", "short", "long", "merge"))
        if act == "bit":
            frames[k] = flipped(frames[k], self.chance.randrange(32, 8 * len(frames[k])))
        elif act == "byte":
            at = self.chance.randrange(4, len(frames[k]))
            byte = bytes([self.chance.choice((0, 1, 2, 4, 9, 10, 11, 32, 43, 255))])
            frames[k] = frames[k][:at] + byte + frames[k][at + 1 :]
        elif act == "cut":
            del frames[k]
        elif act == "swap":
            frames[k], frames[other] = frames[other], frames[k]
        elif act == "repeat":
            frames.insert(other, frames[k])
        elif act == "insert":
            frames.insert(k, self.chance.choice(self.chance.choice(frames_of(self.chance.choice(self.trails)))))
        elif act == "short":
            frames[k] = frames[k][: max(SHORTEST - 4, len(frames[k]) - self.chance.choice((1, 4, 32)))]
        elif act == "long":
            frames[k] += self.chance.randbytes(self.chance.choice((1, 4, 32)))
        elif n + 1 < len(found):
            frames += found.pop(n + 1)
        before = sum(map(len, found[:n]))
        start = self.chance.choice((None, before, before + k, before + k + 1))
        numbers = self.chance.random() < 0.3
        return f"{act} of frame {before + k + 1}, links from {start}, numbers {numbers}", joined(found, start, numbers)

    def _some(self, files):
        n = self.chance.randrange(len(files))
        return n, files[n]


class Judge:
    """Asks the engine and the reader for their verdicts on the same files."""

    def __init__(self, folder):
        self.path, self.written = Path(folder) / "judged.theus", 0
        self.good = self.bad = self.named = 0

    def __call__(self, what, files):
        names = [self.path, *(Path(f"{self.path}.{n}") for n in range(2, max(len(files), self.written) + 1))]
        for name in names[len(files) :]:
            name.unlink()
        for name, data in zip(names, files, strict=False):
            name.write_bytes(data)
        self.written = len(files)
        mine, theirs = check(files), AuditTrail.verify(self.path)
        both = f"{what}: the reader says {mine}, the engine {theirs}"
        assert mine.ok == theirs.ok, both
        assert (mine.first_bad, mine.between) == (theirs.first_bad, theirs.between), both
        assert (mine.frames, mine.torn) == (theirs.count, theirs.torn_bytes), both
        self.good, self.bad = self.good + mine.ok, self.bad + (not mine.ok)
        self.named += mine.first_bad is not None
        return mine


def test_the_algorithms_give_the_published_answers():
    assert crc32c(b"123456789") == 0xE3069283
    # RFC 8032, section 7.1, test 2; and RFC 6962's tree of seven leaves, spelled out.
    key = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    good = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert signed(key, good, b"\x72") and not signed(key, good, b"\x73")
    assert not any(signed(key, flipped(good, bit), b"\x72") for bit in range(0, 512, 7))
    tree, leaves = trail_reader.Tree(), [hashlib.sha256(bytes([n])).digest() for n in range(7)]
    for leaf in leaves:
        tree.add(leaf)

    def node(left, right):
        return hashlib.sha256(b"\1" + left + right).digest()

    a, b, c = (node(*leaves[n : n + 2]) for n in (0, 2, 4))
    assert tree.root(7) == node(node(a, b), node(c, leaves[6])) and tree.root(3) == node(a, leaves[2])
    assert tree.root(0) == hashlib.sha256().digest()


@pytest.mark.parametrize("signing", [False, True])
def test_the_reader_finds_the_engines_records(tmp_path, rendezvous, signing):
    key = _native.new_key("example.com/trail", bytes(32))[0] if signing else None
    described = AuditTrail(tmp_path / "trail.theus", max_bytes=1000, checkpoint_records=4, key=key)
    with TheusEngine(pool_size=1, audit_path=described, audit_recipe=RECIPE) as engine:
        work(engine)
        with pytest.raises(WorkerCrashedError):
            engine.submit(tasks.die, signal_number=int(signal.SIGKILL)).result()
        with pytest.raises(PermissionError):
            engine.submit(tasks.write_elsewhere).result()
        meeting = rendezvous()
        future = engine.submit(tasks.add_after_meeting, folder=str(meeting))
        meeting.pid()
        engine.compare_and_swap(engine.state.version, data={"domain": {"count": 10}})
        meeting.open()
        future.result()
        note = engine.audit.checkpoint()
        records, root = engine.audit.records(), engine.audit.root
    wanted = "committed failed audit timeout reset crashed contract conflict"
    assert {record.outcome for record in records} >= set(wanted.split())
    verdict = check_trail(described.path)
    assert verdict.ok and len(held(described.path)) > 2
    agrees(verdict.records, records)
    # The note handed out says what the reader's own tree says.
    trail = trail_reader.Trail()
    for data in held(described.path):
        at = len(MAGIC)
        while at < len(data):
            frame = frame_at(data, at)
            trail.add(frame, at == len(MAGIC))
            at += frame.length
    origin, size, claimed = note.split("\n")[:3]
    assert base64.b64decode(claimed) == trail.tree.root(int(size)) and origin == trail.identity[2]
    assert signing == (trail.identity[1] is not None) == ("\u2014" in note)
    assert root in {trail.tree.root(n) for n in range(int(size), len(trail.tree.subtrees))}


def test_every_payload_that_the_engine_reads_means_the_same_to_the_reader(trails, tmp_path):
    """All outcomes and all combinations of fields, in frames that no engine wrote."""
    chance, path, read = random.Random(SEED), tmp_path / "trail.theus", 0
    first = frames_of(trails[0])[0][0]
    for n in range(600):
        has, lengths = chance.randrange(256), [chance.randrange(4) for _ in range(4)]
        texts = [chance.choice(("a", "ü", "\0", "€")) * length for length in lengths]
        for bit, place in ((8, 1), (64, 2), (128, 3)):
            texts[place] = texts[place] if has & bit else ""
        payload = struct.pack("<BBQI", n % 13, has, chance.randrange(1 << 64), chance.randrange(3))
        payload += struct.pack("<QQ", 7, chance.randrange(9) if has & 1 else chance.randrange(50) == 0)
        payload += struct.pack("<iIQ", -3 if has & 2 else 0, 5 if has & 4 else 0, chance.randrange(1 << 40))
        payload += struct.pack("<4I", *(len(text.encode()) for text in texts))
        paths = [("p" * chance.randrange(3), chance.randbytes(32)) for _ in range(chance.randrange(3))]
        payload += struct.pack("<II", len(paths), chance.randrange(2))
        payload += bytes(range(32 * (bool(has & 16) + bool(has & 32)))) + "".join(texts).encode()
        payload += b"".join(struct.pack("<I", len(name)) + name.encode() + value for name, value in paths)
        files = joined([[first, first[:4] + b"\2" + first[5:37] + payload]], 1, numbers=True)
        path.write_bytes(files[0])
        verdict, report = check(files), AuditTrail.verify(path)
        assert verdict.ok == report.ok, (verdict, report.reason)
        if verdict.ok:
            agrees(verdict.records, list(_native.trail_records(str(path))))
            read += 1
    assert read > 300


def test_every_truncation_and_every_bit_gets_the_same_verdict(trails, judge):
    files = trails[2][:1]
    frames = frames_of(files)[0]
    # A small trail: up to and with its first checkpoint, and one frame more.
    end = next(n for n, body in enumerate(frames) if body[4] == CHECKPOINT) + 2
    (small,) = joined([frames[:end]])
    assert judge("nothing", [small]).ok
    whole = {len(MAGIC) + sum(len(body) + 4 for body in frames[:n]) for n in range(1, end)}
    for length in range(len(small)):
        assert judge(f"first {length} bytes", [small[:length]]).ok == (length in whole)
    bits = range(8 * len(small))
    for bit in bits if "THEUS_MUTATIONS" in os.environ else random.Random(SEED).sample(bits, 1500):
        assert not judge(f"bit {bit}", [flipped(small, bit)]).ok


def notes(note):
    """The same note written in other ways, most of them wrong."""
    body, _, lines = note.partition("\n\n")
    origin, size, root = body.split("\n")
    yield from (body, body + "\n", note + "\n", note + "\u2014 a b\n", note[:-1], note.replace("\n", "\r\n"), "", "\n\n")
    yield from (note.replace(size, "0" + size, 1), note.replace(size, "+" + size, 1), note.replace(root, root[:-1]))
    yield f"{origin}\n{size}\n{root}\nmore\n\n{lines}"
    yield f"{origin}x\n{size}\n{root}\n\n{lines}"
    yield f"{origin}\n{size}\n{root[:-2]}{chr(ord(root[-2]) + 1)}=\n\n{lines}"
    yield f"{body}\n\n\u2014 {origin} {base64.b64encode(bytes(68)).decode()}\n"
    if lines:
        yield from (
            note + lines,
            note + f"\u2014 other.example {lines.split()[-1]}\n",
            f"{body}\n\n",
            note.replace("\u2014", "-"),
        )
        yield from (
            f"{body}\n\n\u2014 other.example {lines.split()[-1]}\n{lines}",
            note[:-3] + "B=\n",
            note.replace("=\n", "\n"),
        )
    yield note


def test_notes_and_origins_written_in_another_way_get_the_same_verdict(trails, judge):
    before = judge.good
    for files in (trails[2], trails[4]):
        found = frames_of(files)
        k = next(k for k, body in enumerate(found[0]) if body[4] == CHECKPOINT)
        body = found[0][k]
        for note in notes(body[81:].decode()):
            changed = body[:77] + struct.pack("<I", len(note.encode())) + note.encode()
            # The frames after it go: a later checkpoint would tell of the change, which is not what is asked here.
            judge(repr(note), joined([[*found[0][:k], changed]]))
        assert judge.good > before
        before, first = judge.good, found[0][0]
        start = 37 + 16 + 4 + 1 + 1 + 32 * first[58]
        for origin in ORIGINS:
            name = origin.encode()
            judge(repr(origin), joined([[first[:start] + struct.pack("<H", len(name)) + name]]))
        assert judge.good > before
        for key in KEYS:
            judge(key.hex(), joined([[first[:58] + b"\1" + key + first[start:]]]))
    assert judge.good > before + 20


def test_what_an_opened_frame_says_gets_the_same_verdict(trails, judge):
    first = frames_of(trails[0])[0][0]
    opened = struct.pack("<IBQQ16s", 0, 4, 2, 1 << 63, bytes(16))
    for count, at, digest in (
        (0, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (1, 0, 0),
        (1, 16, 1),
        (9, 10**9, 0),
        (1 << 63, 1 << 63, 255),
    ):
        for more in (b"", b"\0"):
            payload = struct.pack("<IQQ", 7, count, at) + bytes([digest]) * 32 + more
            judge(f"{count} {at} {digest}", joined([[first, opened + payload]], 1))


def test_random_mutations_get_the_same_verdict(trails, judge):
    mutator = Mutator(SEED, trails)
    before = judge.good, judge.bad, judge.named
    for n in range(MUTATIONS):
        what, files = mutator.one()
        judge(f"mutation {n}, {what}", files)
    good, bad, named = (now - then for now, then in zip((judge.good, judge.bad, judge.named), before, strict=True))
    # Some mutations change nothing, or make a good trail anew; a comparison without both kinds would show little.
    assert good + bad == MUTATIONS and good > MUTATIONS / 50 and named > MUTATIONS / 2


def test_a_planted_fault_of_the_reader_is_noticed(trails, judge, monkeypatch):
    monkeypatch.setattr(trail_reader.Tree, "root", lambda tree, size: hashlib.sha256().digest())
    with pytest.raises(AssertionError, match="another root"):
        judge("nothing", trails[0])
    monkeypatch.undo()
    monkeypatch.setattr(trail_reader, "check_note", lambda *claims: None)
    (frames,) = frames_of(trails[2])
    k = next(k for k, body in enumerate(frames) if body[4] == CHECKPOINT)
    with pytest.raises(AssertionError, match="the reader says"):
        judge("a signature", joined([[*frames[:k], flipped(frames[k], 8 * len(frames[k]) - 100)]]))


def test_a_missing_file_is_noticed_where_later_ones_are_there(trails, tmp_path):
    seen = set()
    for n, files in enumerate(trails):
        for missing in range(2, len(files) + 1):
            for count in (1, 2):
                path = tmp_path / f"{n}_{missing}_{count}.theus"
                for index, data in enumerate(files, 1):
                    if not missing <= index < missing + count:
                        Path(f"{path}.{index}" if index > 1 else path).write_bytes(data)
                verdict, report = check_trail(path), AuditTrail.verify(path)
                mine, theirs = (verdict.ok, verdict.frames, verdict.first_bad), (report.ok, report.count, report.first_bad)
                assert mine == theirs, (missing, verdict, report.reason)
                seen.add(verdict.ok)
    assert seen == {True, False}
