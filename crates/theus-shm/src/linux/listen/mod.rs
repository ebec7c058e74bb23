//! Local sockets with a name: made, connected, accepted, and asked who is at the other end.
//!
//! Not here: which names there are and who may use them (`session`), the messages ([`socket`](super::socket)).
//!
//! Invariants: nothing here waits without an end; every socket is close-on-exec from its first moment.

mod line;
mod raw;

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

pub(crate) use line::Line;
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
