//! The system calls of local sockets with a name, each behind a safe function of this crate.
//!
//! Not here: policy, retries, whose socket it is.
//!
//! Invariants: the kernel gets only pointers to memory that is borrowed for the length of the call; a descriptor from
//! the kernel becomes an `OwnedFd` before anything else can fail.
#![expect(unsafe_code, reason = "system calls that neither std nor memmap2 offers")]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A local socket that keeps the borders of messages, close-on-exec.
pub(crate) fn seqpacket() -> io::Result<OwnedFd> {
    // SAFETY: socket takes integers only.
    let fd = check(unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A name as the kernel takes it: a path, or behind a zero byte one of the abstract names.
struct Name {
    address: libc::sockaddr_un,
    len: libc::socklen_t,
}

impl Name {
    fn new(bytes: &[u8]) -> io::Result<Self> {
        // SAFETY: `sockaddr_un` is plain C data (an integer and bytes), so all zeros is a value of it.
        let mut address: libc::sockaddr_un = unsafe { mem::zeroed() };
        address.sun_family = libc::AF_UNIX as libc::sa_family_t;
        // One byte less than there is room for: a path ends with a zero.
        if bytes.len() >= address.sun_path.len() {
            return Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG));
        }
        for (target, byte) in address.sun_path.iter_mut().zip(bytes) {
            *target = *byte as libc::c_char;
        }
        let len = mem::offset_of!(libc::sockaddr_un, sun_path) + bytes.len();
        Ok(Self { address, len: len as libc::socklen_t })
    }
}

/// Gives the socket a name.
pub(crate) fn bind(fd: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    let name = Name::new(name)?;
    // SAFETY: the pointer and the length describe `name.address`, which is ours and which the kernel only reads.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const name.address).cast(), name.len) }).map(drop)
}

/// Connects to the socket of this name.
pub(crate) fn connect(fd: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    let name = Name::new(name)?;
    // SAFETY: the pointer and the length describe `name.address`, which is ours and which the kernel only reads.
    check(unsafe { libc::connect(fd.as_raw_fd(), (&raw const name.address).cast(), name.len) }).map(drop)
}

/// Lets others connect; so many may wait to be accepted.
pub(crate) fn listen(fd: BorrowedFd<'_>, waiting: libc::c_int) -> io::Result<()> {
    // SAFETY: listen takes integers only.
    check(unsafe { libc::listen(fd.as_raw_fd(), waiting) }).map(drop)
}

/// Whoever connected next, as a socket that never waits, close-on-exec.
pub(crate) fn accept(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: the address of the peer is not asked for (null, null); the rest are integers.
    let fd =
        check(unsafe { libc::accept4(fd.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut(), flags) })?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes calls on the descriptor wait, or not.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>, nonblocking: bool) -> io::Result<()> {
    let flags = if nonblocking { libc::O_NONBLOCK } else { 0 };
    // SAFETY: F_SETFL takes an integer and touches no memory of ours.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags) }).map(drop)
}

/// How long connecting, sending (`SO_SNDTIMEO`) and receiving (`SO_RCVTIMEO`) may wait.
pub(crate) fn set_patience(fd: BorrowedFd<'_>, patience: Duration) -> io::Result<()> {
    let time = libc::timeval {
        tv_sec: libc::time_t::try_from(patience.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_usec: libc::suseconds_t::from(patience.subsec_micros()),
    };
    for option in [libc::SO_SNDTIMEO, libc::SO_RCVTIMEO] {
        let len = size_of_val(&time) as libc::socklen_t;
        // SAFETY: the pointer and the length describe `time`, which is ours and which the kernel only reads.
        check(unsafe {
            libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const time).cast(), len)
        })?;
    }
    Ok(())
}

/// Nothing more comes or goes through the socket, whoever else has it; nobody connects to it any more.
pub(crate) fn shutdown(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: shutdown takes integers only.
    check(unsafe { libc::shutdown(fd.as_raw_fd(), libc::SHUT_RDWR) }).map(drop)
}

/// Bytes (as the kernel counts them, with its own) of sent messages that the peer has not received yet.
pub(crate) fn unread(fd: BorrowedFd<'_>) -> io::Result<libc::c_int> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: SIOCOUTQ (the number of TIOCOUTQ) writes one int, which is `bytes`.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) })?;
    Ok(bytes)
}

/// The user that this process acts as.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: geteuid takes nothing and never fails.
    unsafe { libc::geteuid() }
}

/// Random bytes of the kernel that nobody can guess.
pub(crate) fn random() -> io::Result<[u8; 16]> {
    let mut bytes = [0u8; 16];
    // SAFETY: the pointer and the length describe `bytes`. So few bytes come whole or not at all.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if usize::try_from(got) == Ok(bytes.len()) { Ok(bytes) } else { Err(io::Error::last_os_error()) }
}
