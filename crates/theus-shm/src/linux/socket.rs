//! Messages with descriptors between two processes: a `SOCK_SEQPACKET` pair and `SCM_RIGHTS`.
//!
//! Not here: what the messages mean, nor who may connect.
//!
//! Invariants: a message arrives whole or is an error; descriptors that a receiver did not ask for are
//! closed; descriptors are close-on-exec from their first moment in the receiver.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::raw;

/// The most descriptors that one message can carry.
pub const MAX_FDS: usize = raw::MAX_FDS;

/// Two connected sockets, close-on-exec, that keep the borders of messages.
///
/// # Errors
/// `EMFILE` or `ENFILE` when there are no descriptors left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    raw::seqpacket_pair()
}

/// Sends one message with copies of `fds`; waits while the peer's queue is full, unless the socket is non-blocking.
///
/// # Errors
/// `InvalidInput` for an empty message (it would look like an end) or more than [`MAX_FDS`] descriptors;
/// `BrokenPipe` when the peer is gone (no signal is raised); `Interrupted` when a signal came before
/// anything was sent; `EMSGSIZE` when the message is larger than the socket's buffer (about 200 KB).
pub fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_with(socket.as_fd(), bytes, fds, 0)
}

/// [`send`] that does not wait: `WouldBlock` when the peer's queue is full.
///
/// # Errors
/// As [`send`], and `WouldBlock`.
pub fn try_send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_with(socket.as_fd(), bytes, fds, libc::MSG_DONTWAIT)
}

fn send_with(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    fds: &[BorrowedFd<'_>],
    flags: libc::c_int,
) -> io::Result<()> {
    if bytes.is_empty() {
        let message = "an empty message cannot be told from a closed socket: send at least one byte";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    if fds.len() > MAX_FDS {
        let message =
            format!("{} descriptors in one message, at most {MAX_FDS}: send several messages", fds.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    // A packet is taken whole or not at all, so the count that comes back says nothing new.
    raw::send_message(socket, bytes, fds, flags | libc::MSG_NOSIGNAL).map(drop)
}

/// Receives one message: its length in `buffer` and its descriptors, at most `max_fds`.
///
/// `None` means that the peer has closed its end. With `blocking` false the call comes back at once.
///
/// # Errors
/// `WouldBlock` when there is no message and `blocking` is false; `Interrupted` when a signal came;
/// `InvalidData` when the message is longer than `buffer`, brings more than `max_fds` descriptors, or its
/// descriptors did not fit into this process (its limit is reached). Such a message is lost, and what
/// came with it is closed.
///
/// ```
/// use theus_shm::socket;
///
/// let (left, right) = socket::pair()?;
/// socket::send(&left, b"hello", &[])?;
/// let mut buffer = [0; 16];
/// let (len, fds) = socket::recv(&right, &mut buffer, 0, true)?.expect("the peer is there");
/// assert_eq!((&buffer[..len], fds.len()), (b"hello".as_slice(), 0));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn recv(
    socket: impl AsFd,
    buffer: &mut [u8],
    max_fds: usize,
    blocking: bool,
) -> io::Result<Option<(usize, Vec<OwnedFd>)>> {
    let flags = if blocking { 0 } else { libc::MSG_DONTWAIT };
    let received = match raw::receive_message(socket.as_fd(), buffer, flags) {
        // The peer closed with messages of ours unread: closed all the same.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
        other => other?,
    };
    if received.flags & libc::MSG_TRUNC != 0 {
        return Err(refused(format!("a message longer than the {} bytes expected came", buffer.len())));
    }
    if received.flags & libc::MSG_CTRUNC != 0 {
        return Err(refused(
            "descriptors of a message were lost: this process has reached its limit of open files".into(),
        ));
    }
    if received.fds.len() > max_fds {
        return Err(refused(format!(
            "{} descriptors came with a message, at most {max_fds} expected",
            received.fds.len()
        )));
    }
    Ok((received.len > 0).then_some((received.len, received.fds)))
}

fn refused(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Who made the other end of the socket, as the kernel saw it then: process, user and group number.
///
/// # Errors
/// `ENOTSOCK` and the like when `socket` is not a connected local socket.
pub fn peer_credentials(socket: impl AsFd) -> io::Result<(u32, u32, u32)> {
    let found = raw::peer_credentials(socket.as_fd())?;
    Ok((u32::try_from(found.pid).unwrap_or(0), found.uid, found.gid))
}
