"""Rules as gates, seen through `engine.execute` only: level by gate by threshold by route."""

import asyncio
import json
import subprocess
import sys
import threading
import warnings
from decimal import Decimal
from fractions import Fraction

import pytest

from theus import StateUpdate, TheusEngine, process
from theus.audit import AuditAbortError, AuditBlockError, AuditRecipe, AuditStopError, AuditSystem, AuditWarning
from theus.errors import ContractViolationError, EngineClosedError, TheusError, WorkerCrashedError

ERRORS = {"S": AuditStopError, "A": AuditAbortError, "B": AuditBlockError}


@process(outputs=["domain.n"])
def returned(ctx, n):
    return n


@process(outputs=["domain.n", "domain.twice"])
def in_a_tuple(ctx, n):
    return n, 2 * n


@process(outputs=["domain.n", "domain.twice"])
def in_a_mapping(ctx, n):
    return {"n": n}


@process(outputs=["domain"])
def under_a_root(ctx, n):
    return {"n": n}


@process(outputs=["domain.n"])
def by_an_update(ctx, n):
    return StateUpdate(key="domain.n", val=n)


@process(outputs=["domain"])
def merged_by_an_update(ctx, n):
    return StateUpdate(data={"domain": {"n": n}})


@process(outputs=["domain.n"])
async def awaited(ctx, n):
    await asyncio.sleep(0)
    return n


@process(parallel=True, outputs=["domain.n"])
def on_a_worker(ctx, n):
    return n


@process(parallel=True)
def on_a_worker_by_an_update(ctx, n):
    return StateUpdate(key="domain.n", val=n)


ROUTES = [
    returned,
    in_a_tuple,
    in_a_mapping,
    under_a_root,
    by_an_update,
    merged_by_an_update,
    awaited,
    on_a_worker,
    on_a_worker_by_an_update,
]
IN_THE_ENGINE = [route for route in ROUTES if "worker" not in route.__name__]

# Settings, and what each of four violations in a row raises: an error's letter, "w" for a warning, "-" for nothing.
CASES = [
    ({"level": "S"}, "SSSS"),
    ({"level": "A"}, "AAAA"),
    ({"level": "B", "threshold_max": 2}, "--BB"),
    ({"level": "B", "threshold_max": 0}, "BBBB"),
    ({"level": "B", "threshold_max": 3, "threshold_min": 2}, "-wwB"),
    ({"level": "C", "threshold_max": 3, "threshold_min": 3}, "--w-"),
    ({"level": "C", "threshold_max": 0}, "----"),
    ({"level": "I"}, "----"),
]


def recipe(name, gate, settings, rule=None):
    field = "n" if gate == "inputs" else "domain.n"
    return {"audit": settings, "process_recipes": {name: {gate: [{"field": field, "max": 5, **(rule or {})}]}}}


def run(engine, route, n):
    """What a call raises: an error's letter, "w" or "-"."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            asyncio.run(engine.execute(route, n=n))
        except (AuditStopError, AuditAbortError, AuditBlockError) as error:
            assert isinstance(error, (TheusError, RuntimeError))
            assert error.process == route.__name__
            assert not caught
            return next(letter for letter, kind in ERRORS.items() if type(error) is kind)
    assert all(warning.category is AuditWarning for warning in caught)
    assert len(caught) <= 1
    return "w" if caught else "-"


@pytest.mark.parametrize("gate", ["inputs", "outputs"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
def test_each_gate_binds_each_route_at_each_level(gate, route):
    cases = CASES if route in IN_THE_ENGINE else [CASES[0], CASES[4]]
    for settings, expected in cases:
        _case(gate, route, recipe(route.__name__, gate, settings), expected)


@pytest.mark.parametrize("gate", ["inputs", "outputs"])
def test_a_rules_own_level_and_threshold_beat_the_recipes(gate):
    for settings, expected in CASES:
        own = {key: value for key, value in settings.items() if key in ("level", "threshold_max")}
        others = {"level": "C" if settings["level"] == "S" else "S", "threshold_max": 9}
        others["threshold_min"] = settings.get("threshold_min", 0)
        _case(gate, returned, recipe("returned", gate, others, own), expected)


def _case(gate, route, audit_recipe, expected):
    with TheusEngine({"domain": {"n": 0}}, audit_recipe=audit_recipe, pool_size=1) as engine:
        for turn, wanted in enumerate(expected):
            version, n = engine.state.version, 10 + turn
            assert run(engine, route, n) == wanted, (audit_recipe, turn)
            record = engine.audit.records()[-1]
            if wanted in ERRORS:
                assert engine.state.version == version
                assert (record.outcome, record.version) == ("audit", None)
                assert "must be at most 5" in record.error
                assert (record.update is None) == (gate == "inputs")
            else:
                assert (engine.state.version, engine.state.domain.n) == (version + 1, n)
                assert (record.outcome, record.version) == ("committed", version + 1)
            assert record.inputs is not None
        assert len(engine.audit.records()) == len(expected), "one record for each attempt"
        ignored = audit_recipe["process_recipes"][route.__name__][gate][0].get("level", audit_recipe["audit"]["level"]) == "I"
        violations = [entry.message for entry in engine.audit.logs]
        assert len(violations) == (0 if ignored else len(expected))
        assert all(message.startswith("VIOLATION: ") for message in violations)
        # What keeps the rule passes, and resets its counter.
        assert run(engine, route, 5) == "-"
        assert run(engine, route, 10) == expected[0]


@process(outputs=["domain.n"])
def fails(ctx, n=0):
    raise ValueError("boom")


@process(parallel=True, outputs=["domain.n"])
def fails_on_a_worker(ctx, n=0):
    raise ValueError("boom")


@process(parallel=True, outputs=["domain.n"], crash_retries=1)
def dies(ctx, n=0):
    import os

    os.kill(os.getpid(), 9)


@pytest.mark.parametrize("body", [fails, fails_on_a_worker], ids=lambda body: body.__name__)
@pytest.mark.parametrize(("level", "expected"), [("S", "SS"), ("A", "AA"), ("B", "-B"), ("C", "--"), ("I", "--")])
def test_an_audit_error_for_a_failure_has_it_as_its_cause(body, level, expected):
    with TheusEngine({"domain": {"n": 0}}, audit_recipe={"level": level, "threshold_max": 1}, pool_size=1) as engine:
        for wanted in expected:
            if wanted == "-":
                with pytest.raises(ValueError, match="boom"):
                    asyncio.run(engine.execute(body))
            else:
                with pytest.raises(ERRORS[wanted]) as caught:
                    asyncio.run(engine.execute(body))
                assert type(caught.value.__cause__) is ValueError
                assert str(caught.value.__cause__) == "boom"
        assert [record.outcome for record in engine.audit.records()] == ["failed"] * len(expected)
        assert engine.state.version == 1
        counted = 0 if level == "I" else len(expected)
        assert engine.audit.system.get_count(body.__name__) == counted
        on_worker = counted if body is fails_on_a_worker else 0
        assert engine.audit.system.get_count(f"{body.__name__}:worker") == on_worker


def test_each_lost_worker_counts_under_the_workers_key_and_the_call_once():
    with TheusEngine(audit_recipe={"level": "C"}, pool_size=1) as engine:
        with pytest.raises(WorkerCrashedError):
            engine.submit(dies).result()
        assert engine.audit.system.get_count("dies:worker") == 2
        assert engine.audit.system.get_count("dies") == 1
        assert [record.signal for record in engine.audit.records()] == [9, 9]
    with TheusEngine(audit_recipe={"level": "A"}, pool_size=1) as engine:
        with pytest.raises(AuditAbortError) as caught:
            engine.submit(dies).result()
        assert type(caught.value.__cause__) is WorkerCrashedError
        assert len(engine.audit.records()) == 1, "no attempt is made again after the audit has said no"


@process(outputs=["domain.a", "domain.b"])
def misshaped(ctx):
    return 1


@pytest.mark.parametrize("level", "SABCI")
def test_a_violation_of_the_contract_raises_as_itself_at_any_level(level):
    for body in (misshaped, _peeks, _peeks_on_a_worker):
        recipe = {"level": level, "threshold_max": 0}
        with TheusEngine({"domain": {"n": 0}}, audit_recipe=recipe, pool_size=1) as engine:
            with pytest.raises(ContractViolationError):
                asyncio.run(engine.execute(body))
            assert [record.outcome for record in engine.audit.records()] == ["contract"]
            assert engine.audit.system.get_count(body.__name__) == (level != "I")


@process(inputs=[], outputs=["domain.a"])
def _peeks(ctx):
    return ctx.domain["n"]


@process(parallel=True, inputs=[], outputs=["domain.a"])
def _peeks_on_a_worker(ctx):
    return ctx.domain["n"]


def test_a_success_forgets_the_failures_of_its_process():
    @process(outputs=["domain.n"])
    def sometimes(ctx, n):
        if n < 0:
            raise ValueError("below 0")
        return n

    with TheusEngine(audit_recipe={"level": "B", "threshold_max": 1}) as engine:
        for n in (-1, 1, -1, 1, -1):
            try:
                asyncio.run(engine.execute(sometimes, n=n))
            except ValueError:
                pass
        with pytest.raises(AuditBlockError):
            asyncio.run(engine.execute(sometimes, n=-1))
    with TheusEngine(audit_recipe={"level": "B", "threshold_max": 1, "reset_on_success": False}) as engine:
        with pytest.raises(ValueError):
            asyncio.run(engine.execute(sometimes, n=-1))
        asyncio.run(engine.execute(sometimes, n=1))
        with pytest.raises(AuditBlockError):
            asyncio.run(engine.execute(sometimes, n=-1))


def test_without_a_recipe_failures_are_recorded_and_never_blocked():
    with TheusEngine() as engine:
        for _ in range(10):
            with pytest.raises(ValueError):
                asyncio.run(engine.execute(fails))
        assert engine.audit.counts["failed"] == 10
        assert engine.audit.system is None
        assert engine._audit is None
        assert engine.audit.logs == []


def test_an_input_rule_sees_arguments_given_by_position_too():
    with TheusEngine(audit_recipe=recipe("returned", "inputs", {"level": "A"})) as engine:
        with pytest.raises(AuditAbortError):
            asyncio.run(engine.execute(returned, 6))
        asyncio.run(engine.execute(returned, 5))
        # An absent argument and None skip the rule.
        asyncio.run(engine.execute(fails_not, other=1))
        asyncio.run(engine.execute(returned, None))


@process(outputs=["domain.n"])
def fails_not(ctx, n=3):
    return n


def test_an_input_rule_is_asked_before_the_body_runs_and_once_per_call():
    ran = []

    @process(inputs=["domain.n"], outputs=["domain.n"])
    def body(ctx, n):
        ran.append(n)
        if len(ran) == 1:
            # Somebody else changes what is written: the body runs again, the rule is not asked again.
            engine.compare_and_swap(engine.state.version, data={"domain": {"n": 100}})
        return n

    audit_recipe = recipe("body", "inputs", {"level": "B", "threshold_max": 1})
    with TheusEngine({"domain": {"n": 0}}, audit_recipe=audit_recipe) as engine:
        asyncio.run(engine.execute(body, n=6))
        assert (ran, engine.audit.system.get_count("body:input:n")) == ([6, 6], 1)
        with pytest.raises(AuditBlockError):
            asyncio.run(engine.execute(body, n=7))
        assert ran == [6, 6]


def test_an_output_rule_sees_the_whole_pending_state():
    """Also what the process did not write, and what others committed meanwhile."""
    audit_recipe = {"process_recipes": {"returned": {"outputs": [{"field": "domain.other", "max": 5, "level": "A"}]}}}
    with TheusEngine({"domain": {"n": 0, "other": 6}}, audit_recipe=audit_recipe) as engine:
        with pytest.raises(AuditAbortError):
            asyncio.run(engine.execute(returned, n=1))
        engine.compare_and_swap(engine.state.version, data={"domain": {"other": 5}})
        asyncio.run(engine.execute(returned, n=1))


class Text(str):
    """A text that is stored as an object, so that its type comes back."""


@pytest.mark.parametrize("test", [{"min": 0}, {"max_len": 1}, {"regex": "a"}, {"in": [1]}], ids=lambda test: next(iter(test)))
def test_an_output_that_no_rule_can_look_into_is_refused_and_says_what_to_give(test):
    audit_recipe = {"process_recipes": {"returned": {"outputs": [{"field": "domain.n", "level": "A", **test}]}}}
    with TheusEngine({"domain": {"n": 0}}, audit_recipe=audit_recipe) as engine:
        for n in (Decimal(-1), Fraction(-1), Text("bb"), frozenset((1, 2)), bytearray(b"bb")):
            with pytest.raises(AuditAbortError, match=r"cannot look into; give a plain number") as caught:
                asyncio.run(engine.execute(returned, n=n))
            assert caught.value.path == "domain.n"
        assert engine.state.version == 1


def test_a_latched_stop_refuses_all_work_until_it_is_reset_with_a_reason():
    audit_recipe = {**recipe("returned", "outputs", {"level": "S", "stop_latch": True})}
    with TheusEngine({"domain": {"n": 0}}, audit_recipe=audit_recipe, pool_size=1) as engine:
        with pytest.raises(AuditStopError):
            asyncio.run(engine.execute(returned, n=6))
        begin = [
            lambda: asyncio.run(engine.execute(returned, n=1)),
            lambda: asyncio.run(engine.execute(awaited, n=1)),
            lambda: engine.call(returned, n=1),
            lambda: engine.submit(on_a_worker, n=1).result(),
            lambda: engine.submit(returned, n=1).result(),
            lambda: engine.compare_and_swap(1, data={"domain": {"n": 1}}),
            lambda: engine.transaction().__enter__(),
        ]
        for work in begin:
            with pytest.raises(AuditStopError, match=r"engine\.audit\.reset\(reason="):
                work()
        assert (engine.state.version, engine.state.domain.n) == (1, 0)
        for reason in ("", " ", None):
            with pytest.raises(ValueError, match="reason"):
                engine.audit.reset(reason)
        engine.audit.reset(reason="looked at by hand")
        last = engine.audit.records()[-1]
        assert (last.process, last.outcome, last.reason) == ("audit.reset", "reset", "looked at by hand")
        asyncio.run(engine.execute(returned, n=1))
        assert engine.state.domain.n == 1
    # Without the latch the next call goes on.
    with TheusEngine({"domain": {"n": 0}}, audit_recipe=recipe("returned", "outputs", {"level": "S"})) as engine:
        with pytest.raises(AuditStopError):
            asyncio.run(engine.execute(returned, n=6))
        asyncio.run(engine.execute(returned, n=1))


def test_engines_share_counters_on_purpose_only():
    shared = AuditSystem(AuditRecipe(threshold_max=1))
    with TheusEngine(audit_system=shared) as one, TheusEngine(audit_system=shared) as other:
        with pytest.raises(ValueError):
            one.call(fails)
        with pytest.raises(AuditBlockError):
            other.call(fails)
        assert shared.get_count("fails") == 2
        assert one._audit is shared
    audit_recipe = AuditRecipe(threshold_max=1)
    with TheusEngine(audit_recipe=audit_recipe) as one, TheusEngine(audit_recipe=audit_recipe) as other:
        for engine in (one, other):
            with pytest.raises(ValueError):
                engine.call(fails)


def test_a_warning_that_is_an_error_is_raised_before_the_body_runs():
    audit_recipe = recipe("returned", "inputs", {"level": "C", "threshold_min": 1, "threshold_max": 9})
    with TheusEngine(audit_recipe=audit_recipe) as engine, warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AuditWarning):
            engine.call(returned, n=6)
        assert engine.state.version == 0


def test_the_hash_of_the_inputs_tells_calls_apart_and_never_pickles():
    class Unpicklable:
        def __reduce__(self):
            raise RuntimeError("pickled")

    @process
    def look(ctx, *args, **kwargs):
        return None

    with TheusEngine() as engine:
        hashes = []
        for args, kwargs in [
            ((), {}),
            ((1,), {}),
            ((), {"n": 1}),
            ((), {"n": 1.0}),
            ((), {"n": [1]}),
            ((), {"n": "x" * 1_000_000}),
            ((), {"n": Unpicklable()}),
            ((), {"n": {1: 2}}),
        ]:
            engine.call(look, *args, **kwargs)
            hashes.append(engine.audit.records()[-1].inputs)
        assert hashes[0] is None
        assert len(set(hashes)) == len(hashes)
        engine.call(look, n=Unpicklable())
        assert engine.audit.records()[-1].inputs == hashes[6]


def test_a_body_that_ends_within_the_time_of_the_shutdown_commits_and_has_its_record_on_the_disk(tmp_path):
    begun, go_on = threading.Event(), threading.Event()

    @process(outputs=["domain.n"])
    def waits(ctx):
        begun.set()
        go_on.wait(30)
        return 1

    path = tmp_path / "trail.theus"
    engine = TheusEngine({"domain": {"n": 0}}, audit_path=path)
    future = engine.submit(waits)
    assert begun.wait(30)
    ending = threading.Thread(target=engine.shutdown, args=(30,))
    ending.start()
    while True:
        try:
            engine._core.check_open()
        except EngineClosedError:
            break
    go_on.set()
    assert future.result(30) == 1
    ending.join(30)
    assert engine.state.domain.n == 1
    shown = subprocess.run(
        [sys.executable, "-m", "theus", "audit", "show", "--json", str(path)], capture_output=True, text=True, timeout=60
    )
    assert [json.loads(line)["outcome"] for line in shown.stdout.splitlines()] == ["committed"], shown


def test_what_a_body_commits_by_itself_is_held_to_its_rules_and_the_error_names_the_path():
    engine = TheusEngine(
        {"domain": {"n": 0}},
        audit_recipe={"process_recipes": {"sneaks": {"outputs": [{"field": "domain.n", "max": 5, "level": "A"}]}}},
    )

    @process(outputs=["domain.n"])
    def sneaks(ctx):
        with pytest.raises(AuditAbortError) as raised:
            engine.compare_and_swap(engine.state.version, {"domain": {"n": 99}})
        assert raised.value.path == "domain.n"
        return 1

    engine.call(sneaks)
    assert engine.state.domain.n == 1
    assert [(found.process, found.outcome) for found in engine.audit.records()] == [
        ("compare_and_swap", "audit"),
        ("sneaks", "committed"),
    ]
