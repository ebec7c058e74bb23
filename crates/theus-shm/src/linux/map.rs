//! Mappings of memory files, and who may undo them.
//!
//! Not here: reading and writing through them (`crate::raw`).
//!
//! Invariant: a process made by `fork` never has, reads, writes or unmaps a private mapping of its
//! parent. The kernel leaves such a range out of the child (`MADV_DONTFORK`), where it may by then hold
//! something else, so dropping the child's copy of the value must not touch it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use memmap2::{Advice, MmapOptions, MmapRaw};

use super::huge::{HUGE, HugePages};
use super::{memfd, raw};

/// Memory of a file in this process.
#[derive(Debug)]
pub(crate) struct Map {
    memory: Option<MmapRaw>,
    /// The process that may use and unmap it; `None` when children inherit it.
    owner: Option<u32>,
}

impl Map {
    /// The whole file, readable and writable, with its pages present; not inherited by a forked child.
    pub(crate) fn writable(file: &File, len: usize) -> io::Result<Self> {
        let memory = MmapOptions::new().len(len).map_raw(file)?;
        memory.advise(Advice::DontFork)?;
        if len >= HUGE {
            // Where the kernel gives huge pages to nobody, or to all, it changes nothing.
            let _ = memory.advise(Advice::HugePage);
        }
        // Only a speed-up (no fault per page at the first touch), unknown before Linux 5.14: the pages
        // are reserved already, so a refusal costs time and nothing else.
        let _ = memory.advise(Advice::PopulateWrite);
        Ok(Self { memory: Some(memory), owner: Some(std::process::id()) })
    }

    /// A new memory file of `len` zero bytes with all its pages, and its writable mapping.
    pub(crate) fn of_new_file(len: usize, label: &str) -> io::Result<(File, Self)> {
        if len >= HUGE && HugePages::here(Path::new("/")) == HugePages::Asked {
            // Only a mapping can ask for huge pages, so they are made through it, as many as there are, and the rest
            // reserved as always.
            let file = memfd::bare(len as u64, label)?;
            let map = Self::writable(&file, len)?;
            memfd::reserve(&file, len as u64)?;
            return Ok((file, map));
        }
        let file = memfd::create(len as u64, label)?;
        let map = Self::writable(&file, len)?;
        Ok((file, map))
    }

    /// The whole file, read-only; a forked child inherits it.
    pub(crate) fn readable(file: &File, len: usize) -> io::Result<Self> {
        let memory = MmapOptions::new().len(len).map_raw_read_only(file)?;
        Ok(Self { memory: Some(memory), owner: None })
    }

    /// Any other mapping; a forked child inherits it.
    pub(crate) fn inherited(memory: MmapRaw) -> Self {
        Self { memory: Some(memory), owner: None }
    }

    /// Makes what is written here from now on private to this process; every address stays valid.
    pub(crate) fn make_private(&self, file: &File) -> io::Result<()> {
        match &self.memory {
            Some(memory) => raw::map_privately(memory, file.as_fd()),
            None => Ok(()),
        }
    }

    /// Its first byte.
    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        self.memory.as_ref().map_or(std::ptr::null_mut(), MmapRaw::as_mut_ptr)
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.memory.as_ref().map_or(0, MmapRaw::len)
    }

    /// Whether this process has the memory (a child forked after the mapping has not).
    pub(crate) fn is_here(&self) -> bool {
        self.owner.is_none_or(|owner| owner == std::process::id())
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if !self.is_here() {
            std::mem::forget(self.memory.take());
        }
    }
}
