//! Arrays of other programs, and handles of arrays, as Python calls; and what the host can promise.
//!
//! What not: sockets, messages, checks (`theus_shm::session`, `theus`'s handles). Invariant: no call waits for another
//! program with the GIL held.

use crate::block::Block;
use crate::core::Core;
use crate::errors::{Fields, closed, make};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::{Arc, Mutex, PoisonError};
use theus::{Handle, HandleError, ListenError, ReachError, Reached, reach};
use theus_shm::session::{AttachError, Attached, Folder, OpenError, SessionError, SessionName};

fn refused(py: Python<'_>, message: &str) -> PyErr {
    make(py, "ContextError", message, &Fields::default())
}

fn session(py: Python<'_>, error: &SessionError) -> PyErr {
    match error {
        SessionError::Name { .. } => PyValueError::new_err(error.to_string()),
        other => refused(py, &other.to_string()),
    }
}

/// A connection to a session of another program.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Session {
    name: String,
    pid: u32,
    attached: Mutex<Option<Attached>>,
}

impl Session {
    fn attached(&self, py: Python<'_>) -> PyResult<Attached> {
        // A panic while the option is held leaves it an option.
        let attached = self.attached.lock().unwrap_or_else(PoisonError::into_inner).clone();
        attached.ok_or_else(|| {
            refused(py, &format!("the session {} was closed here: attach to it anew", self.name))
        })
    }
}

fn open_error(py: Python<'_>, error: &OpenError) -> PyErr {
    match error {
        OpenError::Missing { .. } => PyKeyError::new_err(error.to_string()),
        other => refused(py, &other.to_string()),
    }
}

#[pymethods]
impl Session {
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The process of the session; 0 when the system does not tell.
    #[getter]
    fn pid(&self) -> u32 {
        self.pid
    }

    /// The names of the arrays, sorted.
    fn names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let attached = self.attached(py)?;
        py.detach(|| attached.names()).map_err(|error| open_error(py, &error))
    }

    /// The array of this name as it is now.
    fn get(&self, py: Python<'_>, name: &str) -> PyResult<Block> {
        let attached = self.attached(py)?;
        let opened = py.detach(|| attached.open(name)).map_err(|error| open_error(py, &error))?;
        let array = Handle::parse(opened.metadata()).ok().filter(|array| array.is_whole(opened.len() as u64));
        let array = array.ok_or_else(|| {
            refused(
                py,
                &format!("the session {} describes its array {name} in a way that is not known", self.name),
            )
        })?;
        Ok(Block::of_opened(&Arc::new(opened), &array.dtype, &array.shape, self.pid))
    }

    /// Ends the connection, once nothing that came by it is held.
    fn close(&self) {
        let attached = self.attached.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(attached);
    }
}

/// The live named sessions of this user: names and processes.
#[pyfunction]
pub(crate) fn sessions(py: Python<'_>) -> PyResult<Vec<(String, u32)>> {
    let found = py.detach(|| Folder::of_user().sessions()).map_err(|error| session(py, &error))?;
    Ok(found.into_iter().map(|session| (session.name.to_string(), session.pid)).collect())
}

/// Attaches to the named session.
#[pyfunction]
pub(crate) fn attach(py: Python<'_>, name: &str) -> PyResult<Session> {
    let checked = SessionName::new(name).map_err(|error| session(py, &error))?;
    let attached = py.detach(|| Attached::to_name(&Folder::of_user(), &checked));
    let attached = attached.map_err(|error| match error {
        AttachError::Folder(error) => session(py, &error),
        other => refused(py, &other.to_string()),
    })?;
    Ok(Session { name: name.to_owned(), pid: attached.pid(), attached: Mutex::new(Some(attached)) })
}

/// Lets other programs read the heavy arrays of an engine under a name.
#[pyfunction]
pub(crate) fn listen(py: Python<'_>, core: &Bound<'_, Core>, name: &str) -> PyResult<()> {
    let name = SessionName::new(name).map_err(|error| session(py, &error))?;
    let engine = core.get().engine();
    py.detach(|| engine.listen(&Folder::of_user(), &name)).map_err(|error| match error {
        ListenError::Closed(error) => closed(py, &error),
        ListenError::Session(error) => session(py, &error),
    })
}

/// The bytes that stand for an array in a block, in any process of this user; None of an array that has no such bytes.
#[pyfunction]
pub(crate) fn handle<'py>(
    py: Python<'py>,
    block: &Bound<'py, Block>,
    dtype: String,
    shape: Vec<u64>,
    strides: Vec<i64>,
    offset: u64,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let block = block.get();
    if block.is_of_parent() {
        let message = "a heavy array of the parent process cannot be pickled in a forked child, which has not its memory: \
                       pickle it in the parent";
        return Err(refused(py, message));
    }
    let lent = py.detach(|| block.lent()).map_err(|error| session(py, &error))?;
    let Some(whole) = lent else { return Ok(None) };
    let part = Handle { offset, dtype, shape, strides, ..whole };
    Ok(part.encode().map(|bytes| PyBytes::new(py, &bytes)))
}

/// A block, whether it is all of the array, and else the array's type, shape, strides and offset in the block.
type Found = (Block, bool, String, Vec<u64>, Vec<i64>, u64);

/// The memory behind such bytes: all of the array, or else the block that it lies in.
#[pyfunction]
pub(crate) fn reached(py: Python<'_>, bytes: &[u8]) -> PyResult<Found> {
    let error = |error: &ReachError| refused(py, &error.to_string());
    let handle = Handle::parse(bytes).map_err(|broken: HandleError| error(&broken.into()))?;
    let found = py.detach(|| reach(&handle)).map_err(|gone| error(&gone))?;
    let len = match &found {
        Reached::Own(block) => block.len(),
        Reached::Other(opened) => opened.len(),
    } as u64;
    let whole = handle.is_whole(len);
    let (dtype, shape) = if whole { (handle.dtype.as_str(), &*handle.shape) } else { ("|u1", &[len][..]) };
    let block = match &found {
        Reached::Own(block) => Block::of_brain(block, dtype, shape, true),
        Reached::Other(opened) => Block::of_opened(opened, dtype, shape, handle.process()),
    };
    Ok((block, whole, handle.dtype, handle.shape, handle.strides, handle.offset))
}

/// What this host can promise: name, verdict, what was seen, advice.
#[pyfunction]
pub(crate) fn doctor(py: Python<'_>) -> Vec<(String, String, String, String)> {
    let findings = py.detach(theus_shm::doctor);
    let text = |finding: theus_shm::Finding| {
        (finding.name.to_owned(), finding.verdict.as_str().to_owned(), finding.seen, finding.advice)
    };
    findings.into_iter().map(text).collect()
}

/// Keeps other processes of this user from looking into this one.
#[pyfunction]
pub(crate) fn harden() -> PyResult<()> {
    Ok(theus_shm::harden()?)
}
