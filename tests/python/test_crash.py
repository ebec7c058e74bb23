"""Crashes: a killed worker costs one attempt, a killed main process leaves nothing behind.

THEUS_KILLS sets how many workers the loop kills (5 if unset; the long form of the gate uses 200).
"""

import asyncio
import os
import signal

import pytest

import tasks
from theus import TheusEngine, WorkerCrashedError

KILLS = int(os.environ.get("THEUS_KILLS", "5"))


def kill_in_the_middle(engine, meeting, name):
    """Submit a task, kill its worker while it is in the middle; returns the dead pid and the future."""
    future = engine.submit(tasks.finish_after_meeting, folder=str(meeting), name=name)
    pid = meeting.pid()
    os.kill(pid, signal.SIGKILL)
    return pid, future


def outcomes(engine, process):
    return [record.outcome for record in engine.audit.records(process=process)]


def test_a_killed_worker_costs_one_attempt(engine, rendezvous):
    dead, future = kill_in_the_middle(engine, rendezvous(), "a")
    future.result()
    assert engine.state.version == 1, "committed once"
    assert engine.state.data["domain"]["done"]["a"] != dead, "by a fresh worker"
    first, second = engine.audit.records(process="finish_after_meeting")
    assert (first.outcome, first.attempt, first.signal) == ("crashed", 1, signal.SIGKILL)
    assert (second.outcome, second.attempt, second.version) == ("committed", 2, 1)
    assert first.task == second.task


def test_a_killed_worker_costs_one_attempt_in_execute_too(engine, rendezvous):
    meeting = rendezvous()

    async def run():
        running = asyncio.ensure_future(engine.execute(tasks.finish_after_meeting, folder=str(meeting), name="a"))
        os.kill(await asyncio.to_thread(meeting.pid), signal.SIGKILL)
        return await running

    asyncio.run(run())
    assert outcomes(engine, "finish_after_meeting") == ["crashed", "committed"]


@pytest.mark.timeout(60 + 2 * KILLS)
def test_killing_workers_again_and_again(engine, rendezvous, no_new_shm):
    engine.compare_and_swap(0, data={"domain": {"done": {}, "count": 0}})
    version = engine.state.version
    killed_tasks = set()
    for number in range(KILLS):
        _, future = kill_in_the_middle(engine, rendezvous(), f"n{number}")
        others = [engine.submit(tasks.echo, value=number) for _ in range(2)]
        future.result()
        assert [other.result() for other in others] == [number, number], "the pool works on"
        first, second = engine.audit.records(process="finish_after_meeting")[-2:]
        assert (first.outcome, first.attempt, first.signal) == ("crashed", 1, signal.SIGKILL)
        assert (second.outcome, second.attempt, second.signal) == ("committed", 2, None)
        assert first.task == second.task
        killed_tasks.add(first.task)
    assert len(killed_tasks) == KILLS
    assert set(engine.state.data["domain"]["done"]) == {f"n{number}" for number in range(KILLS)}
    assert engine.state.version == version + 3 * KILLS, "each task committed exactly once"


def test_both_workers_killed_at_once(engine, rendezvous):
    meetings = [rendezvous(), rendezvous()]
    futures = [
        engine.submit(tasks.finish_after_meeting, folder=str(meeting), name=f"n{number}")
        for number, meeting in enumerate(meetings)
    ]
    for pid in [meeting.pid() for meeting in meetings]:
        os.kill(pid, signal.SIGKILL)
    for future in futures:
        future.result()
    assert engine.state.version == 2
    assert sorted(outcomes(engine, "finish_after_meeting")) == ["committed", "committed", "crashed", "crashed"]


def test_an_idle_worker_killed_costs_nothing(engine, gone):
    pid = engine.submit(tasks.who).result()["pid"]
    pidfd = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    gone([pidfd])
    for _ in range(10):
        assert engine.submit(tasks.who).result()["pid"] != pid
    assert outcomes(engine, "who").count("committed") == 11


def test_the_result_of_a_killed_task_can_be_read_from_a_killed_pool(rendezvous):
    with TheusEngine(pool_size=1) as engine:
        _, future = kill_in_the_middle(engine, rendezvous(), "only")
        future.result()
        assert outcomes(engine, "finish_after_meeting") == ["crashed", "committed"]


def test_crash_retries_used_up(engine):
    with pytest.raises(WorkerCrashedError, match="die") as caught:
        engine.submit(tasks.die, signal_number=int(signal.SIGKILL)).result()
    record = caught.value.record
    assert (record["process"], record["attempt"], record["signal"]) == ("die", 2, signal.SIGKILL)
    assert record["base_version"] == 0
    assert record["task"] == engine.audit.records(process="die")[0].task
    assert caught.value.process == "die"
    assert engine.state.version == 0
    assert outcomes(engine, "die") == ["crashed", "crashed"]
    assert engine.submit(tasks.echo, value=1).result() == 1, "the pool works on"


def test_no_crash_retries(engine, rendezvous):
    meeting = rendezvous()
    future = engine.submit(tasks.finish_or_crash, folder=str(meeting), name="a")
    os.kill(meeting.pid(), signal.SIGKILL)
    with pytest.raises(WorkerCrashedError) as caught:
        future.result()
    assert caught.value.record["attempt"] == 1
    assert (engine.state.version, outcomes(engine, "finish_or_crash")) == (0, ["crashed"])


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM])
def test_other_deaths_by_signal(engine, number):
    with pytest.raises(WorkerCrashedError) as caught:
        engine.submit(tasks.die, signal_number=int(number)).result()
    assert caught.value.record["signal"] == number


@pytest.mark.parametrize("code", [0, 3])
def test_a_worker_that_just_leaves(engine, code):
    with pytest.raises(WorkerCrashedError):
        engine.submit(tasks.leave, code=code).result()
    assert {record.signal for record in engine.audit.records(process="leave")} == {None}
    assert outcomes(engine, "leave") == ["crashed", "crashed"]


MAIN_WITH_WORKERS = """
    import signal, sys
    import numpy as np
    import heavy_tasks, tasks
    from theus import TheusEngine

    engine = TheusEngine(pool_size=2)
    array = engine.heavy.alloc("pixels", shape=(5_000_000,), dtype=np.uint8)
    engine.compare_and_swap(engine.state.version, heavy={"pixels": array})
    engine.submit(heavy_tasks.total, name="pixels").result()
    busy = [engine.submit(tasks.finish_after_meeting, folder=folder, name="a") for folder in sys.argv[1:]]
    print("ready", flush=True)
    for future in busy:
        future.result()
    signal.pause()
"""


@pytest.mark.parametrize("busy", [2, 1, 0])
def test_a_killed_main_process_leaves_nothing(script, rendezvous, gone, no_new_shm, busy):
    meetings = [rendezvous() for _ in range(busy)]
    main = script.start(MAIN_WITH_WORKERS, *meetings, path=[os.path.dirname(tasks.__file__)])
    assert main.stdout.readline().strip() == "ready", main.stderr.read()
    for meeting in meetings:
        meeting.pid()
    workers = children(main.pid)
    assert len(workers) >= max(1, busy)
    pidfds = [os.pidfd_open(pid) for pid in workers]
    main.kill()
    main.wait()
    gone(pidfds)


def test_a_main_process_killed_with_its_workers_stopped(script, rendezvous, gone):
    meetings = [rendezvous(), rendezvous()]
    main = script.start(MAIN_WITH_WORKERS, *meetings, path=[os.path.dirname(tasks.__file__)])
    assert main.stdout.readline().strip() == "ready", main.stderr.read()
    stopped = [meeting.pid() for meeting in meetings]
    pidfds = [os.pidfd_open(pid) for pid in stopped]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    main.kill()
    main.wait()
    gone(pidfds)


def children(pid):
    """Process ids of all descendants of a process."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            for child in map(int, file.read().split()):
                found += [child, *children(child)]
    return found
