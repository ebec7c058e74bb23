"""Recipes from files, texts and dicts: what they mean, and what is said of mistakes."""

import copy
import os
import pickle
import warnings
from pathlib import Path
from types import MappingProxyType

import pytest

import theus
import theus_core
from theus.audit import AuditLevel, AuditRecipe, AuditSystem
from theus.config import AuditRecipeBook, ConfigFactory, ConfigLoader, SchemaViolationError, rulebook

TEXT = """
audit:
  level: A
  max_retries: 7
  threshold_min: 2
  reset_on_success: false
  stop_latch: true
process_recipes:
  greet:
    inputs:
      - {field: age, min: 18, max: 99.5, level: stop, max_threshold: 1, message: too young}
      - {field: name, min_len: 1, max_len: 10, regex: '[a-z]+', in: [ada, 1, 1.5, true, null]}
    outputs: [{field: domain.score, eq: 1, neq: 2}]
    side_effects: [writes a letter]
    errors: [ValueError]
"""

RECIPE = AuditRecipe("A", 7, 2, False, stop_latch=True)

DEFINITIONS = {
    "greet": {
        "inputs": [
            {"field": "age", "min": 18, "max": 99.5, "level": "S", "threshold_max": 1, "message": "too young"},
            {"field": "name", "min_len": 1, "max_len": 10, "regex": "[a-z]+", "in": ["ada", 1, 1.5, True, None]},
        ],
        "outputs": [{"field": "domain.score", "eq": 1, "neq": 2}],
        "side_effects": ["writes a letter"],
        "errors": ["ValueError"],
    }
}


def file(folder, text, name="recipe.yaml"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_gives_the_settings_and_the_rules(tmp_path):
    path = file(tmp_path, TEXT)
    for given in (path, str(path)):
        book = ConfigFactory.load_recipe(given)
        assert isinstance(book, AuditRecipeBook)
        assert book.rust_recipe == RECIPE
        assert book.definitions == DEFINITIONS
    # The settings can be read from the book, too.
    assert (book.level, book.threshold_max, book.stop_latch) == (AuditLevel.Abort, 7, True)
    with pytest.raises(AttributeError):
        book.no_such_setting  # noqa: B018
    assert copy.deepcopy(book) == book == pickle.loads(pickle.dumps(book))
    assert AuditSystem(book).recipe == RECIPE


def test_a_text_gives_the_settings():
    assert ConfigLoader.load_from_string(TEXT) == RECIPE
    assert ConfigLoader.load_from_string("level: C\nthreshold_max: 1\n") == AuditRecipe("C", 1)
    assert ConfigLoader.load_from_string("") == AuditRecipe()


def test_all_ways_of_giving_an_engine_a_recipe_mean_the_same(tmp_path):
    audit = {
        "level": AuditLevel.Abort, "threshold_max": 7, "threshold_min": 2, "reset_on_success": False, "stop_latch": True,
    }  # fmt: skip
    ways = [
        str(file(tmp_path, TEXT)),
        tmp_path / "recipe.yaml",
        {"audit": audit, "process_recipes": DEFINITIONS},
        {**audit, "level": "abort", "process_recipes": MappingProxyType(DEFINITIONS)},
        ConfigFactory.load_recipe(tmp_path / "recipe.yaml"),
        AuditRecipeBook(DEFINITIONS, RECIPE),
    ]
    for way in ways:
        rules = rulebook(way)
        assert (rules.recipe, rules.definitions(), rules.notices) == (RECIPE, DEFINITIONS, [])
    assert (rulebook(RECIPE).recipe, rulebook(RECIPE).definitions()) == (RECIPE, {})
    with pytest.raises(TypeError, match="audit_recipe takes a path, a dict"):
        rulebook(3)


def test_a_missing_file_is_a_file_not_found_error_with_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        ConfigFactory.load_recipe(tmp_path / "none.yaml")
    assert str(caught.value) == f"[Errno 2] No such file or directory: '{tmp_path}/none.yaml'"
    with pytest.raises(OSError):
        ConfigFactory.load_recipe(tmp_path)


def test_the_recipe_of_the_working_directory_is_found_if_it_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ConfigFactory.load_audit_recipe() is None
    file(tmp_path, TEXT, "audit_recipe.yaml")
    assert ConfigFactory.load_audit_recipe() == ConfigFactory.load_recipe("audit_recipe.yaml")
    file(tmp_path, "level: [", "audit_recipe.yaml")
    with pytest.raises(SchemaViolationError):
        ConfigFactory.load_audit_recipe()


def test_every_mistake_of_a_file_is_named_with_its_place(tmp_path):
    text = "audit:\n  threshold_max: -1\nprocess_recipes:\n  greet:\n    inputs:\n      - {field: age, min: x}\n"
    path = file(tmp_path, text)
    with pytest.raises(SchemaViolationError) as caught:
        ConfigFactory.load_recipe(path)
    assert str(caught.value).splitlines() == [
        f"{path}:2:18: threshold_max must be a whole number from 0 to 18446744073709551615, not -1",
        f"{path}:6:27: min must be a number, true or false, not a text",
    ]
    assert isinstance(caught.value, theus.TheusError)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("level: X", r'<string>:1:8: level "X" is not known; choose one of S, A, B, C, I'),
        ("- a", "<string>:1:1: a recipe must be a map, not a list"),
        ("a: b: c", "<string>:1:5: this is not valid YAML"),
        ("a: 1\na: 2", 'the key "a" is here twice'),
        ("a: !!python/object:os.system x", "the tag !!python/object:os.system is not supported"),
        ("process_recipes: {p: {inputs: [{field: a, regex: '(?=b)'}]}}", "look-around"),
    ],
)
def test_a_mistake_in_a_text_is_named_with_its_place(text, mistake):
    with pytest.raises(SchemaViolationError) as caught:
        ConfigLoader.load_from_string(text)
    assert mistake in str(caught.value)


def test_a_file_that_is_not_utf8_says_where(tmp_path):
    with pytest.raises(SchemaViolationError, match="1:1: this is not UTF-8"):
        ConfigFactory.load_recipe(file(tmp_path, "level: S".encode("utf-16")))


def test_an_unknown_level_in_a_file_counts_as_block_and_warns(tmp_path):
    path = file(tmp_path, "level: X\n")
    with pytest.warns(UserWarning, match='1:8: level "X" is not known, so it counts as B; choose one of') as caught:
        assert ConfigFactory.load_recipe(path).level is AuditLevel.Block
    assert caught[0].filename == __file__


def test_a_key_without_effect_warns_where_the_caller_is(tmp_path):
    text = "levle: S\n"
    path = file(tmp_path, text)
    for call in (
        lambda: ConfigFactory.load_recipe(path),
        lambda: ConfigLoader.load_from_string(text),
    ):
        with pytest.warns(UserWarning, match='1:1: the key "levle" is not known and has no effect') as caught:
            call()
        assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ConfigLoader.load_from_string(TEXT)


HOLDS_ITSELF: dict = {}
HOLDS_ITSELF["process_recipes"] = HOLDS_ITSELF


@pytest.mark.parametrize(
    ("recipe", "mistake"),
    [
        (
            {"process_recipes": {"greet": {"inputs": [{"field": "age", "min": "x"}]}}},
            "process_recipes.greet.inputs[0].min: min must be a number, true or false, not a text",
        ),
        ({"level": b"S"}, "level: a value of type bytes has no place in a recipe"),
        ({"level": object()}, "level: a value of type object has no place in a recipe"),
        ({"audit": {1: "S"}}, "audit: the key 1 must be a text"),
        ({"threshold_max": 10**40}, "threshold_max: the whole number does not fit 128 bits"),
        (HOLDS_ITSELF, "it is nested deeper than 60 levels, or holds itself"),
    ],
)
def test_a_mistake_in_a_dict_is_named_with_its_path(recipe, mistake):
    with pytest.raises(SchemaViolationError) as caught:
        rulebook(recipe)
    assert mistake in str(caught.value)


def test_the_old_names_are_the_same_objects():
    assert theus_core.ConfigLoader is ConfigLoader
    assert theus_core.SchemaViolationError is theus.SchemaViolationError is SchemaViolationError


def test_reading_a_recipe_needs_no_yaml_package(script):
    out = script.run(
        """
        import sys
        sys.modules["yaml"] = None
        from theus.config import ConfigLoader
        print(ConfigLoader.load_from_string("level: S").level.name)
        """
    )
    assert out.strip() == "Stop"


def test_a_large_file_is_refused_without_being_read_whole(tmp_path):
    path = tmp_path / "large.yaml"
    with path.open("wb") as large:
        large.truncate(1 << 40)
    with pytest.raises(SchemaViolationError, match="longer than 1048576 bytes"):
        ConfigFactory.load_recipe(path)
    assert os.path.getsize(Path(path)) == 1 << 40
