"""The heavy zone: arrays in anonymous memory, read-only in workers because the kernel says so."""

import errno
import os
import re
import signal

import numpy as np
import pytest

import heavy_tasks
from theus import TheusEngine, WorkerCrashedError
from theus.structures import ShmArray


@pytest.fixture
def pixels(engine):
    """An array of 1 MB, published as `heavy.pixels`."""
    array = engine.heavy.alloc("pixels", shape=(1000, 1000), dtype=np.uint8)
    array[:] = 7
    engine.compare_and_swap(engine.state.version, heavy={"pixels": array})
    return array


def test_alloc_gives_a_zeroed_writable_array(engine):
    array = engine.heavy.alloc("a", shape=(3, 4), dtype=np.float32)
    assert isinstance(array, ShmArray) and isinstance(array, np.ndarray)
    assert (array.shape, array.dtype, array.flags.writeable) == ((3, 4), np.float32, True)
    assert not array.any()
    array[1, 2] = 5
    assert array.sum() == 5


@pytest.mark.parametrize("dtype", ["u1", "<i2", "int64", np.float32, np.float64, np.complex128, bool])
def test_alloc_takes_any_plain_dtype(engine, dtype):
    assert engine.heavy.alloc("a", shape=(5,), dtype=dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["<u1", "|u1", "u1", "<f4", "|f4", "=f4", "?", "|b1", "<b1", ">f4", "l", "int"])
def test_however_a_dtype_is_spelled_the_array_is_committed_uncopied(engine, dtype):
    array = engine.heavy.alloc("a", shape=(5,), dtype=dtype)
    engine.compare_and_swap(0, heavy={"a": array})
    assert np.shares_memory(engine.state.heavy["a"], array) and array.dtype.byteorder != ">"


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (2, 3, 4, 5)])
def test_alloc_takes_any_shape(engine, shape):
    assert engine.heavy.alloc("a", shape=shape, dtype="f8").shape == shape


def test_a_worker_reads_what_was_written(engine, pixels):
    assert engine.submit(heavy_tasks.total, name="pixels").result() == 7_000_000


def test_a_worker_gets_an_array_of_the_same_kind(engine, pixels):
    found = engine.submit(heavy_tasks.describe, name="pixels").result()
    assert found == {"ndarray": True, "shape": (1000, 1000), "dtype": "|u1", "writeable": False}


def test_a_small_array_is_read_too(engine):
    array = engine.heavy.alloc("tiny", shape=(3,), dtype="i8")
    array[:] = [1, 2, 3]
    engine.compare_and_swap(engine.state.version, heavy={"tiny": array})
    assert engine.submit(heavy_tasks.total, name="tiny").result() == 6


def test_writing_in_a_worker_is_a_value_error(engine, pixels):
    with pytest.raises(ValueError):
        engine.submit(heavy_tasks.write_item, name="pixels").result()
    with pytest.raises(ValueError):
        engine.submit(heavy_tasks.lift_flag, name="pixels").result()
    assert (pixels == 7).all()


def test_the_mapping_is_a_shared_read_only_one_of_anonymous_memory(engine, pixels):
    line = engine.submit(heavy_tasks.mapping_of, name="pixels").result()
    assert line.split()[1] == "r--s", line
    assert "/memfd:" in line, line


def test_the_kernel_refuses_to_make_the_mapping_writable(engine, pixels):
    result, number = engine.submit(heavy_tasks.unprotect, name="pixels").result()
    assert (result, number) == (-1, errno.EACCES)


def test_writing_past_numpy_kills_the_worker_not_the_data(engine, pixels):
    with pytest.raises(WorkerCrashedError) as caught:
        engine.submit(heavy_tasks.poke, name="pixels").result()
    assert caught.value.record["signal"] == signal.SIGSEGV
    assert (pixels == 7).all()
    assert engine.submit(heavy_tasks.total, name="pixels").result() == 7_000_000


def test_an_array_has_no_name_in_the_file_system(engine, pixels, no_new_shm):
    before = set(os.listdir("/dev/shm"))
    engine.heavy.alloc("more", shape=(2_000_000,), dtype="u1")
    assert set(os.listdir("/dev/shm")) <= before
    assert not re.search(r"/dev/shm/\S*theus", _own_maps())


def test_the_main_process_reads_its_own_array_through_the_state(engine, pixels):
    assert engine.state.heavy["pixels"][3, 4] == 7


def test_a_result_computed_from_an_array_is_committed(engine, pixels):
    engine.submit(heavy_tasks.mean).result()
    assert engine.state.data["domain"]["mean"] == 7.0


def test_alloc_on_a_used_name_gives_a_new_block(engine, pixels):
    second = engine.heavy.alloc("pixels", shape=(1000, 1000), dtype=np.uint8)
    second[:] = 1
    assert (pixels == 7).all()
    assert engine.submit(heavy_tasks.total, name="pixels").result() == 7_000_000, "the new one is not committed yet"
    engine.compare_and_swap(engine.state.version, heavy={"pixels": second})
    assert engine.submit(heavy_tasks.total, name="pixels").result() == 1_000_000


def test_memory_comes_back_zeroed(engine):
    size = 3_000_000
    for _ in range(5):
        array = engine.heavy.alloc("scratch", shape=(size,), dtype="u1")
        assert not array.any()
        array[:] = 255
        del array


def test_memory_that_nobody_refers_to_counts_no_longer(monkeypatch):
    monkeypatch.setenv("THEUS_HEAP_SIZE", "8")
    with TheusEngine() as engine:
        for _ in range(20):
            array = engine.heavy.alloc("scratch", shape=(5_000_000,), dtype="u1")
            del array


def test_a_slice_keeps_the_whole_block(engine):
    array = engine.heavy.alloc("kept", shape=(2_000_000,), dtype="u1")
    array[:] = 9
    part = array[:1000]
    del array
    other = engine.heavy.alloc("other", shape=(2_000_000,), dtype="u1")
    other[:] = 1
    assert (part == 9).all()


def test_beyond_the_capacity_is_a_memory_error(monkeypatch):
    monkeypatch.setenv("THEUS_HEAP_SIZE", "16")
    with TheusEngine() as engine:
        held = engine.heavy.alloc("held", shape=(10_000_000,), dtype="u1")
        version = engine.state.version
        with pytest.raises(MemoryError) as caught:
            engine.heavy.alloc("too_much", shape=(9_000_000,), dtype="u1")
        text = str(caught.value)
        assert "too_much" in text
        assert "9000000" in text.replace("_", "").replace(",", ""), "the size asked for"
        assert len(re.findall(r"\d+", text)) >= 3, "asked, used and total"
        assert engine.state.version == version
        held[:] = 1
        engine.heavy.alloc("fits", shape=(1_000_000,), dtype="u1")[:] = 2


@pytest.mark.parametrize("shape", [(-1,), (2, -3), "wide", (1.5,), None, (2**62, 2**62), (2**63,)])
def test_a_shape_that_makes_no_sense_names_the_array(engine, shape):
    with pytest.raises((ValueError, TypeError, MemoryError), match="matrix"):
        engine.heavy.alloc("matrix", shape=shape, dtype="f4")
    assert engine.state.version == 0
    assert engine.heavy.alloc("matrix", shape=(2,), dtype="f4").shape == (2,)


@pytest.mark.parametrize("dtype", ["nonsense", object, 17])
def test_a_dtype_that_makes_no_sense_names_the_array(engine, dtype):
    with pytest.raises((ValueError, TypeError), match="matrix"):
        engine.heavy.alloc("matrix", shape=(2,), dtype=dtype)
    assert engine.state.version == 0
    assert engine.heavy.alloc("matrix", shape=(2,), dtype="f4").shape == (2,)


def _own_maps():
    with open("/proc/self/maps") as file:
        return file.read()
