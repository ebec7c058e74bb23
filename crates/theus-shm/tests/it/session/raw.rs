//! System calls that only the tests of sessions need: sockets with a name in the hands of somebody who keeps no rules.
#![expect(unsafe_code, reason = "the tests do what the library keeps others from doing")]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn socket() -> io::Result<OwnedFd> {
    // SAFETY: takes integers only.
    let fd = check(unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: just made by the kernel, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn name(bytes: &[u8]) -> (libc::sockaddr_un, libc::socklen_t) {
    // SAFETY: plain C data, of which all zeros is a value.
    let mut address: libc::sockaddr_un = unsafe { mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (target, byte) in address.sun_path.iter_mut().zip(bytes) {
        *target = *byte as libc::c_char;
    }
    (address, (mem::offset_of!(libc::sockaddr_un, sun_path) + bytes.len()) as libc::socklen_t)
}

/// A connection to the socket of an abstract name, without any check of who is there.
pub(crate) fn connect(text: &str) -> io::Result<OwnedFd> {
    let socket = socket()?;
    let (address, len) = name(&[b"\0", text.as_bytes()].concat());
    // SAFETY: the pointer and the length describe `address`.
    check(unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), len) })?;
    Ok(socket)
}

/// A socket that listens at this name (a path, or abstract behind a zero byte) and that nobody serves.
pub(crate) fn listen(bytes: &[u8]) -> io::Result<OwnedFd> {
    let socket = socket()?;
    let (address, len) = name(bytes);
    // SAFETY: the pointer and the length describe `address`.
    check(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) })?;
    // SAFETY: takes integers only.
    check(unsafe { libc::listen(socket.as_raw_fd(), 4) })?;
    Ok(socket)
}

/// Whoever connected, waited for.
pub(crate) fn accept(socket: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: the peer's address is not asked for; the rest are integers.
    let fd = check(unsafe {
        libc::accept4(socket.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut(), libc::SOCK_CLOEXEC)
    })?;
    // SAFETY: just made by the kernel, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
