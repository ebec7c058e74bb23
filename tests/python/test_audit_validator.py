"""AuditValidator: rules held against Python objects of every kind, arguments and pending states."""

import decimal
import enum
import fractions

import pytest

from theus.audit import AuditAbortError, AuditBlockError, AuditLevel, AuditRecipe, AuditSystem, AuditWarning
from theus.config import SchemaViolationError
from theus.structures import FrozenDict
from theus.validator import AuditValidator


def says(value, **tests):
    """What a rule with these tests says of the value: None if it passes."""
    audit = AuditSystem(AuditRecipe(level="C"))
    rule = {"field": "x", **{name.rstrip("_"): bound for name, bound in tests.items()}}
    AuditValidator({"p": {"inputs": [rule]}}, audit).validate_inputs("p", {"x": value})
    logs = audit.get_logs()
    assert audit.get_count("p:input:x") == len(logs) <= 1
    return logs[0].message.removeprefix("VIOLATION: ") if logs else None


class Weight(enum.IntEnum):
    LIGHT = 1
    HEAVY = 9


class Measured:
    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length


class Numbered:
    def __index__(self):
        return 7


class Floating:
    def __float__(self):
        return 2.5


class Broken:
    def __len__(self):
        raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("value", "tests", "message"),
    [
        (17, {"min": 18}, "x is 17; it must be at least 18"),
        (18, {"min": 18}, None),
        (17.5, {"min": 18}, "x is 17.5; it must be at least 18"),
        (float("nan"), {"max": 1}, "x is NaN; it must be at most 1"),
        (True, {"eq": 1}, None),
        (False, {"min": True}, "x is false; it must be at least 1"),
        (2**53 + 1, {"max": float(2**53)}, "x is 9007199254740993; it must be at most 9007199254740992.0"),
        (2**100, {"eq": 2**100}, None),
        (-(2**127), {"eq": -(2**127)}, None),
        (2**127, {"max": 1e300}, None),
        (10**1000, {"max": 1e300}, "x is inf; it must be at most 1e300"),
        (-(10**1000), {"min": -1e300}, "x is -inf; it must be at least -1e300"),
        (Weight.HEAVY, {"max": 5}, "x is 9; it must be at most 5"),
        (Numbered(), {"max": 5}, "x is 7; it must be at most 5"),
        (Floating(), {"max": 2}, "x is 2.5; it must be at most 2"),
        (decimal.Decimal("2.5"), {"max": 2}, "x is 2.5; it must be at most 2"),
        (fractions.Fraction(5, 2), {"max": 2}, "x is 2.5; it must be at most 2"),
        ("ab", {"min_len": 3}, "x has length 2; it must be at least 3"),
        ("é\U0001f600", {"max_len": 2}, None),
        (b"abc", {"max_len": 2}, "x has length 3; it must be at most 2"),
        ([1, 2, 3], {"max_len": 2}, "x has length 3; it must be at most 2"),
        ((), {"min_len": 1}, "x has length 0; it must be at least 1"),
        ({1, 2}, {"max_len": 1}, "x has length 2; it must be at most 1"),
        ({"a": 1}, {"max_len": 0}, "x has length 1; it must be at most 0"),
        (FrozenDict({"a": 1}), {"max_len": 0}, "x has length 1; it must be at most 0"),
        (range(5), {"max_len": 4}, "x has length 5; it must be at most 4"),
        (Measured(5), {"max_len": 4}, "x has length 5; it must be at most 4"),
        ("xabc", {"regex": "abc"}, 'x is "xabc"; it must match abc'),
        ("abcd", {"regex": "abc"}, None),
        # A lone surrogate is a character that no expression names, and it does not let the text pass.
        ("a\ud800", {"regex": "[a-z]+$"}, 'x is "a?"; it must match [a-z]+$'),
        ("a\ud800", {"max_len": 1}, "x has length 2; it must be at most 1"),
        ("red", {"in_": ["green", "blue"]}, 'x is "red"; it must be one of "green", "blue"'),
        (1.0, {"in_": [1]}, None),
        (True, {"in_": [1]}, "x is true; it must be one of 1"),
        (True, {"in_": [True]}, None),
        # None skips, and so does a test for another kind of value.
        (None, {"min": 1, "min_len": 1, "regex": "a", "in_": [1]}, None),
        ("abc", {"min": 1}, None),
        (5, {"min_len": 9, "regex": "a"}, None),
        ([1], {"min": 5, "regex": "a", "in_": [1]}, "x is no bool, number or text; it must be one of 1"),
        (object(), {"min": 5, "min_len": 1, "regex": "a", "in_": [1]}, "x is no bool, number or text; it must be one of 1"),
        (3 + 4j, {"min": 5}, None),
        (17, {"min": 18, "message": "too young"}, "too young"),
    ],
)
def test_every_kind_of_value_is_seen_as_what_it_is(value, tests, message):
    assert says(value, **tests) == message


def test_the_numbers_and_arrays_of_numpy_are_seen_as_what_they_are():
    numpy = pytest.importorskip("numpy")
    assert says(numpy.int64(17), min=18) == "x is 17; it must be at least 18"
    assert says(numpy.uint64(2**64 - 1), max=5) == "x is 18446744073709551615; it must be at most 5"
    assert says(numpy.float32(0.5), min=1) == "x is 0.5; it must be at least 1"
    assert says(numpy.float64(0.5), min=1) == "x is 0.5; it must be at least 1"
    assert says(numpy.bool_(True), max=0) == "x is true; it must be at most 0"
    assert says(numpy.bool_(True), in_=[True]) is None
    assert says(numpy.array(7), max=5) == "x is 7; it must be at most 5"
    assert says(numpy.array(7.5), max=5) == "x is 7.5; it must be at most 5"
    assert says(numpy.zeros((4, 9)), max_len=3) == "x has length 4; it must be at most 3"
    assert says(numpy.zeros((4, 9)), max=-1) is None


def test_an_object_that_cannot_be_looked_at_does_not_pass():
    audit = AuditSystem()
    validator = AuditValidator({"p": {"inputs": [{"field": "x", "max_len": 1}]}}, audit)
    with pytest.raises(OSError, match="the disk is gone"):
        validator.validate_inputs("p", {"x": Broken()})
    assert audit.get_count("p:input:x") == 0


DEFINITIONS = {
    "p": {
        "inputs": [
            {"field": "age", "min": 18, "message": "Too young"},
            {"field": "code", "regex": r"^[A-Z]{3}$"},
        ],
        "outputs": [
            {"field": "domain.score", "max": 100},
            {"field": "domain.items", "max_len": 3},
        ],
    }
}


@pytest.fixture
def audit():
    return AuditSystem(AuditRecipe(level=AuditLevel.Block, threshold_max=2))


@pytest.fixture
def validator(audit):
    return AuditValidator(DEFINITIONS, audit)


def test_arguments_are_counted_logged_and_blocked_above_the_threshold(validator, audit):
    for _ in range(2):
        validator.validate_inputs("p", {"age": 5})
    with pytest.raises(AuditBlockError) as caught:
        validator.validate_inputs("p", {"age": 5, "code": "abc"})
    assert str(caught.value) == "Audit Blocked: p:input:age exceeded threshold 2 with failure 3: Too young"
    assert caught.value.process == "p"
    assert [entry.message for entry in audit.get_logs()] == ["VIOLATION: Too young"] * 3
    assert {entry.key for entry in audit.get_logs()} == {"p:input:age"}
    assert audit.get_count("p:input:code") == 0, "the refusal ended the check"
    validator.validate_inputs("p", {"age": 18, "code": "ABC"})
    assert audit.get_count("p:input:age") == 0


def test_a_pending_state_is_looked_into_by_path(validator, audit):
    validator.validate_outputs("p", {"domain": {"score": 150, "items": [1, 2, 3, 4]}})
    assert (audit.get_count("p:output:domain.score"), audit.get_count("p:output:domain.items")) == (1, 1)
    validator.validate_outputs("p", {"domain": {"score": 100, "items": []}})
    assert audit.get_count("p:output:domain.score") == 0
    for nothing in ({}, {"domain": {}}, {"domain": None}, {"domain": {"score": None}}, {"domain": 3}):
        validator.validate_outputs("p", nothing)
    assert audit.get_count_all() == 2


def test_a_path_leads_through_mappings_lists_and_objects(audit):
    class Domain:
        score = 150
        _hidden = 150

    rules = [
        {"field": "domain.score", "max": 100},
        {"field": "domain.scores[1]", "max": 100},
        {"field": "domain['a.b']", "max": 100},
        {"field": "domain._hidden", "max": 100},
        {"field": "domain_ctx.total", "max": 100},
    ]
    validator = AuditValidator({"p": {"outputs": rules}}, audit)
    pending = [
        {"domain": Domain()},
        {"domain": {"scores": [1, 150]}},
        {"domain": FrozenDict({"a.b": 150})},
        {"domain": {"total": 150}},
        {"domain_ctx": {"total": 150}},
    ]
    for state in pending:
        validator.validate_outputs("p", state)
    counts = {rule["field"]: audit.get_count(f"p:output:{rule['field']}") for rule in rules}
    assert list(counts.values()) == [1, 1, 1, 0, 2]


def test_a_process_without_rules_passes(validator, audit):
    validator.validate_inputs("unknown", {"age": 1})
    validator.validate_outputs("unknown", {})
    validator.validate_inputs("p", {})
    assert audit.get_count_all() == 0


def test_warnings_come_before_the_refusal():
    rules = [{"field": "a", "min": 1}, {"field": "b", "min": 1, "level": "A"}]
    audit = AuditSystem(AuditRecipe(threshold_min=1))
    validator = AuditValidator({"p": {"inputs": rules}}, audit)
    with pytest.warns(AuditWarning, match="p:input:a failed") as caught, pytest.raises(AuditAbortError):
        validator.validate_inputs("p", {"a": 0, "b": 0})
    assert len(caught) == 1


def test_wrong_definitions_are_refused_with_their_path(audit):
    with pytest.raises(SchemaViolationError, match=r"process_recipes\.p\.inputs\[0\]: a rule needs a test"):
        AuditValidator({"p": {"inputs": [{"field": "a"}]}}, audit)
    with pytest.raises(TypeError):
        AuditValidator({}, object())


def test_keys_without_effect_warn(audit):
    with pytest.warns(UserWarning, match=r'process_recipes\.p\.input: the key "input" is not known') as caught:
        AuditValidator({"p": {"input": []}}, audit)
    assert caught[0].filename == __file__


def test_a_catastrophic_expression_ends_at_once():
    assert says("a" * 50_000 + "c", regex="(a*)*b").startswith("x is ")
