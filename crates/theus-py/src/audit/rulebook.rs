//! [`Rulebook`]: a recipe with the rules of each process, read and checked, as a Python object.
//!
//! What not: how programs write one down; `theus.config` takes all the ways to this one.

use super::plain::{RECIPE, malformed, plain};
use super::recipe::AuditRecipe;
use crate::convert::{Arrays, Style, to_python};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use std::path::PathBuf;
use theus_audit::{Book, Leniency, LoadError, RecipeError, Remark};
use theus_value::{Map, Value};

/// A recipe with the rules of each process. Immutable.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Rulebook {
    book: Book,
    notices: Vec<String>,
}

type Read = (Book, Vec<Remark>);

impl Rulebook {
    /// The settings and the rules.
    pub(crate) fn book(&self) -> Book {
        self.book.clone()
    }

    fn of((book, notices): Read) -> Self {
        Rulebook { book, notices: notices.iter().map(Remark::to_string).collect() }
    }
}

/// The rules that a program wrote as a mapping from names to the rules of processes.
pub(super) fn definitions(given: &Bound<'_, PyAny>) -> PyResult<Read> {
    let mut whole = Map::new();
    whole.insert("process_recipes".into(), plain(given, "process_recipes")?);
    Book::of_value(&Value::Map(whole), Leniency::Compat).map_err(|error| refused(given.py(), &error))
}

fn leniency(lenient: bool) -> Leniency {
    if lenient { Leniency::Compat } else { Leniency::Strict }
}

fn refused(py: Python<'_>, error: &RecipeError) -> PyErr {
    malformed(py, &error.to_string())
}

#[pymethods]
impl Rulebook {
    /// Reads a text. An unknown level counts as Block where `lenient`.
    #[staticmethod]
    fn of_text(py: Python<'_>, text: &str, name: &str, lenient: bool) -> PyResult<Self> {
        py.detach(|| Book::parse(text, name, leniency(lenient)))
            .map(Self::of)
            .map_err(|error| refused(py, &error))
    }

    /// Reads a file. An unknown level counts as Block where `lenient`.
    #[staticmethod]
    fn of_file(py: Python<'_>, path: PathBuf, lenient: bool) -> PyResult<Self> {
        py.detach(|| Book::load(&path, leniency(lenient))).map(Self::of).map_err(|error| match error {
            LoadError::Malformed(error) => refused(py, &error),
            LoadError::Unreadable { path, error: reason } => match reason.raw_os_error() {
                // Python finds the class by the number.
                Some(number) => {
                    let text = reason.to_string();
                    let text = text.split(" (os error").next().unwrap_or_default().to_owned();
                    PyOSError::new_err((number, text, path.into_os_string()))
                }
                None => PyOSError::new_err(format!("{}: {reason}", path.display())),
            },
        })
    }

    /// Reads a mapping with the keys of a recipe.
    #[staticmethod]
    fn of_mapping(recipe: &Bound<'_, PyAny>) -> PyResult<Self> {
        let value = plain(recipe, RECIPE)?;
        let read = Book::of_value(&value, Leniency::Strict);
        read.map(Self::of).map_err(|error| refused(recipe.py(), &error))
    }

    /// Takes settings, and rules as a mapping from the names of processes.
    #[staticmethod]
    #[pyo3(signature = (recipe, rules = None))]
    fn of_parts(recipe: &AuditRecipe, rules: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let (mut book, notices) = rules.map_or_else(|| Ok((Book::default(), Vec::new())), definitions)?;
        book.recipe = recipe.settings();
        Ok(Self::of((book, notices)))
    }

    /// The settings.
    #[getter]
    fn recipe(&self) -> AuditRecipe {
        AuditRecipe::of(self.book.recipe)
    }

    /// The rules as dicts, by the names of processes.
    fn definitions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.book.definitions(), &Style::plain(Arrays::Brain))
    }

    /// What is worth a warning, one text each.
    #[getter]
    fn notices(&self) -> Vec<String> {
        self.notices.clone()
    }
}
