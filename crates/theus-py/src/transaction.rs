//! A transaction that Python fills and ends.
//!
//! Invariant: it ends once; whatever ends it lets go of the core's transaction.

use crate::errors::{Fields, make, refusal};
use crate::update::update;
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::sync::{Mutex, PoisonError};
use theus::Refusal;

/// Several updates that become one version or nothing.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Transaction {
    /// None once it has ended.
    open: Mutex<Option<theus::Transaction>>,
    process: String,
}

impl Transaction {
    pub(crate) fn new(transaction: theus::Transaction, process: String) -> Self {
        Transaction { open: Mutex::new(Some(transaction)), process }
    }

    /// Takes it out; whoever does so puts it back, unless it has ended by that.
    fn take(&self) -> Option<theus::Transaction> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn take_open(&self, py: Python<'_>) -> PyResult<theus::Transaction> {
        self.take().ok_or_else(|| {
            let message = format!(
                "Transaction of '{}': No active transaction found: it has ended; begin another one",
                self.process
            );
            make(
                py,
                "TransactionError",
                &message,
                &Fields { process: Some(&self.process), ..Fields::default() },
            )
        })
    }
}

#[pymethods]
impl Transaction {
    /// Adds operations (kind, path, value).
    fn update(&self, py: Python<'_>, ops: &Bound<'_, PyList>) -> PyResult<()> {
        let wanted = update(&self.process, ops)?.update;
        let mut transaction = self.take_open(py)?;
        let (transaction, added) = py.detach(|| {
            let added = transaction.update(wanted);
            (transaction, added)
        });
        if !matches!(added, Err(Refusal::TimedOut { .. })) {
            *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(transaction);
        }
        added.map_err(|refused| refusal(py, &refused))
    }

    /// Makes one version of it all.
    fn commit(&self, py: Python<'_>) -> PyResult<u64> {
        let transaction = self.take_open(py)?;
        py.detach(|| transaction.commit()).map_err(|refused| refusal(py, &refused))
    }

    /// Ends it without a trace in the state.
    fn abort(&self, py: Python<'_>) {
        let open = self.take();
        py.detach(|| drop(open));
    }
}
