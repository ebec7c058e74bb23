"""Zones: what the names of a path allow, on every way by which Python writes the state.

The matrix of all operations is the Rust suite's; here it is that each way leads through it, and what a caller is told.
"""

import pytest

import tasks
from theus import ContractViolationError, GuardError, StateUpdate, TheusEngine, process

# What may become of a list 1, 2 under such a name: `.` passes, U is refused since UPDATE is missing.
COLUMNS = {"same": [1, 2], "longer": [1, 2, 3], "inserted": [1, 9, 2], "other": "text", "emptied": []}
TABLE = {
    "plain_": (".....", None),
    "log_": ("..UUU", "log"),
    "audit_": ("..UUU", "log"),
    "sig_": ("...UU", "signal"),
    "cmd_": ("...UU", "signal"),
    "meta_": (".....", "meta"),
    "heavy_": (".....", "heavy"),
    "const_": (".UUUU", "constant"),
    "internal_": (".UUUU", "private"),
}


def state():
    return {"domain": {prefix + column: [1, 2] for prefix in TABLE for column in COLUMNS}}


@pytest.fixture
def engine():
    with TheusEngine(state(), pool_size=1) as made:
        yield made


@process(outputs=["domain.*"])
def writes(ctx, name, value):
    return {f"domain.{name}": value}


@process(outputs=["domain"])
def updates(ctx, **update):
    return StateUpdate(**update)


@process(outputs=["domain"])
def returns_domain(ctx, value):
    return value


@process(inputs=["domain.box"], outputs=["domain.box"])
def edits(ctx, edit):
    box = ctx.domain.box.to_dict()
    edit(box)
    return box


def by_returned_value(engine, name, value):
    engine.call(writes, name=name, value=value)


def by_returned_root(engine, name, value):
    engine.call(returns_domain, value={name: value})


def by_state_update(engine, name, value):
    engine.call(updates, key=f"domain.{name}", val=value)


def by_merge(engine, name, value):
    engine.call(updates, data={"domain": {name: value}})


def by_whole_container(engine, name, value):
    engine.call(updates, key="domain", val=engine.state.domain.to_dict() | {name: value})


def by_swap(engine, name, value):
    engine.compare_and_swap(engine.state.version, data={"domain": {name: value}})


def by_worker(engine, name, value):
    engine.submit(tasks.free_update, update={"key": f"domain.{name}", "val": value}).result()


def by_workers_value(engine, name, value):
    engine.submit(tasks.any_domain, name=name, value=value).result()


WAYS = (
    by_returned_value,
    by_returned_root,
    by_state_update,
    by_merge,
    by_whole_container,
    by_swap,
    by_worker,
    by_workers_value,
)


@pytest.mark.parametrize("write", WAYS, ids=lambda write: write.__name__)
def test_every_way_obeys_the_zones(engine, write):
    for prefix, (row, zone) in TABLE.items():
        for letter, (column, value) in zip(row, COLUMNS.items(), strict=True):
            name = prefix + column
            if letter == ".":
                write(engine, name, value)
                assert engine.state.domain[name] == value
                continue
            before = engine.state
            with pytest.raises(GuardError, match=f"UPDATE capability required .*in the {zone} zone") as caught:
                write(engine, name, value)
            error = caught.value
            assert isinstance(error, PermissionError) and isinstance(error, ContractViolationError)
            assert (error.path, bool(error.process), bool(error.hint)) == (f"domain.{name}", True, True)
            assert (engine.state.version, engine.state.data) == (before.version, before.data)
            assert engine.audit.records()[-1].outcome == "contract"


def test_a_new_name_may_begin_a_log_and_no_constant(engine):
    engine.call(writes, name="log_new", value=[1])
    engine.call(writes, name="meta_new", value=1)
    for name, value in [("log_bad", 1), ("const_new", 1), ("const_new", [1]), ("internal_new", [])]:
        with pytest.raises(GuardError, match="UPDATE capability required"):
            engine.call(writes, name=name, value=value)
    assert engine.state.domain.log_new == [1]


def test_a_container_answers_for_what_is_in_it():
    box = {"const_x": 1, "log_y": [1], "deep": {"internal_z": 1}, "plain": 1}
    with TheusEngine({"domain": {"box": box}}) as engine:
        refusals = [
            ("DELETE", "domain.box.const_x", lambda box: box.pop("const_x")),
            ("DELETE", "domain.box.deep.internal_z", lambda box: box.pop("deep")),
            ("DELETE", "domain.box.const_x", lambda box: box.clear()),
            ("UPDATE", "domain.box.log_y", lambda box: box["log_y"].clear()),
            ("UPDATE", "domain.box.more.const_x", lambda box: box.update(more={"const_x": 2})),
        ]
        for needed, path, edit in refusals:
            with pytest.raises(GuardError, match=f"{needed} capability required") as caught:
                engine.call(edits, edit=edit)
            assert caught.value.path == path
        assert engine.state.domain.box == box
        engine.call(edits, edit=lambda box: (box.pop("plain"), box["log_y"].append(2), box["deep"].update(new=1)))
        assert engine.state.domain.box == {"const_x": 1, "log_y": [1, 2], "deep": {"internal_z": 1, "new": 1}}


def test_the_words_name_zones_too():
    with TheusEngine({"meta": {"note": 1}, "log": [1], "domain": {"signal": {"door": [1]}}}) as engine:
        swap = lambda **data: engine.compare_and_swap(engine.state.version, data=data)  # noqa: E731
        swap(meta={"note": 2, "new": 3})
        swap(log=[1, 2])
        swap(domain={"signal": {"door": [0, 1]}})
        for refused in ({"log": [2]}, {"log": [0, 1, 2]}, {"domain": {"signal": 5}}, {"domain": {"signal": {"door": 1}}}):
            with pytest.raises(GuardError):
                swap(**refused)
        assert engine.state.data == {"meta": {"note": 2, "new": 3}, "log": [1, 2], "domain": {"signal": {"door": [0, 1]}}}


def test_an_array_is_replaced_and_not_taken_away(engine):
    numpy = pytest.importorskip("numpy")
    for number in (1.0, 2.0):
        engine.compare_and_swap(engine.state.version, heavy={"m": numpy.full(4, number)})
    assert engine.state.heavy["m"][0] == 2.0
    with pytest.raises(GuardError, match="DELETE capability required"):
        engine.submit(tasks.free_update, update={"key": "heavy", "val": {}}).result()
    assert engine.state.heavy["m"][0] == 2.0


def test_a_log_that_grew_meanwhile_loses_nothing(engine):
    @process(inputs=["domain.log_same"], outputs=["domain.log_same"])
    def adds(ctx):
        seen = ctx.domain.log_same.to_list()
        if len(seen) == 2:
            by_swap(engine, "log_same", [1, 2, 7])
        return [*seen, 9]

    engine.call(adds)
    assert engine.state.domain.log_same == [1, 2, 7, 9]
