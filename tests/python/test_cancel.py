"""Calls that nobody waits for any more: nothing of them is committed, and the trail says so."""

import asyncio
import threading

import pytest

import tasks
from theus import GuardError, TheusEngine, process
from theus.errors import TaskTimeoutError


def last(engine, name):
    return engine.audit.records(process=name)[-1]


def test_a_sync_body_past_its_time_is_discarded(until):
    go_on = threading.Event()

    @process(outputs=["domain.late"])
    def late(ctx):
        go_on.wait(30)
        return 1

    with TheusEngine() as engine:
        with pytest.raises(TaskTimeoutError):
            asyncio.run(execute_and_leave(engine, late, go_on))
        until(lambda: engine.audit.records(process="late"), "the body ended")
        assert last(engine, "late").outcome == "timeout"
        assert engine.state.version == 0 and "domain" not in engine.state.data


async def execute_and_leave(engine, body, go_on):
    try:
        await engine.execute(body, timeout=0.05)
    finally:
        go_on.set()


@pytest.mark.parametrize("how", ["cancel", "timeout", "contract"])
def test_an_async_body_is_cancelled(engine, how):
    saw = []

    @process(outputs=["domain.late"], timeout=0.05 if how == "contract" else None)
    async def late(ctx):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            saw.append("cancelled")
            raise

    async def run():
        if how != "cancel":
            await engine.execute(late, timeout=0.05 if how == "timeout" else None)
        task = asyncio.create_task(engine.execute(late))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError if how == "cancel" else TaskTimeoutError):
        asyncio.run(run())
    assert saw == ["cancelled"]
    assert last(engine, "late").outcome == ("cancelled" if how == "cancel" else "timeout")
    assert engine.state.version == 0


def test_a_cancelled_worker_task_loses_its_worker(engine, rendezvous, gone, until):
    import os

    meeting = rendezvous()

    async def run():
        task = asyncio.create_task(engine.execute(tasks.finish_after_meeting, folder=str(meeting), name="a"))
        pid = await asyncio.to_thread(meeting.pid)
        pidfd = os.pidfd_open(pid)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return pidfd

    gone([asyncio.run(run())])
    assert engine.state.version == 0
    assert engine.submit(tasks.echo, value=7).result() == 7, "the pool works on"
    until(lambda: engine.audit.records(process="finish_after_meeting"), "the attempt was recorded")
    assert last(engine, "finish_after_meeting").outcome == "cancelled"


def test_many_at_once_and_one_after_the_other(engine):
    async def run():
        at_once = await asyncio.gather(*(engine.execute(tasks.echo, value=n) for n in range(50)))
        in_turn = [await engine.execute(tasks.echo, value=n) for n in range(50)]
        return at_once, in_turn

    at_once, in_turn = asyncio.run(run())
    assert at_once == in_turn == list(range(50))
    assert engine.state.version == 100


def test_a_frozen_container_names_the_process_that_writes_to_it():
    @process(inputs=["domain.user"], outputs=["domain.user"])
    def rename(ctx):
        ctx.domain.user["name"] = "b"

    with TheusEngine({"domain": {"user": {"name": "a"}}}) as engine:
        with pytest.raises(GuardError, match="'rename'.*domain.user") as caught:
            engine.call(rename)
        assert (caught.value.process, caught.value.path) == ("rename", "domain.user")
        assert engine.state.data["domain"]["user"]["name"] == "a"
        assert last(engine, "rename").outcome == "contract"


@pytest.mark.parametrize("version", [-1, 1.5, "1", None])
def test_a_version_that_is_none(engine, version):
    with pytest.raises(ValueError, match="expected_version"):
        engine.compare_and_swap(version, data={"a": 1})
    assert engine.state.version == 0
