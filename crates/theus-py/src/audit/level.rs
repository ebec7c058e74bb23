//! Levels between Python and the core: the IntEnum `AuditLevel` of `theus.audit`, its numbers, letters and names.

use crate::python::AUDIT_LEVEL;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};
use theus_audit::Level;

/// Reads an AuditLevel, its number, its letter or its name.
pub(super) fn read(given: &Bound<'_, PyAny>) -> PyResult<Level> {
    if let Ok(text) = given.cast::<PyString>() {
        return text.to_cow()?.parse().map_err(|error| PyValueError::new_err(format!("{error}")));
    }
    let number = if given.is_instance_of::<PyBool>() { None } else { given.extract::<i64>().ok() };
    let Some(number) = number else {
        let kind = given.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "level takes an AuditLevel or one of S, A, B, C, I, not {kind}"
        )));
    };
    let level = usize::try_from(number).ok().and_then(|number| Level::ALL.get(number).copied());
    level.ok_or_else(|| {
        PyValueError::new_err(format!("level={number}: choose one of 0 to 4, or S, A, B, C, I"))
    })
}

/// The member of AuditLevel.
pub(super) fn give(py: Python<'_>, level: Level) -> PyResult<Bound<'_, PyAny>> {
    AUDIT_LEVEL.get(py)?.call1((level.number(),))
}
