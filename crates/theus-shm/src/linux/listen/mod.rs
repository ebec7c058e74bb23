//! Local sockets with a name: made, connected, accepted, and asked who is at the other end.
//!
//! Not here: which names there are and who may use them (`session`), the messages ([`socket`](super::socket)).
//!
//! Invariants: nothing here waits without an end; every socket is close-on-exec from its first moment.

mod raw;

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

pub(crate) use raw::{effective_user, random};

/// How many may wait to be accepted.
const WAITING: i32 = 64;

/// The kernel takes a patience of nothing for one without an end.
const SHORTEST: Duration = Duration::from_millis(1);

/// Permissions of a socket's file: its owner, nobody else.
pub(crate) const OWNER_ONLY: u32 = 0o600;

/// A socket of this name that others may connect to; accepting from it never waits.
///
/// The name is a path, or one of the abstract names behind a zero byte.
pub(crate) fn listen(name: &[u8]) -> io::Result<OwnedFd> {
    let socket = raw::seqpacket()?;
    // The file that `bind` makes takes these permissions over, so there is no moment with wider ones.
    let socket = File::from(socket);
    socket.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    raw::bind(socket.as_fd(), name)?;
    raw::listen(socket.as_fd(), WAITING)?;
    raw::set_nonblocking(socket.as_fd(), true)?;
    Ok(socket.into())
}

/// A socket connected to the listener of this name. Whatever is done with it later waits so long at most.
///
/// # Errors
/// `WouldBlock` when nobody accepted in time; `ConnectionRefused` when nobody listens at an existing name or at an
/// abstract one; `NotFound` when there is no such file.
pub(crate) fn connect(name: &[u8], patience: Duration) -> io::Result<OwnedFd> {
    let socket = raw::seqpacket()?;
    raw::set_patience(socket.as_fd(), patience)?;
    let deadline = Instant::now() + patience;
    loop {
        match raw::connect(socket.as_fd(), name) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                raw::set_patience(socket.as_fd(), left.max(SHORTEST))?;
            }
            other => {
                other?;
                raw::set_patience(socket.as_fd(), patience)?;
                return Ok(socket);
            }
        }
    }
}

/// Ends a connection, or listening, for whoever else has a copy of the descriptor too.
pub(crate) fn hang_up(socket: BorrowedFd<'_>) {
    // It fails only where there is nothing (any more) to hang up.
    let _ = raw::shutdown(socket);
}

/// Waits until one of the two has something to say, or the time is over: which of them has.
///
/// A signal does not make the time longer.
pub(crate) fn wait_readable(
    socket: BorrowedFd<'_>,
    other: Option<BorrowedFd<'_>>,
    deadline: Instant,
) -> io::Result<(bool, bool)> {
    let entry = |fd: BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut entries = vec![entry(socket)];
    entries.extend(other.map(entry));
    poll_until(&mut entries, deadline)?;
    let ready = |at: usize| entries.get(at).is_some_and(|entry| entry.revents != 0);
    Ok((ready(0), ready(1)))
}

/// Waits until there is room for a message on its way to the peer, or the time is over; whether there is.
pub(crate) fn wait_writable(socket: BorrowedFd<'_>, deadline: Instant) -> io::Result<bool> {
    let mut entries = [libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 }];
    poll_until(&mut entries, deadline)?;
    Ok(entries[0].revents != 0)
}

fn poll_until(entries: &mut [libc::pollfd], deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let milliseconds = left.as_nanos().div_ceil(1_000_000);
        let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
        match super::raw::poll(entries, milliseconds) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                if left.is_zero() {
                    return Ok(());
                }
            }
            other => return other,
        }
    }
}

/// As [`connect`], without any waiting: `WouldBlock` when too many wait already.
pub(crate) fn connect_at_once(name: &[u8]) -> io::Result<OwnedFd> {
    let socket = raw::seqpacket()?;
    raw::set_nonblocking(socket.as_fd(), true)?;
    raw::connect(socket.as_fd(), name)?;
    Ok(socket)
}

/// Whoever connected next: a socket that never waits. `WouldBlock` when nobody did.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    raw::accept(listener)
}

/// Whether the peer has received everything that was sent to it.
pub(crate) fn all_read(socket: BorrowedFd<'_>) -> bool {
    raw::unread(socket).is_ok_and(|bytes| bytes == 0)
}
