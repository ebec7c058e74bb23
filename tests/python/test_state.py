"""The state: immutable snapshots with versions, changed by compare-and-swap only."""

import threading
from collections.abc import Mapping

import pytest

from theus import ContextError, ImmutableError, TheusEngine, VersionMismatchError


def swap(engine, **data):
    engine.compare_and_swap(engine.state.version, data=data)


def test_a_new_engine_is_at_version_zero(engine):
    assert engine.state.version == 0
    assert isinstance(engine.state.data, Mapping)
    assert dict(engine.state.data) == {}


def test_initial_data_makes_version_one():
    with TheusEngine(context={"domain": {"count": 3}}) as engine:
        assert engine.state.version == 1
        assert engine.state.data["domain"]["count"] == 3
        assert engine.state.domain["count"] == 3


def test_a_swap_adds_one_version_and_returns_none(engine):
    assert engine.compare_and_swap(0, data={"counter": 1}) is None
    assert (engine.state.version, engine.state.data["counter"]) == (1, 1)


def test_an_empty_swap_adds_a_version(engine):
    engine.compare_and_swap(0)
    assert engine.state.version == 1


def test_a_snapshot_never_changes(engine):
    swap(engine, counter=1, domain={"a": {"b": 1}})
    before = engine.state
    inner = before.data["domain"]["a"]
    swap(engine, counter=2, domain={"a": {"b": 2}})
    assert (before.version, before.data["counter"], inner["b"]) == (1, 1, 1)
    assert (engine.state.version, engine.state.data["counter"]) == (2, 2)


def test_data_is_merged_deeply(engine):
    swap(engine, domain={"user": {"name": "Ada", "age": 36}, "kept": True})
    swap(engine, domain={"user": {"age": 37}})
    assert engine.state.data["domain"] == {"user": {"name": "Ada", "age": 37}, "kept": True}


def test_dotted_keys_are_paths(engine):
    swap(engine, **{"domain.user.name": "Ada"})
    assert engine.state.data["domain"]["user"] == {"name": "Ada"}


def test_the_order_of_keys_is_kept(engine):
    names = [f"k{number}" for number in (5, 3, 9, 1, 7, 0, 2)]
    swap(engine, domain={name: 0 for name in names})
    assert list(engine.state.data["domain"]) == names


def test_stored_data_is_not_the_callers(engine):
    mine = {"items": [1, 2]}
    swap(engine, domain=mine)
    mine["items"].append(3)
    mine["new"] = 1
    assert engine.state.data["domain"] == {"items": [1, 2]}


def test_a_changed_path_is_a_conflict(engine):
    swap(engine, counter=1)
    base = engine.state.version
    swap(engine, counter=2)
    with pytest.raises(VersionMismatchError, match="CAS Version Mismatch") as caught:
        engine.compare_and_swap(base, data={"counter": 99})
    assert "counter" in str(caught.value)
    assert (caught.value.base_version, caught.value.current_version) == (base, base + 1)
    assert caught.value.path == "counter"
    assert isinstance(caught.value, ContextError)
    assert (engine.state.version, engine.state.data["counter"]) == (base + 1, 2)


def test_another_path_is_no_conflict(engine):
    swap(engine, domain={"a": 1, "b": 1})
    base = engine.state.version
    swap(engine, domain={"a": 2})
    engine.compare_and_swap(base, data={"domain": {"b": 2}})
    assert engine.state.data["domain"] == {"a": 2, "b": 2}
    assert engine.state.version == base + 2


def test_a_change_below_or_above_a_path_is_a_conflict(engine):
    swap(engine, domain={"a": {"x": 1}, "b": 1})
    base = engine.state.version
    swap(engine, domain={"a": {"x": 2}})
    with pytest.raises(VersionMismatchError):
        engine.compare_and_swap(base, data={"domain": {"a": 5}})
    base = engine.state.version
    swap(engine, domain={"a": 7})
    with pytest.raises(VersionMismatchError):
        engine.compare_and_swap(base, data={"domain": {"a": {"x": 5}}})
    assert engine.state.data["domain"]["a"] == 7


def test_a_lost_race_changes_nothing_else(engine):
    swap(engine, first=1, second=1)
    base = engine.state.version
    swap(engine, first=2)
    with pytest.raises(VersionMismatchError):
        engine.compare_and_swap(base, data={"second": 9, "first": 9, "third": 9})
    assert dict(engine.state.data) == {"first": 2, "second": 1}


def test_the_state_is_immutable(engine):
    swap(engine, domain={"a": {"b": [1]}})
    state = engine.state
    with pytest.raises(ImmutableError):
        state.version = 7
    with pytest.raises(TypeError):
        state.data["domain"] = {}
    with pytest.raises(TypeError):
        state.data["domain"]["a"]["c"] = 1
    with pytest.raises((TypeError, AttributeError)):
        state.data["domain"]["a"]["b"].append(2)
    assert engine.state.data["domain"] == {"a": {"b": [1]}}


def test_frozen_data_reads_like_a_dict(engine):
    swap(engine, domain={"name": "Ada", "tags": ["x", "y"]})
    domain = engine.state.data["domain"]
    assert (domain["name"], domain.get("name"), domain.get("absent", 5), domain.name) == ("Ada", "Ada", 5, "Ada")
    assert "name" in domain and "absent" not in domain
    assert (len(domain), list(domain), list(domain.values())[0]) == (2, ["name", "tags"], "Ada")
    assert domain == {"name": "Ada", "tags": ["x", "y"]} == domain
    assert (domain["tags"][1], list(domain["tags"]), len(domain["tags"])) == ("y", ["x", "y"], 2)
    with pytest.raises(KeyError):
        domain["absent"]


def test_one_snapshot_is_consistent_while_others_write(engine):
    swap(engine, left=0, right=0)
    stop = threading.Event()
    torn = []

    def write():
        for number in range(1, 2000):
            swap(engine, left=number, right=number)
        stop.set()

    def read():
        while not stop.is_set():
            data = engine.state.data
            if data["left"] != data["right"]:
                torn.append(dict(data))

    threads = [threading.Thread(target=write), threading.Thread(target=read), threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torn == []
    assert engine.state.version == 2000


def test_two_engines_share_nothing(engine):
    with TheusEngine() as other:
        swap(engine, counter=1)
        assert (other.state.version, dict(other.state.data)) == (0, {})
