//! What to do after conflicts, for Python callers that commit in loops of their own.
//!
//! What not: no decision; they are `theus_state`'s.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::time::Duration;
use theus_state::{Requester, Store};
use theus_value::Map;

/// What to do after a conflict.
#[pyclass(frozen, eq, get_all, module = "theus_core")]
#[derive(PartialEq)]
pub(crate) struct RetryDecision {
    should_retry: bool,
    /// Milliseconds.
    wait_ms: f64,
}

impl RetryDecision {
    pub(crate) fn new(decision: theus_state::RetryDecision) -> Self {
        RetryDecision { should_retry: decision.should_retry, wait_ms: decision.wait.as_secs_f64() * 1e3 }
    }
}

#[pymethods]
impl RetryDecision {
    fn __repr__(&self) -> String {
        let should_retry = if self.should_retry { "True" } else { "False" };
        format!("RetryDecision(should_retry={should_retry}, wait_ms={})", self.wait_ms)
    }
}

/// Counts conflicts by key and hands out the priority ticket, for nobody's commits but the caller's own.
#[pyclass(frozen, module = "theus_core")]
pub(crate) struct ConflictManager {
    manager: theus_state::ConflictManager,
}

#[pymethods]
impl ConflictManager {
    #[new]
    #[pyo3(signature = (max_retries = 5, base_backoff_ms = 2.0))]
    fn new(max_retries: u32, base_backoff_ms: f64) -> PyResult<Self> {
        let base = Duration::try_from_secs_f64(base_backoff_ms / 1e3).map_err(|_| {
            PyValueError::new_err(format!("base_backoff_ms={base_backoff_ms}: give milliseconds from 0"))
        })?;
        // The ticket of a store that nobody else knows.
        let manager = theus_state::ConflictManager::new(Store::new(Map::new()), max_retries, base);
        Ok(ConflictManager { manager })
    }

    /// How long to wait before the next try.
    fn report_conflict(&self, key: &str) -> RetryDecision {
        RetryDecision::new(self.manager.report_conflict(&Requester::new(key)))
    }

    /// Clears the key's count, and gives its ticket back.
    fn report_success(&self, key: &str) {
        self.manager.report_success(&Requester::new(key));
    }

    /// True while somebody else holds the ticket.
    #[pyo3(signature = (requester = None))]
    fn is_blocked(&self, requester: Option<&str>) -> bool {
        self.manager.is_blocked(requester.map(Requester::new).as_ref())
    }

    /// Conflicts since the key's last success.
    fn get_failure_count(&self, key: &str) -> u32 {
        self.manager.failure_count(&Requester::new(key))
    }
}
