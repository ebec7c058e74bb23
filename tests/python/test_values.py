"""Values: what goes in comes out equal and of the same type, through the state and through a worker."""

import dataclasses
import enum
import math
import threading

import pytest

import tasks
from theus import UnsupportedValueError


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: float


PLAIN = [
    None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**63, -(2**200), 0.0, -0.0, 1.5, float("inf"), 5e-324,
    "", "text", "z\u00fcrich \U0001f600", "nul\0inside", b"", b"\x00\xff", [], [1, [2, [3]]], (), (1, ("a",)),
    {}, {"b": 1, "a": {"c": None}}, {"": "empty key"}, {1, 2, 3}, set(), [(), {"x": [b"y"]}],
]  # fmt: skip
OBJECTS = [Colour.RED, Point(1, 2.5), {1: "a number as key"}, frozenset({1}), 1 + 2j, range(3)]


def thawed(value):
    """Frozen views as plain containers, all else as it is."""
    if isinstance(value, dict):
        return {key: thawed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thawed(item) for item in value]
    return tuple(thawed(item) for item in value) if type(value) is tuple else value


@pytest.mark.parametrize("value", PLAIN + OBJECTS, ids=repr)
def test_the_state_gives_back_what_it_got(engine, value):
    engine.compare_and_swap(engine.state.version, data={"domain": {"value": value}})
    found = engine.state.data["domain"]["value"]
    assert found == value
    assert isinstance(found, type(value))
    assert repr(thawed(found)) == repr(value), "types and signs agree all the way down"


@pytest.mark.parametrize("value", PLAIN + OBJECTS, ids=repr)
def test_a_worker_gives_back_what_it_got(engine, value):
    found = engine.submit(tasks.echo, value=value).result()
    assert (found, type(found)) == (value, type(value))
    assert repr(found) == repr(value)


@pytest.mark.parametrize("value", PLAIN + OBJECTS, ids=repr)
def test_a_worker_reads_the_states_value(engine, value):
    engine.compare_and_swap(engine.state.version, data={"domain": {"value": value}})
    found = engine.submit(tasks.arguments, first=1).result()["domain"]["value"]
    assert found == value
    assert isinstance(found, type(value))


@pytest.mark.parametrize("value", PLAIN + OBJECTS, ids=repr)
def test_a_worker_commits_a_value(engine, value):
    engine.submit(tasks.one_output, value={"score": value}).result()
    found = engine.state.data["domain"]["score"]
    assert found == value
    assert isinstance(found, type(value))


def test_nan_stays_nan(engine):
    engine.compare_and_swap(0, data={"domain": {"value": math.nan}})
    assert math.isnan(engine.state.data["domain"]["value"])
    assert math.isnan(engine.submit(tasks.echo, value=math.nan).result())


def test_bool_and_int_are_not_mixed_up(engine):
    engine.compare_and_swap(0, data={"domain": {"yes": True, "one": 1, "real": 1.0}})
    found = engine.state.data["domain"]
    assert [type(found[key]) for key in ("yes", "one", "real")] == [bool, int, float]


def test_a_value_that_cannot_be_stored_is_refused_with_its_path(engine):
    with pytest.raises(UnsupportedValueError, match=r"domain\.value"):
        engine.compare_and_swap(0, data={"domain": {"fine": 1, "value": threading.Lock()}})
    assert (engine.state.version, dict(engine.state.data)) == (0, {})


def test_deep_nesting_is_an_error_not_a_crash(engine):
    value = 0
    for _ in range(100_000):
        value = [value]
    with pytest.raises((UnsupportedValueError, RecursionError, ValueError)):
        engine.compare_and_swap(0, data={"domain": {"value": value}})
    assert engine.state.version == 0


def test_a_list_that_holds_itself_is_an_error_not_a_crash(engine):
    value = []
    value.append(value)
    with pytest.raises((UnsupportedValueError, RecursionError, ValueError)):
        engine.compare_and_swap(0, data={"domain": {"value": value}})
    assert engine.state.version == 0
