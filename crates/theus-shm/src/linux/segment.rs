//! What stands behind a segment: a memory file with all its pages, mapped writable once and sealed against a second time.
//!
//! Not here: a segment's number and its life (`crate::segment`).

use std::fs::File;
use std::io;
use std::path::Path;

use super::huge::{HUGE, HugePages};
use super::map::Map;
use super::memfd;
use crate::seals::Seals;

/// A new sealed file of `len` zero bytes and its one writable mapping. The label shows in `/proc/*/maps` only.
pub(crate) fn memory(len: usize, label: &str) -> io::Result<(File, Map)> {
    let (file, map) = unsealed(len, label)?;
    memfd::seal(&file, Seals::SEGMENT)?;
    Ok((file, map))
}

/// The same without the seals: all its pages are there.
pub(crate) fn unsealed(len: usize, label: &str) -> io::Result<(File, Map)> {
    if len >= HUGE && HugePages::here(Path::new("/")) == HugePages::Asked {
        // Only a mapping can ask for huge pages, so they are made through it, as many as there are, and the rest reserved
        // as always.
        let file = memfd::bare(len as u64, label)?;
        let map = Map::writable(&file, len)?;
        memfd::reserve(&file, len as u64)?;
        return Ok((file, map));
    }
    let file = memfd::create(len as u64, label)?;
    let map = Map::writable(&file, len)?;
    Ok((file, map))
}
