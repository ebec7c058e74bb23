"""engine.heavy.update: a new version of an array beside the old one, which nobody sees half of."""

import asyncio
import threading

import numpy as np
import pytest

import heavy_tasks
from theus import (
    ContextError,
    GuardError,
    StateUpdate,
    TheusEngine,
    TransactionError,
    VersionMismatchError,
    process,
)
from theus.structures import ShmArray


def publish(engine, name, value, shape=(4, 5), dtype="f8"):
    """An array full of one number, published."""
    array = engine.heavy.alloc(name, shape=shape, dtype=dtype)
    array[...] = value
    engine.compare_and_swap(engine.state.version, heavy={name: array})


def test_the_successor_is_a_private_writable_copy(engine):
    publish(engine, "m", 7)
    with engine.heavy.update("m") as array:
        assert isinstance(array, ShmArray) and array.flags.writeable
        assert (array == 7).all() and array.dtype == np.float64
        array[0] = 1
        assert (engine.state.heavy["m"] == 7).all(), "nobody else sees it before the end of the block"


def test_the_end_of_the_block_is_one_commit(engine):
    publish(engine, "m", 7)
    version = engine.state.version
    with engine.heavy.update("m") as array:
        array += 1
    assert engine.state.version == version + 1
    assert (engine.state.heavy["m"] == 8).all()


def test_without_copy_the_successor_is_zeroed(engine):
    publish(engine, "m", 7)
    with engine.heavy.update("m", copy=False) as array:
        assert array.shape == (4, 5) and not array.any()


def test_an_exception_drops_the_successor(engine):
    publish(engine, "m", 7)
    version, used = engine.state.version, engine.stats()["heavy_bytes"]
    with pytest.raises(ZeroDivisionError), engine.heavy.update("m") as array:
        array[...] = 1
        raise ZeroDivisionError
    del array
    assert engine.state.version == version and (engine.state.heavy["m"] == 7).all()
    assert engine.stats()["heavy_bytes"] == used


def test_older_snapshots_keep_their_bytes(engine):
    publish(engine, "m", 7)
    old_state, old_array = engine.state, engine.heavy.get("m")
    for value in range(3):
        with engine.heavy.update("m") as array:
            array[...] = value
    assert (old_array == 7).all() and (old_state.heavy["m"] == 7).all()
    assert (engine.state.heavy["m"] == 2).all()


def test_after_the_block_the_array_is_read_only(engine):
    publish(engine, "m", 7)
    with engine.heavy.update("m") as array:
        array[...] = 8
    with pytest.raises(ValueError, match="scratch"):
        array[0] = 1
    with pytest.raises(ValueError, match="scratch"):
        array.setflags(write=True)
    assert memoryview(array).readonly and not np.asarray(array).flags.writeable
    assert (engine.state.heavy["m"] == 8).all()


def test_a_change_of_the_same_array_meanwhile_conflicts(engine):
    publish(engine, "m", 7)
    with pytest.raises(VersionMismatchError, match=r"heavy\.m"), engine.heavy.update("m") as array:
        array[...] = 1
        engine.heavy.update("m", np.full((4, 5), 9.0))
    assert (engine.state.heavy["m"] == 9).all()


def test_a_change_of_something_else_does_not_conflict(engine):
    publish(engine, "m", 7)
    publish(engine, "n", 7)
    with engine.heavy.update("m") as array:
        array[...] = 1
        engine.heavy.update("n", np.zeros(3))
        engine.compare_and_swap(engine.state.version, data={"domain": {"a": 1}})
    assert (engine.state.heavy["m"] == 1).all()


def test_in_strict_mode_any_change_conflicts():
    with TheusEngine(isolation="strict") as engine:
        publish(engine, "m", 7)
        with pytest.raises(VersionMismatchError, match="Strict"), engine.heavy.update("m") as array:
            array[...] = 1
            engine.compare_and_swap(engine.state.version, data={"domain": {"a": 1}})


def test_freed_meanwhile_is_a_conflict(engine):
    publish(engine, "m", 7)
    with pytest.raises(VersionMismatchError), engine.heavy.update("m") as array:
        array[...] = 1
        engine.heavy.free("m")
    assert "m" not in engine.state.heavy


def test_of_two_updates_at_once_the_first_to_end_wins(engine):
    publish(engine, "m", 7)
    with pytest.raises(VersionMismatchError), engine.heavy.update("m") as outer:
        outer[...] = 1
        with engine.heavy.update("m") as inner:
            inner[...] = 2
    assert (engine.state.heavy["m"] == 2).all()


def test_one_update_cannot_begin_twice_at_once(engine):
    publish(engine, "m", 7)
    update = engine.heavy.update("m")
    with update, pytest.raises(TransactionError, match="begun"):
        update.__enter__()


def test_an_update_can_be_used_again(engine):
    publish(engine, "m", 1)
    update = engine.heavy.update("m")
    for _ in range(3):
        with update as array:
            array *= 2
    assert (engine.state.heavy["m"] == 8).all()


def test_an_unknown_name(engine):
    publish(engine, "there", 1)
    with pytest.raises(KeyError, match=r"'nowhere'.*there"), engine.heavy.update("nowhere"):
        pass


def test_an_allocated_array_that_is_not_published_has_no_successor(engine):
    held = engine.heavy.alloc("m", shape=(3,))
    with pytest.raises(ContextError, match="not published"), engine.heavy.update("m"):
        pass
    assert held.flags.writeable


def test_the_short_form_publishes_an_array(engine):
    publish(engine, "m", 7)
    engine.heavy.update("m", np.arange(6).reshape(2, 3))
    assert engine.state.heavy["m"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_short_form_takes_a_new_name(engine):
    engine.heavy.update("new", np.ones(3))
    assert engine.heavy.get("new").tolist() == [1, 1, 1]


def test_the_short_form_copies_an_ordinary_array(engine):
    source = np.ones(3)
    engine.heavy.update("m", source)
    source[0] = 9
    assert engine.heavy.get("m").tolist() == [1, 1, 1]


def test_the_short_form_takes_an_allocated_array_as_it_is(engine):
    array = engine.heavy.alloc("m", shape=(1000,), dtype="u1")
    used = engine.stats()["heavy_bytes"]
    engine.heavy.update("m", array)
    assert engine.stats()["heavy_bytes"] == used
    assert np.shares_memory(array, engine.heavy.get("m"))


def test_the_short_form_copies_a_part_of_an_array(engine):
    array = engine.heavy.alloc("m", shape=(10,), dtype="u1")
    array[:] = range(10)
    engine.heavy.update("m", array[2:4])
    assert engine.heavy.get("m").tolist() == [2, 3]
    assert not np.shares_memory(array, engine.heavy.get("m"))


@pytest.mark.parametrize("wrong", [[1, 2], "text", 7, {"a": 1}])
def test_the_short_form_takes_arrays_only(engine, wrong):
    with pytest.raises(TypeError, match=r"heavy\.m"):
        engine.heavy.update("m", wrong)
    assert engine.state.version == 0


def test_workers_see_the_new_version(engine):
    publish(engine, "m", 1, shape=(1000, 1000), dtype="u1")
    assert engine.submit(heavy_tasks.total, name="m").result() == 1_000_000
    with engine.heavy.update("m") as array:
        array[...] = 2
    assert engine.submit(heavy_tasks.total, name="m").result() == 2_000_000


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (2, 3, 4)])
def test_any_shape_has_a_successor(engine, shape):
    publish(engine, "m", 7, shape=shape)
    with engine.heavy.update("m") as array:
        assert array.shape == shape and (array == 7).all()
        array += 1
    assert (engine.heavy.get("m") == 8).all()


def test_what_the_zones_forbid_is_refused(engine):
    with pytest.raises(GuardError, match="const_m"):
        engine.heavy.update("const_m", np.ones(3))
    assert engine.state.version == 0


@pytest.mark.parametrize("copy", [True, False])
def test_none_is_no_array(engine, copy):
    publish(engine, "m", 7)
    version = engine.state.version
    with pytest.raises(TypeError, match=r"heavy\.m: a NoneType is no array"):
        engine.heavy.update("m", None, copy=copy)
    assert engine.state.version == version and (engine.heavy.get("m") == 7).all()


def test_beyond_the_capacity_is_a_memory_error(monkeypatch):
    monkeypatch.setenv("THEUS_HEAP_SIZE", "16")
    with TheusEngine() as engine:
        publish(engine, "m", 7, shape=(10_000_000,), dtype="u1")
        version, used = engine.state.version, engine.stats()["heavy_bytes"]
        with pytest.raises(MemoryError, match="m"), engine.heavy.update("m"):
            pass
        with pytest.raises(MemoryError, match="m"):
            engine.heavy.update("m", np.zeros(10_000_000, dtype="u1"))
        assert (engine.state.version, engine.stats()["heavy_bytes"]) == (version, used)
        assert (engine.heavy.get("m") == 7).all()


def test_an_update_inside_a_body_is_a_commit_of_its_own(engine):
    publish(engine, "m", 7)

    @process(outputs=["domain.done"])
    def body(ctx):
        with engine.heavy.update("m") as array:
            array[...] = 8
        return StateUpdate(key="domain.done", val=True)

    version = engine.state.version
    engine.call(body)
    assert engine.state.version == version + 2
    assert engine.state.domain.done is True and (engine.state.heavy["m"] == 8).all()


def test_an_update_inside_an_async_body(engine):
    publish(engine, "m", 7)

    @process(outputs=["domain.done"])
    async def body(ctx):
        with engine.heavy.update("m") as array:
            array += 1
        engine.heavy.update("n", np.ones(2))
        engine.heavy.free("m")
        return True

    asyncio.run(engine.execute(body))
    assert engine.heavy.get("n").tolist() == [1, 1] and "m" not in engine.state.heavy


def test_readers_see_whole_versions_only(engine):
    """Eight readers beside a thousand updates, each of which fills the array with its own number."""
    rounds, size = 1000, 20_000
    publish(engine, "m", 0, shape=(size,), dtype="i8")
    start, stop = threading.Barrier(9), threading.Event()
    torn, looks = [], []

    def read():
        start.wait()
        newest, count = 0, 0
        while not stop.is_set():
            array = engine.heavy.get("m")
            first = int(array[0])
            if not (array == first).all() or first < newest:
                torn.append((first, newest))
            newest, count = first, count + 1
        looks.append(count)

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    start.wait()
    try:
        for number in range(1, rounds + 1):
            with engine.heavy.update("m", copy=number % 2 == 0) as array:
                # In two steps: a reader of an unfinished array would see it.
                array[: size // 2] = number
                array[size // 2 :] = number
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert torn == [] and len(looks) == 8 and all(looks)
    assert int(engine.heavy.get("m")[-1]) == rounds


def test_the_versions_that_nobody_reads_are_freed(engine):
    publish(engine, "m", 0, shape=(100_000,), dtype="u1")
    with engine.heavy.update("m") as array:
        array[...] = 1
    del array
    used = engine.stats()["heavy_bytes"]
    for number in range(20):
        with engine.heavy.update("m") as array:
            array[...] = number
    del array
    assert engine.stats()["heavy_bytes"] == used
