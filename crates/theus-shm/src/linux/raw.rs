//! The system calls that neither std nor memmap2 offers, each behind a safe function of this crate.
//!
//! Not here: policy, retries, checks of what came back.
//!
//! Invariants: each function passes the kernel only pointers to memory that it borrows for the length
//! of the call; a descriptor from the kernel becomes an `OwnedFd` before anything else can fail.
#![expect(unsafe_code, reason = "system calls that no safe crate of ours wraps")]

use core::sync::atomic::AtomicU32;
use std::ffi::CStr;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use memmap2::MmapRaw;

/// The most descriptors that one message can carry (`SCM_MAX_FD` in the kernel).
pub(crate) const MAX_FDS: usize = 253;

/// Bytes of a `cmsghdr` in the kernel's layout: length (`usize`), level and type (`i32` each).
const HEADER: usize = size_of::<usize>() + 2 * size_of::<i32>();

/// Room for one control message with [`MAX_FDS`] descriptors, in words so that it is aligned.
const CONTROL_WORDS: usize = (HEADER + MAX_FDS * size_of::<RawFd>()).div_ceil(size_of::<usize>());

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn check_long(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A new anonymous memory file.
pub(crate) fn memfd_create(name: &CStr, flags: libc::c_uint) -> io::Result<OwnedFd> {
    // SAFETY: `name` is a C string that outlives the call; the kernel copies it.
    let fd = check(unsafe { libc::memfd_create(name.as_ptr(), flags) })?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Adds seals (`F_SEAL_*`) to a memory file.
pub(crate) fn add_seals(fd: BorrowedFd<'_>, seals: libc::c_int) -> io::Result<()> {
    // SAFETY: F_ADD_SEALS takes an int and touches no memory of ours.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, seals) }).map(drop)
}

/// The seals of a memory file; an error (EINVAL) for any other kind of file.
pub(crate) fn get_seals(fd: BorrowedFd<'_>) -> io::Result<libc::c_int> {
    // SAFETY: F_GET_SEALS takes no argument and touches no memory of ours.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS) })
}

/// Gives the range of the file real pages now.
pub(crate) fn fallocate(fd: BorrowedFd<'_>, offset: libc::off_t, len: libc::off_t) -> io::Result<()> {
    // SAFETY: fallocate takes integers only.
    check(unsafe { libc::fallocate(fd.as_raw_fd(), 0, offset, len) }).map(drop)
}

/// Lays a private, writable mapping of the file over a shared one of the same file: same address, same bytes.
///
/// From then on what is written there stays in this process.
pub(crate) fn map_privately(over: &MmapRaw, fd: BorrowedFd<'_>) -> io::Result<()> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
    let address = over.as_mut_ptr().cast();
    // SAFETY: the range is exactly that of `over`, a live mapping that we borrow and that nobody unmaps meanwhile, so
    // nothing else is replaced; `over` unmaps the same range later. The bytes are those of the same file, so whoever
    // holds an address in the range still finds what was there.
    let mapped = unsafe { libc::mmap(address, over.len(), access, flags, fd.as_raw_fd(), 0) };
    if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Copies memory of another process; how many bytes there were.
pub(crate) fn process_vm_read(pid: libc::pid_t, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let address = usize::try_from(address).map_err(io::Error::other)?;
    let remote = libc::iovec { iov_base: ptr::without_provenance_mut(address), iov_len: buffer.len() };
    // SAFETY: `local` describes `buffer`, which we borrow mutably; the kernel writes nothing else here. The remote
    // address is only looked up in the other process; where it has no memory the call says EFAULT.
    let copied = unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(copied).map_err(|_| io::Error::last_os_error())
}

/// Whether the file lives on tmpfs, where memory files are.
pub(crate) fn is_tmpfs(fd: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: `statfs` is plain C data (integers and arrays of them), so all zeros is a value of it.
    let mut info: libc::statfs = unsafe { mem::zeroed() };
    // SAFETY: `info` is a statfs that we own and the kernel fills.
    check(unsafe { libc::fstatfs(fd.as_raw_fd(), &raw mut info) })?;
    Ok(info.f_type == libc::TMPFS_MAGIC)
}

/// `FUTEX_WAIT_BITSET` on a word that other processes share; `deadline` is on the monotonic clock.
pub(crate) fn futex_wait(
    word: &AtomicU32,
    expected: u32,
    mask: u32,
    deadline: Option<&libc::timespec>,
) -> io::Result<()> {
    let deadline = deadline.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `word` is borrowed for the call, so its page stays mapped; `deadline` is null or borrowed;
    // the other arguments are integers, and the second address is not used by this operation.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET,
            expected,
            deadline,
            ptr::null::<u32>(),
            mask,
        )
    };
    check_long(result).map(drop)
}

/// `FUTEX_WAKE_BITSET`: wakes up to `count` sleepers whose mask shares a bit with `mask`; how many it were.
pub(crate) fn futex_wake(word: &AtomicU32, count: libc::c_int, mask: u32) -> io::Result<usize> {
    // SAFETY: `word` is borrowed for the call; the kernel only uses its address as a key.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE_BITSET,
            count,
            ptr::null::<libc::timespec>(),
            ptr::null::<u32>(),
            mask,
        )
    };
    check_long(result).map(|woken| usize::try_from(woken).unwrap_or(0))
}

/// The monotonic clock, as futex deadlines count it.
pub(crate) fn monotonic_now() -> io::Result<libc::timespec> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec that we own and the kernel fills.
    check(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) })?;
    Ok(now)
}

/// A descriptor that stands for a process, whatever becomes of its number.
pub(crate) fn pidfd_open(pid: libc::pid_t) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes integers only.
    let fd = check_long(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0 as libc::c_uint) })?;
    let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a signal to the process behind the descriptor.
pub(crate) fn pidfd_send_signal(fd: BorrowedFd<'_>, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: the signal information is null, which the call documents as "as kill(2) would"; the rest are integers.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            fd.as_raw_fd(),
            signal,
            ptr::null::<libc::siginfo_t>(),
            0 as libc::c_uint,
        )
    };
    check_long(result).map(drop)
}

/// Has the kernel send this process a signal when the thread that started it ends.
pub(crate) fn set_parent_death_signal(signal: libc::c_int) -> io::Result<()> {
    // The kernel reads a whole word, so a whole word is passed.
    let signal = signal as libc::c_ulong;
    // SAFETY: PR_SET_PDEATHSIG takes the signal's number and nothing else.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) }).map(drop)
}

/// Waits until one of the entries has something to say; `milliseconds` -1 means for ever.
pub(crate) fn poll(entries: &mut [libc::pollfd], milliseconds: libc::c_int) -> io::Result<()> {
    // SAFETY: the pointer and the count describe the slice, which is borrowed for the call.
    check(unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, milliseconds) }).map(drop)
}

/// Two connected sockets that keep the borders of messages.
pub(crate) fn seqpacket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds: [RawFd; 2] = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: `fds` has room for the two descriptors that the call writes.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) })?;
    // SAFETY: made by the call above, owned by nobody yet.
    let left = unsafe { OwnedFd::from_raw_fd(fds[0]) };
    // SAFETY: made by the call above, owned by nobody yet.
    let right = unsafe { OwnedFd::from_raw_fd(fds[1]) };
    Ok((left, right))
}

/// Who made the other end of the socket: process, user, group.
pub(crate) fn peer_credentials(fd: BorrowedFd<'_>) -> io::Result<libc::ucred> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the pointer and the length describe `credentials`, which we own and the kernel fills.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut len,
        )
    })?;
    Ok(credentials)
}

/// Sends one message with descriptors. The caller has checked that there are at most [`MAX_FDS`].
pub(crate) fn send_message(
    fd: BorrowedFd<'_>,
    bytes: &[u8],
    fds: &[BorrowedFd<'_>],
    flags: libc::c_int,
) -> io::Result<usize> {
    let mut control = [0usize; CONTROL_WORDS];
    let used = write_control(&mut control, fds);
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut message = empty_message();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    if used > 0 {
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = used as _;
    }
    // SAFETY: `message` points to `part`, `bytes` and `control`, all alive and of the stated lengths; sendmsg only reads them.
    let sent = unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const message, flags) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// What one `recvmsg` brought.
pub(crate) struct Received {
    /// Bytes of the message that are now in the buffer.
    pub(crate) len: usize,
    /// `MSG_*` flags that the kernel set.
    pub(crate) flags: libc::c_int,
    /// All descriptors that came along, ours from now on.
    pub(crate) fds: Vec<OwnedFd>,
}

/// Receives one message and all its descriptors, close-on-exec from their first moment.
pub(crate) fn receive_message(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    flags: libc::c_int,
) -> io::Result<Received> {
    let mut control = [0usize; CONTROL_WORDS];
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut message = empty_message();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: `message` points to `part`, `buffer` and `control`, all alive, ours to write and of the stated lengths.
    let len = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, flags | libc::MSG_CMSG_CLOEXEC) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
    let fds = read_control(&control)
        .into_iter()
        // SAFETY: the kernel has installed these numbers for us in this very call, so nobody else owns them.
        .map(|number| unsafe { OwnedFd::from_raw_fd(number) })
        .collect();
    Ok(Received { len, flags: message.msg_flags, fds })
}

fn empty_message() -> libc::msghdr {
    // SAFETY: `msghdr` is plain C data (pointers and integers), so all zeros is a value of it: no name, no parts.
    unsafe { mem::zeroed() }
}

/// Writes one `SCM_RIGHTS` control message; how many bytes of `control` it takes (0 without descriptors).
fn write_control(control: &mut [usize; CONTROL_WORDS], fds: &[BorrowedFd<'_>]) -> usize {
    if fds.is_empty() {
        return 0;
    }
    let len = HEADER + size_of_val(fds);
    let mut bytes = Vec::with_capacity(size_of_val(control));
    bytes.extend_from_slice(&len.to_ne_bytes());
    bytes.extend_from_slice(&libc::SOL_SOCKET.to_ne_bytes());
    bytes.extend_from_slice(&libc::SCM_RIGHTS.to_ne_bytes());
    for fd in fds {
        bytes.extend_from_slice(&fd.as_raw_fd().to_ne_bytes());
    }
    let (chunks, rest) = bytes.as_chunks::<{ size_of::<usize>() }>();
    for (word, chunk) in control.iter_mut().zip(chunks) {
        *word = usize::from_ne_bytes(*chunk);
    }
    if let Some(word) = control.get_mut(chunks.len()) {
        let mut last = [0; size_of::<usize>()];
        last[..rest.len()].copy_from_slice(rest);
        *word = usize::from_ne_bytes(last);
    }
    len
}

/// The descriptor numbers in the control messages that the kernel wrote. Behind them is a header of zeros, or the end.
fn read_control(control: &[usize; CONTROL_WORDS]) -> Vec<RawFd> {
    let bytes: Vec<u8> = control.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let mut numbers = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((head, _)) = rest.split_at_checked(HEADER) {
        let (len, kind) = head.split_at(size_of::<usize>());
        let len = len.try_into().map_or(0, usize::from_ne_bytes);
        let Some(data) = rest.get(HEADER..len) else { break };
        let rights = [libc::SOL_SOCKET.to_ne_bytes(), libc::SCM_RIGHTS.to_ne_bytes()].concat();
        if kind == rights {
            numbers.extend(
                data.as_chunks::<{ size_of::<RawFd>() }>().0.iter().map(|n| RawFd::from_ne_bytes(*n)),
            );
        }
        rest = rest.get(len.next_multiple_of(size_of::<usize>())..).unwrap_or_default();
    }
    numbers
}
