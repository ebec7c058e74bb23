"""engine.heavy.adopt: arrays of others, copied once into the heavy zone."""

import array as stdlib_array
import ctypes
import tracemalloc

import numpy as np
import pytest

from theus import TheusEngine
from theus.structures import ShmArray

NUMPY_2_1 = tuple(map(int, np.__version__.split(".")[:2])) >= (2, 1)
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", "F", "D", "G"]


class Producer:
    """Something with DLPack and nothing else, as the tensors of other libraries are to us."""

    def __init__(self, array, device=None):
        self.array = array
        self.device = device
        self.asked = 0

    def __dlpack__(self, **wanted):
        self.asked += 1
        return self.array.__dlpack__(**wanted)

    def __dlpack_device__(self):
        return self.device or self.array.__dlpack_device__()


def test_the_result_is_a_writable_array_of_the_zone(engine):
    adopted = engine.heavy.adopt("m", np.arange(6.0).reshape(2, 3))
    assert isinstance(adopted, ShmArray) and adopted.flags.writeable and adopted.flags.c_contiguous
    assert adopted.tolist() == [[0, 1, 2], [3, 4, 5]]
    adopted[0, 0] = 9


def test_it_is_not_published(engine):
    adopted = engine.heavy.adopt("m", np.ones(3))
    assert engine.state.version == 0 and "m" not in engine.state.heavy
    assert np.shares_memory(engine.heavy.get("m"), adopted)


def test_it_is_published_without_another_copy(engine):
    adopted = engine.heavy.adopt("m", np.ones(3))
    engine.compare_and_swap(0, heavy={"m": adopted})
    assert np.shares_memory(engine.state.heavy["m"], adopted)


def test_the_source_is_not_aliased(engine):
    source = np.ones(3)
    adopted = engine.heavy.adopt("m", source)
    source[0] = 9
    assert adopted.tolist() == [1, 1, 1] and not np.shares_memory(source, adopted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_of_numbers(engine, dtype):
    source = np.arange(6).reshape(2, 3).astype(dtype)
    adopted = engine.heavy.adopt("m", source)
    assert adopted.dtype == source.dtype and (adopted == source).all()


@pytest.mark.parametrize("dtype", [">i2", ">u4", ">f8", ">c16", ">f2"])
def test_big_endian_is_converted(engine, dtype):
    source = np.arange(6).reshape(2, 3).astype(dtype)
    adopted = engine.heavy.adopt("m", source)
    assert adopted.dtype.byteorder != ">" and adopted.tolist() == source.tolist()


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (3, 0, 2), (1,), (1, 1, 1), (2, 3, 4, 5)])
def test_every_shape(engine, shape):
    source = np.full(shape, 7.5)
    adopted = engine.heavy.adopt("m", source)
    assert adopted.shape == shape and (adopted == 7.5).all()


@pytest.mark.parametrize(
    "view",
    [
        lambda a: np.asfortranarray(a),
        lambda a: a.T,
        lambda a: a[::2, 1::3],
        lambda a: a[::-1, ::-1],
        lambda a: np.broadcast_to(a[0], (5, 12)),
        lambda a: a[:, 3],
    ],
    ids=["fortran", "transposed", "steps", "backwards", "broadcast", "column"],
)
def test_whatever_the_strides_the_elements_are_the_same(engine, view):
    source = view(np.arange(120.0).reshape(10, 12))
    adopted = engine.heavy.adopt("m", source)
    assert adopted.flags.c_contiguous and adopted.shape == source.shape and (adopted == source).all()


def test_a_read_only_source_gives_a_writable_array(engine):
    source = np.ones(3)
    source.flags.writeable = False
    engine.heavy.adopt("m", source)[0] = 2
    assert source[0] == 1


@pytest.mark.parametrize(
    ("source", "dtype", "values"),
    [
        (b"abc", "|u1", [97, 98, 99]),
        (bytearray(b"abc"), "|u1", [97, 98, 99]),
        (memoryview(b"abcdef")[::2], "|u1", [97, 99, 101]),
        (stdlib_array.array("d", [1, 2]), "<f8", [1, 2]),
        ((ctypes.c_int32 * 3)(1, 2, 3), "<i4", [1, 2, 3]),
        (((ctypes.c_float * 2) * 2)((1, 2), (3, 4)), "<f4", [[1, 2], [3, 4]]),
        (np.float32(7), "<f4", 7),
    ],
    ids=["bytes", "bytearray", "memoryview", "array", "ctypes", "ctypes-2d", "scalar"],
)
def test_anything_with_the_buffer_protocol(engine, source, dtype, values):
    adopted = engine.heavy.adopt("m", source)
    assert adopted.dtype.str == dtype and adopted.tolist() == values


def test_anything_with_dlpack(engine):
    source = np.arange(6, dtype="f4").reshape(2, 3)
    producer = Producer(source)
    adopted = engine.heavy.adopt("m", producer)
    assert producer.asked == 1 and (adopted == source).all() and adopted.dtype == source.dtype
    assert not np.shares_memory(adopted, source)


@pytest.mark.skipif(not NUMPY_2_1, reason="before NumPy 2.1 DLPack cannot say read-only, and NumPy refuses to export")
def test_a_read_only_dlpack_producer(engine):
    source = np.arange(3)
    source.flags.writeable = False
    assert engine.heavy.adopt("m", Producer(source)).tolist() == [0, 1, 2]


def test_dlpack_of_a_device_is_refused(engine):
    producer = Producer(np.ones(3), device=(2, 0))
    with pytest.raises(TypeError, match=r"heavy\.m.*device.*CPU"):
        engine.heavy.adopt("m", producer)
    assert producer.asked == 0


def test_a_dlpack_producer_that_refuses(engine):
    class Refusing(Producer):
        def __dlpack__(self, **wanted):
            raise BufferError("not today")

    with pytest.raises(TypeError, match=r"heavy\.m.*not today"):
        engine.heavy.adopt("m", Refusing(np.ones(3)))


def test_an_array_of_the_zone_is_copied_too(engine):
    first = engine.heavy.adopt("a", np.ones(3))
    second = engine.heavy.adopt("b", first)
    first[0] = 9
    assert second.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "source",
    [
        np.array([1, "a", None], dtype=object),
        np.array(["a", "b"]),
        np.array([b"a"]),
        np.zeros(3, dtype=[("x", "f4"), ("y", "i4")]),
        np.array(["2026-01-01"], dtype="M8[D]"),
        np.array([1], dtype="m8[s]"),
        np.zeros(2, dtype="V4"),
        stdlib_array.array("u", "text"),
        (ctypes.c_void_p * 2)(),
    ],
    ids=["object", "text", "bytes", "record", "date", "span", "void", "characters", "pointers"],
)
def test_elements_that_are_no_numbers_are_refused(engine, source):
    with pytest.raises(TypeError, match=r"heavy\.m"):
        engine.heavy.adopt("m", source)
    assert engine.stats()["heavy_bytes"] == 0 and engine.state.version == 0


@pytest.mark.parametrize("source", [[1, 2, 3], (1, 2), 7, "text", None, {"a": 1}, object()])
def test_what_is_no_array_is_refused(engine, source):
    with pytest.raises(TypeError, match=r"heavy\.m.*numpy\.array"):
        engine.heavy.adopt("m", source)


def test_a_mask_is_not_lost_silently(engine):
    with pytest.raises(TypeError, match="mask"):
        engine.heavy.adopt("m", np.ma.array([1, 2], mask=[True, False]))


@pytest.mark.parametrize(
    "source",
    [
        np.ones(1_000_000),
        np.asfortranarray(np.ones((1000, 1000))),
        np.ones((1000, 2000))[:, ::2],
        np.ones(1_000_000, dtype=">f8"),
        Producer(np.ones(1_000_000)),
        stdlib_array.array("d", bytes(8_000_000)),
    ],
    ids=["rows", "fortran", "steps", "big-endian", "dlpack", "buffer"],
)
def test_exactly_one_copy_is_made(engine, source):
    """The copy itself lies in shared memory; beside it no memory is used that could hold another one."""
    tracemalloc.start()
    try:
        adopted = engine.heavy.adopt("m", source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert adopted.nbytes == 8_000_000 and peak < 1_000_000
    assert 8_000_000 <= engine.stats()["heavy_bytes"] < 9_000_000


def test_beyond_the_capacity_is_a_memory_error(monkeypatch):
    monkeypatch.setenv("THEUS_HEAP_SIZE", "16")
    with TheusEngine() as engine:
        held = engine.heavy.adopt("held", np.ones(10_000_000, dtype="u1"))
        used = engine.stats()["heavy_bytes"]
        with pytest.raises(MemoryError, match=r"too_much.*9000000"):
            engine.heavy.adopt("too_much", np.ones(9_000_000, dtype="u1"))
        assert engine.stats()["heavy_bytes"] == used and held.all()
        with pytest.raises(KeyError):
            engine.heavy.get("too_much")


def test_a_refused_array_leaves_the_name_alone(engine):
    held = engine.heavy.adopt("m", np.ones(3))
    with pytest.raises(TypeError):
        engine.heavy.adopt("m", np.array([None]))
    assert np.shares_memory(engine.heavy.get("m"), held)
