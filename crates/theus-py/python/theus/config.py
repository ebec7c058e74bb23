"""Audit recipes as programs write them: YAML files and texts, dicts, and settings.

What not: what a recipe means; the core reads and checks it. A mistake raises SchemaViolationError with one line for each,
such as ``recipe.yaml:7:14: level "X" is not known; choose one of S, A, B, C, I``; a key without effect warns.
"""

from __future__ import annotations

from ._native import AuditRecipe, Rulebook
from .errors import SchemaViolationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from typing import Any

__all__ = ["AuditRecipe", "AuditRecipeBook", "ConfigFactory", "ConfigLoader", "SchemaViolationError"]

_DEFAULT_FILE = "audit_recipe.yaml"


class AuditRecipeBook:
    """A recipe: its settings, and the rules of processes as dicts. The settings can be read here too: ``book.level``."""

    __slots__ = ("definitions", "rust_recipe")

    def __init__(self, definitions: dict[str, Any], rust_recipe: AuditRecipe) -> None:
        self.definitions = definitions
        self.rust_recipe = rust_recipe

    def __getattr__(self, name: str) -> Any:
        if name in AuditRecipeBook.__slots__:  # Not set yet, as in a half-made copy.
            raise AttributeError(name)
        return getattr(self.rust_recipe, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AuditRecipeBook):
            return NotImplemented
        return self.definitions == other.definitions and self.rust_recipe == other.rust_recipe

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AuditRecipeBook(definitions={self.definitions!r}, rust_recipe={self.rust_recipe!r})"


class ConfigFactory:
    """Recipes from files."""

    @staticmethod
    def load_recipe(path: str | PathLike[str]) -> AuditRecipeBook:
        """Reads the recipe in a file. An unknown level counts as Block, with a warning. No file: FileNotFoundError."""
        return _book(Rulebook.of_file(path, True), 3)

    @staticmethod
    def load_audit_recipe() -> AuditRecipeBook | None:
        """Reads ``audit_recipe.yaml`` of the working directory; None if there is none."""
        try:
            rules = Rulebook.of_file(_DEFAULT_FILE, True)
        except FileNotFoundError:
            return None
        return _book(rules, 3)


class ConfigLoader:
    """Recipes from texts."""

    @staticmethod
    def load_from_string(yaml: str) -> AuditRecipe:
        """Reads the settings in the text of a recipe, whose rules must be right too."""
        rules = Rulebook.of_text(yaml, "<string>", False)
        _warn(rules, 3)
        return rules.recipe


def rulebook(recipe: Any) -> Rulebook:
    """The recipe of an engine, given in any of the ways; each means the same. An unknown level is a mistake here."""
    from os import PathLike

    if isinstance(recipe, (str, PathLike)):
        rules = Rulebook.of_file(recipe, False)
    elif isinstance(recipe, AuditRecipe):
        rules = Rulebook.of_parts(recipe)
    elif isinstance(recipe, AuditRecipeBook):
        rules = Rulebook.of_parts(recipe.rust_recipe, recipe.definitions)
    elif _is_mapping(recipe):
        rules = Rulebook.of_mapping(recipe)
    else:
        kind = type(recipe).__name__
        raise TypeError(f"audit_recipe takes a path, a dict, an AuditRecipe or an AuditRecipeBook, not {kind}")
    _warn(rules, 4)
    return rules


def _is_mapping(recipe: Any) -> bool:
    from collections.abc import Mapping

    return isinstance(recipe, Mapping)


def _book(rules: Rulebook, stacklevel: int) -> AuditRecipeBook:
    _warn(rules, stacklevel + 1)
    return AuditRecipeBook(rules.definitions(), rules.recipe)


def _warn(rules: Rulebook, stacklevel: int) -> None:
    for notice in rules.notices:
        import warnings

        warnings.warn(notice, UserWarning, stacklevel=stacklevel)
