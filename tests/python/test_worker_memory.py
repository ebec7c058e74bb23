"""Memory between the engine and its workers: what a worker keeps stays whole, and large results travel uncopied."""

import gc
from pathlib import Path

import numpy as np
import pytest

import memory_tasks as tasks
from theus import TheusEngine, WorkerCrashedError
from theus.structures import ShmArray

MB = 1_000_000


@pytest.fixture
def engine():
    """One worker, so that a task finds what the one before it has kept."""
    with TheusEngine(pool_size=1) as made:
        yield made


def used(engine):
    return engine.stats()["heavy_bytes"]


def publish(engine, name, size, value):
    array = engine.heavy.alloc(name, shape=(size,), dtype="u1")
    array[:] = value
    engine.compare_and_swap(engine.state.version, heavy={name: array})


def test_an_array_that_a_worker_keeps_stays_what_it_was(engine):
    for size in (1000, 2 * MB):
        publish(engine, "m", size, 1)
        engine.submit(tasks.keep, "m").result()
        for value in range(2, 8):
            publish(engine, "m", size, value)
            gc.collect()
            assert engine.submit(tasks.touch, "m").result() == value
        assert engine.submit(tasks.look, "m").result() == [1]
        engine.submit(tasks.let_go).result()


def test_a_part_keeps_the_whole(engine):
    publish(engine, "m", 2 * MB, 1)
    engine.submit(tasks.keep_part, "m").result()
    publish(engine, "m", 2 * MB, 2)
    publish(engine, "other", 2 * MB, 3)
    assert engine.submit(tasks.look, "m").result() == [1]


def test_memory_is_free_once_the_worker_lets_go(engine, until):
    publish(engine, "m", 2 * MB, 1)
    engine.submit(tasks.keep, "m").result()
    engine.heavy.free("m")
    gc.collect()
    engine.submit(tasks.nothing).result()
    assert used(engine) >= 2 * MB
    engine.submit(tasks.let_go).result()
    until(lambda: used(engine) == 0)


def test_an_idle_worker_keeps_nothing_of_its_last_task(engine, until):
    publish(engine, "m", 2 * MB, 1)
    engine.submit(tasks.touch, "m").result()
    engine.heavy.free("m")
    gc.collect()
    until(lambda: used(engine) == 0)


def test_what_a_worker_kept_ends_with_it(engine, until):
    publish(engine, "m", 2 * MB, 1)
    engine.submit(tasks.keep, "m").result()
    engine.heavy.free("m")
    gc.collect()
    with pytest.raises(WorkerCrashedError):
        engine.submit(tasks.die_with, 10).result()
        engine.submit(tasks.nothing).result()
    until(lambda: used(engine) == 0)


def test_frames_one_after_the_other_need_room_for_a_few(monkeypatch):
    monkeypatch.setenv("THEUS_HEAP_SIZE", "32")
    with TheusEngine(pool_size=2) as engine:
        for value in range(100):
            publish(engine, "frame", 6 * MB, value)
            assert engine.submit(tasks.touch, "frame").result() == value


@pytest.mark.parametrize("size", [10, 20_000, 300_000, 3 * MB, 40 * MB])
def test_an_array_that_a_task_returns_is_the_callers_own(engine, size):
    result = engine.submit(tasks.make, size).result()
    assert type(result) is np.ndarray and (result == 7).all() and result.size == size
    result[0] = 1
    assert engine.submit(tasks.make, size).result()[0] == 7


@pytest.mark.parametrize("dtype", ["?", "i2", "<u4", "f2", "f8", "c16"])
def test_the_type_of_a_result_is_kept(engine, dtype):
    result = engine.submit(tasks.make, 100_000, dtype).result()
    assert result.dtype == np.dtype(dtype) and (result == np.full(100_000, 7, dtype)).all()


def test_arrays_of_every_form_come_back_equal(engine):
    found, expected = engine.submit(tasks.make_forms).result(), tasks.forms()
    assert found.keys() == expected.keys()
    assert found["list"][1][1]["deep"].tobytes() == expected["list"][1][1]["deep"].tobytes()
    for name, array in expected.items():
        if name != "list":
            same = found[name]
            assert (type(same), same.dtype, same.shape) == (type(array), array.dtype, array.shape), name
            assert same.tobytes() == array.tobytes(), name


def test_a_mapped_file_is_copied_into_the_result(engine, tmp_path):
    file = tmp_path / "bytes"
    file.write_bytes(bytes(range(256)) * 1000)
    for task in (tasks.make_mapped, tasks.make_mapped_by_hand):
        assert engine.submit(task, str(file)).result().tobytes() == bytes(range(256)) * 1000


@pytest.mark.parametrize("size", [10, 300_000, 40 * MB])
def test_a_result_is_committed_to_the_heavy_zone(engine, size):
    result = engine.submit(tasks.make_heavy, size).result()
    stored = engine.state.heavy["m"]
    assert isinstance(stored, ShmArray) and not stored.flags.writeable
    assert stored.size == size and (stored == 7).all()
    result[:] = 1
    assert (stored == 7).all() and (engine.state.heavy["m"] == 7).all()
    assert engine.submit(tasks.touch, "m").result() == 7


def test_a_result_of_the_data_zone_is_a_value(engine):
    engine.submit(tasks.make_data, 300_000).result()
    first = engine.state.data["domain"]["m"]
    assert type(first) is np.ndarray and (first == 7).all()
    first[:] = 1
    assert (engine.state.data["domain"]["m"] == 7).all()
    assert used(engine) == 0


def test_an_update_with_arrays(engine):
    returned = engine.submit(tasks.make_both, 300_000).result()
    assert (engine.state.heavy["a"] == 1).all() and (engine.state.data["domain"]["b"] == 2).all()
    assert (returned.heavy["a"] == 1).all()


def test_a_heavy_array_that_is_returned_is_the_same_memory(engine):
    publish(engine, "m", 2 * MB, 5)
    before = used(engine)
    result = engine.submit(tasks.pass_on).result()
    assert used(engine) == before
    assert engine.state.heavy["again"].block.serial == engine.state.heavy["m"].block.serial
    assert (result == 5).all() and result.flags.writeable
    result[:] = 1
    assert (engine.state.heavy["m"] == 5).all()
    part = engine.submit(tasks.pass_part).result()
    assert part.size == 2 * MB - 1000 and (part == 5).all()


@pytest.mark.parametrize("size", [0, 10, 300_000, 40 * MB])
def test_an_array_made_to_be_handed_over(engine, size):
    engine.submit(tasks.fill, size).result()
    stored = engine.state.heavy["m"]
    assert stored.size == size and (stored == 7).all()
    if size:
        assert engine.submit(tasks.write_on).result() == 99, "what the worker writes afterwards stays with it"
    assert (stored == 7).all() and (engine.state.heavy["m"] == 7).all()


def test_a_large_one_is_taken_over_without_a_copy(monkeypatch):
    monkeypatch.setenv("THEUS_SEAL_FROM", "1000000")
    with TheusEngine(pool_size=1) as engine:
        engine.submit(tasks.fill, 4 * MB).result()
        stored = engine.state.heavy["m"]
        address = stored.ctypes.data
        with open("/proc/self/maps") as maps:
            ranges = [(line, *(int(part, 16) for part in line.split()[0].split("-"))) for line in maps]
        (found,) = [line for line, first, last in ranges if first <= address < last]
        assert "memfd:theus-sealed" in found, "the worker's own file"
        assert engine.submit(tasks.write_on).result() == 99, "what the worker writes afterwards stays with it"
        assert (stored == 7).all()


def test_an_ordinary_process_makes_such_an_array_too(engine):
    engine.call(tasks.fill_here, 300_000)
    assert (engine.state.heavy["m"] == 7).all()


def test_where_the_engine_cannot_look_into_workers_results_are_sealed(script, tmp_path):
    # What Yama or a sandbox forbids is forbidden here by workers that are not dumpable, to an engine without privileges.
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes, os\nif 'UNREADABLE' in os.environ: ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n"
    )
    out = script.run(
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        if os.getuid() == 0:
            # Root may look into any process; a root that has dropped its capabilities for good may not.
            for capability in range(64):
                libc.prctl(24, capability, 0, 0, 0)
            header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
            assert libc.capset(header, none) == 0
        os.environ["UNREADABLE"] = "1"
        import memory_tasks as tasks
        from theus import TheusEngine

        with TheusEngine(pool_size=1) as engine:
            for size in (10, 20_000, 300_000, 5_000_000):
                assert (engine.submit(tasks.make, size).result() == 7).all()
                engine.submit(tasks.make_heavy, size).result()
                stored = engine.state.heavy["m"]
                assert (stored == 7).all() and not stored.flags.writeable
                engine.submit(tasks.fill, size).result()
                assert (engine.state.heavy["m"] == 7).all()
            assert "memfd:theus-sealed" in open("/proc/self/maps").read(), "sealed, not copied"
            arrays = engine.submit(tasks.many, 200, 20_000).result()
            assert [int(array[-1]) for array in arrays] == list(range(200))
            assert engine.stats()["workers_ended"] == 0
        """,
        path=(tmp_path, Path(__file__).parent),
    )
    assert out == ""


def test_many_arrays_in_one_result(engine):
    arrays = engine.submit(tasks.many, 1500, 20_000).result()
    assert [int(array[-1]) for array in arrays] == [number % 251 for number in range(1500)]
    assert engine.stats()["workers_ended"] == 0


def test_results_count_against_the_capacity_only_in_the_heavy_zone(monkeypatch):
    monkeypatch.setenv("THEUS_HEAP_SIZE", "8")
    with TheusEngine(pool_size=1) as engine:
        results = [engine.submit(tasks.make, 3 * MB, "u1", number).result() for number in range(10)]
        assert used(engine) == 0
        assert [int(result[-1]) for result in results] == list(range(10))
        engine.submit(tasks.make_heavy, 3 * MB).result()
        assert used(engine) >= 3 * MB


def test_memory_of_results_goes_back_when_they_are_dropped(engine):
    def mapped():
        gc.collect()
        with open("/proc/self/maps") as maps:
            return sum("memfd:theus" in line for line in maps)

    engine.submit(tasks.make, 3 * MB).result()
    before = mapped()
    results = [engine.submit(tasks.make, 3 * MB).result() for _ in range(20)]
    assert mapped() > before + 10
    del results
    # One segment each may be kept for reuse, but no view of one.
    assert mapped() <= before + 21


def test_a_result_beyond_the_capacity_is_a_memory_error(monkeypatch):
    monkeypatch.setenv("THEUS_HEAP_SIZE", "8")
    with TheusEngine(pool_size=1) as engine:
        for task in (tasks.make_heavy, tasks.fill):
            with pytest.raises(MemoryError, match="40000000"):
                engine.submit(task, 40 * MB).result()
            assert engine.state.version == 0
        assert engine.submit(tasks.make, MB).result().size == MB
        assert engine.stats()["workers_ended"] == 0


def test_a_worker_that_dies_with_its_result_leaves_no_wrong_byte(engine):
    for _ in range(8):
        try:
            assert (engine.submit(tasks.die_with, 3 * MB).result() == 7).all()
        except WorkerCrashedError:
            pass
    assert (engine.submit(tasks.make, 3 * MB).result() == 7).all()


@pytest.mark.parametrize("seal_from", ["1000000", "1000000000"])
def test_a_buffer_that_is_returned_again_is_taken_as_it_is_then(monkeypatch, seal_from):
    monkeypatch.setenv("THEUS_SEAL_FROM", seal_from)
    with TheusEngine(pool_size=1) as engine:
        for value in (1, 2, 3):
            result = engine.submit(tasks.fill_again, 2 * MB, value).result()
            assert (result == value).all() and (engine.state.heavy["m"] == value).all()


def test_an_empty_array_is_passed_on(engine):
    engine.compare_and_swap(0, heavy={"empty": np.zeros((0, 3), "f4")})
    for found in (engine.submit(tasks.pass_empty).result(), engine.state.data["domain"]["copy"]):
        assert (found.shape, found.dtype) == ((0, 3), np.float32)


def test_what_a_thread_reads_while_its_task_ends_stays_what_it_was(engine):
    names = [f"a{number}" for number in range(40)]
    total = 0
    for value in range(1, 60):
        arrays = {name: engine.heavy.alloc(name, shape=(1000,), dtype="u1") for name in names}
        for array in arrays.values():
            array[:] = value
        engine.compare_and_swap(engine.state.version, heavy=arrays)
        del array, arrays
        # Ended at some moment while the thread is reading.
        engine.submit(tasks.keep_from_a_thread, names, value % 7 / 2000).result()
        engine.submit(tasks.nothing).result()
        if value % 10 == 0:
            found, changed = engine.submit(tasks.changed_since).result()
            total += found
            assert changed == 0
    assert total > 0
    assert engine.stats()["workers_ended"] == 0, "a thread that outlives its task costs no worker"


def test_results_that_are_held_do_not_count_once_the_state_has_others(monkeypatch, until):
    monkeypatch.setenv("THEUS_HEAP_SIZE", "32")
    with TheusEngine(pool_size=1) as engine:
        futures = [engine.submit(tasks.make_heavy, 5 * MB, value) for value in range(20)]
        assert [int(future.result()[0]) for future in futures] == list(range(20))
        # The last task lets go of the version that it began on a moment after its future is done.
        until(lambda: used(engine) < 6 * MB)


def test_a_dict_that_travels_as_a_whole_attaches_nothing(engine):
    found = engine.submit(tasks.mixed_keys, 2 * MB).result()
    assert found.keys() == {"a", 1} and (found["a"] == 7).all()
