"""Odd but legal things that programs do, each of which once went wrong."""

import asyncio
import collections
import concurrent.futures
import functools
import threading
from collections.abc import Mapping

import numpy
import pytest

import tasks
from theus import EngineClosedError, StateUpdate, TaskTimeoutError, TheusEngine, WorkerCrashedError, process


class Same:
    """Objects of this class all pickle to the same bytes, and are different to Python."""


def commit(engine, value):
    engine.compare_and_swap(engine.state.version, data={"domain": {"x": value}})
    return engine.state.data["domain"]["x"]


def test_a_masked_array_keeps_its_mask(engine):
    masked = numpy.ma.masked_array([1, 2, 3], mask=[0, 1, 0])
    back = commit(engine, masked)
    assert type(back) is type(masked) and back.mask.tolist() == [False, True, False]
    assert commit(engine, numpy.array([1, 2], ">i4")).dtype.str == ">i4"


@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")
def test_an_array_that_was_reshaped_is_committed_as_it_is_now(engine):
    array = engine.heavy.alloc("m", (4, 6), "float32")
    array[:] = numpy.arange(24).reshape(4, 6)
    array.shape = (6, 4)
    engine.compare_and_swap(engine.state.version, heavy={"m": array})
    assert engine.state.heavy["m"].shape == (6, 4)
    assert engine.state.heavy["m"][5, 3] == 23


def test_a_set_of_objects_keeps_all_of_them(engine):
    assert len(commit(engine, {Same(), Same()})) == 2


@pytest.mark.parametrize("mapping", [collections.OrderedDict(a=2), collections.defaultdict(int, a=2)])
def test_other_mappings_are_merged_like_dicts(engine, mapping):
    engine.compare_and_swap(engine.state.version, data={"domain": {"b": 1}})
    engine.compare_and_swap(engine.state.version, data={"domain": mapping})
    assert engine.state.data["domain"] == {"b": 1, "a": 2}


def test_a_mapping_with_other_keys_is_stored_whole(engine):
    engine.compare_and_swap(engine.state.version, data={"domain.table": {1: "one"}})
    assert engine.state.data["domain"]["table"] == {1: "one"}


@pytest.mark.parametrize("error", ["BaseException('odd')", "BaseExceptionGroup('g', [BaseException(1)])", "GeneratorExit()"])
def test_no_exception_kills_a_worker(engine, error):
    def raise_it(ctx, error):
        raise eval(error)

    with pytest.raises(BaseException) as caught:
        engine.submit(process(parallel=True)(raise_it), error=error).result()
    assert not isinstance(caught.value, WorkerCrashedError)
    assert type(caught.value).__name__ == error.partition("(")[0]
    assert engine.stats()["workers_ended"] == 0


def test_an_exception_that_refuses_notes_still_arrives(engine):
    def fail(ctx):
        class Odd(Exception):
            def add_note(self, note):
                raise TypeError("no notes")

        raise Odd("the reason")

    with pytest.raises(Exception, match="the reason"):
        engine.submit(process(parallel=True)(fail)).result()


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_timeout_of_the_bodys_own_stays_its_own(engine, how):
    def sync(ctx):
        raise TimeoutError("the database")

    async def coroutine(ctx):
        raise TimeoutError("the database")

    body = process(timeout=60)(sync if how == "sync" else coroutine)
    with pytest.raises(TimeoutError, match="the database") as caught:
        asyncio.run(engine.execute(body))
    assert not isinstance(caught.value, TaskTimeoutError)


def test_a_limit_too_long_to_count_is_none(engine):
    assert asyncio.run(engine.execute(process(timeout=float("inf"))(lambda ctx: 1))) == 1


def test_shutdown_waits_for_ordinary_bodies():
    started = threading.Event()

    @process(outputs=["domain.a"])
    def slow(ctx):
        started.set()
        return sum(range(2_000_000))

    engine = TheusEngine()
    future = engine.submit(slow)
    started.wait(30)
    engine.shutdown(timeout=30)
    assert future.done() and engine.state.data["domain"]["a"] == future.result()
    with pytest.raises(EngineClosedError):
        engine.submit(slow)
    with pytest.raises(EngineClosedError):
        asyncio.run(engine.execute(slow))


def test_the_interpreter_ends_while_a_body_hangs(script):
    script.run(
        """
        import asyncio, threading
        from theus import TheusEngine, process
        engine = TheusEngine()
        @process
        def hang(ctx):
            threading.Event().wait()
        try:
            asyncio.run(engine.execute(hang, timeout=0.1))
        except TimeoutError:
            print("gave up")
        """,
        timeout=30,
    )


def test_a_future_becomes_full_once_for_all_threads(engine):
    future = engine.submit(tasks.echo, value=[1])
    barrier = threading.Barrier(4)
    seen = []

    def look():
        barrier.wait(30)
        done, _ = concurrent.futures.wait([future], 30)
        seen.append((future in done, future.result()))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [done for done, _ in seen] == [True] * 4
    assert all(result is seen[0][1] for _, result in seen), "one result for all who ask"


def test_a_future_outlives_the_name_of_its_engine():
    def start():
        return TheusEngine(pool_size=1).submit(tasks.echo, value=5)

    assert start().result() == 5


def test_a_dict_that_changes_while_it_is_stored_is_no_panic(engine):
    live = {str(n): Same() for n in range(50)}
    stop = threading.Event()

    def change():
        n = 0
        while not stop.is_set():
            live[f"k{n % 7}"] = n
            live.pop(f"k{(n + 3) % 7}", None)
            n += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(50):
            engine.compare_and_swap(engine.state.version, data={"domain": {"live": live}})
    finally:
        stop.set()
        thread.join()


def test_the_scratch_pad_dies_with_the_call(engine):
    kept = []

    @process
    def body(ctx):
        ctx.local["me"] = ctx
        kept.append(ctx.local)

    engine.call(body)
    assert kept == [{}]


def test_a_wrapped_coroutine_is_awaited(engine):
    async def inner(ctx, x):
        return x

    @functools.wraps(inner)
    def outer(ctx, x):
        return inner(ctx, x)

    assert asyncio.run(engine.execute(process(outputs=["domain.x"])(outer), x=3)) == 3
    assert engine.state.data["domain"]["x"] == 3
    assert asyncio.run(engine.execute(outer, x=4, parallel=True)) == 4


def test_call_refuses_to_block_a_loop(engine):
    async def run():
        engine.call(lambda ctx: 1)

    with pytest.raises(RuntimeError, match="execute"):
        asyncio.run(run())


def test_a_task_that_outlives_its_body_may_use_the_engine(engine):
    async def run():
        started = []

        @process
        async def body(ctx):
            async def later():
                await gate.wait()
                return await engine.execute(lambda ctx: "later")

            started.append(asyncio.create_task(later()))

        gate = asyncio.Event()
        await engine.execute(body)
        gate.set()
        return await started[0]

    assert asyncio.run(run()) == "later"


def test_a_view_is_a_mapping_and_can_be_returned(engine):
    engine.compare_and_swap(engine.state.version, data={"domain": {"a": {"b": 1}}})

    @process(inputs=["domain.a.b"], outputs=["copy"])
    def body(ctx):
        assert isinstance(ctx.domain, Mapping)
        return StateUpdate(key="copy", val=ctx.domain.a)

    engine.call(body)
    assert engine.state.data["copy"] == {"b": 1}


def test_a_subclass_of_state_update_is_an_update(engine):
    class Mine(StateUpdate):
        pass

    engine.call(process(outputs=["domain.z"])(lambda ctx: Mine(key="domain.z", val=5)))
    assert engine.state.data["domain"] == {"z": 5}


def test_a_bound_method_is_one_function(engine):
    class Model:
        def predict(self, ctx, x):
            return x + 1

    model = Model()
    assert [engine.call(model.predict, x=n) for n in range(5)] == [1, 2, 3, 4, 5]
    assert len(engine._registry._by_function) == 1


def test_a_folder_that_is_added_later_is_known_to_workers(engine, tmp_path, monkeypatch):
    assert engine.submit(tasks.echo, value=1).result() == 1
    (tmp_path / "late_module.py").write_text("def double(ctx, x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import late_module

    assert engine.submit(process(parallel=True)(late_module.double), x=4).result() == 8


def test_a_keyword_may_have_any_name(engine):
    assert engine.call(lambda ctx, fn, func_or_name: (fn, func_or_name), fn=1, func_or_name=2) == (1, 2)
    with pytest.raises(ValueError, match="retries"):
        asyncio.run(engine.execute(lambda ctx: 1, retries=-1))



def test_the_scratch_pad_of_a_coroutine_dies_with_the_call(engine):
    kept = []

    @process
    async def body(ctx):
        ctx.local["me"] = ctx
        kept.append(ctx.local)

    asyncio.run(engine.execute(body))
    assert kept == [{}]
