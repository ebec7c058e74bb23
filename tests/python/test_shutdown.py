"""Shutdown: it always returns, whatever the workers do, and no worker outlives the engine."""

import asyncio
import os
import signal

import pytest

import tasks
from theus import EngineClosedError, TheusEngine

HERE = os.path.dirname(tasks.__file__)


def pidfds_of(engine):
    return [os.pidfd_open(worker["pid"]) for worker in engine.stats()["workers"] if worker["alive"]]


def settled(future):
    return future.done() and (future.cancelled() or future.exception() is not None)


def test_shutdown_ends_the_workers(gone):
    engine = TheusEngine(pool_size=2)
    futures = [engine.submit(tasks.echo, value=number) for number in range(4)]
    for future in futures:
        future.result()
    pidfds = pidfds_of(engine)
    assert pidfds
    engine.shutdown()
    gone(pidfds)
    engine.shutdown()
    with pytest.raises(EngineClosedError):
        engine.submit(tasks.nothing).result()


def test_shutdown_without_any_parallel_call():
    TheusEngine().shutdown()


def test_running_tasks_get_the_timeout(rendezvous):
    engine = TheusEngine(pool_size=1)
    meeting = rendezvous()
    future = engine.submit(tasks.finish_after_meeting, folder=str(meeting), name="a")
    meeting.pid()
    meeting.open()
    engine.shutdown(timeout=30.0)
    future.result()
    assert "a" in engine.state.data["domain"]["done"]


def test_shutdown_returns_with_hanging_workers(rendezvous, gone):
    engine = TheusEngine(pool_size=2)
    meetings = [rendezvous(), rendezvous()]
    running = [engine.submit(tasks.finish_after_meeting, folder=str(meeting), name="a") for meeting in meetings]
    for meeting in meetings:
        meeting.pid()
    queued = [engine.submit(tasks.echo, value=number) for number in range(5)]
    pidfds = pidfds_of(engine)
    engine.shutdown(timeout=0.2)
    gone(pidfds)
    assert all(settled(future) for future in running + queued), "each task ended, with an error"
    assert engine.state.version == 0


def test_shutdown_returns_with_a_stopped_worker(rendezvous, gone):
    engine = TheusEngine(pool_size=1)
    meeting = rendezvous()
    future = engine.submit(tasks.finish_after_meeting, folder=str(meeting), name="a")
    pidfds = pidfds_of(engine) if meeting.pid() else []
    os.kill(meeting.pid(), signal.SIGSTOP)
    engine.shutdown(timeout=0.2)
    gone(pidfds)
    assert settled(future)


def test_shutdown_returns_with_killed_workers(gone):
    engine = TheusEngine(pool_size=2)
    engine.submit(tasks.nothing).result()
    pidfds = pidfds_of(engine)
    for worker in engine.stats()["workers"]:
        if worker["alive"]:
            os.kill(worker["pid"], signal.SIGKILL)
    engine.shutdown()
    gone(pidfds)


def test_shutdown_from_many_threads():
    import threading

    engine = TheusEngine(pool_size=2)
    engine.submit(tasks.nothing).result()
    threads = [threading.Thread(target=engine.shutdown) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_with_block_shuts_down(gone):
    with TheusEngine(pool_size=1) as engine:
        engine.submit(tasks.nothing).result()
        pidfds = pidfds_of(engine)
    gone(pidfds)
    with pytest.raises(EngineClosedError):
        engine.submit(tasks.nothing).result()


def test_an_async_with_block_shuts_down(gone):
    async def run():
        async with TheusEngine(pool_size=1) as engine:
            await engine.execute(tasks.nothing)
            return engine, pidfds_of(engine)

    engine, pidfds = asyncio.run(run())
    gone(pidfds)
    with pytest.raises(EngineClosedError):
        engine.submit(tasks.nothing).result()


EXIT = {
    "idle": "engine.submit(tasks.nothing).result()",
    "hanging": "engine.submit(tasks.finish_after_meeting, folder=meeting.folder, name='a'); meeting.wait()",
    "queued": "[engine.submit(tasks.echo, value=n) for n in range(200)]",
    "never used": "",
    "dropped": "engine.submit(tasks.nothing).result(); del engine",
    "raising": "engine.submit(tasks.nothing).result(); sys.exit(0)",
    "in a thread": "threading.Thread(target=lambda: engine.submit(tasks.nothing).result()).start()",
    "loop closing": "asyncio.run(leave_behind())",
    "loop left open": "loop = asyncio.new_event_loop(); loop.create_task(engine.execute(tasks.nothing)); "
    "loop.run_until_complete(asyncio.sleep(0))",
}


@pytest.mark.parametrize("how", EXIT)
def test_the_interpreter_exits_without_shutdown(script, rendezvous, how):
    meeting = rendezvous()
    script.run(
        f"""
        import asyncio, os, sys, threading
        import tasks
        from theus import TheusEngine

        class meeting:
            folder = {str(meeting)!r}
            def wait():
                while not os.path.exists(meeting.folder + "/pid"):
                    pass

        async def leave_behind():
            running = asyncio.ensure_future(engine.execute(tasks.finish_after_meeting, folder=meeting.folder, name="a"))
            await asyncio.to_thread(meeting.wait)
            assert not running.done()

        engine = TheusEngine(pool_size=2)
        {EXIT[how]}
        print("end of the script", flush=True)
        """,
        path=[HERE],
        timeout=30,
    )


def test_workers_end_with_a_main_process_that_exits_hard(script, rendezvous, gone):
    meeting = rendezvous()
    main = script.start(
        """
        import os, sys
        import tasks
        from theus import TheusEngine

        engine = TheusEngine(pool_size=2)
        future = engine.submit(tasks.finish_after_meeting, folder=sys.argv[1], name="a")
        sys.stdout.write("ready\\n")
        sys.stdout.flush()
        while not os.path.exists(sys.argv[2]):
            pass
        os._exit(0)
        """,
        meeting,
        meeting.folder / "leave",
        path=[HERE],
    )
    assert main.stdout.readline() == "ready\n", main.stderr.read()
    pidfds = [os.pidfd_open(meeting.pid())]
    (meeting.folder / "leave").touch()
    assert main.wait(timeout=30) == 0
    gone(pidfds)


def test_ctrl_c_ends_the_program(script, rendezvous, gone):
    meeting = rendezvous()
    main = script.start(
        """
        import sys
        import tasks
        from theus import TheusEngine

        engine = TheusEngine(pool_size=1)
        engine.submit(tasks.finish_after_meeting, folder=sys.argv[1], name="a").result()
        """,
        meeting,
        path=[HERE],
    )
    pidfds = [os.pidfd_open(meeting.pid())]
    main.send_signal(signal.SIGINT)
    _, err = main.communicate(timeout=30)
    assert main.returncode != 0 and "KeyboardInterrupt" in err
    gone(pidfds)
