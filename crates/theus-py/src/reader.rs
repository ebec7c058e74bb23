//! The reader: how a running body reads the state, in the engine's process or on a worker.
//!
//! Invariant: after the body has ended, every read is refused, so that no view outlives the snapshot it was meant for.

use crate::block::Block;
use crate::convert::Arrays;
use crate::errors::{Fields, make};
use crate::offer::seal_from;
use crate::worker::Worker;
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use theus::{Attempt, Engine, Isolation, Path, Process, Reading, Snapshot, read};
use theus_pool::Hold;
use theus_shm::OpenBuffer;

enum Place {
    Brain { engine: Engine, snapshot: Snapshot, noted: bool },
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
        let (engine, snapshot) = (attempt.engine().clone(), attempt.snapshot().clone());
        Reader::new(Place::Brain { engine, snapshot, noted }, attempt.process())
    }

    /// A reader of the snapshot of a worker's task.
    pub(crate) fn of_worker(process: &Process, worker: Py<Worker>, task: u64, attempt: u32) -> Arc<Self> {
        Reader::new(Place::Worker { worker, task, attempt }, process)
    }

    fn new(place: Place, process: &Process) -> Arc<Self> {
        let (alive, reads) = (AtomicBool::new(true), Mutex::new(Vec::new()));
        Arc::new(Reader { place, process: process.clone(), alive, local: PyOnceLock::new(), reads })
    }

    /// Reads a path under the contract. Its arrays are there as long as what comes along is held, or once they were made.
    pub(crate) fn read(&self, py: Python<'_>, path: &Path) -> PyResult<(Reading, Vec<Hold>)> {
        self.check_alive(py)?;
        match &self.place {
            Place::Brain { snapshot, noted, .. } => {
                if *noted {
                    // A panic while the list is held leaves it a list.
                    self.reads.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
                }
                Ok((read(&self.process.contract, snapshot, path), Vec::new()))
            }
            Place::Worker { worker, task, attempt } => match worker.get().fetch(py, *task, *attempt, path)? {
                Some(fetched) => Ok(fetched),
                // It ended while this thread waited for its turn.
                None => Err(self.ended(py)),
            },
        }
    }

    pub(crate) fn arrays(&self) -> Arrays<'_> {
        match &self.place {
            Place::Brain { .. } => Arrays::Brain,
            Place::Worker { worker, .. } => Arrays::Worker(worker.get()),
        }
    }

    /// Whether an array of a result may as well be made in ordinary memory: a small one on a worker is copied anyway.
    pub(crate) fn ordinary_will_do(&self, dtype: &str, shape: &[u64]) -> bool {
        self.is_remote() && theus::array_bytes("result", dtype, shape).is_ok_and(|bytes| bytes < seal_from())
    }

    /// A zeroed, writable block for an array of a result.
    pub(crate) fn alloc(&self, py: Python<'_>, dtype: &str, shape: &[u64]) -> PyResult<Block> {
        self.check_alive(py)?;
        let refused = |error| crate::errors::array(py, &error);
        match &self.place {
            Place::Brain { engine, .. } => {
                let made = py.detach(|| theus::allocate(engine.arena(), "result", dtype, shape, true));
                made.map(|block| Block::of_brain(&block, dtype, shape, false)).map_err(refused)
            }
            Place::Worker { .. } => {
                let bytes = theus::array_bytes("result", dtype, shape).map_err(refused)?.max(1);
                let made = py.detach(|| OpenBuffer::create(usize::try_from(bytes).unwrap_or(usize::MAX)));
                made.map(|buffer| Block::open(buffer, dtype, shape)).map_err(|error| {
                    PyMemoryError::new_err(format!("no memory for an array of {bytes} bytes: {error}"))
                })
            }
        }
    }

    /// Whether the body may write into the elements of arrays here: an ordinary process, at what it declares as output.
    pub(crate) fn may_write(&self, path: &Path) -> bool {
        !self.is_remote() && self.process.contract.may_write(path)
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
        if self.alive.load(Ordering::Relaxed) { Ok(()) } else { Err(self.ended(py)) }
    }

    fn ended(&self, py: Python<'_>) -> PyErr {
        let name = &*self.process.name;
        let message = format!(
            "No active transaction found: process '{name}' has ended, and its context with it; return what you need"
        );
        make(py, "GuardError", &message, &Fields { process: Some(name), ..Fields::default() })
    }
}
