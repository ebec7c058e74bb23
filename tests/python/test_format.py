"""The byte format has a second reader, in Python, and both mean the same by the same bytes.

The files in `crates/theus-value/tests/golden` are written and checked by `tests/it/golden.rs` of that crate.
"""

import re
import struct
from pathlib import Path

import pytest
from format_reader import FormatError, Heavy, Object, Ref, Set, decode

GOLDEN = Path(__file__).resolve().parents[2] / "crates" / "theus-value" / "tests" / "golden"
RUN = re.compile(rb"(.)\1{15,}", re.DOTALL)


def hex_of(data):
    """Hexadecimal as in the files: sixteen and more equal bytes in a row are `xx*count.`."""
    parts, end = [], 0
    for run in RUN.finditer(data):
        parts += [data[end : run.start()].hex(), f"{data[run.start()]:02x}*{len(run[0])}."]
        end = run.end()
    return "".join(parts) + data[end:].hex()


def bytes_of(text):
    """What `hex_of` was made from."""
    runs = re.sub(r"(..)\*(\d+)\.", lambda run: run[1] * int(run[2]), text)
    return bytes.fromhex(runs)


def meaning(value):
    """A value in the notation of the files."""
    if value is None or isinstance(value, bool):
        return {None: "null", False: "false", True: "true"}[value]
    if isinstance(value, int):
        return str(value) if -(2**63) <= value < 2**63 else hex(value)
    if isinstance(value, float):
        return "f" + struct.pack(">d", value).hex()
    if isinstance(value, str):
        return "s" + hex_of(value.encode())
    if isinstance(value, bytes):
        return "b" + hex_of(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{hex_of(key.encode())}={meaning(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Heavy):
        numbers = [",".join(map(str, part)) for part in (value.block, value.shape)]
        return f"heavy({numbers[0]};{numbers[1]};{hex_of(value.dtype.encode())})"
    if isinstance(value, Object):
        return f"object({hex_of(value.codec.encode())};{hex_of(value.data)})"
    inner, brackets = (value.items, "<>") if isinstance(value, Set) else (value, "[]" if isinstance(value, list) else "()")
    return brackets[0] + ",".join(map(meaning, inner)) + brackets[1]


def lines(name):
    return [line.split("\t") for line in (GOLDEN / name).read_text("ascii").splitlines()]


def verdict(data):
    """The meaning of `data`, or nothing if it is refused. Any other exception is a fault of the reader."""
    try:
        return [meaning(decode(data))]
    except FormatError:
        return []


def agrees(ref, value):
    """Every field that can be reached in place is the one of the decoded value."""
    if isinstance(value, dict):
        assert len(ref) == len(value)
        for key, item in value.items():
            agrees(ref[key], item)
        with pytest.raises(KeyError):
            ref["no such key"]
    elif isinstance(value, (list, tuple, Set)):
        items = value.items if isinstance(value, Set) else value
        assert len(ref) == len(items)
        for n, item in enumerate(items):
            agrees(ref[n], item)
        with pytest.raises(IndexError):
            ref[len(items)]
    else:
        assert meaning(ref.value()) == meaning(value)


def test_golden_values_mean_what_the_engine_says():
    cases = lines("values.txt")
    assert len(cases) > 100
    for name, text, wanted in cases:
        data = bytes_of(text)
        assert meaning(decode(data)) == wanted, name
        agrees(Ref(data), decode(data))


def test_damaged_bytes_get_the_same_verdict_as_from_the_engine():
    cases = lines("damaged.txt")
    for text, *wanted in cases:
        assert verdict(bytes_of(text)) == wanted, text
    accepted = sum(len(case) == 2 for case in cases)
    assert len(cases) >= 3500 and 500 < accepted < 3000


def test_no_damage_makes_the_reader_fail_in_another_way():
    refused = accepted = 0
    for _, text, wanted in lines("values.txt"):
        data = bytes_of(text)
        if len(data) > 200:
            continue
        for end in range(len(data)):
            # A shorter text is a text, a shorter integer an integer; but never the same.
            assert verdict(data[:end]) != [wanted]
        for bit in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            found = verdict(bytes(flipped))
            assert found != [wanted]
            refused, accepted = refused + (not found), accepted + bool(found)
    assert refused > 5000 and accepted > 1000


def test_one_field_is_read_without_the_others():
    reads = []

    class Watched(Ref):
        def _open(self, data):
            reads.append(len(data))
            super()._open(data)

    name, text, _ = next(case for case in lines("values.txt") if case[0] == "map of 90")
    data = bytes_of(text)
    ref = Watched(data)
    assert ref["key 37"].value() == 1, name
    # Only the map itself was opened as `Watched`; the damaged value next to the wanted one is never looked at.
    assert reads == [len(data) - 1]
    damaged = bytearray(data)
    at = data.index(b"key 74") + len(b"key 74")
    damaged[at] = 0xFF
    assert verdict(bytes(damaged)) == []
    assert Ref(bytes(damaged))["key 37"].value() == 1
    with pytest.raises(FormatError):
        Ref(bytes(damaged))["key 74"]


def test_a_table_that_lies_is_noticed_on_the_way_to_a_field():
    text = next(case[1] for case in lines("values.txt") if case[0] == "map of 9 letters")
    data = bytearray(bytes_of(text))
    # The order of the nine keys lies before the count; a search begins in its middle.
    data[-6] = 200
    with pytest.raises(FormatError):
        Ref(data)["a"]
