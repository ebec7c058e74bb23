//! From the core's errors to the exceptions of `theus.errors`.

use crate::convert::{Arrays, Style, to_python};
use crate::python::{MAKE_ERROR, REMOTE_ERROR};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use theus::ArrayError;
use theus::{AuditFault, Closed, CommitError, Isolation, Level, Refusal, TaskError};

/// What an exception carries beside its text.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    pub(crate) process: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
    pub(crate) base_version: Option<u64>,
    pub(crate) current_version: Option<u64>,
    pub(crate) hint: Option<&'a str>,
}

/// The exception of this class of `theus.errors` (or a built-in one).
pub(crate) fn make(py: Python<'_>, kind: &str, message: &str, fields: &Fields<'_>) -> PyErr {
    let build = || -> PyResult<PyErr> {
        let named = PyDict::new(py);
        named.set_item("process", fields.process)?;
        named.set_item("path", fields.path)?;
        named.set_item("base_version", fields.base_version)?;
        named.set_item("current_version", fields.current_version)?;
        named.set_item("hint", fields.hint)?;
        Ok(PyErr::from_value(MAKE_ERROR.get(py)?.call1((kind, message, named))?))
    };
    build().unwrap_or_else(|error| error)
}

/// A read or write that the contract does not grant.
pub(crate) fn guard(py: Python<'_>, process: &str, path: &str, what: &str, hint: &str) -> PyErr {
    let message = format!("Process '{process}': {what} of '{path}'; {hint}");
    let fields = Fields { process: Some(process), path: Some(path), hint: Some(hint), ..Fields::default() };
    make(py, "GuardError", &message, &fields)
}

pub(crate) fn closed(py: Python<'_>, error: &Closed) -> PyErr {
    match error {
        Closed::ShutDown => make(py, "EngineClosedError", &error.to_string(), &Fields::default()),
        Closed::Audit(fault) => self::fault(py, &fault.to_string(), Fields::default(), fault),
        Closed::Forked { .. } | Closed::Pool(_) => PyRuntimeError::new_err(error.to_string()),
    }
}

pub(crate) fn array(py: Python<'_>, error: &ArrayError) -> PyErr {
    let kind = match error {
        ArrayError::Type { .. } => "TypeError",
        ArrayError::Shape { .. } | ArrayError::Encoding { .. } => "ValueError",
        ArrayError::Memory { .. } => "MemoryError",
    };
    make(py, kind, &error.to_string(), &Fields::default())
}

pub(crate) fn refusal(py: Python<'_>, refusal: &Refusal) -> PyErr {
    let text = refusal.to_string();
    match refusal {
        Refusal::Violation(violation) => {
            let kind = match violation {
                theus::Violation::Write { .. } | theus::Violation::Physics { .. } => "GuardError",
                _ => "ContractViolationError",
            };
            let fields = Fields {
                process: Some(violation.process()),
                path: violation.path(),
                hint: violation.hint(),
                ..Fields::default()
            };
            make(py, kind, &text, &fields)
        }
        Refusal::Array(error) => array(py, error),
        Refusal::Conflict { process, error, .. } => conflict(py, process, error),
        Refusal::TimedOut { process, .. } => simple(py, "WriteTimeoutError", &text, process),
        Refusal::Audit { process, error } => {
            let path = refusal.path();
            let fields = Fields { process: Some(process), path: path.as_deref(), ..Fields::default() };
            fault(py, &text, fields, error)
        }
        Refusal::Blocked { process, error, cause } => {
            let path = refusal.path();
            let fields = Fields { process: Some(process), path: path.as_deref(), ..Fields::default() };
            let raised = make(py, class(error.level), &text, &fields);
            raised.set_cause(py, Some(self::refusal(py, cause)));
            raised
        }
        Refusal::Apply { process, .. } => {
            let path = refusal.path();
            let fields = Fields { process: Some(process), path: path.as_deref(), ..Fields::default() };
            make(py, "ContextError", &text, &fields)
        }
    }
}

/// The exception of a refusal of this level.
pub(crate) fn audit(py: Python<'_>, level: Level, text: &str, process: Option<&str>) -> PyErr {
    make(py, class(level), text, &Fields { process, ..Fields::default() })
}

fn class(level: Level) -> &'static str {
    match level {
        Level::Stop => "AuditStopError",
        Level::Abort => "AuditAbortError",
        Level::Block | Level::Count | Level::Ignore => "AuditBlockError",
    }
}

/// The exception for what stands in the way besides a broken rule, which stops everything.
fn fault(py: Python<'_>, text: &str, fields: Fields<'_>, fault: &AuditFault) -> PyErr {
    let level = match fault {
        AuditFault::Rule(refused) => refused.level,
        AuditFault::Stopped(_) | AuditFault::Unwritten(_) | AuditFault::NotDurable { .. } => Level::Stop,
    };
    make(py, class(level), text, &fields)
}

fn conflict(py: Python<'_>, process: &str, error: &CommitError) -> PyErr {
    if let CommitError::Busy { base, current, holder, .. } = error {
        let hint = "wait until the ticket is given back, read engine.state again and repeat";
        let message = format!(
            "System Busy (VIP Access Only): '{holder}' holds the priority ticket and commits next; '{process}' computed \
             its update from version {base}, the state is at {current}; {hint}"
        );
        let fields = Fields {
            process: Some(process),
            base_version: Some(*base),
            current_version: Some(*current),
            hint: Some(hint),
            ..Fields::default()
        };
        return make(py, "SystemBusyError", &message, &fields);
    }
    let CommitError::Conflict { base, current, conflicts, isolation, .. } = error else {
        return PyRuntimeError::new_err(error.to_string());
    };
    let paths: Vec<String> = conflicts.iter().map(|conflict| conflict.path.to_string()).collect();
    let title = if *isolation == Isolation::Strict { "Strict CAS Mismatch" } else { "CAS Version Mismatch" };
    let message = format!(
        "{title}: '{process}' computed its update from version {base}, the state is at {current}, and these paths have \
         changed since: {}; read engine.state again and repeat",
        if paths.is_empty() { "(any)".to_owned() } else { paths.join(", ") }
    );
    let fields = Fields {
        process: Some(process),
        path: paths.first().map(String::as_str),
        base_version: Some(*base),
        current_version: Some(*current),
        hint: Some("read engine.state again and repeat"),
    };
    make(py, "VersionMismatchError", &message, &fields)
}

/// The exception for a task that ended badly.
pub(crate) fn task(py: Python<'_>, error: &TaskError) -> PyErr {
    let text = error.to_string();
    match error {
        TaskError::Refused(refused) => refusal(py, refused),
        TaskError::Failed { process, failure } => {
            let style = Style::plain(Arrays::Brain);
            let raise = || -> PyResult<PyErr> {
                let report = to_python(py, &failure.report, &style)?;
                Ok(PyErr::from_value(REMOTE_ERROR.get(py)?.call1((process, report))?))
            };
            raise().unwrap_or_else(|error| error)
        }
        TaskError::Crashed { process, base_version, record, .. } => {
            let build = || -> PyResult<PyErr> {
                let about = PyDict::new(py);
                about.set_item("task", record.task)?;
                about.set_item("process", process)?;
                about.set_item("base_version", base_version)?;
                about.set_item("attempt", record.attempt)?;
                about.set_item("worker", record.worker)?;
                about.set_item("signal", record.ending.signal())?;
                about.set_item("error", record.to_string())?;
                let named = PyDict::new(py);
                named.set_item("process", process)?;
                named.set_item("base_version", base_version)?;
                named.set_item("record", about)?;
                Ok(PyErr::from_value(MAKE_ERROR.get(py)?.call1(("WorkerCrashedError", text, named))?))
            };
            build().unwrap_or_else(|error| error)
        }
        TaskError::Blocked { process, error, cause } => {
            let raised = audit(py, error.level, &text, Some(process));
            raised.set_cause(py, Some(task(py, cause)));
            raised
        }
        TaskError::TimedOut { process, .. } => simple(py, "TaskTimeoutError", &text, process),
        TaskError::Unreadable { process, .. } | TaskError::Undeliverable { process, .. } => {
            simple(py, "TransferError", &text, process)
        }
        TaskError::Cancelled { process } => simple(py, "TheusError", &text, process),
    }
}

fn simple(py: Python<'_>, kind: &str, text: &str, process: &str) -> PyErr {
    make(py, kind, text, &Fields { process: Some(process), ..Fields::default() })
}
