//! [`Remark`]: one thing to say about a recipe, as a mistake or as a warning.

use std::fmt;
use std::sync::Arc;

use theus_yaml::Place;

/// One thing to say about a recipe. Displays as `recipe.yaml:7:14: what; choose one of these`.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// The file's name; none for a recipe that a program built.
    pub file: Option<Arc<str>>,
    /// Where in it.
    pub place: Place,
    /// What there is to say.
    pub what: String,
    /// What could stand there instead, if the choice is small.
    pub choices: Vec<String>,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, &self.place) {
            (Some(file), place) => write!(f, "{file}:{place}: ")?,
            (None, place) if *place == Place::ROOT => f.write_str("recipe: ")?,
            (None, place) => write!(f, "{place}: ")?,
        }
        f.write_str(&self.what)?;
        if !self.choices.is_empty() {
            write!(f, "; choose one of {}", self.choices.join(", "))?;
        }
        Ok(())
    }
}

/// A recipe that cannot be used. Displays as one line for each mistake.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", lines(mistakes, *left_out))]
pub struct RecipeError {
    /// The mistakes, in the order of the text; at least one.
    pub mistakes: Vec<Remark>,
    /// How many more there are than those listed.
    pub left_out: usize,
}

fn lines(mistakes: &[Remark], left_out: usize) -> String {
    let mut lines: Vec<String> = mistakes.iter().map(Remark::to_string).collect();
    if left_out > 0 {
        lines.push(format!("and {left_out} more mistakes"));
    }
    lines.join("\n")
}
