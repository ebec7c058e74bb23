//! The PyO3 module `theus._native`: a thin binding of the `theus` crate, wrapped by the Python package beside it.
//!
//! What it is: conversions between Python objects and values, contexts and views, futures, buffers, and the worker's
//! loop body. What it is not: the engine's logic, which lives in `theus` and below, nor the public API, which is Python.
//!
//! Invariants: no lock of the core is held while Python code runs, and no call waits in the core with the GIL held, so
//! the two kinds of locks cannot wait for each other.

mod admission;
mod attempt;
mod audit;
mod block;
mod bodies;
mod computed;
mod conflicts;
mod context;
mod convert;
mod core;
mod engine_audit;
mod errors;
mod evidence;
mod heavy;
mod inputs;
mod launch;
mod offer;
mod process;
mod python;
mod reader;
mod record;
mod sharing;
mod snapshot;
mod task;
mod tensor;
mod trail;
mod transaction;
mod update;
mod view;
mod worker;

use pyo3::prelude::*;

/// Bytes of one element of a type such as `'<f4'`; None for a type that cannot live in shared memory.
#[pyfunction]
fn item_size(dtype: &str) -> Option<u64> {
    theus::item_size(dtype)
}

/// The native part of Theus.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Cargo writes 4.0.0-alpha.1 where Python writes 4.0.0a1.
    let version =
        env!("CARGO_PKG_VERSION").replace("-alpha.", "a").replace("-beta.", "b").replace("-rc.", "rc");
    module.add("__version__", version)?;
    module.add_class::<core::Core>()?;
    module.add_class::<process::Process>()?;
    module.add_class::<process::Function>()?;
    module.add_class::<attempt::Attempt>()?;
    module.add_class::<attempt::Cancel>()?;
    module.add_class::<snapshot::Snapshot>()?;
    module.add_class::<block::Block>()?;
    module.add_class::<heavy::Zone>()?;
    module.add_class::<tensor::Tensor>()?;
    module.add_class::<record::Record>()?;
    module.add_class::<engine_audit::Audit>()?;
    module.add_class::<engine_audit::Observer>()?;
    module.add_class::<audit::AuditRecipe>()?;
    module.add_class::<audit::AuditLogEntry>()?;
    module.add_class::<audit::AuditSystem>()?;
    module.add_class::<audit::AuditValidator>()?;
    module.add_class::<audit::Rulebook>()?;
    module.add_class::<evidence::AuditReport>()?;
    module.add_class::<evidence::TrailRecords>()?;
    module.add_class::<conflicts::ConflictManager>()?;
    module.add_class::<conflicts::RetryDecision>()?;
    module.add_class::<task::Task>()?;
    module.add_class::<transaction::Transaction>()?;
    module.add_class::<context::Context>()?;
    module.add_class::<view::View>()?;
    module.add_class::<worker::Worker>()?;
    module.add_class::<worker::WorkerTask>()?;
    module.add_class::<sharing::Session>()?;
    module.add_function(wrap_pyfunction!(sharing::sessions, module)?)?;
    module.add_function(wrap_pyfunction!(sharing::attach, module)?)?;
    module.add_function(wrap_pyfunction!(sharing::listen, module)?)?;
    module.add_function(wrap_pyfunction!(sharing::handle, module)?)?;
    module.add_function(wrap_pyfunction!(sharing::reached, module)?)?;
    module.add_function(wrap_pyfunction!(sharing::doctor, module)?)?;
    module.add_function(wrap_pyfunction!(sharing::harden, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::verify_trail, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::trail_records, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::prove_record, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::prove_consistency, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::check_proof, module)?)?;
    module.add_function(wrap_pyfunction!(evidence::new_key, module)?)?;
    module.add_function(wrap_pyfunction!(item_size, module)?)?;
    module.add_function(wrap_pyfunction!(computed::computed, module)?)?;
    Ok(())
}
