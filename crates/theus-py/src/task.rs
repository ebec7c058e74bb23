//! A task on a worker, as Python waits for it.

use crate::admission::warn;
use crate::convert::{Arrays, Style, to_python};
use crate::errors::task as task_error;
use crate::update;
use pyo3::exceptions::{PyRuntimeError, PyTimeoutError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::time::{Duration, Instant};
use theus::{TaskError, Warnings};

/// How long a wait may go on without looking for Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

/// The handle of a task.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Task {
    handle: theus::Task,
    warnings: Warnings,
}

impl Task {
    pub(crate) fn new(handle: theus::Task, warnings: Warnings) -> Self {
        Task { handle, warnings }
    }
}

#[pymethods]
impl Task {
    /// The task's id.
    #[getter]
    fn id(&self) -> u64 {
        self.handle.id()
    }

    /// Waits for the end; False when the time (seconds, None for no limit) was over first.
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        // A time so long that it cannot be told apart from none is none.
        let deadline = timeout
            .and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok())
            .and_then(|limit| Instant::now().checked_add(limit));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let slice = left.map_or(SLICE, |left| left.min(SLICE));
            if py.detach(|| self.handle.wait(Some(slice)).is_some()) || self.handle.has_ended() {
                return Ok(true);
            }
            py.check_signals()?;
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(self.done());
            }
        }
    }

    /// Looks for the end for some microseconds, without sleeping.
    fn glance(&self, py: Python<'_>) -> bool {
        py.detach(|| self.handle.glance().is_some())
    }

    /// What the body returned; raises what went wrong, and TimeoutError when the time was over first.
    fn result<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        if !self.wait(py, timeout)? {
            return Err(PyTimeoutError::new_err("the task has not ended"));
        }
        let warnings = std::mem::take(&mut *self.warnings.lock());
        warn(py, warnings)?;
        match self.handle.poll().as_deref() {
            Some(Ok(settled)) => {
                let style = Style::plain(Arrays::Result(&settled.attached));
                match &settled.returned {
                    theus::Returned::Value(value) => to_python(py, value, &style),
                    theus::Returned::Update(returned) => update::to_python(py, returned, &style),
                }
            }
            Some(Err(error)) => Err(task_error(py, error)),
            None => Err(PyRuntimeError::new_err(
                "the task was abandoned, because the engine's own code failed twice while settling it: please report this",
            )),
        }
    }

    /// True once the task has ended.
    fn done(&self) -> bool {
        self.handle.has_ended()
    }

    /// True while a worker has the task.
    fn running(&self) -> bool {
        self.handle.is_running()
    }

    /// True if the task was cancelled.
    fn cancelled(&self) -> bool {
        matches!(self.handle.poll().as_deref(), Some(Err(TaskError::Cancelled { .. })))
    }

    /// Ends the task early.
    fn cancel(&self, py: Python<'_>) {
        py.detach(|| self.handle.cancel());
    }

    /// Calls `callable(*arguments)` once the task has ended, from any thread.
    #[pyo3(signature = (callable, *arguments))]
    fn wake(&self, py: Python<'_>, callable: Py<PyAny>, arguments: Py<PyTuple>) {
        let call = move |_output: &theus::Output| {
            Python::attach(|py| {
                if let Err(error) = callable.bind(py).call1(arguments.bind(py)) {
                    // A loop that was closed meanwhile has nobody left to tell.
                    if !error.is_instance_of::<PyRuntimeError>(py) {
                        error.write_unraisable(py, Some(callable.bind(py)));
                    }
                }
            });
        };
        py.detach(|| self.handle.on_done(call));
    }

    fn __repr__(&self) -> String {
        let state = if self.done() { "ended" } else { "not ended" };
        format!("<task {} {state}>", self.handle.id())
    }
}
