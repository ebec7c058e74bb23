//! What a worker's result attaches: arrays whose memory the Brain takes as it lies there, instead of a copy in the result.
//!
//! Which way an array goes is a matter of measurement (`benches/handover.py`):
//! * one of the Brain's own blocks goes by its number: nothing is copied;
//! * one that the worker has allocated to be handed over, from [`seal_from`] bytes on, is sealed and becomes a block of the
//!   Brain: nothing is copied, but each page costs a little, and the next such buffer fresh pages;
//! * any other is copied by the kernel from the worker's memory into a warm block of the Brain, once;
//! * where the system forbids that, it is copied into a sealed file, which becomes a block.
//!
//! Invariant: whatever is attached as memory is held here, so that it stays as it is until the Brain has taken it.

use crate::block::Block;
use crate::python::{ATTACHABLE, BLOCK_OF};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use theus::{AttachedArray, array_bytes};
use theus_pool::link::{ATTACHMENTS, Attachment};
use theus_shm::{OpenBuffer, SealedBuffer, ShmError, peer};
use theus_value::Value;

/// Smaller arrays are copied into the result itself.
const ATTACH_FROM: usize = 16 << 10;
/// Buffers of at least this many bytes are sealed rather than copied, where shared memory has huge pages.
const SEAL_FROM: u64 = 4 << 20;
/// The same where it has none: there a fresh buffer costs more than the copy, and only saves having the array twice.
const SEAL_SMALL_PAGES_FROM: u64 = 256 << 20;
/// Sealed files of one result at most: each costs both processes a descriptor.
const MOST_SEALED: usize = 64;

/// What one result attaches.
pub(crate) struct Offer {
    /// The Brain can read this process's memory.
    readable: bool,
    parts: RefCell<Parts>,
}

#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) table: Vec<Attachment>,
    /// The descriptors of the sealed files in it.
    pub(crate) sealed: Vec<OwnedFd>,
    /// The owners of the memory in it.
    pub(crate) held: Vec<Py<PyAny>>,
}

/// From how many bytes on a buffer that was made to be handed over is sealed rather than copied. It depends on the
/// machine, so the environment may say it (`THEUS_SEAL_FROM`).
pub(crate) fn seal_from() -> u64 {
    static CHOSEN: OnceLock<u64> = OnceLock::new();
    let asked = || std::env::var("THEUS_SEAL_FROM").ok()?.parse().ok();
    let measured = || if theus_shm::huge_pages() { SEAL_FROM } else { SEAL_SMALL_PAGES_FROM };
    *CHOSEN.get_or_init(|| asked().unwrap_or_else(measured))
}

fn no_memory(error: &ShmError) -> PyErr {
    PyMemoryError::new_err(format!("a large array of the result cannot be handed over: {error}"))
}

impl Offer {
    pub(crate) fn new(readable: bool) -> Self {
        Offer { readable, parts: RefCell::default() }
    }

    /// All that was attached.
    pub(crate) fn into_parts(self) -> Parts {
        self.parts.into_inner()
    }

    /// Attaches an array; None if it is none, or a small one.
    pub(crate) fn attach(&self, object: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
        let py = object.py();
        if self.parts.borrow().table.len() >= ATTACHMENTS {
            return Ok(None);
        }
        let whole = BLOCK_OF.get(py)?.call1((object,))?;
        if let Ok(found) = whole.cast::<Block>() {
            let block = found.get();
            let attachment = match (block.leased(), block.buffer()) {
                (Some(serial), _) => Some(Attachment::Leased { serial }),
                (None, Some(buffer)) => self.buffer(buffer)?,
                (None, None) => None,
            };
            if let Some(attachment) = attachment {
                return Ok(Some(self.add(attachment, block.dtype_text(), block.dimensions(), found)));
            }
        }
        let found = ATTACHABLE.get(py)?.call1((object, ATTACH_FROM))?;
        if found.is_none() {
            return Ok(None);
        }
        let (dtype, shape, array, address): (String, Vec<u64>, Bound<'_, PyAny>, u64) = found.extract()?;
        let Ok(len) = array_bytes("", &dtype, &shape) else { return Ok(None) };
        let attachment = self.memory(address, len)?;
        Ok(attachment.map(|attachment| self.add(attachment, &dtype, &shape, &array)))
    }

    /// The way of memory that this process goes on using; None when it has to travel in the result.
    fn memory(&self, address: u64, len: u64) -> PyResult<Option<Attachment>> {
        if self.readable {
            return Ok(Some(Attachment::Memory { address, len }));
        }
        if self.parts.borrow().sealed.len() >= MOST_SEALED {
            return Ok(None);
        }
        let mut read = Ok(());
        let file = SealedBuffer::build(len as usize, |target| {
            read = peer::read(std::process::id(), address, target);
        });
        // A sandbox may forbid even reading oneself that way.
        let (Ok(()), file) = (read, file.map_err(|error| no_memory(&error))?) else { return Ok(None) };
        self.parts.borrow_mut().sealed.push(file);
        Ok(Some(Attachment::Sealed { len }))
    }

    /// The way of a buffer that was made to be handed over. Once it was, it is memory like any other.
    fn buffer(&self, buffer: &OpenBuffer) -> PyResult<Option<Attachment>> {
        let len = buffer.len() as u64;
        let large = !self.readable || len >= seal_from();
        if !large || buffer.is_sealed() || self.parts.borrow().sealed.len() >= MOST_SEALED {
            return self.memory(buffer.as_ptr().addr() as u64, len);
        }
        let file = buffer.seal().map_err(|error| no_memory(&error))?;
        self.parts.borrow_mut().sealed.push(file);
        Ok(Some(Attachment::Sealed { len }))
    }

    fn add(&self, attachment: Attachment, dtype: &str, shape: &[u64], owner: &Bound<'_, PyAny>) -> Value {
        let mut parts = self.parts.borrow_mut();
        let position = parts.table.len() as u32;
        parts.table.push(attachment);
        parts.held.push(owner.clone().unbind());
        AttachedArray::encode(dtype, shape, position)
    }
}
