"""Nobody starves: who always loses gets the priority ticket, and the ticket comes back in any case."""

import asyncio
import threading

import pytest

import tasks
from theus import SystemBusyError, TheusEngine, VersionMismatchError, process
from theus_core import ConflictManager


@pytest.fixture
def counter():
    with TheusEngine({"domain": {"count": 0}}, pool_size=2) as engine:
        yield engine


def intrude(engine, **named):
    """Somebody else's commit of the same path."""
    engine.compare_and_swap(engine.state.version, data={"domain": {"count": engine.state.domain.count + 1}}, **named)


def outcomes(engine):
    return [record.outcome for record in engine.audit.records()]


def test_a_process_that_always_loses_commits_with_the_ticket(counter):
    refused = []

    @process(inputs=["domain.count"], outputs=["domain.count"])
    def slow(ctx):
        seen = ctx.domain.count
        try:
            thread = threading.Thread(target=lambda: refused.append(refusal(counter)))
            thread.start()
        finally:
            thread.join()
        return seen + 1

    assert counter.call(slow) == 7
    assert refused[:6] == [None] * 6
    assert isinstance(refused[6], SystemBusyError) and isinstance(refused[6], VersionMismatchError)
    assert "System Busy (VIP Access Only)" in str(refused[6]) and "slow" in str(refused[6])
    intrude(counter)
    assert counter.state.domain.count == 8


def refusal(engine):
    try:
        intrude(engine)
    except VersionMismatchError as error:
        return error
    return None


def test_an_async_process_that_always_loses_commits_too(counter):
    async def main():
        attempts = 0

        @process(inputs=["domain.count"], outputs=["domain.count"])
        async def slow(ctx):
            nonlocal attempts
            attempts += 1
            seen = ctx.domain.count
            # Not to_thread: that takes the body's context along, and with it the right to commit as its task.
            await asyncio.get_running_loop().run_in_executor(None, refusal, counter)
            return seen + 1

        await counter.execute(slow)
        return attempts

    assert asyncio.run(main()) == 7
    assert outcomes(counter)[-1] == "committed"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_ticket_of_a_task_does_not_refuse_what_its_body_commits(counter, kind):
    """The body's own compare-and-swap conflicts with what the body returns, again and again; then it gives up."""
    attempts = []

    def body(ctx):
        attempts.append(ctx.attempt)
        intrude(counter)
        return -1

    if kind == "sync":
        wrapped = process(outputs=["domain.count"])(body)
        run = lambda: counter.call(wrapped)  # noqa: E731
    else:

        async def coroutine(ctx):
            return body(ctx)

        wrapped = process(outputs=["domain.count"])(coroutine)
        run = lambda: asyncio.run(counter.execute(wrapped))  # noqa: E731
    with pytest.raises(VersionMismatchError) as caught:
        run()
    assert not isinstance(caught.value, SystemBusyError)
    assert attempts == [1, 2, 3, 4, 5, 6, 7]
    assert counter.state.domain.count == 7
    intrude(counter)


def test_retries_add_attempts(counter):
    attempts = []

    @process(outputs=["domain.count"])
    async def slow(ctx):
        attempts.append(ctx.attempt)
        intrude(counter)
        return -1

    with pytest.raises(VersionMismatchError):
        asyncio.run(counter.execute(slow, retries=2))
    assert attempts == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_worker_that_always_loses_commits_with_the_ticket(counter, rendezvous, until):
    """Each attempt meets us in the middle, and we spoil it as long as we are let."""
    meetings = [rendezvous() for _ in range(7)]
    task = counter.submit(tasks.count_at_meetings, folders=[str(meeting) for meeting in meetings])
    for number, meeting in enumerate(meetings, 1):
        meeting.pid()
        if number < 7:
            intrude(counter)
        else:
            with pytest.raises(SystemBusyError):
                intrude(counter)
        meeting.open()
    assert task.result(20) == 7
    intrude(counter)


def test_a_loop_of_the_callers_own(counter):
    for _ in range(5):
        decision = counter.report_conflict("mine")
        assert decision.should_retry and 1.5 < decision.wait_ms < 40
    assert counter.report_conflict("mine").wait_ms == 1
    with pytest.raises(SystemBusyError, match="mine"):
        intrude(counter)
    with pytest.raises(SystemBusyError):
        intrude(counter, requester="other")
    intrude(counter, requester="mine")
    counter.report_success("mine")
    intrude(counter)


def test_a_conflict_manager_of_its_own():
    manager = ConflictManager(max_retries=2, base_backoff_ms=10)
    assert 8 <= manager.report_conflict("a").wait_ms <= 12
    assert 16 <= manager.report_conflict("a").wait_ms <= 24
    assert manager.get_failure_count("a") == 2
    assert not manager.is_blocked("b")
    assert manager.report_conflict("a").wait_ms == 1
    assert manager.is_blocked("b") and manager.is_blocked() and not manager.is_blocked("a")
    for _ in range(2):
        manager.report_conflict("b")
    assert manager.report_conflict("b").wait_ms == 50
    manager.report_success("a")
    assert not manager.is_blocked("b") and manager.is_blocked("a")
    assert manager.get_failure_count("a") == 0
    with pytest.raises(ValueError, match="base_backoff_ms=-1"):
        ConflictManager(base_backoff_ms=-1)
