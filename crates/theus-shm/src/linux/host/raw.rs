//! The system calls about this process as such, each behind a safe function of this crate.
//!
//! Not here: what follows from them.
//!
//! Invariant: only integers go to the kernel.
#![expect(unsafe_code, reason = "system calls that std does not offer")]

use std::io;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Whether others of this user may look into this process (1), nobody (0), or root only (2).
pub(crate) fn dumpable() -> io::Result<i32> {
    // SAFETY: PR_GET_DUMPABLE takes nothing and returns a number.
    check(unsafe { libc::prctl(libc::PR_GET_DUMPABLE) })
}

/// Says whether others of this user may look into this process.
pub(crate) fn set_dumpable(dumpable: bool) -> io::Result<()> {
    // The kernel reads a whole word, so a whole word is passed.
    let dumpable = libc::c_ulong::from(dumpable);
    // SAFETY: PR_SET_DUMPABLE takes a number and nothing else.
    check(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, dumpable) }).map(drop)
}
