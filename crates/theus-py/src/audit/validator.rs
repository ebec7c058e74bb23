//! Rules held against arguments and pending states by programs that have no engine.
//!
//! What not: the engine's own gates, which look at the same rules. One rule is looked at after the other, so nothing is
//! taken out of Python that no rule asks for.

use super::looked::Looked;
use super::rulebook::definitions;
use super::system::AuditSystem;
use crate::admission::warn;
use crate::errors::audit;
use pyo3::exceptions::{PyKeyError, PyUserWarning};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};
use std::ffi::CString;
use std::sync::Arc;
use theus::parse_path;
use theus_audit::{Book, Rule};
use theus_value::Path;

/// Holds arguments and pending states to the rules of processes.
#[pyclass(frozen, module = "theus.validator")]
pub(crate) struct AuditValidator {
    book: Book,
    system: Arc<theus_audit::AuditSystem>,
}

impl AuditValidator {
    fn judge<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        rules: &[Rule],
        find: impl Fn(&Rule) -> PyResult<Option<Bound<'py, PyAny>>>,
    ) -> PyResult<()> {
        for rule in rules {
            let looked = find(rule)?.map_or(Ok(Looked::Absent), |found| Looked::at(&found))?;
            let judgement = self.system.judge(std::slice::from_ref(rule), |_| looked.subject());
            warn(py, judgement.warnings)?;
            if let Some(refusal) = judgement.refused {
                return Err(audit(py, refusal.level, &refusal.message, Some(name)));
            }
        }
        Ok(())
    }
}

#[pymethods]
impl AuditValidator {
    #[new]
    fn new(definitions: &Bound<'_, PyAny>, audit: &AuditSystem) -> PyResult<Self> {
        let py = definitions.py();
        let (book, notices) = self::definitions(definitions)?;
        for notice in notices {
            // A recipe's texts may hold a zero byte, which a warning cannot.
            let text = CString::new(notice.to_string().replace('\0', "?")).unwrap_or_default();
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 1)?;
        }
        Ok(AuditValidator { book, system: Arc::clone(audit.system()) })
    }

    /// Holds the arguments of a call of the process to its input rules.
    fn validate_inputs(&self, py: Python<'_>, name: &str, kwargs: &Bound<'_, PyDict>) -> PyResult<()> {
        let Some(rules) = self.book.processes.get(name) else { return Ok(()) };
        self.judge(py, name, &rules.inputs, |rule| kwargs.get_item(rule.field()))
    }

    /// Holds a pending state, a mapping of roots, to the output rules of the process.
    fn validate_outputs(&self, py: Python<'_>, name: &str, pending: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(rules) = self.book.processes.get(name) else { return Ok(()) };
        self.judge(py, name, &rules.outputs, |rule| output(pending, rule))
    }
}

/// What an output rule looks at: the path as it is written, or with the root's proper name.
fn output<'py>(pending: &Bound<'py, PyAny>, rule: &Rule) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Some(found) = walk(pending, rule.path())? {
        return Ok(Some(found));
    }
    match parse_path(rule.field()) {
        Ok(proper) if proper != *rule.path() => walk(pending, &proper),
        _ => Ok(None),
    }
}

fn walk<'py>(root: &Bound<'py, PyAny>, path: &Path) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut place = root.clone();
    for segment in path.segments() {
        match below(&place, segment)? {
            Some(found) => place = found,
            None => return Ok(None),
        }
    }
    Ok(Some(place))
}

/// What lies below a mapping, a sequence or an object; None where there is nothing.
fn below<'py>(place: &Bound<'py, PyAny>, segment: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Ok(mapping) = place.cast::<PyMapping>() {
        return match mapping.get_item(segment) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_instance_of::<PyKeyError>(place.py()) => Ok(None),
            Err(error) => Err(error),
        };
    }
    let is_index = !segment.is_empty() && segment.bytes().all(|digit| digit.is_ascii_digit());
    if is_index && let (Ok(index), Ok(length)) = (segment.parse::<usize>(), place.len()) {
        return if index < length { place.get_item(index).map(Some) } else { Ok(None) };
    }
    if segment.starts_with('_') { Ok(None) } else { place.getattr_opt(segment) }
}
