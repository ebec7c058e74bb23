//! An attempt whose body Python runs: begin, give it a context, settle what it returned.

use crate::admission::warn;
use crate::context::Context;
use crate::errors::{audit, refusal};
use crate::python::{CANCELLED, CONTRACT_VIOLATION, VERSION_MISMATCH};
use crate::reader::Reader;
use crate::update::returned;
use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use theus::{Outcome, Refusal};

/// A running attempt, with its arguments and its reader.
pub(crate) struct Running {
    pub(crate) attempt: theus::Attempt,
    reader: Arc<Reader>,
}

impl Running {
    pub(crate) fn new(mut attempt: theus::Attempt, inputs: Option<[u8; 32]>, retries: u32) -> Self {
        attempt.allow_retries(retries);
        attempt.set_inputs(inputs);
        let reader = Reader::of_brain(&attempt);
        Running { attempt, reader }
    }

    /// The context for the body.
    pub(crate) fn context(&self, arguments: Py<PyDict>) -> Context {
        let (version, number) = (self.attempt.snapshot().version(), self.attempt.number());
        Context::new(&self.reader, arguments, version, number, None)
    }

    /// Seconds to wait on for the turn of the next attempt; None when it may begin.
    pub(crate) fn ready(&mut self) -> Option<f64> {
        self.attempt.ready().map(|wait| wait.as_secs_f64())
    }

    /// Begins the next attempt on a fresh snapshot.
    pub(crate) fn again(&mut self) {
        self.attempt.again();
        self.reader = Reader::of_brain(&self.attempt);
    }

    /// Settles the attempt; Some(seconds) when it shall be run again after them.
    pub(crate) fn settle(&mut self, result: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
        // First converted, then ended: what is returned may be a view of the context.
        let returned = returned(self.attempt.process(), result);
        let reads = self.reader.end(result.py());
        let returned = match returned {
            Ok(returned) => returned,
            Err(error) => {
                self.failed(result.py(), &error)?;
                return Err(error);
            }
        };
        let attempt = &mut self.attempt;
        let settled = result.py().detach(|| attempt.settle(returned, reads));
        warn(result.py(), self.attempt.take_warnings())?;
        match settled {
            Ok(_version) => Ok(None),
            Err(Refusal::Conflict { retry: Some(wait), .. }) => Ok(Some(wait.as_secs_f64())),
            Err(refused) => Err(refusal(result.py(), &refused)),
        }
    }

    /// Ends the attempt because nobody wants its result any more.
    pub(crate) fn cancelled(&mut self, py: Python<'_>, outcome: Outcome) {
        self.reader.end(py);
        let why =
            if outcome == Outcome::Timeout { "the time limit has passed" } else { "the call was cancelled" };
        // It counts, and a Stop latches. Whoever waits is told of the time, whatever the audit says of it.
        self.attempt.abandon(outcome, why.into());
    }

    /// The body raised. Some(seconds) when that was a conflict and it shall be run again after them.
    ///
    /// Raises what the audit says instead, where it blocks the process for that.
    pub(crate) fn raised(&mut self, py: Python<'_>, error: &PyErr) -> PyResult<Option<f64>> {
        self.reader.end(py);
        let conflict =
            VERSION_MISMATCH.get(py).is_ok_and(|class| error.matches(py, class).unwrap_or_default());
        if conflict {
            return Ok(self.attempt.conflicted(error.to_string()).map(|wait| wait.as_secs_f64()));
        }
        self.failed(py, error).map(|()| None)
    }

    /// Ends the attempt because of this exception.
    fn failed(&mut self, py: Python<'_>, error: &PyErr) -> PyResult<()> {
        let violation =
            CONTRACT_VIOLATION.get(py).is_ok_and(|class| error.matches(py, class).unwrap_or_default());
        let outcome = if violation {
            Outcome::Contract
        } else if error.is_instance_of::<PyException>(py) {
            Outcome::Failed
        } else {
            // KeyboardInterrupt and its like end the call, and say nothing of the process.
            Outcome::Cancelled
        };
        let refused = self.attempt.abandon(outcome, error.to_string());
        let process = Arc::clone(&self.attempt.process().name);
        let blocked = refused.filter(|_| !violation).map(|refused| {
            let raised = audit(py, refused.level, &format!("Process '{process}': {refused}"), Some(&process));
            raised.set_cause(py, Some(error.clone_ref(py)));
            raised
        });
        warn(py, self.attempt.take_warnings())?;
        blocked.map_or(Ok(()), Err)
    }
}

/// Tells a body that runs on another thread that nobody wants its result any more.
#[pyclass(frozen, module = "theus._native")]
#[derive(Default)]
pub(crate) struct Cancel {
    /// 0 not asked, 1 cancelled, 2 out of time.
    asked: AtomicU8,
}

#[pymethods]
impl Cancel {
    #[new]
    fn new() -> Self {
        Cancel::default()
    }

    /// The result is discarded, unless its commit has begun; `timeout` says why.
    fn set(&self, timeout: bool) {
        self.asked.store(1 + u8::from(timeout), Ordering::Release);
    }
}

impl Cancel {
    /// How the attempt ends, if somebody asked.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self.asked.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Outcome::Cancelled),
            _ => Some(Outcome::Timeout),
        }
    }
}

/// An attempt whose body is a coroutine.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Attempt {
    running: Mutex<Running>,
    arguments: Py<PyDict>,
}

impl Attempt {
    pub(crate) fn new(running: Running, arguments: Py<PyDict>) -> Self {
        Attempt { running: Mutex::new(running), arguments }
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Running) -> PyResult<T>) -> PyResult<T> {
        match self.running.try_lock() {
            Ok(mut running) => use_it(&mut running),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => use_it(&mut poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => {
                Err(PyRuntimeError::new_err("an attempt is being settled by another thread"))
            }
        }
    }
}

#[pymethods]
impl Attempt {
    /// The context for the body.
    fn context(&self, py: Python<'_>) -> PyResult<Context> {
        self.with(|running| Ok(running.context(self.arguments.clone_ref(py))))
    }

    /// The task's number.
    #[getter]
    fn task(&self) -> PyResult<u64> {
        self.with(|running| Ok(running.attempt.task()))
    }

    /// Settles the attempt; seconds when it shall be run again after them, else None.
    fn settle(&self, result: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
        self.with(|running| running.settle(result))
    }

    /// The body raised, `timeout` says whether because of the time limit; seconds when it shall be run again after
    /// them, else None.
    fn raised(&self, py: Python<'_>, error: Bound<'_, PyAny>, timeout: bool) -> PyResult<Option<f64>> {
        let cancelled = error.is_instance(CANCELLED.get(py)?)?;
        let error = PyErr::from_value(error);
        self.with(|running| {
            if cancelled {
                running.cancelled(py, if timeout { Outcome::Timeout } else { Outcome::Cancelled });
                return Ok(None);
            }
            running.raised(py, &error)
        })
    }

    /// Seconds to wait on for the turn of the next attempt; None when it may begin.
    fn ready(&self) -> PyResult<Option<f64>> {
        self.with(|running| Ok(running.ready()))
    }

    /// Begins the next attempt on a fresh snapshot.
    fn again(&self) -> PyResult<()> {
        self.with(|running| {
            running.again();
            Ok(())
        })
    }
}
