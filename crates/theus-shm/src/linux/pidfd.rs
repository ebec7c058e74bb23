//! A process as a descriptor: its death is an event, and its number cannot be mistaken for another's.
//!
//! Not here: starting and reaping processes.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::raw;

/// A descriptor for the process `pid`, readable once the process has ended.
///
/// The number of a child stays its own until it is reaped, so open it before waiting for it.
///
/// # Errors
/// `ESRCH` when there is no such process, `EMFILE` when this process has no descriptor left.
pub fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = libc::pid_t::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
    raw::pidfd_open(pid)
}

/// Sends the signal numbered `signal` (0 only asks) to the process behind `process`.
///
/// # Errors
/// `ESRCH` when the process has ended and was reaped, `EPERM` when it is not ours to signal.
pub fn send_signal(process: &impl AsFd, signal: i32) -> io::Result<()> {
    raw::pidfd_send_signal(process.as_fd(), signal)
}

/// Waits until one of the descriptors is readable, closed by its peer or, for a pidfd, its process has ended.
///
/// One answer per descriptor, in order; all `false` when the time was over first. Without a timeout the
/// wait has no end of its own. Times are rounded up to milliseconds.
///
/// # Errors
/// `Interrupted` when a signal came: the caller decides whether to wait again.
pub fn poll(descriptors: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut entries: Vec<libc::pollfd> = descriptors
        .iter()
        .map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    let milliseconds = timeout.map_or(-1, |timeout| {
        let rounded_up = timeout.as_nanos().div_ceil(1_000_000);
        libc::c_int::try_from(rounded_up).unwrap_or(libc::c_int::MAX)
    });
    raw::poll(&mut entries, milliseconds)?;
    Ok(entries.iter().map(|entry| entry.revents != 0).collect())
}

/// Has the kernel kill this process when the thread that started it ends, even if this process is stopped then.
///
/// Nothing is undone by it if the starter has ended already: look at the starter's descriptor afterwards.
///
/// # Errors
/// None are known; what the kernel says is passed on.
pub fn die_with_parent() -> io::Result<()> {
    raw::set_parent_death_signal(libc::SIGKILL)
}
