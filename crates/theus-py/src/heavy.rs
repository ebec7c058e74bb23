//! The heavy zone of an engine as a Python object: blocks by their names.

use crate::block::Block;
use crate::bodies;
use crate::errors::{Fields, array, closed, make, refusal};
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use theus::{HeavyError, Requester, block_of};
use theus_value::Heavy;

/// Allocates, finds, replaces and takes out arrays by their names.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Zone {
    zone: theus::HeavyZone,
    /// The address of the `Core` whose bodies' commits are theirs.
    core: usize,
}

impl Zone {
    pub(crate) fn new(engine: &theus::Engine, core: usize) -> Self {
        Zone { zone: theus::HeavyZone::new(engine), core }
    }

    fn requester(&self, requester: Option<&str>, task: Option<u64>) -> Option<Requester> {
        let named = requester.map(|name| Requester { process: name.into(), task });
        named.or_else(|| bodies::task_here(self.core))
    }
}

fn refused(py: Python<'_>, error: &HeavyError) -> PyErr {
    match error {
        HeavyError::Closed(error) => closed(py, error),
        HeavyError::Array(error) => array(py, error),
        HeavyError::Refused(error) => refusal(py, error),
        HeavyError::Name { .. } => PyValueError::new_err(error.to_string()),
        HeavyError::NotAnArray { .. } => PyTypeError::new_err(error.to_string()),
        HeavyError::Unknown { .. } => PyKeyError::new_err(error.to_string()),
        HeavyError::Unpublished { name } => {
            let path = format!("heavy.{name}");
            make(py, "ContextError", &error.to_string(), &Fields { path: Some(&path), ..Fields::default() })
        }
    }
}

fn block(array: &Heavy, readonly: bool) -> PyResult<Block> {
    let block = block_of(array);
    let block = block.ok_or_else(|| PyValueError::new_err("an array that this process does not own"))?;
    Ok(Block::of_brain(&block, &array.dtype, &array.shape, readonly))
}

fn value(block: &Bound<'_, Block>) -> PyResult<Heavy> {
    block.get().heavy().ok_or_else(|| PyValueError::new_err("this memory cannot be published: copy it first"))
}

#[pymethods]
impl Zone {
    /// A zeroed, writable block under a name.
    fn alloc(&self, py: Python<'_>, name: &str, shape: Vec<u64>, dtype: &str) -> PyResult<Block> {
        let made = py.detach(|| self.zone.alloc(name, dtype, &shape));
        block(&made.map_err(|error| refused(py, &error))?, false)
    }

    /// A writable block whose bytes the caller fills, all of them, before anybody sees it.
    fn reserve(&self, py: Python<'_>, name: &str, shape: Vec<u64>, dtype: &str) -> PyResult<Block> {
        let made = py.detach(|| self.zone.reserve(name, dtype, &shape));
        block(&made.map_err(|error| refused(py, &error))?, false)
    }

    /// Lets a name stand for a block as long as somebody holds it.
    fn remember(&self, name: &str, block: &Bound<'_, Block>) -> PyResult<()> {
        self.zone.remember(name, &value(block)?);
        Ok(())
    }

    /// The newest published block of a name, read-only, or else the one that was allocated under it.
    fn get(&self, py: Python<'_>, name: &str) -> PyResult<Block> {
        let found = self.zone.get(name).map_err(|error| refused(py, &error))?;
        block(&found.array, found.published)
    }

    /// A private successor of a published block, and the version that its predecessor was read at.
    fn successor(&self, py: Python<'_>, name: &str, copy: bool) -> PyResult<(Block, u64)> {
        let made = py.detach(|| self.zone.successor(name, copy)).map_err(|error| refused(py, &error))?;
        Ok((block(&made.array, false)?, made.base))
    }

    /// Commits a block under a name, computed from the state at `base`.
    #[pyo3(signature = (name, block, base, requester = None, task = None))]
    fn publish(
        &self,
        py: Python<'_>,
        name: &str,
        block: &Bound<'_, Block>,
        base: u64,
        requester: Option<&str>,
        task: Option<u64>,
    ) -> PyResult<u64> {
        let requester = self.requester(requester, task);
        let array = value(block)?;
        let published = py.detach(|| self.zone.publish(requester, name, array, base));
        published.map_err(|error| refused(py, &error))
    }

    /// Takes a name out of the state and of the allocated ones.
    #[pyo3(signature = (name, requester = None, task = None))]
    fn free(&self, py: Python<'_>, name: &str, requester: Option<&str>, task: Option<u64>) -> PyResult<()> {
        let requester = self.requester(requester, task);
        py.detach(|| self.zone.free(requester, name)).map_err(|error| refused(py, &error))
    }

    /// Takes the name out that stands for the block of this serial; false when none does any more.
    #[pyo3(signature = (serial, requester = None, task = None))]
    fn free_block(
        &self,
        py: Python<'_>,
        serial: u64,
        requester: Option<&str>,
        task: Option<u64>,
    ) -> PyResult<bool> {
        let requester = self.requester(requester, task);
        py.detach(|| self.zone.free_block(requester, serial)).map_err(|error| refused(py, &error))
    }

    /// The name that stands for the block of this serial now.
    fn name_of(&self, serial: u64) -> Option<String> {
        self.zone.name_of(serial)
    }

    /// Forgets the names of what is not published and gives unused memory back to the system.
    fn cleanup(&self, py: Python<'_>) {
        py.detach(|| self.zone.cleanup());
    }
}
