"""Workers: processes of their own that get a function, arguments and a snapshot, and hand back a result."""

import asyncio
import functools
import os
import threading

import pytest

import tasks
from theus import StateUpdate, TheusEngine, TransferError, process


def test_a_worker_is_a_separate_process(engine):
    found = engine.submit(tasks.who).result()
    assert found["pid"] != os.getpid()
    assert os.path.isdir(f"/proc/{found['pid']}")


def test_a_worker_was_started_by_exec(engine):
    with open("/proc/self/cmdline", "rb") as file:
        mine = file.read()
    found = engine.submit(tasks.who).result()
    assert found["command"], "a kernel thread has no command line, a program has"
    assert found["command"] != mine, "a bare fork would show the parent's command line"


def test_a_worker_inherits_no_descriptor_of_ours(engine):
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        pid = engine.submit(tasks.who).result()["pid"]
        os.close(writer)
        writer = None
        assert os.read(reader, 1) == b"", "a worker still holds the pipe's other end"
        assert os.path.isdir(f"/proc/{pid}"), "and it is alive"
    finally:
        os.close(reader)
        if writer is not None:
            os.close(writer)


def test_workers_are_reused(engine):
    pids = {engine.submit(tasks.who).result()["pid"] for _ in range(20)}
    assert len(pids) <= 2


def test_workers_run_at_the_same_time(engine, rendezvous):
    engine.compare_and_swap(engine.state.version, data={"domain": {"count": 0}})
    meetings = [rendezvous(), rendezvous()]
    futures = [engine.submit(tasks.read_twice, folder=str(meeting)) for meeting in meetings]
    assert len({meeting.pid() for meeting in meetings}) == 2
    for meeting in meetings:
        meeting.open()
    assert [future.result() for future in futures] == [(0, 0), (0, 0)]


def test_stats_list_the_workers(engine, rendezvous, until):
    meeting = rendezvous()
    future = engine.submit(tasks.finish_after_meeting, folder=str(meeting), name="a")
    pid = meeting.pid()
    busy = [worker for worker in engine.stats()["workers"] if worker["task"] is not None]
    assert [(worker["pid"], worker["alive"]) for worker in busy] == [(pid, True)]
    meeting.open()
    future.result()
    until(lambda: all(worker["task"] is None for worker in engine.stats()["workers"]))


def test_arguments_bind_to_parameters_and_show_in_the_context(engine):
    engine.compare_and_swap(engine.state.version, data={"domain": {"kept": 1, "third": "from the state"}})
    found = engine.submit(tasks.arguments, 10, third=30).result()
    assert found["bound"] == (10, 2, 30)
    assert found["domain"]["kept"] == 1
    assert found["domain"]["third"] == 30, "an argument lies over the state's value"
    assert found["input"]["third"] == 30


def test_arguments_that_the_function_does_not_name_stay_in_the_context(engine):
    found = engine.submit(tasks.arguments, first=1, extra="x").result()
    assert found["bound"] == (1, 2, 3)
    assert found["input"]["extra"] == "x"


def test_arguments_do_not_enter_the_state(engine):
    engine.submit(tasks.arguments, first="a value").result()
    assert "first" not in engine.state.data.get("domain", {})


def test_a_snapshot_does_not_change_under_a_task(engine, rendezvous):
    engine.compare_and_swap(engine.state.version, data={"domain": {"count": 1}})
    meeting = rendezvous()
    future = engine.submit(tasks.read_twice, folder=str(meeting))
    meeting.pid()
    engine.compare_and_swap(engine.state.version, data={"domain": {"count": 2}})
    meeting.open()
    assert future.result() == (1, 1)
    assert engine.submit(tasks.read_twice, folder=str(meeting)).result() == (2, 2)


def test_a_process_is_called_by_name(engine):
    engine.register(tasks.echo)
    assert engine.submit("echo", value=5).result() == 5


def test_a_plain_function_runs_when_asked_to(engine):
    async def run():
        return await engine.execute(plain, parallel=True)

    assert asyncio.run(run()) != os.getpid()


def plain(ctx):
    """An undecorated function."""
    return os.getpid()


def test_closures_and_lambdas_travel_by_value(engine):
    offset = 40

    @process(parallel=True)
    def add_offset(ctx, value):
        return value + offset

    assert engine.submit(add_offset, value=2).result() == 42
    twice = process(parallel=True)(lambda ctx, value: 2 * value)
    assert engine.submit(twice, value=4).result() == 8


def test_functions_of_main_travel_with_the_globals_they_use(script):
    out = script.run(
        """
        import math
        from theus import TheusEngine, process

        print("the script runs")
        FACTOR = 3

        def scaled(value):
            return FACTOR * value

        @process(parallel=True)
        def compute(ctx, value):
            return math.floor(scaled(value))

        engine = TheusEngine(pool_size=2)
        print(engine.submit(compute, value=1.5).result())
        engine.shutdown()
        """
    )
    assert out.splitlines() == ["the script runs", "4"], "the script did not run a second time in a worker"


def test_a_worker_imports_from_where_the_program_does(script, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("helper", "traceback", "pickle", "signal"):
        (elsewhere / f"{name}.py").write_text("raise ImportError('from the working directory')\n")
    (tmp_path / "helper.py").write_text("def answer():\n    return 42\n")
    out = script.run(
        """
        import os
        from theus import TheusEngine, process
        import helper

        @process(parallel=True)
        def compute(ctx):
            return (helper.answer(), os.path.basename(os.getcwd()))

        engine = TheusEngine(pool_size=1)
        print(engine.submit(compute).result())
        engine.shutdown()
        """,
        cwd=elsewhere,
    )
    assert out.strip() == "(42, 'elsewhere')"


def test_functions_of_a_module_travel_by_name(engine):
    assert engine.submit(tasks.divide, dividend=6, divisor=3).result() == 2


def test_an_async_process_runs_on_the_workers_loop(engine):
    assert engine.submit(tasks.wait_a_turn, value=7).result() == 7


def test_execute_does_not_block_the_loop(engine, rendezvous):
    meeting = rendezvous()

    async def run():
        running = asyncio.ensure_future(engine.execute(tasks.finish_after_meeting, folder=str(meeting), name="a"))
        await asyncio.to_thread(meeting.pid)
        turns = 0
        for _ in range(10):
            await asyncio.sleep(0)
            turns += 1
        assert not running.done()
        await asyncio.to_thread(meeting.open)
        await running
        return turns

    assert asyncio.run(run()) == 10


def test_many_tasks_at_once_from_many_threads(engine):
    results = []

    def submit_some(start):
        futures = [engine.submit(tasks.echo, value=start + step) for step in range(50)]
        results.extend(future.result() for future in futures)

    threads = [threading.Thread(target=submit_some, args=(100 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [100 * number + step for number in range(4) for step in range(50)]


def test_gather_in_a_loop(engine):
    async def run():
        return await asyncio.gather(*(engine.execute(tasks.echo, value=number) for number in range(40)))

    assert asyncio.run(run()) == list(range(40))


def test_big_arguments_and_results_travel(engine):
    value = os.urandom(3_000_000)
    assert engine.submit(tasks.echo, value=value).result() == value


def test_the_result_is_the_bodys_value(engine):
    returned = engine.submit(tasks.free_update, update={"key": "score", "val": 3}).result()
    assert isinstance(returned, StateUpdate)
    assert engine.state.data["score"] == 3


def test_a_worker_may_not_change_its_context(engine):
    from theus import GuardError

    engine.compare_and_swap(engine.state.version, data={"domain": {"count": 1}})
    version = engine.state.version
    with pytest.raises(GuardError, match="StateUpdate"):
        engine.submit(tasks.mutate).result()
    assert (engine.state.version, engine.state.data["domain"]["count"]) == (version, 1)


def test_a_function_that_cannot_travel_is_named(engine):
    lock = threading.Lock()

    @process(parallel=True)
    def holds_a_lock(ctx):
        return lock

    with pytest.raises(TransferError, match="holds_a_lock"):
        engine.submit(holds_a_lock).result()


def test_what_cannot_travel_touches_no_worker(engine):
    before = engine.submit(tasks.who).result()["pid"]
    for _ in range(5):
        with pytest.raises(TransferError):
            engine.submit(tasks.echo, value=threading.Lock()).result()
    alive = {worker["pid"] for worker in engine.stats()["workers"] if worker["alive"]}
    assert before in alive
    assert [record.outcome for record in engine.audit.records(process="who")] == ["committed"]


def test_a_wrapped_function_keeps_its_name(engine):
    def noted(function):
        @functools.wraps(function)
        def inner(*positional, **keywords):
            return function(*positional, **keywords)

        return inner

    @process(parallel=True)
    @noted
    def wrapped(ctx, value=1):
        return value

    assert engine.submit(wrapped, value=9).result() == 9
    assert [record.process for record in engine.audit.records()] == ["wrapped"]


def test_functions_that_are_made_for_one_call_are_not_kept_for_ever():
    from theus import _registry

    with TheusEngine(pool_size=1) as engine:
        most = _registry._MOST_FUNCTIONS
        for number in range(most + 10):
            assert engine.call(lambda ctx, number=number: number) == number
        assert len(engine._registry._by_function) == most
