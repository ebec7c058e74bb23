//! What stands behind a segment where the model checker runs: private memory of this process, no file of its own.
//!
//! Not here: anything that ships. Built only with `cfg(theus_loom)`, in the place of `linux::memfd`, `linux::map` and
//! `linux::limits` for the arena's segments; the arena itself is the one that ships.
//!
//! Invariants: a model starts from zeroed memory; it does not depend on how much memory the machine has.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::MmapOptions;

use crate::linux::map::Map;

/// Zeroed memory of `len` bytes, and a file to stand for its own, which no model reads.
pub(crate) fn memory(len: usize, _label: &str) -> io::Result<(File, Map)> {
    let memory = MmapOptions::new().len(len).map_anon()?;
    Ok((File::open("/dev/null")?, Map::inherited(memory.into())))
}

/// A model's machine tells nobody what it has.
pub(crate) fn available(_root: &Path) -> Option<u64> {
    None
}
