//! [`Line`]: a connection to an owner, whose death is seen even while a child that it forked keeps its socket open.
//!
//! Not here: making the connection, what is said.
//!
//! Invariant: nothing waits beyond its deadline, whatever signals come.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use crate::linux::raw::poll;
use crate::linux::{pidfd, socket};

/// The socket to an owner, and the owner's process to see its death by; `None` where the system does not show it.
#[derive(Debug)]
pub(crate) struct Line {
    socket: OwnedFd,
    owner: Option<OwnedFd>,
}

impl Line {
    /// A connection to this process; `None` when it has ended, and only a child that it forked keeps its socket open.
    pub(crate) fn new(socket: OwnedFd, pid: u32) -> Option<Self> {
        match pidfd::open(pid) {
            Err(error) if pid != 0 && error.raw_os_error() == Some(libc::ESRCH) => None,
            owner => Some(Self { socket, owner: owner.ok() }),
        }
    }

    /// Ends the connection, for whoever else has a copy of it too.
    pub(crate) fn hang_up(self) {
        super::hang_up(self.socket.as_fd());
    }

    /// `WouldBlock` when the owner has made no room until then.
    pub(crate) fn send(&self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        loop {
            match socket::try_send(&self.socket, bytes, &[]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !wait_writable(self.socket.as_fd(), deadline)? {
                        return Err(error);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// What the owner says next; `None` when it has ended, `WouldBlock` when it has said nothing until then.
    pub(crate) fn receive(
        &self,
        buffer: &mut [u8],
        deadline: Instant,
    ) -> io::Result<Option<(usize, Vec<OwnedFd>)>> {
        loop {
            let owner = self.owner.as_ref().map(AsFd::as_fd);
            let (is_ready, is_dead) = wait_readable(self.socket.as_fd(), owner, deadline)?;
            match socket::recv(&self.socket, buffer, 1, false) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // What a dead owner said before has been looked for, after its death was seen.
                    if is_dead {
                        return Ok(None);
                    }
                    if !is_ready {
                        return Err(error);
                    }
                }
                other => return other,
            }
        }
    }
}

/// Waits until one of the two has something to say, or the time is over: which of them has.
///
/// A signal does not make the time longer.
fn wait_readable(
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
fn wait_writable(socket: BorrowedFd<'_>, deadline: Instant) -> io::Result<bool> {
    let mut entries = [libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 }];
    poll_until(&mut entries, deadline)?;
    Ok(entries[0].revents != 0)
}

fn poll_until(entries: &mut [libc::pollfd], deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let milliseconds = left.as_nanos().div_ceil(1_000_000);
        let milliseconds = libc::c_int::try_from(milliseconds).unwrap_or(libc::c_int::MAX);
        match poll(entries, milliseconds) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                if left.is_zero() {
                    return Ok(());
                }
            }
            other => return other,
        }
    }
}
