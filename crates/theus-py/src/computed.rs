//! What is computed from an array in shared memory: an ordinary array, or a number. NumPy asks for it after each operation,
//! so it is native.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The result of a NumPy function on a ShmArray, as `__array_wrap__` gets it. It lies in ordinary memory and stays what it
/// is; one without dimensions becomes the number that it holds, where NumPy asks for that (before NumPy 2: always).
#[pyfunction]
#[pyo3(signature = (result, context = None, return_scalar = None))]
pub(crate) fn computed<'py>(
    result: Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    return_scalar: Option<bool>,
) -> PyResult<Bound<'py, PyAny>> {
    let _which_function_is_all_the_same = context;
    let py = result.py();
    if return_scalar == Some(false) || result.getattr("ndim")?.extract::<usize>()? != 0 {
        return Ok(result);
    }
    result.get_item(PyTuple::empty(py))
}
