"""Commits of what a process returns: checked against the contract, merged, re-run on conflict."""

import asyncio

import pytest

import tasks
from theus import ContractViolationError, GuardError, TheusEngine, VersionMismatchError, process


def set_domain(engine, **values):
    engine.compare_and_swap(engine.state.version, data={"domain": values})


def test_a_success_adds_exactly_one_version(engine):
    engine.submit(tasks.nothing).result()
    assert engine.state.version == 1
    engine.submit(tasks.free_update, update={"data": {"a": 1, "b": {"c": 2}}}).result()
    assert engine.state.version == 2
    assert dict(engine.state.data) == {"a": 1, "b": {"c": 2}}


def test_a_plain_return_without_declared_outputs_is_only_handed_back(engine):
    assert engine.submit(tasks.echo, value={"det": 2.5}).result() == {"det": 2.5}
    assert dict(engine.state.data) == {}


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({"key": "score", "val": 3}, {"score": 3}),
        ({"key": "score", "val": None}, {"score": None}),
        ({"key": "domain.user.name", "val": "Ada"}, {"domain": {"user": {"name": "Ada"}}}),
        ({"data": {"domain.user.name": "Ada"}}, {"domain": {"user": {"name": "Ada"}}}),
        ({"data": {"domain": {"user": {"name": "Ada"}}}}, {"domain": {"user": {"name": "Ada"}}}),
    ],
)
def test_state_updates(engine, update, expected):
    engine.submit(tasks.free_update, update=update).result()
    assert dict(engine.state.data) == expected


def test_key_replaces_and_data_merges(engine):
    set_domain(engine, user={"name": "Ada", "age": 36})
    engine.submit(tasks.free_update, update={"data": {"domain.user": {"age": 37}}}).result()
    assert engine.state.data["domain"]["user"] == {"name": "Ada", "age": 37}
    engine.submit(tasks.free_update, update={"key": "domain.user", "val": {"age": 38}}).result()
    assert engine.state.data["domain"]["user"] == {"age": 38}


@pytest.mark.parametrize("value", [5, {"score": 5}, {"domain.score": 5}])
def test_one_output_takes_a_value_or_a_mapping_that_holds_it(engine, value):
    engine.submit(tasks.one_output, value=value).result()
    assert engine.state.data["domain"]["score"] == 5


def test_one_output_takes_any_other_value_whole(engine):
    engine.submit(tasks.one_output, value=(1, 2)).result()
    assert engine.state.data["domain"]["score"] == (1, 2)
    engine.submit(tasks.one_output, value={"other": 1}).result()
    assert engine.state.data["domain"]["score"] == {"other": 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), {"left": 1, "right": 2}),
        ([1, None], {"left": 1}),
        ({"left": 1, "domain.right": 2}, {"left": 1, "right": 2}),
        ({"right": 2}, {"right": 2}),
    ],
)
def test_many_outputs_take_a_tuple_or_a_mapping(engine, value, expected):
    engine.submit(tasks.two_outputs, value=value).result()
    assert engine.state.data["domain"] == expected


def test_none_writes_nothing(engine):
    engine.submit(tasks.two_outputs, value=None).result()
    assert (engine.state.version, dict(engine.state.data)) == (1, {})


@pytest.mark.parametrize("value", [5, "text", (1,), [1, 2, 3], {"neither": 1}])
def test_many_outputs_refuse_what_fits_none(engine, value):
    set_domain(engine, left=0)
    with pytest.raises(ContractViolationError, match="two_outputs") as caught:
        engine.submit(tasks.two_outputs, value=value).result()
    assert "domain.left" in str(caught.value) and "domain.right" in str(caught.value)
    assert caught.value.process == "two_outputs"
    assert (engine.state.version, engine.state.data["domain"]) == (1, {"left": 0})


def test_an_undeclared_path_is_refused(engine):
    set_domain(engine, price=0)
    with pytest.raises(GuardError, match=r"Write permission denied for path 'domain\.price'") as caught:
        engine.submit(tasks.write_elsewhere).result()
    assert (caught.value.process, caught.value.path) == ("write_elsewhere", "domain.price")
    assert "write_elsewhere" in str(caught.value)
    assert isinstance(caught.value, ContractViolationError)
    assert isinstance(caught.value, PermissionError)
    assert (engine.state.version, engine.state.data["domain"]) == (1, {"price": 0})


def test_empty_outputs_allow_nothing(engine):
    with pytest.raises(GuardError, match="score"):
        engine.submit(tasks.no_outputs).result()
    assert engine.state.version == 0


def test_a_conflict_runs_the_task_again_on_a_fresh_snapshot(engine, rendezvous):
    set_domain(engine, count=1)
    meeting = rendezvous()
    future = engine.submit(tasks.add_after_meeting, folder=str(meeting))
    meeting.pid()
    set_domain(engine, count=10)
    meeting.open()
    assert future.result() == 11
    assert engine.state.data["domain"]["count"] == 11
    assert engine.state.version == 3


def test_a_change_elsewhere_is_no_conflict(engine, rendezvous):
    set_domain(engine, count=1)
    meeting = rendezvous()
    future = engine.submit(tasks.add_after_meeting, folder=str(meeting))
    meeting.pid()
    set_domain(engine, other=1)
    meeting.open()
    assert future.result() == 2
    assert engine.state.data["domain"] == {"count": 2, "other": 1}
    assert [record.attempt for record in engine.audit.records(process="add_after_meeting")] == [1]


def test_counting_in_workers_loses_nothing(engine):
    # Two at a time: with more, a task could run out of tries before the ticket exists that serves the unlucky.
    set_domain(engine, count=0)
    for _ in range(30):
        futures = [engine.submit(tasks.add), engine.submit(tasks.add, amount=2)]
        for future in futures:
            future.result()
    assert engine.state.data["domain"]["count"] == 90


def test_assert_version_is_not_retried(engine, rendezvous):
    set_domain(engine, count=1)
    update = {"key": "domain.count", "val": 5, "assert_version": 0}
    with pytest.raises(VersionMismatchError):
        engine.submit(tasks.free_update, update=update).result()
    assert engine.state.data["domain"]["count"] == 1
    assert len(engine.audit.records(process="free_update")) == 1


@process(inputs=["domain.count"], outputs=["domain.count"])
def add_here(ctx, amount=1):
    """An ordinary process."""
    return ctx.domain["count"] + amount


@process(inputs=["domain.count"], outputs=["domain.count"])
async def add_on_the_loop(ctx, amount=1):
    """An ordinary process, awaited on the caller's loop."""
    await asyncio.sleep(0)
    return ctx.domain["count"] + amount


def test_call_runs_in_the_calling_thread(engine):
    import threading

    seen = []

    @process(outputs=["domain.x"])
    def look(ctx):
        seen.append(threading.current_thread())
        return 1

    assert engine.call(look) == 1
    assert seen == [threading.current_thread()]
    assert (engine.state.version, engine.state.data["domain"]["x"]) == (1, 1)


def test_an_ordinary_process_commits(engine):
    set_domain(engine, count=1)
    assert engine.call(add_here, amount=4) == 5
    assert engine.state.data["domain"]["count"] == 5
    assert asyncio.run(engine.execute(add_here)) == 6
    assert asyncio.run(engine.execute(add_on_the_loop, amount=4)) == 10
    assert engine.submit(add_here).result() == 11
    assert engine.state.data["domain"]["count"] == 11
    assert engine.state.version == 5


def test_an_ordinary_process_that_fails_changes_nothing(engine):
    set_domain(engine, count=1)

    @process(inputs=["domain.count"], outputs=["domain.count"])
    def fail(ctx):
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        engine.call(fail)
    with pytest.raises(KeyError, match="lost"):
        asyncio.run(engine.execute(fail))
    assert (engine.state.version, engine.state.data["domain"]["count"]) == (1, 1)


def test_call_counts_from_many_threads(engine):
    import threading

    set_domain(engine, count=0)
    failures = []

    def count():
        for _ in range(50):
            try:
                engine.call(add_here)
            except VersionMismatchError as error:
                failures.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.state.data["domain"]["count"] == 200 - len(failures)


def test_an_empty_mapping_is_merged_and_wipes_nothing():
    with TheusEngine({"domain": {"a": 1, "b": {"c": 2}}}) as engine:
        engine.compare_and_swap(engine.state.version, data={"domain": {}})
        engine.compare_and_swap(engine.state.version, data={"domain": {"b": {}}})
        assert engine.state.data["domain"] == {"a": 1, "b": {"c": 2}}


def test_an_undeclared_array_is_refused_on_a_worker_as_in_process(engine):
    block = engine.heavy.alloc("seen", (4,), "uint8")
    other = engine.heavy.alloc("unseen", (4,), "uint8")
    engine.compare_and_swap(engine.state.version, heavy={"seen": block, "unseen": other})

    def read(ctx, name):
        return bytes(ctx.heavy[name]), list(ctx.heavy), name in ctx.heavy

    here = process(inputs=["heavy.seen"])(read)
    assert engine.call(here, name="seen") == (bytes(4), ["seen"], True)
    with pytest.raises(GuardError, match="heavy.unseen"):
        engine.call(here, name="unseen")

    def read_there(ctx, name):
        return bytes(ctx.heavy[name]), list(ctx.heavy), name in ctx.heavy

    there = process(inputs=["heavy.seen"], parallel=True)(read_there)
    assert engine.submit(there, name="seen").result() == (bytes(4), ["seen"], True)
    with pytest.raises(GuardError, match="heavy.unseen"):
        engine.submit(there, name="unseen").result()
