//! A room with `unsafe`: the tensor in a DLPack capsule, shown by the buffer protocol.
//!
//! Source: the DLPack C header, version 1.0, and the Python specification of `__dlpack__` (array API standard 2023.12).
//!
//! Invariant: the capsule is looked at, never consumed, so its own destructor gives the tensor back; the tensor is valid as
//! long as the capsule is held, and every view holds it. What the producer wrote into the capsule is trusted, as any
//! consumer of DLPack must: it is another extension module of this process.
#![expect(unsafe_code, reason = "DLPack is defined in terms of raw pointers")]

use crate::block::struct_code;
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr::null_mut;

/// More dimensions than the buffer protocol can show.
const MOST_DIMENSIONS: i32 = 64;

#[repr(C)]
#[derive(Clone, Copy)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device: [i32; 2],
    dimensions: i32,
    dtype: DataType,
    shape: *const i64,
    /// In elements; null when they lie row by row.
    strides: *const i64,
    byte_offset: u64,
}

/// The head of what a capsule named `dltensor_versioned` points to. One named `dltensor` points to a tensor.
#[repr(C)]
struct Versioned {
    version: [u32; 2],
    context: *mut c_void,
    deleter: *mut c_void,
    flags: u64,
    tensor: DlTensor,
}

/// A tensor in a capsule, read-only.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Tensor {
    /// Keeps the memory.
    _capsule: Py<PyAny>,
    /// The address of the first element.
    address: usize,
    format: CString,
    item: ffi::Py_ssize_t,
    bytes: ffi::Py_ssize_t,
    shape: Vec<ffi::Py_ssize_t>,
    strides: Vec<ffi::Py_ssize_t>,
}

fn wrong(what: impl Into<String>) -> PyErr {
    PyTypeError::new_err(what.into())
}

/// The pointer in a capsule of this name; None when it has another name.
fn pointer(capsule: &Bound<'_, PyAny>, name: &CStr) -> PyResult<Option<*mut c_void>> {
    // SAFETY: any object may be asked; the name ends with a zero; the interpreter is attached, as `Bound` shows.
    if unsafe { ffi::PyCapsule_IsValid(capsule.as_ptr(), name.as_ptr()) } == 0 {
        return Ok(None);
    }
    // SAFETY: as above; the object was just found to be a capsule of this name.
    let found = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), name.as_ptr()) };
    if found.is_null() { Err(PyErr::fetch(capsule.py())) } else { Ok(Some(found)) }
}

/// The tensor in a capsule that is held meanwhile.
fn tensor_of<'a>(capsule: &'a Bound<'_, PyAny>) -> PyResult<&'a DlTensor> {
    if let Some(found) = pointer(capsule, c"dltensor_versioned")? {
        // SAFETY: by DLPack a capsule of this name points to such a struct, valid until the capsule is destroyed or
        // consumed; nobody consumes one that was asked for here. The version comes first in every version.
        let [major, minor] = unsafe { (*found.cast::<Versioned>()).version };
        if major != 1 {
            return Err(wrong(format!("DLPack {major}.{minor} is not known here")));
        }
        // SAFETY: as above, and the layout is that of version 1.
        return Ok(unsafe { &(*found.cast::<Versioned>()).tensor });
    }
    let found = pointer(capsule, c"dltensor")?.ok_or_else(|| wrong("this is no unused DLPack capsule"))?;
    // SAFETY: as above; a capsule of this name points to a struct that begins with the tensor.
    Ok(unsafe { &*found.cast::<DlTensor>() })
}

/// `count` numbers at an address of the producer's.
fn numbers(first: *const i64, count: usize) -> Vec<i64> {
    if count == 0 || first.is_null() {
        return Vec::new();
    }
    // SAFETY: by DLPack shape, and strides where they are not null, have one number for each dimension.
    unsafe { std::slice::from_raw_parts(first, count) }.to_vec()
}

fn dtype_text(dtype: DataType) -> PyResult<String> {
    let kind = match (dtype.code, dtype.lanes) {
        (0, 1) => 'i',
        (1, 1) => 'u',
        (2, 1) => 'f',
        (5, 1) => 'c',
        (6, 1) => 'b',
        (code, lanes) => {
            return Err(wrong(format!("elements of DLPack type {code} with {lanes} lanes are not known")));
        }
    };
    let size = dtype.bits / 8;
    let text = format!("{}{kind}{size}", if size == 1 { '|' } else { '<' });
    let known = dtype.bits.is_multiple_of(8) && theus::item_size(&text) == Some(size.into());
    known
        .then_some(text)
        .ok_or_else(|| wrong(format!("elements of {} bits ({kind}) are not known", dtype.bits)))
}

#[pymethods]
impl Tensor {
    #[new]
    fn new(capsule: Bound<'_, PyAny>) -> PyResult<Self> {
        let tensor = tensor_of(&capsule)?;
        if !(0..=MOST_DIMENSIONS).contains(&tensor.dimensions) {
            return Err(wrong(format!("{} dimensions cannot be", tensor.dimensions)));
        }
        let text = dtype_text(tensor.dtype)?;
        let item = isize::from(tensor.dtype.bits / 8);
        let shape: Vec<isize> =
            numbers(tensor.shape, tensor.dimensions as usize).iter().map(|length| *length as isize).collect();
        let too_large = || wrong(format!("a shape {shape:?} cannot be"));
        let mut bytes = Some(item);
        let mut rows = vec![0; shape.len()];
        for (axis, length) in shape.iter().enumerate().rev() {
            rows[axis] = bytes.ok_or_else(too_large)?;
            bytes = rows[axis].checked_mul((*length).max(1)).filter(|_| *length >= 0);
        }
        let bytes = bytes.ok_or_else(too_large)?;
        let bytes = if shape.contains(&0) { 0 } else { bytes };
        let strides = numbers(tensor.strides, shape.len());
        let strides = if strides.len() == shape.len() && !shape.is_empty() {
            strides.iter().map(|stride| *stride as isize * item).collect()
        } else {
            rows
        };
        let address = tensor.data.expose_provenance().wrapping_add(tensor.byte_offset as usize);
        let format = CString::new(struct_code(&text)).unwrap_or_default();
        Ok(Tensor { address, format, item, bytes, shape, strides, _capsule: capsule.unbind() })
    }

    /// # Safety
    /// Called by the interpreter only, with a `Py_buffer` that it owns and that is not filled yet.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let tensor = slf.get();
        if view.is_null() || flags & ffi::PyBUF_FULL_RO != ffi::PyBUF_FULL_RO {
            return Err(PyBufferError::new_err("this tensor has strides of its own, and is read-only"));
        }
        let filled = ffi::Py_buffer {
            buf: std::ptr::with_exposed_provenance_mut(tensor.address),
            obj: slf.clone().into_ptr(),
            len: tensor.bytes,
            itemsize: tensor.item,
            readonly: 1,
            ndim: tensor.shape.len() as c_int,
            format: tensor.format.as_ptr().cast_mut(),
            shape: tensor.shape.as_ptr().cast_mut(),
            strides: tensor.strides.as_ptr().cast_mut(),
            suboffsets: null_mut(),
            internal: null_mut(),
        };
        // SAFETY: `view` is not null and, by this method's contract, points to a Py_buffer that the interpreter owns and
        // nobody else uses now; it is plain data. What it points to belongs to `slf` or, through the capsule that `slf`
        // holds, to the producer; `obj` is a counted reference to `slf`, which never changes.
        unsafe { view.write(filled) };
        Ok(())
    }
}
