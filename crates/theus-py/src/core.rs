//! The engine as a Python object.

use crate::admission::admit;
use crate::attempt::{Attempt, Cancel, Running};
use crate::bodies::{self, InBody};
use crate::conflicts::RetryDecision;
use crate::convert::{Handles, from_python};
use crate::engine_audit::{Audit, counts, with_audit};
use crate::errors::{closed, refusal};
use crate::heavy::Zone;
use crate::inputs::digest;
use crate::launch::launch;
use crate::process::{Function, Process};
use crate::snapshot::Snapshot;
use crate::task::Task;
use crate::transaction::Transaction;
use crate::update::update;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use theus::{CALLER, Engine, Isolation, RemoteTask, Requester, TransactionOptions, encode};
use theus_value::Map;

/// The engine.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Core {
    engine: Engine,
    /// The process that made it.
    owner: u32,
    /// Set when a shutdown is over: what is read from then on has no arrays.
    closed: AtomicBool,
}

impl Core {
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The first attempt of a call that its process's input rules let through.
    fn admitted(
        &self,
        py: Python<'_>,
        process: &Process,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        retries: u32,
    ) -> PyResult<Running> {
        let inputs = digest(args, kwargs);
        admit(&self.engine, process, inputs, args, kwargs)?;
        let attempt = self.engine.begin(&process.process).map_err(|error| closed(py, &error))?;
        Ok(Running::new(attempt, inputs, retries))
    }

    /// The task of this engine whose sync body runs on this thread.
    fn task_here(&self) -> Option<Requester> {
        bodies::task_here(self.address())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // Ending the workers joins threads that may wait for the GIL, so it must not be held meanwhile.
        let engine = self.engine.clone();
        Python::attach(|py| py.detach(|| engine.shutdown(Duration::ZERO)));
    }
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (initial, isolation, heap_bytes, pool_size, write_limit, audit = None))]
    fn new(
        initial: &Bound<'_, PyDict>,
        isolation: &str,
        heap_bytes: u64,
        pool_size: usize,
        write_limit: f64,
        audit: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let py = initial.py();
        let mut roots = Map::new();
        for (name, value) in initial.iter() {
            let name: String = name.extract()?;
            let value = from_python(&value, Handles::Allowed)
                .map_err(|error| error.storing(py, "TheusEngine", &name))?;
            roots.insert(name.into(), value);
        }
        let builder = Engine::builder().initial(roots).isolation(mode(isolation)?);
        let write_limit = Duration::try_from_secs_f64(write_limit).unwrap_or(Duration::MAX);
        let mut builder = builder.heap_bytes(heap_bytes).pool_size(pool_size).write_limit(write_limit);
        if let Some(audit) = audit {
            builder = with_audit(builder, audit)?;
        }
        let engine = builder.try_build();
        let engine = engine.map_err(|error| refusal(py, &error))?;
        Ok(Core { engine, owner: std::process::id(), closed: AtomicBool::new(false) })
    }

    /// The state as it is now.
    fn snapshot(&self) -> Snapshot {
        // Relaxed: the flag guards no data.
        let closed = self.closed.load(Ordering::Relaxed);
        Snapshot { snapshot: self.engine.snapshot(), owner: self.owner, closed }
    }

    #[getter]
    fn isolation(&self) -> &'static str {
        self.engine.isolation().as_str()
    }

    #[setter]
    fn set_isolation(&self, isolation: &str) -> PyResult<()> {
        self.engine.set_isolation(mode(isolation)?);
        Ok(())
    }

    /// Commits operations (kind, path, value) at a version, for a requester that may hold the priority ticket: this name,
    /// this task of it, or else the task whose body calls.
    #[pyo3(signature = (expected, ops, requester = None, task = None))]
    fn compare_and_swap(
        &self,
        py: Python<'_>,
        expected: u64,
        ops: &Bound<'_, PyList>,
        requester: Option<&str>,
        task: Option<u64>,
    ) -> PyResult<()> {
        self.engine.check_open().map_err(|error| closed(py, &error))?;
        let requester =
            requester.map_or_else(|| self.task_here(), |name| Some(Requester { process: name.into(), task }));
        let wanted = update(CALLER, ops)?;
        let swapped = py.detach(|| self.engine.compare_and_swap_as(requester, expected, wanted.update));
        swapped.map(drop).map_err(|refused| refusal(py, &refused))
    }

    /// Begins a transaction, for the task whose body calls or this task of this name; `limit` in seconds.
    #[pyo3(signature = (limit, requester = None, task = None))]
    fn transaction(
        &self,
        py: Python<'_>,
        limit: f64,
        requester: Option<&str>,
        task: Option<u64>,
    ) -> PyResult<Transaction> {
        let life = Duration::try_from_secs_f64(limit).map_err(|_| {
            PyValueError::new_err(format!("write_timeout_ms={}: give milliseconds from 0", limit * 1e3))
        })?;
        let task =
            requester.map_or_else(|| self.task_here(), |name| Some(Requester { process: name.into(), task }));
        let mut options = TransactionOptions { life, idle: life, task, ..TransactionOptions::default() };
        if let Some(task) = &options.task {
            options.process = task.process.to_string();
        }
        let process = options.process.clone();
        let transaction = self.engine.transaction(options).map_err(|error| closed(py, &error))?;
        Ok(Transaction::new(transaction, process))
    }

    /// A commit of the caller's own conflicted: how long to wait.
    fn report_conflict(&self, py: Python<'_>, requester: &str) -> RetryDecision {
        RetryDecision::new(py.detach(|| self.engine.report_conflict(requester)))
    }

    /// A commit of the caller's own went through.
    fn report_success(&self, py: Python<'_>, requester: &str) {
        py.detach(|| self.engine.report_success(requester));
    }

    /// Runs a sync body in the calling thread until it is committed, or its result is discarded.
    #[expect(clippy::too_many_arguments, reason = "one call into the core for each call of the user's")]
    #[pyo3(signature = (process, function, args, kwargs, retries, cancel = None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        process: &Process,
        function: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: &Bound<'py, PyDict>,
        retries: u32,
        cancel: Option<&Cancel>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut running = self.admitted(py, process, args, kwargs, retries)?;
        let named = if kwargs.is_empty() { None } else { Some(process.named(kwargs)?) };
        loop {
            let context = Bound::new(py, running.context(kwargs.clone().unbind()))?;
            let called = {
                let _nesting = InBody::enter(self.address(), running.attempt.requester());
                if args.is_empty() {
                    function.call((context,), named.as_ref())
                } else {
                    let mut all = vec![context.into_any()];
                    all.extend(args.iter());
                    function.call(PyTuple::new(py, all)?, named.as_ref())
                }
            };
            if let Some(outcome) = cancel.and_then(Cancel::outcome) {
                running.cancelled(py, outcome);
                return called;
            }
            let wait = match called {
                Ok(result) => match running.settle(&result)? {
                    None => return Ok(result),
                    Some(wait) => wait,
                },
                Err(error) => match running.raised(py, &error)? {
                    None => return Err(error),
                    Some(wait) => wait,
                },
            };
            let mut wait = Some(wait);
            while let Some(seconds) = wait {
                py.detach(|| std::thread::sleep(Duration::from_secs_f64(seconds)));
                py.check_signals()?;
                if cancel.and_then(Cancel::outcome).is_some() {
                    return Ok(py.None().into_bound(py));
                }
                wait = running.ready();
            }
            running.again();
        }
    }

    /// Begins an attempt whose body the caller runs.
    fn begin(
        &self,
        py: Python<'_>,
        process: &Process,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        retries: u32,
    ) -> PyResult<Attempt> {
        let running = self.admitted(py, process, args, kwargs, retries)?;
        Ok(Attempt::new(running, kwargs.clone().unbind()))
    }

    /// Notes a function for workers, from the description that they make it from.
    fn function(&self, definition: &Bound<'_, PyDict>) -> PyResult<Function> {
        let value = from_python(definition.as_any(), Handles::Copied)
            .map_err(|error| error.travelling(definition.py(), "(function)", "its definition"))?;
        let function = theus::Function { id: self.engine.new_function_id(), definition: encode(&value) };
        Ok(Function { function: Arc::new(function) })
    }

    /// Hands a task to the workers.
    #[expect(clippy::too_many_arguments, reason = "one call into the core for each call of the user's")]
    fn submit(
        &self,
        py: Python<'_>,
        process: &Process,
        function: &Function,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        timeout: Option<f64>,
        retries: u32,
    ) -> PyResult<Task> {
        let name = &process.process.name;
        let arguments = from_python(args.as_any(), Handles::Allowed)
            .map_err(|error| error.travelling(py, name, "positional argument"))?;
        let named = from_python(kwargs.as_any(), Handles::Allowed)
            .map_err(|error| error.travelling(py, name, "argument"))?;
        if !self.engine.has_pool() {
            self.engine.set_launch(launch(py)?);
        }
        let limit = match timeout {
            Some(seconds) => Some(
                Duration::try_from_secs_f64(seconds)
                    .map_err(|_| PyValueError::new_err(format!("timeout={seconds}: give seconds from 0")))?,
            ),
            None => process.process.contract.timeout,
        };
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let function = Arc::clone(&function.function);
        let task = RemoteTask::new(&self.engine, &process.process, function, arguments, named);
        admit(&self.engine, process, task.inputs(), args, kwargs)?;
        let task = task.limit(limit).retries(retries);
        let warnings = task.warnings();
        let handle = py.detach(|| self.engine.submit(task, deadline)).map_err(|error| closed(py, &error))?;
        Ok(Task::new(handle, warnings))
    }

    /// The arrays by their names.
    fn heavy_zone(&self) -> Zone {
        Zone::new(&self.engine, self.address())
    }

    /// The audit: records, trail, stop.
    fn audit(&self) -> Audit {
        Audit::new(&self.engine)
    }

    /// What the engine has done and is doing.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(py);
        stats.set_item("version", self.engine.snapshot().version())?;
        stats.set_item("attempts", counts(py, &self.engine)?)?;
        stats.set_item("heavy_bytes", self.engine.arena().stats().used)?;
        let workers = PyList::empty(py);
        let pool = self.engine.pool_stats().unwrap_or_default();
        for worker in &pool.workers {
            let about = PyDict::new(py);
            about.set_item("pid", worker.pid)?;
            about.set_item("task", worker.task)?;
            about.set_item("alive", worker.alive)?;
            about.set_item("ready", worker.ready)?;
            workers.append(about)?;
        }
        stats.set_item("workers", workers)?;
        stats.set_item("workers_ended", pool.workers_ended)?;
        stats.set_item("queued", pool.queued)?;
        stats.set_item("outstanding", pool.outstanding)?;
        stats.set_item("refused", pool.refused)?;
        Ok(stats)
    }

    /// True while a sync body of this engine runs on this thread.
    fn in_body(&self) -> bool {
        self.task_here().is_some()
    }

    /// Raises when the engine is shut down.
    fn check_open(&self, py: Python<'_>) -> PyResult<()> {
        self.engine.check_open().map_err(|error| closed(py, &error))
    }

    /// Takes no more work and ends the workers; bodies that still run are settled, until the shutdown.
    fn drain(&self, py: Python<'_>, timeout: f64) {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::from_secs(86_400));
        py.detach(|| self.engine.drain(timeout));
    }

    /// Lets go of the heavy zone and closes the trail too.
    fn shutdown(&self, py: Python<'_>) {
        py.detach(|| self.engine.shutdown(Duration::ZERO));
        self.closed.store(true, Ordering::Relaxed);
    }
}

fn mode(isolation: &str) -> PyResult<Isolation> {
    match isolation {
        "smart" => Ok(Isolation::Smart),
        "strict" => Ok(Isolation::Strict),
        "serializable" => Ok(Isolation::Serializable),
        other => Err(PyValueError::new_err(format!("isolation {other:?} is not known"))),
    }
}
