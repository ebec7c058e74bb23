//! The room of this crate that needs `unsafe`: the buffer protocol, from shared memory to Python and back.
//!
//! Invariant: the exporter never changes its memory, shape, strides and format and owns them, and every view holds a
//! reference to the exporter; so whatever a view points to lives as long as the view. Memory that must not be written
//! is exported read-only, and in a worker the mapping itself is read-only.
#![expect(unsafe_code, reason = "the buffer protocol is defined in terms of raw pointers")]

use super::format::struct_code;
use super::memory::Memory;
use pyo3::exceptions::{PyBufferError, PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use theus::AttachedArray;
use theus_pool::Hold;
use theus_shm::{MapError, Mapping, OpenBuffer};
use theus_value::Heavy;

/// A typed piece of the heavy zone.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Block {
    memory: Arc<Memory>,
    dtype: Arc<str>,
    dimensions: Vec<u64>,
    shape: Vec<ffi::Py_ssize_t>,
    strides: Vec<ffi::Py_ssize_t>,
    format: CString,
    item: ffi::Py_ssize_t,
    bytes: ffi::Py_ssize_t,
    /// Which of its creator's blocks it is, and that process.
    serial: u64,
    creator: u32,
    readonly: AtomicBool,
}

impl Block {
    /// A block of this process.
    pub(crate) fn of_brain(block: &Arc<theus::Block>, dtype: &str, shape: &[u64], readonly: bool) -> Self {
        let origin = (block.serial(), std::process::id());
        Block::new(Arc::new(Memory::Brain(Arc::clone(block))), dtype, shape, origin, readonly)
    }

    /// A block of the Brain, mapped by this worker; None when it does not lie within the mapping.
    pub(crate) fn of_worker(mapping: Arc<Mapping>, heavy: &Heavy, hold: Hold) -> Option<Self> {
        let bytes = theus::array_bytes("", &heavy.dtype, &heavy.shape).ok()?;
        let end = heavy.block.offset.checked_add(bytes)?;
        if end > mapping.len() as u64 {
            return None;
        }
        let offset = heavy.block.offset as usize;
        // A worker is a child of the process whose blocks it maps.
        let creator = std::os::unix::process::parent_id();
        let memory = Arc::new(Memory::Worker { mapping, offset, _hold: hold });
        Some(Block::new(memory, &heavy.dtype, &heavy.shape, (heavy.block.serial, creator), true))
    }

    /// An array that came with a result: private and writable, as nobody else has asked for it.
    pub(crate) fn of_result(array: &AttachedArray<'_>) -> Result<Self, MapError> {
        let memory = Arc::new(Memory::Scratch(array.block.scratch()?));
        let origin = (array.block.serial(), std::process::id());
        Ok(Block::new(memory, array.dtype, &array.shape, origin, false))
    }

    /// Zeroed memory of this worker, to be filled and handed over.
    pub(crate) fn open(buffer: OpenBuffer, dtype: &str, shape: &[u64]) -> Self {
        Block::new(Arc::new(Memory::Open(buffer)), dtype, shape, (0, std::process::id()), false)
    }

    /// The serial of a block of the Brain that this worker maps.
    pub(crate) fn leased(&self) -> Option<u64> {
        matches!(*self.memory, Memory::Worker { .. }).then_some(self.serial)
    }

    /// The memory of this worker that is to be handed over.
    pub(crate) fn buffer(&self) -> Option<&OpenBuffer> {
        if let Memory::Open(buffer) = &*self.memory { Some(buffer) } else { None }
    }

    /// The shape's dimensions.
    pub(crate) fn dimensions(&self) -> &[u64] {
        &self.dimensions
    }

    /// The type's text.
    pub(crate) fn dtype_text(&self) -> &str {
        &self.dtype
    }

    /// Its memory.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(super) fn new(
        memory: Arc<Memory>,
        dtype: &str,
        dimensions: &[u64],
        origin: (u64, u32),
        readonly: bool,
    ) -> Self {
        let item = theus::item_size(dtype).unwrap_or(1) as ffi::Py_ssize_t;
        let shape: Vec<_> = dimensions.iter().map(|dimension| *dimension as ffi::Py_ssize_t).collect();
        let mut strides = vec![item; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis].max(1);
        }
        let bytes = shape.iter().product::<ffi::Py_ssize_t>() * item;
        let (dtype, dimensions): (Arc<str>, _) = (dtype.into(), dimensions.to_vec());
        let format = CString::new(struct_code(&dtype)).unwrap_or_default();
        let (serial, creator) = origin;
        let readonly = AtomicBool::new(readonly);
        Block { memory, dtype, dimensions, shape, strides, format, item, bytes, serial, creator, readonly }
    }

    /// The value that stands for this block in the state; None of memory that is not this process's to publish.
    pub(crate) fn heavy(&self) -> Option<Heavy> {
        match &*self.memory {
            Memory::Brain(block) => Some(theus::heavy_value(block, &self.dtype, &self.dimensions)),
            Memory::Worker { .. } | Memory::Opened(_) | Memory::Open(_) | Memory::Scratch(_) => None,
        }
    }

    fn is_readonly(&self) -> bool {
        self.readonly.load(Ordering::Relaxed)
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

    /// True when no new view of it can write.
    #[getter]
    fn readonly(&self) -> bool {
        self.is_readonly()
    }

    /// The number of the block among those of its creator, never used again.
    #[getter]
    fn serial(&self) -> u64 {
        self.serial
    }

    /// The process whose block it is.
    #[getter]
    pub(super) fn creator(&self) -> u32 {
        self.creator
    }

    /// True for shared memory of this very process, which is not a forked child of the one that made it.
    #[getter]
    fn owned(&self) -> bool {
        matches!(*self.memory, Memory::Brain(_)) && self.creator == std::process::id()
    }

    /// True for shared memory of this process or another; False for what is private, or not handed over yet.
    #[getter]
    fn shared(&self) -> bool {
        matches!(*self.memory, Memory::Brain(_) | Memory::Worker { .. } | Memory::Opened(_))
    }

    /// The address of the first byte.
    #[getter]
    fn address(&self) -> usize {
        self.memory.pointer().addr()
    }

    /// No view that is made from now on can write; those that there are stay what they are.
    fn seal(&self) {
        // Relaxed: the flag guards no data.
        self.readonly.store(true, Ordering::Relaxed);
    }

    /// A private writable block of the same pages, copied page by page as they are written; None of memory that is private
    /// already.
    fn scratch(&self) -> PyResult<Option<Self>> {
        let made = self.memory.scratch(self.bytes as usize).map_err(|error| {
            PyMemoryError::new_err(format!("a private view of {} bytes: {error}", self.bytes))
        })?;
        let origin = (self.serial, self.creator);
        Ok(made.map(|memory| Block::new(Arc::new(memory), &self.dtype, &self.dimensions, origin, false)))
    }

    /// The same memory as plain bytes in a row.
    fn flat(&self) -> Self {
        let origin = (self.serial, self.creator);
        Block::new(Arc::clone(&self.memory), "|u1", &[self.bytes as u64], origin, self.is_readonly())
    }

    /// Fills the block with the elements of an exporter of the buffer protocol, row by row: one copy, whatever the strides.
    fn fill(&self, source: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.is_readonly() {
            return Err(PyBufferError::new_err("this array is read-only"));
        }
        let source = Source::of(source)?;
        source.copy_to(self.memory.pointer(), self.bytes)
    }

    fn __repr__(&self) -> String {
        let access = if self.is_readonly() { "read-only" } else { "writable" };
        format!("<theus Block {} {:?}, {} bytes, {access}>", self.dtype, self.dimensions, self.bytes)
    }

    /// # Safety
    /// Called by the interpreter only, with a `Py_buffer` that it owns and that is not filled yet.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let block = slf.get();
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill"));
        }
        let readonly = block.is_readonly();
        if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE && readonly {
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
            buf: block.memory.pointer().cast::<c_void>(),
            obj: slf.clone().into_ptr(),
            len: block.bytes,
            itemsize: block.item,
            readonly: c_int::from(readonly),
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

/// Somebody else's buffer, held as long as this is.
struct Source<'py> {
    py: Python<'py>,
    // Boxed: some exporters let fields of the view point into the view itself, so it must not move.
    view: Box<MaybeUninit<ffi::Py_buffer>>,
}

impl<'py> Source<'py> {
    fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let mut view = Box::new(MaybeUninit::<ffi::Py_buffer>::uninit());
        // SAFETY: the object is alive and the interpreter attached (both by `Bound`); `view` is memory for one Py_buffer
        // that nobody else uses, and a call that does not return 0 leaves nothing in it to release.
        let failed =
            unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), view.as_mut_ptr(), ffi::PyBUF_FULL_RO) };
        if failed != 0 {
            return Err(PyErr::fetch(object.py()));
        }
        Ok(Source { py: object.py(), view })
    }

    /// Copies all elements, row by row, to `bytes` bytes of memory that the caller may write.
    fn copy_to(&self, target: *mut u8, bytes: ffi::Py_ssize_t) -> PyResult<()> {
        // SAFETY: `of` has filled the view, or there would be no `self`.
        let view = unsafe { self.view.assume_init_ref() };
        if view.len != bytes {
            let message = format!("{} bytes cannot fill an array of {bytes} bytes", view.len);
            return Err(PyValueError::new_err(message));
        }
        // SAFETY: the view is filled and not released; `target` is the start of a block of `bytes` bytes that its Block
        // keeps mapped and writable, and exactly `view.len == bytes` of them are written; the interpreter is attached.
        let failed =
            unsafe { ffi::PyBuffer_ToContiguous(target.cast::<c_void>(), view, bytes, b'C' as c_char) };
        if failed == 0 { Ok(()) } else { Err(PyErr::take(self.py).unwrap_or_else(not_copied)) }
    }
}

fn not_copied() -> PyErr {
    PyRuntimeError::new_err("the buffer could not be copied")
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        // SAFETY: filled by `of` and released here only; `py` shows that the interpreter is attached.
        unsafe { ffi::PyBuffer_Release(self.view.as_mut_ptr()) };
    }
}
