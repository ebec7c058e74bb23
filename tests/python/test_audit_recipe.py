"""AuditRecipe and AuditLevel: the settings of an audit as a program writes them."""

import copy
import pickle

import pytest

from theus.audit import AuditLevel, AuditRecipe


def test_the_defaults_are_those_of_the_specification():
    recipe = AuditRecipe()
    assert recipe.level is AuditLevel.Block
    assert (recipe.threshold_max, recipe.threshold_min) == (3, 0)
    assert recipe.reset_on_success is True and recipe.stop_latch is False
    assert recipe == AuditRecipe(AuditLevel.Block, 3, 0, True, stop_latch=False)


@pytest.mark.parametrize("level", [AuditLevel.Stop, 0, "S", "s", "Stop", "STOP"])
def test_a_level_may_be_given_in_any_of_its_forms(level):
    assert AuditRecipe(level=level).level is AuditLevel.Stop


def test_levels_have_pinned_numbers_names_and_letters():
    assert {level.name: level.value for level in AuditLevel} == {
        "Stop": 0,
        "Abort": 1,
        "Block": 2,
        "Count": 3,
        "Ignore": 4,
    }
    for level in AuditLevel:
        assert AuditLevel(level.name[0]) is AuditLevel(level.name.lower()) is AuditLevel(level.value) is level
        assert level == level.value
        assert pickle.loads(pickle.dumps(level)) is level
    for wrong in ("X", "", 5, -1, None):
        with pytest.raises(ValueError):
            AuditLevel(wrong)


def test_a_recipe_is_immutable_equal_by_content_and_hashable():
    recipe = AuditRecipe("S", 5, 2, False, stop_latch=True)
    with pytest.raises(AttributeError):
        recipe.level = AuditLevel.Block
    same = AuditRecipe("stop", threshold_max=5, threshold_min=2, reset_on_success=False, stop_latch=True)
    assert recipe == same and hash(recipe) == hash(same) and len({recipe, same}) == 1
    for other in (
        AuditRecipe("A", 5, 2, False, stop_latch=True),
        AuditRecipe("S", 6, 2, False, stop_latch=True),
        AuditRecipe("S", 5, 1, False, stop_latch=True),
        AuditRecipe("S", 5, 2, True, stop_latch=True),
        AuditRecipe("S", 5, 2, False),
    ):
        assert recipe != other
    assert recipe != "S"


def test_a_recipe_survives_pickle_and_copy_and_shows_itself():
    recipe = AuditRecipe("C", 2**64 - 1, 7, False, stop_latch=True)
    assert pickle.loads(pickle.dumps(recipe)) == copy.deepcopy(recipe) == copy.copy(recipe) == recipe
    assert eval(repr(recipe), {"AuditRecipe": AuditRecipe, "AuditLevel": AuditLevel}) == recipe


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"level": "X"}, ValueError, 'level "X" is not known; choose one of S, A, B, C, I'),
        ({"level": 9}, ValueError, "level=9"),
        ({"level": 1.5}, TypeError, "not float"),
        ({"threshold_max": -1}, ValueError, "threshold_max=-1: give a whole number from 0"),
        ({"threshold_max": 1.5}, ValueError, "threshold_max=1.5"),
        ({"threshold_min": "2"}, ValueError, "threshold_min='2'"),
        ({"threshold_min": 2**64}, ValueError, "threshold_min="),
        ({"reset_on_success": "no"}, TypeError, "reset_on_success"),
    ],
)
def test_wrong_settings_are_refused_by_name(arguments, error, text):
    with pytest.raises(error, match=text.replace("(", r"\(")):
        AuditRecipe(**arguments)


def test_the_latch_is_given_by_name_only():
    with pytest.raises(TypeError):
        AuditRecipe("S", 1, 0, True, True)
