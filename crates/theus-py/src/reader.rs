//! The reader: how a running body reads the state, in the engine's process or on a worker.
//!
//! Invariant: after the body has ended, every read is refused, so that no view outlives the snapshot it was meant for.

use crate::convert::Arrays;
use crate::errors::{Fields, make};
use crate::worker::Worker;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use theus::{Attempt, Isolation, Path, Process, Reading, Snapshot, read};

enum Place {
    Brain { snapshot: Snapshot, noted: bool },
    Worker { worker: Py<Worker>, task: u64, attempt: u32 },
}

/// What views of one running body share.
pub(crate) struct Reader {
    place: Place,
    pub(crate) process: Process,
    alive: AtomicBool,
    /// The body's scratch pad.
    local: PyOnceLock<Py<PyDict>>,
    reads: Mutex<Vec<Path>>,
}

impl Reader {
    /// A reader of a snapshot in this process. What is read is noted where the commit depends on it.
    pub(crate) fn of_brain(attempt: &Attempt) -> Arc<Self> {
        let noted = attempt.isolation() == Isolation::Serializable;
        Reader::new(Place::Brain { snapshot: attempt.snapshot().clone(), noted }, attempt.process())
    }

    /// A reader of the snapshot of a worker's task.
    pub(crate) fn of_worker(process: &Process, worker: Py<Worker>, task: u64, attempt: u32) -> Arc<Self> {
        Reader::new(Place::Worker { worker, task, attempt }, process)
    }

    fn new(place: Place, process: &Process) -> Arc<Self> {
        let (alive, reads) = (AtomicBool::new(true), Mutex::new(Vec::new()));
        Arc::new(Reader { place, process: process.clone(), alive, local: PyOnceLock::new(), reads })
    }

    /// Reads a path under the contract.
    pub(crate) fn read(&self, py: Python<'_>, path: &Path) -> PyResult<Reading> {
        self.check_alive(py)?;
        match &self.place {
            Place::Brain { snapshot, noted } => {
                if *noted {
                    // A panic while the list is held leaves it a list.
                    self.reads.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
                }
                Ok(read(&self.process.contract, snapshot, path))
            }
            Place::Worker { worker, task, attempt } => worker.get().fetch(py, *task, *attempt, path),
        }
    }

    pub(crate) fn arrays(&self) -> Arrays<'_> {
        match &self.place {
            Place::Brain { .. } => Arrays::Brain,
            Place::Worker { worker, .. } => Arrays::Worker(worker.get()),
        }
    }

    /// True on a worker: writes there are refused with the advice to return an update.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self.place, Place::Worker { .. })
    }

    /// A dict that lives as long as the call.
    pub(crate) fn local<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.local.get_or_init(py, || PyDict::new(py).unbind()).bind(py)
    }

    /// The body has ended. Returns what it has read.
    pub(crate) fn end(&self, py: Python<'_>) -> Vec<Path> {
        // The scratch pad may hold the context itself, or an exception that does.
        if let Some(local) = self.local.get(py) {
            local.bind(py).clear();
        }
        // Relaxed: the flag guards no data, and the body's own thread is the one that is told.
        self.alive.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.reads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn check_alive(&self, py: Python<'_>) -> PyResult<()> {
        if self.alive.load(Ordering::Relaxed) {
            return Ok(());
        }
        let name = &*self.process.name;
        let message = format!(
            "No active transaction found: process '{name}' has ended, and its context with it; return what you need"
        );
        Err(make(py, "GuardError", &message, &Fields { process: Some(name), ..Fields::default() }))
    }
}
