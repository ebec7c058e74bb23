"""The audit trail: one record for every attempt, with its outcome."""

import signal
import time

import pytest

import tasks
from theus import WorkerCrashedError


def records(engine, process=None):
    return engine.audit.records(process=process)


def test_a_commit_leaves_a_record(engine):
    engine.compare_and_swap(0, data={"domain": {"count": 4}})
    begun = time.time()
    engine.submit(tasks.add).result()
    (record,) = records(engine, "add")
    assert record.outcome == "committed"
    assert (record.process, record.attempt, record.base_version, record.version) == ("add", 1, 1, 2)
    assert list(dict(record.paths)) == ["domain.count"]
    assert (record.error, record.signal) == (None, None)
    assert begun - 1 <= record.time <= time.time() + 1
    assert record.task is not None and record.digest


def test_value_hashes_tell_values_apart(engine):
    for value in (1, 2, 1):
        engine.submit(tasks.one_output, value=value).result()
    first, second, third = (dict(record.paths)["domain.score"] for record in records(engine, "one_output"))
    assert first == third != second


def test_a_failure_leaves_a_record(engine):
    with pytest.raises(ZeroDivisionError):
        engine.submit(tasks.divide, dividend=1, divisor=0).result()
    (record,) = records(engine)
    assert (record.outcome, record.process, record.version) == ("failed", "divide", None)
    assert "division by zero" in record.error
    assert not dict(record.paths)


def test_a_contract_violation_leaves_a_record(engine):
    with pytest.raises(PermissionError):
        engine.submit(tasks.write_elsewhere).result()
    (record,) = records(engine)
    assert (record.outcome, record.version) == ("contract", None)
    assert "domain.price" in record.error


def test_each_attempt_of_a_conflict_leaves_a_record(engine, rendezvous):
    engine.compare_and_swap(0, data={"domain": {"count": 1}})
    meeting = rendezvous()
    future = engine.submit(tasks.add_after_meeting, folder=str(meeting))
    meeting.pid()
    engine.compare_and_swap(1, data={"domain": {"count": 10}})
    meeting.open()
    future.result()
    first, second = records(engine, "add_after_meeting")
    assert (first.outcome, first.attempt, first.base_version, first.version) == ("conflict", 1, 1, None)
    assert (second.outcome, second.attempt, second.base_version, second.version) == ("committed", 2, 2, 3)
    assert first.task == second.task
    assert "domain.count" in first.error


def test_a_crash_leaves_a_record(engine):
    with pytest.raises(WorkerCrashedError):
        engine.submit(tasks.die, signal_number=int(signal.SIGKILL)).result()
    found = records(engine, "die")
    assert [record.outcome for record in found] == ["crashed", "crashed"]
    assert [record.attempt for record in found] == [1, 2]
    assert [record.signal for record in found] == [signal.SIGKILL, signal.SIGKILL]
    assert len({record.task for record in found}) == 1


def test_an_ordinary_process_leaves_records_too(engine):
    from theus import process

    @process(outputs=["domain.x"])
    def ordinary(ctx, fail=False):
        return 1 / 0 if fail else 1

    engine.call(ordinary)
    with pytest.raises(ZeroDivisionError):
        engine.call(ordinary, fail=True)
    assert [record.outcome for record in records(engine, "ordinary")] == ["committed", "failed"]


def test_records_are_numbered_in_order_and_filtered(engine):
    for value in range(5):
        engine.submit(tasks.echo, value=value).result()
    engine.submit(tasks.nothing).result()
    everything = records(engine)
    numbers = [record.number for record in everything]
    assert numbers == list(range(numbers[0], numbers[0] + 6)), "gapless"
    assert [record.version for record in everything] == [1, 2, 3, 4, 5, 6]
    assert len(records(engine, "echo")) == 5
    assert records(engine, "unheard-of") == []
    assert [record.number for record in engine.audit.records(since=numbers[3])][-2:] == numbers[-2:]
    assert len({record.task for record in everything}) == 6


def test_versions_of_committed_records_are_gapless_under_load(engine):
    engine.compare_and_swap(0, data={"domain": {"count": 0}})
    futures = [engine.submit(tasks.echo, value=value) for value in range(60)]
    for future in futures:
        future.result()
    committed = sorted(record.version for record in records(engine, "echo") if record.outcome == "committed")
    assert committed == list(range(2, 62))
    assert engine.state.version == 61
