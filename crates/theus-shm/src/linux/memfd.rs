//! Memory files: made, sized, filled with real pages, sealed, and looked at before they are trusted.
//!
//! Not here: mapping them.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use super::raw;
use crate::seals::Seals;

/// Names of memory files may have this many bytes (`NAME_MAX` less the kernel's "memfd:").
const MAX_LABEL: usize = 249;

/// Pages are reserved in pieces of this size: the kernel undoes a whole `fallocate` when a signal comes,
/// so with one big piece a steady profiling timer could keep it from ever getting done.
const PIECE: u64 = 16 << 20;

/// Unit of `stat`'s block count.
const STAT_BLOCK: u64 = 512;

/// A new memory file of `len` zero bytes that have real pages. The label shows in `/proc/*/maps` only.
pub(crate) fn create(len: u64, label: &str) -> io::Result<File> {
    let file = bare(len, label)?;
    reserve(&file, len)?;
    Ok(file)
}

/// A new memory file of `len` bytes without pages, which must be [reserved](reserve) before anybody may count on them.
pub(crate) fn bare(len: u64, label: &str) -> io::Result<File> {
    let file = File::from(open(label)?);
    file.set_len(len)?;
    Ok(file)
}

fn open(label: &str) -> io::Result<std::os::fd::OwnedFd> {
    let mut name: Vec<u8> = label.bytes().filter(|byte| *byte != 0).collect();
    name.truncate(MAX_LABEL);
    let name = CString::new(name)?;
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    match raw::memfd_create(&name, flags | libc::MFD_NOEXEC_SEAL) {
        // Kernels before 6.3 do not know the flag.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => raw::memfd_create(&name, flags),
        other => other,
    }
}

/// Gives all of the file real pages, but for those that have one.
pub(crate) fn reserve(file: &File, len: u64) -> io::Result<()> {
    let mut offset = 0;
    while offset < len {
        let piece = PIECE.min(len - offset);
        match raw::fallocate(file.as_fd(), to_off(offset)?, to_off(piece)?) {
            Ok(()) => offset += piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn to_off(value: u64) -> io::Result<libc::off_t> {
    libc::off_t::try_from(value).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))
}

/// Adds seals.
pub(crate) fn seal(file: &File, seals: Seals) -> io::Result<()> {
    raw::add_seals(file.as_fd(), seals.bits())
}

/// What the kernel says about a file that may be a memory file.
pub(crate) struct Inspected {
    /// The seals; `None` when it is no memory file at all.
    pub(crate) seals: Option<Seals>,
    /// Its size in bytes.
    pub(crate) len: u64,
    /// Whether every byte has a page behind it, so that reading cannot run out of memory.
    pub(crate) backed: bool,
}

/// Looks at a file. Seals are read before the size: once they are on, the size is final.
pub(crate) fn inspect(file: &File) -> io::Result<Inspected> {
    let seals = match raw::get_seals(file.as_fd()) {
        Ok(bits) if raw::is_tmpfs(file.as_fd())? => Some(Seals::from_bits(bits)),
        // Huge-page files can be sealed too, but reading them can run out of pages: not ours.
        Ok(_) => None,
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EBADF)) => None,
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    Ok(Inspected { seals, len: meta.len(), backed: meta.blocks().saturating_mul(STAT_BLOCK) >= meta.len() })
}
