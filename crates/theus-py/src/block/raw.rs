//! The room of this crate that needs `unsafe`: filling a `Py_buffer` with a pointer into shared memory.
//!
//! Invariant: the exporter is never changed and owns its memory, shape, strides and format, and every view holds a
//! reference to the exporter; so whatever a view points to lives as long as the view. Memory that must not be written
//! is exported read-only, and in a worker the mapping itself is read-only.
#![expect(unsafe_code, reason = "the buffer protocol is defined in terms of raw pointers")]

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::ffi::{CString, c_int, c_void};
use std::sync::Arc;
use theus_shm::Mapping;
use theus_value::Heavy;

enum Memory {
    Brain(Arc<theus::Block>),
    Worker { mapping: Arc<Mapping>, offset: usize },
}

/// A typed piece of the heavy zone.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Block {
    memory: Memory,
    dtype: Arc<str>,
    dimensions: Vec<u64>,
    shape: Vec<ffi::Py_ssize_t>,
    strides: Vec<ffi::Py_ssize_t>,
    format: CString,
    item: ffi::Py_ssize_t,
    bytes: ffi::Py_ssize_t,
    readonly: bool,
}

impl Block {
    /// A block of this process.
    pub(crate) fn of_brain(block: &Arc<theus::Block>, dtype: &str, shape: &[u64], readonly: bool) -> Self {
        Block::new(Memory::Brain(Arc::clone(block)), dtype, shape, readonly)
    }

    /// A block of the Brain, mapped by this worker; None when it does not lie within the mapping.
    pub(crate) fn of_worker(mapping: Arc<Mapping>, heavy: &Heavy) -> Option<Self> {
        let bytes = theus::array_bytes("", &heavy.dtype, &heavy.shape).ok()?;
        let end = heavy.block.offset.checked_add(bytes)?;
        if end > mapping.len() as u64 {
            return None;
        }
        let offset = heavy.block.offset as usize;
        Some(Block::new(Memory::Worker { mapping, offset }, &heavy.dtype, &heavy.shape, true))
    }

    fn new(memory: Memory, dtype: &str, dimensions: &[u64], readonly: bool) -> Self {
        let item = theus::item_size(dtype).unwrap_or(1) as ffi::Py_ssize_t;
        let shape: Vec<_> = dimensions.iter().map(|dimension| *dimension as ffi::Py_ssize_t).collect();
        let mut strides = vec![item; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis].max(1);
        }
        let bytes = shape.iter().product::<ffi::Py_ssize_t>() * item;
        let (dtype, dimensions): (Arc<str>, _) = (dtype.into(), dimensions.to_vec());
        let format = CString::new(struct_code(&dtype)).unwrap_or_default();
        Block { memory, dtype, dimensions, shape, strides, format, item, bytes, readonly }
    }

    /// The value that stands for this block in the state; None in a worker, which owns no block.
    pub(crate) fn heavy(&self) -> Option<Heavy> {
        match &self.memory {
            Memory::Brain(block) => Some(theus::heavy_value(block, &self.dtype, &self.dimensions)),
            Memory::Worker { .. } => None,
        }
    }

    fn pointer(&self) -> *mut u8 {
        match &self.memory {
            Memory::Brain(block) => block.as_ptr(),
            // `of_worker` has checked that the block lies within the mapping.
            Memory::Worker { mapping, offset } => mapping.as_ptr().wrapping_add(*offset).cast_mut(),
        }
    }
}

#[pymethods]
impl Block {
    /// The type as text, such as '<f4'.
    #[getter]
    fn dtype(&self) -> &str {
        &self.dtype
    }

    /// The shape.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.dimensions)
    }

    /// Bytes of the elements.
    #[getter]
    fn nbytes(&self) -> isize {
        self.bytes
    }

    /// True when it cannot be written through this object.
    #[getter]
    fn readonly(&self) -> bool {
        self.readonly
    }

    fn __repr__(&self) -> String {
        let access = if self.readonly { "read-only" } else { "writable" };
        format!("<theus Block {} {:?}, {} bytes, {access}>", self.dtype, self.dimensions, self.bytes)
    }

    /// # Safety
    /// Called by the interpreter only, with a `Py_buffer` that it owns and that is not filled yet.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let block = slf.get();
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill"));
        }
        if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE && block.readonly {
            return Err(PyBufferError::new_err("this array is read-only: workers and snapshots never write"));
        }
        let wants = |flag: c_int| flags & flag == flag;
        let columns_first = ffi::PyBUF_F_CONTIGUOUS & !ffi::PyBUF_STRIDES;
        if wants(ffi::PyBUF_STRIDES)
            && flags & columns_first != 0
            && flags & (ffi::PyBUF_C_CONTIGUOUS & !ffi::PyBUF_STRIDES) == 0
            && flags & (ffi::PyBUF_ANY_CONTIGUOUS & !ffi::PyBUF_STRIDES) == 0
            && block.shape.iter().filter(|dimension| **dimension > 1).count() > 1
        {
            return Err(PyBufferError::new_err("this array lies row by row, not column by column"));
        }
        let with_shape = wants(ffi::PyBUF_ND);
        let filled = ffi::Py_buffer {
            buf: block.pointer().cast::<c_void>(),
            obj: slf.clone().into_ptr(),
            len: block.bytes,
            itemsize: block.item,
            readonly: c_int::from(block.readonly),
            // A view without shape is one of plain bytes.
            ndim: if with_shape { block.shape.len() as c_int } else { 1 },
            format: if wants(ffi::PyBUF_FORMAT) {
                block.format.as_ptr().cast_mut()
            } else {
                std::ptr::null_mut()
            },
            shape: if with_shape { block.shape.as_ptr().cast_mut() } else { std::ptr::null_mut() },
            strides: if wants(ffi::PyBUF_STRIDES) {
                block.strides.as_ptr().cast_mut()
            } else {
                std::ptr::null_mut()
            },
            suboffsets: std::ptr::null_mut(),
            internal: std::ptr::null_mut(),
        };
        // SAFETY: `view` is not null (checked above) and, by this method's contract, points to a Py_buffer that the
        // interpreter owns and that nobody else uses now; Py_buffer is plain data, so nothing is dropped by the write.
        // What it points to belongs to `slf`, to which `obj` is a counted reference that the interpreter gives back with
        // the view; the memory, shape, strides and format of a frozen Block never move or change.
        unsafe { view.write(filled) };
        Ok(())
    }
}

/// The struct code of a type, as the buffer protocol names it.
fn struct_code(dtype: &str) -> &'static str {
    match dtype.trim_start_matches(['<', '|']) {
        "b1" => "?",
        "i1" => "b",
        "u1" => "B",
        "i2" => "h",
        "u2" => "H",
        "i4" => "i",
        "u4" => "I",
        "i8" => "q",
        "u8" => "Q",
        "f2" => "e",
        "f4" => "f",
        "f8" => "d",
        "f16" => "g",
        "c8" => "Zf",
        "c16" => "Zd",
        "c32" => "Zg",
        _ => "B",
    }
}
