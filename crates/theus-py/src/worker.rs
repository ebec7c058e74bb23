//! The worker's end as Python objects: the loop's events, the running task, and the Brain's arrays.

use crate::block::Block;
use crate::context::Context;
use crate::convert::{Arrays, Handles, Style, from_python, to_python};
use crate::offer::{Offer, Parts};
use crate::process::Process;
use crate::python::AS_ARRAY;
use crate::reader::Reader;
use crate::update::{ASSERT_VERSION, parts};
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use theus::{Path, Reading, decode, encode, path_query};
use theus_pool::link::Attachment;
use theus_pool::{Event, Hold, WorkerError};
use theus_value::{Heavy, Key, Value};

/// How long the loop sleeps without looking for signals.
const SLICE: Duration = Duration::from_millis(500);
/// How long arrays of the last task are kept for the next one. Longer, and the Brain would miss the memory.
const IDLE: Duration = Duration::from_millis(20);

/// Arrays that are kept for the next task that reads them.
const MOST_ARRAYS: usize = 256;

/// An array that was made for a task.
struct Known {
    array: Py<PyAny>,
    /// The last task that used it.
    task: Option<u64>,
}

/// This process as a worker.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Worker {
    link: Mutex<theus_pool::Worker>,
    /// Arrays by the serial of their block: the same block is the same array.
    arrays: Mutex<HashMap<u64, Known>>,
    /// The attempt that runs: what asks in the name of another has outlived it.
    running: Mutex<Option<(u64, u32)>>,
    /// What the last result has attached, until the Brain has taken it.
    offered: Mutex<Vec<Py<PyAny>>>,
    hello: Vec<u8>,
}

/// Holds the blocks of all arrays in a value.
fn hold_all(link: &theus_pool::Worker, value: &Value) -> Vec<Hold> {
    let mut holds = Vec::new();
    value.any(&mut |found| {
        if let Value::Heavy(heavy) = found {
            holds.push(link.hold(heavy.block.serial));
        }
        false
    });
    holds
}

fn broken(error: &WorkerError) -> PyErr {
    PyOSError::new_err(error.to_string())
}

impl Worker {
    /// The link. Only the worker's main thread uses it for long, and never while Python code runs.
    fn link(&self) -> MutexGuard<'_, theus_pool::Worker> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the Brain for a path of a task's snapshot; None when that attempt has ended. The blocks in it are held as long
    /// as what comes along.
    pub(crate) fn fetch(
        &self,
        py: Python<'_>,
        task: u64,
        attempt: u32,
        path: &Path,
    ) -> PyResult<Option<(Reading, Vec<Hold>)>> {
        let query = path_query(path);
        // Held before the link is let go: the task may end on another thread just then, which tells the Brain what is
        // kept here.
        let fetched = py.detach(|| {
            let mut link = self.link();
            if *self.running() != Some((task, attempt)) {
                return Ok(None);
            }
            let reply = decode(&link.fetch(task, attempt, &query)?);
            let holds = reply.as_ref().map(|reply| hold_all(&link, reply)).unwrap_or_default();
            Ok(Some((reply, holds)))
        });
        let fetched = fetched.map_err(|error: WorkerError| broken(&error))?;
        let Some((reply, holds)) = fetched else { return Ok(None) };
        let confused = || PyRuntimeError::new_err("the engine's reply cannot be read");
        let Ok(Value::Tuple(parts)) = reply else { return Err(confused()) };
        let reading = match &*parts {
            [Value::Int(0), _] => Reading::Absent,
            [Value::Int(1), value] => Reading::Whole(value.clone()),
            [Value::Int(2), _] => Reading::Refused,
            [Value::Int(3), Value::Tuple(keys)] => {
                let keys: Option<Vec<Key>> = keys
                    .iter()
                    .map(|key| if let Value::Str(key) = key { Some(key.clone()) } else { None })
                    .collect();
                Reading::Keys(keys.ok_or_else(confused)?)
            }
            _ => return Err(confused()),
        };
        Ok(Some((reading, holds)))
    }

    /// The array of a block of the Brain, mapped read-only.
    pub(crate) fn array<'py>(
        &self,
        py: Python<'py>,
        heavy: &Heavy,
        name: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // Of a thread that has outlived its task it is no task's.
        let task = self.running().map(|(task, _)| task);
        if let Some(known) = self.known().get_mut(&heavy.block.serial) {
            known.task = task;
            return Ok(known.array.bind(py).clone());
        }
        let (mapping, hold) = {
            let mut link = self.link();
            let mapping = link.segment(heavy.block.segment).map_err(|error| broken(&error))?;
            (mapping, link.hold(heavy.block.serial))
        };
        let block = Block::of_worker(mapping, heavy, hold)
            .ok_or_else(|| PyRuntimeError::new_err("an array does not lie within its segment"))?;
        let array = AS_ARRAY.get(py)?.call1((block, name))?;
        let known = Known { array: array.clone().unbind(), task };
        let mut arrays = self.known();
        if arrays.len() >= MOST_ARRAYS {
            // One task that reads so many keeps what it still uses by itself.
            let forgotten = std::mem::take(&mut *arrays);
            drop(arrays);
            drop(forgotten);
            arrays = self.known();
        }
        arrays.insert(heavy.block.serial, known);
        Ok(array)
    }

    /// Lets go of the arrays that this task does not use (None: of all), and tells the Brain if anything has changed.
    fn let_go(&self, py: Python<'_>, task: Option<u64>) -> PyResult<()> {
        // Dropped without the lock: that may run Python code.
        let unused: Vec<Known> = {
            let mut arrays = self.known();
            arrays
                .extract_if(|_, known| task.is_none() || known.task != task)
                .map(|(_, known)| known)
                .collect()
        };
        drop(unused);
        py.detach(|| self.link().tell()).map_err(|error| broken(&error))
    }

    /// The next event; when none has come for a moment, what the last task has used is let go.
    fn await_event(&self, py: Python<'_>) -> PyResult<Option<Event>> {
        let next = |time| py.detach(|| self.link().next(Some(time))).map_err(|error| broken(&error));
        match next(IDLE)? {
            None => {
                self.let_go(py, None)?;
                next(SLICE)
            }
            event => Ok(event),
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<(u64, u32)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The link, for the end of the attempt that runs: nobody asks in its name from then on.
    fn ending(&self) -> MutexGuard<'_, theus_pool::Worker> {
        let link = self.link();
        *self.running() = None;
        link
    }

    fn offered(&self) -> MutexGuard<'_, Vec<Py<PyAny>>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<u64, Known>> {
        self.arrays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Worker {
    /// Attaches to the engine at the other end of the standard input, of which it keeps a duplicate.
    #[new]
    fn new() -> PyResult<Self> {
        let control = std::io::stdin().as_fd().try_clone_to_owned()?;
        let (link, hello) = theus_pool::Worker::attach(control).map_err(|error| broken(&error))?;
        Ok(Worker {
            link: Mutex::new(link),
            arrays: Mutex::new(HashMap::new()),
            running: Mutex::new(None),
            offered: Mutex::new(Vec::new()),
            hello,
        })
    }

    /// The engine's greeting.
    fn hello<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = decode(&self.hello).map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        to_python(py, &value, &Style::plain(Arrays::Worker(self)))
    }

    /// Tells the engine that this worker takes tasks.
    fn ready(&self) -> PyResult<()> {
        self.link().ready().map_err(|error| broken(&error))
    }

    /// The engine's next wish: (function id, definition), a task, or None to end.
    fn next<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let worker = slf.get();
        loop {
            match worker.await_event(py)? {
                None => py.check_signals()?,
                Some(Event::Shutdown) => return Ok(None),
                // Nobody holds a block of a segment that is gone.
                Some(Event::Forget(_)) => {}
                Some(Event::Taken) => {
                    let taken = std::mem::take(&mut *worker.offered());
                    drop(taken);
                }
                Some(Event::Define { function, definition }) => {
                    let value =
                        decode(&definition).map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
                    let value = to_python(py, &value, &Style::plain(Arrays::Worker(worker)))?;
                    return Ok(Some((function, value).into_pyobject(py)?.into_any()));
                }
                Some(Event::Task { task, attempt, function, payload, readable }) => {
                    *worker.running() = Some((task, attempt));
                    let (worker, reader) = (slf.clone().unbind(), OnceLock::new());
                    let task = WorkerTask { worker, task, attempt, function, payload, readable, reader };
                    return Ok(Some(Bound::new(py, task)?.into_any()));
                }
            }
        }
    }
}

/// A task that this worker runs.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct WorkerTask {
    worker: Py<Worker>,
    task: u64,
    attempt: u32,
    function: u32,
    payload: Vec<u8>,
    readable: bool,
    reader: OnceLock<Arc<Reader>>,
}

impl WorkerTask {
    fn end(&self, py: Python<'_>) {
        if let Some(reader) = self.reader.get() {
            reader.end(py);
        }
    }

    fn complete_with(&self, py: Python<'_>, result: &Value, offer: Offer) -> PyResult<()> {
        self.end(py);
        let payload = encode(result);
        let worker = self.worker.get();
        let Parts { table, sealed, held } = offer.into_parts();
        if table.iter().any(|attachment| matches!(attachment, Attachment::Memory { .. })) {
            *worker.offered() = held;
        }
        let (task, attempt) = (self.task, self.attempt);
        py.detach(|| worker.ending().complete_with(task, attempt, &payload, &table, &sealed))
            .map_err(|error| broken(&error))
    }
}

#[pymethods]
impl WorkerTask {
    /// The id of the function to run.
    #[getter]
    fn function(&self) -> u32 {
        self.function
    }

    /// The context, the positional and the named arguments, under the function's contract.
    fn begin<'py>(
        &self,
        py: Python<'py>,
        process: &Process,
    ) -> PyResult<(Bound<'py, Context>, Bound<'py, PyAny>, Bound<'py, PyDict>)> {
        let confused = || PyRuntimeError::new_err("the task's bytes cannot be read");
        let Ok(Value::Tuple(parts)) = decode(&self.payload) else { return Err(confused()) };
        let [args, named, Value::Int(version), listed] = &*parts else { return Err(confused()) };
        let style = Style::plain(Arrays::Worker(self.worker.get()));
        let args = to_python(py, args, &style)?;
        let named = to_python(py, named, &style)?.cast_into::<PyDict>()?;
        let listed = match listed {
            Value::Null => None,
            listed => Some(to_python(py, listed, &style)?.cast_into::<PyDict>()?.unbind()),
        };
        let reader = Reader::of_worker(&process.process, self.worker.clone_ref(py), self.task, self.attempt);
        let context = Context::new(&reader, named.clone().unbind(), *version as u64, self.attempt, listed);
        // What the last task has used and this one was not given; what it asks for later is made again.
        self.worker.get().let_go(py, Some(self.task))?;
        // Begun twice, the first reader stays the one that is ended; both read the same snapshot.
        let _first = self.reader.set(reader);
        Ok((Bound::new(py, context)?, args, named))
    }

    /// Ends the task with a plain value.
    fn complete(&self, py: Python<'_>, process: &Process, result: &Bound<'_, PyAny>) -> PyResult<()> {
        let offer = Offer::new(self.readable);
        let value = from_python(result, Handles::Attached(&offer))
            .map_err(|error| error.travelling(py, &process.process.name, "the result"))?;
        self.complete_with(py, &Value::Tuple([Value::Int(0), value].into()), offer)
    }

    /// Ends the task with the operations of an update.
    fn complete_update(&self, py: Python<'_>, process: &Process, ops: &Bound<'_, PyList>) -> PyResult<()> {
        let (mut encoded, offer) = (Vec::new(), Offer::new(self.readable));
        for op in ops.iter() {
            let (kind, path, value) = parts(&op)?;
            let value = if kind == ASSERT_VERSION {
                Value::Int(value.extract()?)
            } else {
                from_python(&value, Handles::Attached(&offer))
                    .map_err(|error| error.travelling(py, &process.process.name, &path))?
            };
            encoded.push(Value::Tuple([Value::Int(kind), Value::from(path.as_str()), value].into()));
        }
        self.complete_with(py, &Value::Tuple([Value::Int(1), Value::Tuple(encoded.into())].into()), offer)
    }

    /// Ends the task with a report of what it raised.
    fn fail(&self, py: Python<'_>, report: &Bound<'_, PyDict>) -> PyResult<()> {
        self.end(py);
        let value = from_python(report.as_any(), Handles::Copied)
            .map_err(|error| error.travelling(py, "(worker)", "the report"))?;
        let payload = encode(&value);
        let worker = self.worker.get();
        py.detach(|| worker.ending().fail(self.task, self.attempt, &payload)).map_err(|error| broken(&error))
    }
}
