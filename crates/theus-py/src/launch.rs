//! How worker processes of this interpreter are started.

use pyo3::prelude::*;
use pyo3::types::PyString;
use std::ffi::OsString;
use std::path::PathBuf;
use theus::{Launch, encode};
use theus_value::{Map, Value};

/// How a worker is started: this interpreter, anew, with the import path and the folder of now.
pub(crate) fn launch(py: Python<'_>) -> PyResult<Launch> {
    let sys = py.import("sys")?;
    let mut path = Vec::new();
    for entry in sys.getattr("path")?.try_iter()? {
        // Entries that are no text (finders may put anything there) mean nothing to another process.
        if let Ok(text) = entry?.cast::<PyString>() {
            path.push(Value::from(text.to_str()?));
        }
    }
    let hello: Map = [("path".into(), Value::List(path.into()))].into_iter().collect();
    let program: PathBuf = sys.getattr("executable")?.extract()?;
    // The worker must find this very package before it knows the engine's import path.
    let package: PathBuf = py.import("theus")?.getattr("__file__")?.extract()?;
    let home = package.parent().and_then(|package| package.parent()).map(PathBuf::from).unwrap_or_default();
    let start = "import sys; sys.path.insert(0, sys.argv[1]); import theus._worker as worker; worker.main()";
    // -P: the working folder must not come first in the worker's import path, where a file of the user's such as
    // signal.py would shadow the standard library before the engine's path has arrived.
    let arguments: Vec<OsString> = vec!["-P".into(), "-c".into(), start.into(), home.into()];
    Ok(Launch {
        program,
        arguments,
        environment: Vec::new(),
        directory: None,
        hello: encode(&Value::Map(hello)),
    })
}
