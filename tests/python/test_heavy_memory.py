"""`array.shm` and the allocators of Theus 3: memory as multiprocessing.shared_memory shows it."""

import os

import numpy as np
import pytest

import heavy_tasks
import theus.context
import theus.structures
from theus import TheusEngine
from theus.context import HeavyZoneAllocator, SafeSharedMemory
from theus.structures import ManagedAllocator, ShmArray


def test_shm_shows_the_bytes(engine):
    array = engine.heavy.alloc("m", shape=(2, 3), dtype="<i4")
    assert isinstance(array.shm, SafeSharedMemory) and array.shm is array.shm
    assert array.shm.size == 24 and len(array.shm.buf) == 24 and array.shm.buf.format == "B"
    array[0, 1] = 258
    assert bytes(array.shm.buf[4:8]) == b"\x02\x01\0\0"
    array.shm.buf[0] = 7
    assert array[0, 0] == 7


@pytest.mark.parametrize("dtype", ["?", "f2", "F", "D", "g"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_shm_of_any_array_is_plain_bytes(engine, dtype, shape):
    array = engine.heavy.alloc("m", shape=shape, dtype=dtype)
    assert (array.shm.buf.format, array.shm.buf.ndim, array.shm.buf.nbytes) == ("B", 1, array.nbytes)


def test_shm_of_a_read_only_array_is_read_only(engine):
    engine.heavy.update("m", np.ones(3))
    shm = engine.heavy.get("m").shm
    assert shm.buf.readonly
    with pytest.raises(TypeError):
        shm.buf[0] = 1


def test_ordinary_memory_has_no_shm(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    assert array.copy().shm is None and array.scratch().shm is None
    assert array[1:].shm is array.shm


def test_names_are_unique(engine):
    arrays = [engine.heavy.alloc("same", shape=(3,)) for _ in range(10)]
    with TheusEngine() as other:
        arrays += [other.heavy.alloc("same", shape=(3,)) for _ in range(10)]
        names = {array.shm.name for array in arrays}
    assert len(names) == 20 and all(str(os.getpid()) in name for name in names)


def test_the_name_is_the_same_on_a_worker(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    engine.compare_and_swap(0, heavy={"m": array})
    assert engine.heavy.get("m").shm.name == array.shm.name
    assert engine.submit(heavy_tasks.shm_name, name="m").result() == array.shm.name


def test_there_is_no_file_of_that_name(engine, no_new_shm):
    before = set(os.listdir("/dev/shm"))
    shm = engine.heavy.alloc("m", shape=(1000,)).shm
    assert set(os.listdir("/dev/shm")) <= before and shm.name


def test_close_lets_go_of_the_view(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    shm, buf = array.shm, array.shm.buf
    shm.close()
    shm.close()
    assert shm.buf is None and shm.size == 24
    with pytest.raises(ValueError, match="released"):
        buf[0]
    array[0] = 1
    assert array.tolist() == [1, 0, 0]


def test_what_was_made_from_the_bytes_stays_valid(engine):
    shm = engine.heavy.alloc("m", shape=(3,)).shm
    user = np.frombuffer(shm.buf, dtype="f8")
    shm.close()
    user[0] = 7
    assert user.tolist() == [7, 0, 0] and engine.stats()["heavy_bytes"] > 0


def test_close_gives_the_memory_back(engine):
    shm = engine.heavy.alloc("m", shape=(100_000,)).shm
    assert engine.stats()["heavy_bytes"] >= 800_000
    shm.close()
    assert engine.stats()["heavy_bytes"] == 0


def test_unlink_frees_the_name(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    engine.compare_and_swap(0, heavy={"m": array})
    array.shm.unlink()
    assert "m" not in engine.state.heavy and array.tolist() == [0, 0, 0]
    array.shm.unlink()


def test_unlink_of_what_is_not_published_frees_the_name(engine):
    array = engine.heavy.alloc("m", shape=(3,))
    array.shm.close()
    array.shm.unlink()
    with pytest.raises(KeyError):
        engine.heavy.get("m")
    assert array.shape == (3,)


def test_unlink_leaves_a_name_that_stands_for_another_array(engine):
    first = engine.heavy.alloc("m", shape=(3,))
    engine.compare_and_swap(0, heavy={"m": first})
    engine.heavy.update("m", np.ones(2))
    first.shm.unlink()
    assert engine.heavy.get("m").tolist() == [1, 1]


def test_unlink_finds_its_engine(engine):
    with TheusEngine() as other:
        engine.heavy.update("m", np.ones(3))
        other.heavy.update("m", np.ones(3))
        other.heavy.get("m").shm.unlink()
        assert "m" in engine.state.heavy and "m" not in other.state.heavy


def test_unlink_after_shutdown_does_no_harm():
    engine = TheusEngine()
    array = engine.heavy.alloc("m", shape=(3,))
    engine.compare_and_swap(0, heavy={"m": array})
    engine.shutdown()
    array.shm.close()
    array.shm.unlink()


def test_a_borrower_cannot_unlink(engine):
    engine.heavy.update("m", np.ones(3))
    with pytest.raises(PermissionError, match=str(os.getpid())):
        engine.submit(heavy_tasks.unlink, name="m").result()
    assert engine.heavy.get("m").tolist() == [1, 1, 1]


def test_the_allocators_make_the_one_class_of_arrays(engine):
    for allocator in (HeavyZoneAllocator(), ManagedAllocator(capacity_mb=16, session_id="s")):
        array = allocator.alloc("k", (2, 3), "f4")
        assert type(array) is ShmArray is type(engine.heavy.alloc("k", (2, 3), "f4"))
        assert array.flags.writeable and not array.any() and array.dtype == np.float32
        assert np.shares_memory(allocator.get("k"), array)


def test_one_array_class_wherever_imported_from():
    assert theus.context.ShmArray is theus.structures.ShmArray is theus.ShmArray


def test_an_allocator_has_its_own_capacity():
    allocator = ManagedAllocator(capacity_mb=8)
    held = allocator.alloc("a", (5_000_000,), "u1")
    with pytest.raises(MemoryError, match=r"'b'.*6000000"):
        allocator.alloc("b", (6_000_000,), "u1")
    del held
    assert allocator.alloc("b", (6_000_000,), "u1").shape == (6_000_000,)


@pytest.mark.parametrize("capacity", [0, -1, 1.5, "8", None, True, False, 1 << 44, 1 << 100])
def test_a_capacity_that_makes_no_sense(capacity):
    with pytest.raises(ValueError, match="capacity_mb"):
        ManagedAllocator(capacity_mb=capacity)


@pytest.mark.parametrize("make", [TheusEngine, HeavyZoneAllocator])
@pytest.mark.parametrize("megabytes", [1 << 44, 1 << 100])
def test_a_capacity_of_the_environment_beyond_64_bits_of_bytes_is_named(monkeypatch, make, megabytes):
    monkeypatch.setenv("THEUS_HEAP_SIZE", str(megabytes))
    with pytest.raises(ValueError, match=f"THEUS_HEAP_SIZE='{megabytes}'.*to {(1 << 44) - 1}"):
        make()


def test_the_largest_capacity_is_taken(monkeypatch):
    largest = (1 << 44) - 1
    assert ManagedAllocator(largest).alloc("k", (2,), "u1").tolist() == [0, 0]
    monkeypatch.setenv("THEUS_HEAP_SIZE", str(largest))
    assert HeavyZoneAllocator().capacity_mb == largest
    with TheusEngine() as engine:
        assert engine.heavy.alloc("k", (2,), "u1").tolist() == [0, 0]


def test_an_array_of_an_allocator_can_be_committed(engine):
    allocator = ManagedAllocator(capacity_mb=8)
    array = allocator.alloc("k", (1000,), "u1")
    array[:] = 3
    engine.compare_and_swap(0, heavy={"k": array})
    assert np.shares_memory(engine.heavy.get("k"), array)
    assert engine.submit(heavy_tasks.total, name="k").result() == 3000
    del allocator
    assert (engine.heavy.get("k") == 3).all()


def test_cleanup_of_an_allocator(engine):
    allocator = ManagedAllocator(capacity_mb=8)
    array = allocator.alloc("k", (1000,), "u1")
    allocator.cleanup()
    allocator.cleanup()
    with pytest.raises(KeyError):
        allocator.get("k")
    assert not array.any()
