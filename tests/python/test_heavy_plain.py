"""The heavy zone without NumPy: the same methods over memoryviews."""

from pathlib import Path

import pytest

OPENING = """
import gc
import heavy_tasks
from theus import EngineClosedError, TheusEngine, VersionMismatchError
from theus.structures import scratch

try:
    import numpy
except ImportError:
    pass
else:
    raise SystemExit("NumPy is there")

def raises(kind, call, text=""):
    try:
        call()
    except kind as error:
        assert text in str(error), error
    else:
        raise AssertionError(f"no {kind}")

engine = TheusEngine(pool_size=1)
"""


@pytest.fixture
def plain(script, tmp_path):
    """Runs a program in an interpreter that has no NumPy, after some imports and with an engine."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "numpy.py").write_text('raise ImportError("numpy is not here")\n')

    def run(text):
        import textwrap

        opening = OPENING + f"BLOCKED = {str(blocked)!r}\n"
        return script.run(opening + textwrap.dedent(text) + "\nengine.shutdown()\n", path=(blocked, Path(__file__).parent))

    return run


def test_alloc_publish_get(plain):
    plain("""
        view = engine.heavy.alloc("m", shape=(2, 3), dtype="i4")
        assert type(view) is memoryview and view.shape == (2, 3) and view.format == "i" and not view.readonly
        view[1, 2] = 7
        assert engine.heavy.get("m")[1, 2] == 7, "found by its name before it is published"
        engine.compare_and_swap(0, heavy={"m": view})
        found = engine.heavy.get("m", shape=(2, 3), dtype="int32")
        assert found.readonly and found.tolist() == [[0, 0, 0], [0, 0, 7]]
        raises(TypeError, lambda: found.__setitem__((0, 0), 1), "read-only")
        raises(ValueError, lambda: engine.heavy.get("m", shape=(3, 2)), "shape")
        raises(KeyError, lambda: engine.heavy.get("n"), "'n'")
        view[0, 0] = 1
        assert found[0, 0] == 1, "uncopied"
    """)


def test_update(plain):
    plain("""
        engine.heavy.update("m", memoryview(bytes(range(4))))
        old = engine.heavy.get("m")
        with engine.heavy.update("m") as view:
            assert view.tolist() == [0, 1, 2, 3] and not view.readonly
            view[0] = 9
        raises(ValueError, lambda: view[0], "released")
        assert engine.heavy.get("m").tolist() == [9, 1, 2, 3] and old.tolist() == [0, 1, 2, 3]
        with engine.heavy.update("m", copy=False) as view:
            assert view.tolist() == [0, 0, 0, 0]

        def conflicting():
            with engine.heavy.update("m") as view:
                view[0] = 1
                engine.heavy.update("m", b"other")
        raises(VersionMismatchError, conflicting, "heavy.m")

        def failing():
            with engine.heavy.update("m") as view:
                view[0] = 1
                raise ZeroDivisionError
        raises(ZeroDivisionError, failing)
        assert bytes(engine.heavy.get("m")) == b"other"
    """)


def test_adopt(plain):
    plain("""
        import array, ctypes

        for source, format, items in [
            (b"abc", "B", [97, 98, 99]),
            (memoryview(b"abcdef")[::2], "B", [97, 99, 101]),
            (memoryview(b"abcdef")[::-1], "B", [102, 101, 100, 99, 98, 97]),
            (array.array("d", [1, 2]), "d", [1.0, 2.0]),
            (array.array("i", [1, -2])[::-1], "i", [-2, 1]),
            ((ctypes.c_int16 * 3)(1, 2, 3), "h", [1, 2, 3]),
            (((ctypes.c_float * 2) * 2)((1, 2), (3, 4)), "f", [[1.0, 2.0], [3.0, 4.0]]),
            (memoryview(bytes([1, 0, 1])).cast("?"), "?", [True, False, True]),
            (b"", "B", []),
            (ctypes.c_int32(5), "i", 5),
        ]:
            view = engine.heavy.adopt("m", source)
            assert (view.format, view.tolist(), view.readonly) == (format, items, False), (source, view.tolist())
        assert engine.state.version == 0
        source = bytearray(b"abc")
        view = engine.heavy.adopt("m", source)
        source[0] = 0
        assert view.tolist() == [97, 98, 99]
        engine.compare_and_swap(0, heavy={"m": view})
        assert bytes(engine.heavy.get("m")) == b"abc"

        raises(TypeError, lambda: engine.heavy.adopt("m", [1, 2]), "heavy.m")
        raises(TypeError, lambda: engine.heavy.adopt("m", (ctypes.c_void_p * 2)()), "heavy.m")
        raises(TypeError, lambda: engine.heavy.adopt("m", array.array("u", "text")), "heavy.m")

        class Point(ctypes.Structure):
            _fields_ = [("x", ctypes.c_int)]
        raises(TypeError, lambda: engine.heavy.adopt("m", (Point * 2)()), "heavy.m")
        raises(TypeError, lambda: engine.heavy.adopt("m", (ctypes.c_int32.__ctype_be__ * 2)()), "NumPy")
    """)


# A producer of DLPack that needs no library: a capsule around a struct that ctypes makes.
DLPACK = """
import ctypes

class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("device", ctypes.c_int32 * 2), ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64),
    ]

class Versioned(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_uint32 * 2), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64), ("tensor", Tensor),
    ]

new = ctypes.pythonapi.PyCapsule_New
new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

class Producer:
    def __init__(self, items, kind, code, shape, strides=None, offset=0, old=False, device=1, version=1, lanes=1, bits=None):
        self.data = (kind * max(1, len(items)))(*items)
        numbers = lambda values: (ctypes.c_int64 * max(1, len(values)))(*values)
        self.shape, self.strides = numbers(shape), numbers(strides) if strides is not None else None
        bits = bits or 8 * ctypes.sizeof(kind)
        device = (ctypes.c_int32 * 2)(device, 0)
        strides = ctypes.cast(self.strides, ctypes.POINTER(ctypes.c_int64)) if self.strides is not None else None
        shape = ctypes.cast(self.shape, ctypes.POINTER(ctypes.c_int64))
        tensor = Tensor(ctypes.addressof(self.data), device, len(self.shape), code, bits, lanes, shape, strides, offset)
        self.held = tensor if old else Versioned((ctypes.c_uint32 * 2)(version, 0), None, None, 0, tensor)
        self.old, self.device = old, (device[0], 0)

    def __dlpack__(self, **wanted):
        if self.old and wanted:
            raise TypeError("unexpected keyword")
        return new(ctypes.addressof(self.held), b"dltensor" if self.old else b"dltensor_versioned", None)

    def __dlpack_device__(self):
        return self.device
"""


def test_adopt_by_dlpack(plain):
    plain(DLPACK + """
for old in (False, True):
    floats = Producer(range(6), ctypes.c_float, 2, (2, 3), old=old)
    view = engine.heavy.adopt("m", floats)
    assert (view.format, view.tolist()) == ("f", [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]) and not view.readonly
    columns = Producer(range(6), ctypes.c_int16, 0, (3, 2), strides=(1, 3), old=old)
    assert engine.heavy.adopt("m", columns).tolist() == [[0, 3], [1, 4], [2, 5]]
    backwards = Producer(range(6), ctypes.c_uint8, 1, (3,), strides=(-2,), offset=5, old=old)
    assert engine.heavy.adopt("m", backwards).tolist() == [5, 3, 1]
    truths = Producer([1, 0, 1], ctypes.c_bool, 6, (3,), old=old)
    assert engine.heavy.adopt("m", truths).tolist() == [True, False, True]
    empty = Producer([], ctypes.c_double, 2, (3, 0), old=old)
    assert engine.heavy.adopt("m", empty).shape == (3, 0)

for wrong, text in [
    (Producer([1], ctypes.c_float, 2, (1,), device=2), "device"),
    (Producer([1], ctypes.c_float, 2, (1,), version=2), "2.0"),
    (Producer([1], ctypes.c_float, 3, (1,)), "type 3"),
    (Producer([1], ctypes.c_float, 2, (1,), lanes=4), "lanes"),
    (Producer([1], ctypes.c_float, 2, (1,), bits=4), "bits"),
    (Producer([1], ctypes.c_float, 2, (1,), bits=24), "bits"),
    (Producer([1], ctypes.c_float, 2, (-1,)), "shape"),
    (Producer([1], ctypes.c_float, 2, (1 << 62, 1 << 62)), "shape"),
]:
    raises(TypeError, lambda: engine.heavy.adopt("m", wrong), "heavy.m")
    raises(TypeError, lambda: engine.heavy.adopt("m", wrong), text)

class Odd(Producer):
    def __dlpack__(self, **wanted):
        return "no capsule"
raises(TypeError, lambda: engine.heavy.adopt("m", Odd([1], ctypes.c_float, 2, (1,))), "capsule")
assert engine.state.version == 0
""")


def test_a_part_of_a_view_is_copied(plain):
    plain("""
        view = engine.heavy.alloc("m", shape=(4,), dtype="u1")
        view[:] = b"abcd"
        engine.heavy.update("part", view[1:3])
        engine.heavy.update("cast", view.cast("b"))
        engine.heavy.update("backwards", view[::-1])
        view[1] = 0
        assert bytes(engine.heavy.get("part")) == b"bc" and bytes(engine.heavy.get("backwards")) == b"dcba"
        assert engine.heavy.get("cast").format == "b" and bytes(engine.heavy.get("cast")) == b"abcd"
    """)


def test_scratch(plain):
    plain("""
        engine.heavy.update("m", b"abc")
        found = engine.heavy.get("m")
        mine = scratch(found)
        mine[0] = 122
        assert bytes(mine) == b"zbc" and bytes(found) == b"abc" and not mine.readonly
        second = scratch(mine)
        second[0] = 65
        assert bytes(mine) == b"zbc"
        raises(TypeError, lambda: scratch(found[1:]), "slice")
        raises(TypeError, lambda: scratch(b"abc"), "scratch")
        with engine.heavy.update("m") as view:
            view[:] = mine
        assert bytes(engine.heavy.get("m")) == b"zbc"
    """)


def test_scratch_of_a_scratch(plain):
    plain("""
        def formats(dtype, shape):
            first = scratch(engine.heavy.alloc("m", shape=shape, dtype=dtype))
            second = scratch(first)
            return (first.format, first.shape), (second.format, second.shape)

        for shape in [(), (0,), (0, 3), (2, 3)]:
            assert formats("f4", shape) == (("f", shape), ("f", shape)), shape
        assert formats("f4", (3, 0)) == (("f", (3, 0)), ("f", (0,)))
        assert formats("f2", (2, 3)) == (("e", (2, 3)), ("B", (12,)))
    """)


def test_none_is_no_array(plain):
    plain("""
        engine.heavy.update("m", b"abc")
        raises(TypeError, lambda: engine.heavy.update("m", None), "heavy.m: a NoneType is no array")
        assert bytes(engine.heavy.get("m")) == b"abc" and engine.state.version == 1
    """)


def test_an_array_that_is_a_value_has_its_format_and_shape(plain):
    plain("""
        import struct
        from theus._heavy import as_plain_array

        codes = {
            "|b1": "?", "|i1": "b", "|u1": "B", "<i2": "h", "<u2": "H", "<i4": "i", "<u4": "I", "<i8": "q", "<u8": "Q",
            "<f4": "f", "<f8": "d",
        }
        for dtype, code in codes.items():
            data = struct.pack(f"6{code}", *[1, 0, 1, 1, 0, 0])
            view = as_plain_array(dtype, (2, 3), data)
            assert type(view) is memoryview and (view.format, view.shape, view.readonly) == (code, (2, 3), False), dtype
            assert view.tolist() == [[1, 0, 1], [1, 0, 0]], dtype
            view[0, 0] = 0
            assert data == struct.pack(f"6{code}", *[1, 0, 1, 1, 0, 0]), "private"
            like = memoryview(engine.heavy.alloc("m", shape=(2, 3), dtype=dtype))
            assert view.format == like.format, "as an array of the heavy zone has it"
            number = as_plain_array(dtype, (), struct.pack(code, 1))
            assert (number.format, number.shape, number[()]) == (code, (), 1), dtype
            for shape in [(0,), (0, 3), (0, 2, 3)]:
                empty = as_plain_array(dtype, shape, b"")
                assert (empty.format, empty.shape, empty.tolist(), empty.readonly) == (code, shape, [], False), shape
            for shape in [(3, 0), (0, 0), (2, 0, 3), (0, 1 << 60)]:
                assert (as_plain_array(dtype, shape, b"").format, as_plain_array(dtype, shape, b"").shape) == (code, (0,))

        for dtype, size in [("<f2", 2), ("<f16", 16), ("<c8", 8), ("<c16", 16), ("<c32", 32)]:
            view = as_plain_array(dtype, (1, 2), bytes(range(2 * size)))
            assert (view.format, view.shape, view.readonly) == ("B", (2 * size,), False), dtype
            assert bytes(view) == bytes(range(2 * size))
    """)


def test_a_small_array_in_a_result(plain):
    plain("""
        from theus import process

        @process(parallel=True)
        def made(ctx):
            array = ctx.alloc((2, 3), "f4")
            array[1, 2] = 2.5
            return array

        @process(parallel=True)
        def computed(ctx, blocked):
            # This worker has NumPy.
            import sys
            sys.path.remove(blocked)
            import numpy
            return numpy.arange(6, dtype="i2").reshape(2, 3)

        view = engine.submit(made).result()
        assert (view.format, view.shape, view.readonly) == ("f", (2, 3), False)
        assert view.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 2.5]]
        view = engine.submit(computed, blocked=BLOCKED).result()
        assert (view.format, view.shape, view.readonly) == ("h", (2, 3), False)
        assert view.tolist() == [[0, 1, 2], [3, 4, 5]]
        view[1, 2] = 9
        assert view[1, 2] == 9
    """)


def test_free_and_lifetime(plain):
    plain("""
        engine.heavy.update("m", bytes(100_000))
        used = engine.stats()["heavy_bytes"]
        part = engine.heavy.get("m")[10:20]
        state = engine.state
        engine.heavy.free("m")
        raises(KeyError, lambda: engine.heavy.get("m"))
        assert used == engine.stats()["heavy_bytes"] >= 100_000
        del state
        assert engine.stats()["heavy_bytes"] >= 100_000 and part.tolist() == [0] * 10
        del part
        gc.collect()
        assert engine.stats()["heavy_bytes"] == 0
        held = engine.heavy.alloc("held", shape=(3,), dtype="u1")
        engine.heavy.cleanup()
        engine.shutdown()
        held[0] = 1
        raises(EngineClosedError, lambda: engine.heavy.get("held"))
        raises(EngineClosedError, lambda: engine.heavy.update("m", b"abc"))
        raises(EngineClosedError, lambda: engine.heavy.adopt("m", b"abc"))
    """)


def test_capacity(plain):
    plain("""
        from theus.context import HeavyZoneAllocator
        from theus.structures import ManagedAllocator

        small = ManagedAllocator(capacity_mb=1)
        held = small.alloc("a", (600_000,), "u1")
        raises(MemoryError, lambda: small.adopt("b", bytes(600_000)), "'b'")
        assert HeavyZoneAllocator().alloc("k", (2,), "d").tolist() == [0.0, 0.0]
    """)


def test_every_type(plain):
    plain("""
        import struct

        for dtype in ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32",
                      "float64", int, float, bool, "b", "H", "q", "d"]:
            view = engine.heavy.alloc("m", shape=(2, 2), dtype=dtype)
            assert view.tolist() == [[0, 0], [0, 0]] and view.itemsize == struct.calcsize(view.format), dtype
        assert engine.heavy.alloc("m", shape=(2,), dtype="complex128").nbytes == 32
        assert engine.heavy.alloc("m", shape=(2,), dtype="float16").nbytes == 4
        raises(TypeError, lambda: engine.heavy.alloc("m", shape=(2,), dtype="nonsense"), "heavy.m")
    """)


def test_on_a_worker(plain):
    plain("""
        assert engine.submit(heavy_tasks.has_numpy).result() is False
        view = engine.heavy.alloc("m", shape=(2, 3), dtype="d")
        view[1, 2] = 3.5
        engine.heavy.update("m", view)
        found = engine.submit(heavy_tasks.first_item, name="m", position=(1, 2)).result()
        assert found == {"item": 3.5, "readonly": True, "shape": (2, 3), "format": "d"}, found
    """)
