//! What stands behind a segment: a memory file with all its pages, mapped writable once and sealed against a second time.
//!
//! Not here: a segment's number and its life (`crate::segment`).

use std::fs::File;
use std::io;

use super::map::Map;
use super::memfd;
use crate::seals::Seals;

/// A new sealed file of `len` zero bytes and its one writable mapping. The label shows in `/proc/*/maps` only.
pub(crate) fn memory(len: usize, label: &str) -> io::Result<(File, Map)> {
    let (file, map) = Map::of_new_file(len, label)?;
    memfd::seal(&file, Seals::SEGMENT)?;
    Ok((file, map))
}
