//! [`Book`]: a recipe with the rules of each process, however it was written.
//!
//! Invariant: a book has no mistakes; a text, a value and the fields mean the same book.

use std::collections::BTreeMap;

use theus_value::{List, Map, Value};
use theus_yaml::{Limits, Node};

use super::{AuditRecipe, Leniency, RecipeError, Remark, Remarks, grammar};
use crate::Rule;

/// A recipe with the rules of each process.
///
/// ```
/// use theus_audit::{Book, Leniency, Level};
///
/// let text = "
/// audit: {level: C}
/// process_recipes:
///   greet:
///     inputs:
///       - {field: name, min_len: 1, level: A}
/// ";
/// let (book, notices) = Book::parse(text, "recipe.yaml", Leniency::Strict)?;
/// assert!(notices.is_empty());
/// assert_eq!(book.recipe.level, Level::Count);
/// assert_eq!(book.processes["greet"].inputs[0].key(), "greet:input:name");
///
/// let error = Book::parse("audit:\n  level: X\n", "recipe.yaml", Leniency::Strict).unwrap_err();
/// assert_eq!(error.to_string(), r#"recipe.yaml:2:10: level "X" is not known; choose one of S, A, B, C, I"#);
/// # Ok::<(), theus_audit::RecipeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    /// The settings.
    pub recipe: AuditRecipe,
    /// The rules of each process, by its name.
    pub processes: BTreeMap<String, ProcessRules>,
}

/// The rules of one process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessRules {
    /// What its arguments must be.
    pub inputs: Vec<Rule>,
    /// What the pending state must be after it.
    pub outputs: Vec<Rule>,
    /// What it does besides, in words. Nothing acts on it.
    pub side_effects: Vec<String>,
    /// What it may raise, in words. Nothing acts on it.
    pub errors: Vec<String>,
}

impl Book {
    /// Reads the text of a recipe; an empty one means the default settings. `file` is its name in messages.
    ///
    /// Gives the book and what is worth a warning: keys that have no effect.
    ///
    /// # Errors
    /// [`RecipeError`] with every mistake that the text has, or the first one if it is not YAML.
    pub fn parse(text: &str, file: &str, leniency: Leniency) -> Result<(Book, Vec<Remark>), RecipeError> {
        let mut remarks = Remarks::new(Some(file), leniency);
        match theus_yaml::parse(text, &Limits::default()) {
            Ok(root) => Book::read(&root, remarks),
            Err(error) => {
                remarks.yaml(&error);
                Err(remarks.into_error())
            }
        }
    }

    /// Reads a recipe that a program built of maps and lists, with the keys that a text has.
    ///
    /// # Errors
    /// [`RecipeError`] with every mistake, each with a path such as `process_recipes.greet.inputs[0].min`.
    pub fn of_value(value: &Value, leniency: Leniency) -> Result<(Book, Vec<Remark>), RecipeError> {
        let mut remarks = Remarks::new(None, leniency);
        match Node::of_value(value, &Limits::default()) {
            Ok(root) => Book::read(&root, remarks),
            Err(error) => {
                remarks.unfit(error);
                Err(remarks.into_error())
            }
        }
    }

    /// A book of these settings without rules.
    pub fn of_recipe(recipe: AuditRecipe) -> Book {
        Book { recipe, processes: BTreeMap::new() }
    }

    /// The rules as the value that stands at `process_recipes` in a recipe, with the keys that are set: by name, maps of
    /// `inputs`, `outputs`, `side_effects` and `errors`. A recipe with it and these settings is this book again.
    pub fn definitions(&self) -> Value {
        let mut definitions = Map::new();
        for (name, rules) in &self.processes {
            definitions.insert(name.as_str().into(), rules.definition());
        }
        Value::Map(definitions)
    }

    fn read(root: &Node, mut remarks: Remarks) -> Result<(Book, Vec<Remark>), RecipeError> {
        let book = grammar::book(root, &mut remarks);
        if remarks.mistakes() > 0 { Err(remarks.into_error()) } else { Ok((book, remarks.into_notices())) }
    }
}

impl ProcessRules {
    fn definition(&self) -> Value {
        let rules = |rules: &[Rule]| list(rules.iter().map(Rule::definition));
        let words = |words: &[String]| list(words.iter().map(|word| Value::from(word.as_str())));
        let mut map = Map::new();
        map.insert("inputs".into(), rules(&self.inputs));
        map.insert("outputs".into(), rules(&self.outputs));
        map.insert("side_effects".into(), words(&self.side_effects));
        map.insert("errors".into(), words(&self.errors));
        Value::Map(map)
    }
}

fn list(items: impl Iterator<Item = Value>) -> Value {
    Value::List(List::from(items.collect::<Vec<_>>()))
}
