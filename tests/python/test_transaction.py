"""Transactions: several updates become one version, or nothing."""

import asyncio
import threading
import time

import pytest

from theus import (
    ContextError,
    GuardError,
    SystemBusyError,
    TheusEngine,
    TransactionError,
    VersionMismatchError,
    WriteTimeoutError,
    process,
)


@pytest.fixture
def engine():
    with TheusEngine({"domain": {"a": 1, "deep": {"x": 1}}, "heavy": {}}) as made:
        yield made


def outcomes(engine):
    return [(record.process, record.outcome) for record in engine.audit.records()]


def test_updates_merge_into_one_version(engine):
    with engine.transaction() as tx:
        tx.update(data={"domain": {"deep": {"y": 2}}})
        tx.update(data={"domain.deep.x": 3, "domain.b": [1]})
        tx.update(heavy={"m": engine.heavy.alloc("m", shape=(2,), dtype="float64")})
        assert engine.state.version == 1, "nothing shows before the end"
    assert engine.state.version == 2
    assert engine.state.domain.to_dict() == {"a": 1, "deep": {"x": 3, "y": 2}, "b": [1]}
    assert "m" in engine.state.heavy
    assert outcomes(engine) == [("transaction", "committed")]


def test_an_empty_one_adds_a_version(engine):
    with engine.transaction():
        pass
    assert engine.state.version == 2


def test_an_exception_applies_nothing(engine):
    with pytest.raises(KeyError, match="boom"):
        with engine.transaction() as tx:
            tx.update(data={"domain.a": 2})
            raise KeyError("boom")
    assert (engine.state.version, engine.state.domain.a) == (1, 1)
    assert outcomes(engine) == [("transaction", "cancelled")]
    with pytest.raises(TransactionError, match="No active transaction found"):
        tx.update(data={"domain.a": 3})


def test_a_conflict_is_told_and_the_other_value_stays(engine):
    with pytest.raises(VersionMismatchError) as caught:
        with engine.transaction() as tx:
            tx.update(data={"domain.a": 2})
            engine.compare_and_swap(1, data={"domain.a": 9})
    assert (caught.value.base_version, caught.value.current_version, caught.value.path) == (1, 2, "domain.a")
    assert engine.state.domain.a == 9


def test_disjoint_changes_merge_but_not_in_strict_mode(engine):
    with engine.transaction() as tx:
        tx.update(data={"domain.b": 2})
        engine.compare_and_swap(1, data={"domain.a": 9})
    assert (engine.state.domain.a, engine.state.domain.b) == (9, 2)
    engine.isolation = "strict"
    with pytest.raises(VersionMismatchError, match="Strict CAS Mismatch"):
        with engine.transaction() as tx:
            tx.update(data={"domain.b": 3})
            engine.compare_and_swap(engine.state.version, data={"domain.a": 10})


def test_past_its_limit_it_commits_nothing(engine):
    with pytest.raises(WriteTimeoutError, match="timed out") as caught:
        with engine.transaction(write_timeout_ms=1) as tx:
            tx.update(data={"domain.a": 2})
            time.sleep(0.01)
    assert isinstance(caught.value, TimeoutError) and isinstance(caught.value, TransactionError)
    assert (engine.state.version, engine.state.domain.a) == (1, 1)
    assert outcomes(engine) == [("transaction", "timeout")]
    with pytest.raises(ValueError, match="write_timeout_ms=-1"):
        engine.transaction(write_timeout_ms=-1)


def test_an_update_that_does_not_fit_leaves_the_others(engine):
    with engine.transaction() as tx:
        tx.update(data={"domain.b": 2})
        with pytest.raises(ContextError):
            tx.update(data={"domain.a.below": 1})
        with pytest.raises(TypeError):
            tx.update(data={"domain.c": threading.Lock()})
    assert engine.state.domain.to_dict() == {"a": 1, "deep": {"x": 1}, "b": 2}


def test_zones_bind_a_transaction(engine):
    with engine.transaction() as tx:
        tx.update(data={"domain.log_events": ["begun"]})
    with pytest.raises(GuardError, match="UPDATE capability required"):
        with engine.transaction() as tx:
            tx.update(data={"domain.log_events": []})
    assert engine.state.domain.log_events == ["begun"]


def test_in_a_body_it_is_a_commit_of_its_own_under_the_name_of_the_process(engine):
    @process(outputs=["domain.b"])
    def outer(ctx):
        with engine.transaction() as tx:
            tx.update(data={"domain.a": 5})
        return 6

    @process(outputs=["domain.c"])
    async def outer_async(ctx):
        with engine.transaction() as tx:
            tx.update(data={"domain.a": 7})
        return 8

    engine.call(outer)
    asyncio.run(engine.execute(outer_async))
    assert engine.state.domain.to_dict() == {"a": 7, "deep": {"x": 1}, "b": 6, "c": 8}
    assert outcomes(engine) == [
        ("outer", "committed"),
        ("outer", "committed"),
        ("outer_async", "committed"),
        ("outer_async", "committed"),
    ]


def test_somebody_elses_ticket_refuses_it(engine):
    for _ in range(6):
        engine.report_conflict("somebody")
    with pytest.raises(SystemBusyError, match="somebody"):
        with engine.transaction() as tx:
            tx.update(data={"domain.a": 2})
    engine.report_success("somebody")
    assert engine.state.domain.a == 1


def test_a_body_that_outlives_the_write_limit_commits_nothing(monkeypatch):
    def slow(ctx):
        time.sleep(0.02)
        return 1

    slow = process(outputs=["domain.a"])(slow)
    with TheusEngine(write_timeout_ms=1) as engine:
        with pytest.raises(WriteTimeoutError, match="'slow'.* timed out"):
            engine.call(slow)
        assert engine.state.version == 0
    monkeypatch.setenv("THEUS_WRITE_TIMEOUT_MS", "1")
    with TheusEngine() as engine:
        with pytest.raises(WriteTimeoutError):
            asyncio.run(engine.execute(slow))
    with TheusEngine(write_timeout_ms=60_000) as engine:
        assert engine.call(slow) == 1
    for wrong in (0, -1, "soon"):
        with pytest.raises(ValueError, match="write_timeout_ms"):
            TheusEngine(write_timeout_ms=wrong)
    monkeypatch.setenv("THEUS_WRITE_TIMEOUT_MS", "soon")
    with pytest.raises(ValueError, match="THEUS_WRITE_TIMEOUT_MS"):
        TheusEngine()
