"""Errors: typed, naming the process and the path, and the state is as it was."""

import asyncio
import pickle
import threading

import pytest

import tasks
from theus import EngineClosedError, TheusEngine, TheusError, TransferError


@pytest.fixture(autouse=True)
def the_state_is_as_it_was(engine):
    """Each test of this file fails in some way; none may change the state."""
    engine.compare_and_swap(0, data={"domain": {"count": 1, "items": [1, 2]}})
    before = engine.state
    yield
    after = engine.state
    assert (after.version, after.data) == (before.version, before.data)


def execute(engine, *positional, **keywords):
    return asyncio.run(engine.execute(*positional, **keywords))


def test_a_workers_exception_arrives_with_its_own_traceback(engine):
    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        engine.submit(tasks.divide, dividend=1, divisor=0).result()
    notes = "\n".join(caught.value.__notes__)
    assert "Traceback" in notes
    assert "tasks.py" in notes and "in divide" in notes
    assert "return dividend / divisor" in notes


def test_the_traceback_of_a_function_of_main_shows_its_lines(script):
    out = script.run(
        """
        from theus import TheusEngine, process

        @process(parallel=True)
        def broken(ctx):
            return {}["no such key"]

        engine = TheusEngine(pool_size=1)
        try:
            engine.submit(broken).result()
        except KeyError as error:
            print("\\n".join(error.__notes__))
        engine.shutdown()
        """
    )
    assert "in broken" in out and "script_0.py" in out
    assert "no such key" in out


def test_execute_raises_the_same(engine):
    with pytest.raises(ZeroDivisionError) as caught:
        execute(engine, tasks.divide, dividend=1, divisor=0)
    assert "in divide" in "\n".join(caught.value.__notes__)


def test_an_exception_keeps_its_type_and_attributes(engine):
    with pytest.raises(tasks.BadDay) as caught:
        engine.submit(tasks.have_a_bad_day).result()
    assert (caught.value.day, caught.value.code, caught.value.args) == ("monday", 13, ("monday", 13))


def test_an_exception_that_cannot_travel_arrives_as_text(engine):
    with pytest.raises(TheusError, match="not coming with you") as caught:
        engine.submit(tasks.be_stubborn).result()
    assert "Stubborn" in str(caught.value)
    assert "be_stubborn" in str(caught.value) + "".join(caught.value.__notes__)


@pytest.mark.parametrize("name", ["no_such_process", "", "domain.count"])
def test_an_unknown_process(engine, name):
    with pytest.raises(ValueError, match="not found") as caught:
        engine.submit(name).result()
    assert name in str(caught.value)
    with pytest.raises(ValueError, match="not found"):
        execute(engine, name)
    with pytest.raises(ValueError, match="not found"):
        engine.call(name)


@pytest.mark.parametrize("wrong", [None, 5, b"echo", object()], ids=repr)
def test_what_is_no_process_at_all(engine, wrong):
    with pytest.raises((TypeError, ValueError)):
        engine.submit(wrong).result()


def test_a_missing_argument(engine):
    with pytest.raises(TypeError, match="divisor"):
        engine.submit(tasks.divide, dividend=1).result()


def test_an_argument_that_cannot_travel(engine):
    with pytest.raises(TransferError) as caught:
        engine.submit(tasks.echo, value=threading.Lock()).result()
    assert isinstance(caught.value, pickle.PicklingError)
    assert "echo" in str(caught.value) and "value" in str(caught.value)
    assert caught.value.process == "echo"


def test_a_result_that_cannot_travel(engine):
    with pytest.raises(TransferError, match="unsendable_result"):
        engine.submit(tasks.unsendable_result).result()


def test_a_result_that_is_no_mapping_where_one_is_needed(engine):
    from theus import ContractViolationError

    with pytest.raises(ContractViolationError, match="two_outputs") as caught:
        engine.submit(tasks.two_outputs, value=5).result()
    assert "domain.left" in str(caught.value)


def test_an_undeclared_output(engine):
    from theus import GuardError

    with pytest.raises(GuardError, match=r"domain\.price"):
        execute(engine, tasks.write_elsewhere)


def test_a_worker_works_on_after_errors(engine):
    pids = set()
    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            engine.submit(tasks.divide, dividend=1, divisor=0).result()
        pids |= {worker["pid"] for worker in engine.stats()["workers"] if worker["alive"]}
    assert len(pids) <= 2, "an exception costs no worker"


@pytest.mark.parametrize("setting", ["THEUS_HEAP_SIZE", "THEUS_POOL_SIZE"])
@pytest.mark.parametrize("value", ["many", "-1", "1.5"])
def test_a_malformed_variable_is_named(monkeypatch, setting, value):
    monkeypatch.setenv(setting, value)
    with pytest.raises(ValueError, match=setting):
        with TheusEngine() as engine:
            engine.submit(tasks.nothing).result()


def test_a_closed_engine_says_so():
    engine = TheusEngine(pool_size=1)
    engine.submit(tasks.nothing).result()
    engine.shutdown()
    with pytest.raises(EngineClosedError):
        engine.submit(tasks.nothing).result()
    with pytest.raises(EngineClosedError):
        execute(engine, tasks.nothing)
    with pytest.raises(EngineClosedError):
        engine.call(tasks.nothing)
    with pytest.raises(EngineClosedError):
        engine.heavy.alloc("a", shape=(1,), dtype="u1")
    assert engine.state.version == 1, "what was committed can still be read"
