//! Every call of the kernel that could write to memory of somebody else, each made in earnest.
#![expect(unsafe_code, reason = "the tests do what the library keeps others from doing")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::raw::store;

/// Bytes to write where nobody should.
const JUNK: [u8; 64] = [0xEE; 64];
const PAGE: usize = 4096;

/// Calls the kernel in one of the ways that write to a file or a mapping; the number that came back.
macro_rules! attempt {
    ($call:expr) => {{
        // SAFETY: each attempt passes the kernel buffers of its own of the stated lengths, or an address that the
        // caller has mapped for reading only. Whatever the kernel does to such memory, the compiler knows it as
        // memory of others: it is only read by volatile or atomic loads.
        let result = unsafe { $call };
        if result as i64 == -1 { Err(io::Error::last_os_error()) } else { Ok(result as i64) }
    }};
}

/// Maps the file at an address of the kernel's choice.
pub(super) fn map(fd: impl AsFd, protection: libc::c_int, flags: libc::c_int) -> io::Result<i64> {
    let fd = fd.as_fd().as_raw_fd();
    attempt!(libc::mmap(ptr::null_mut(), PAGE, protection, flags, fd, 0).expose_provenance().cast_signed())?;
    Ok(0)
}

/// Maps the file privately and writes to that copy.
pub(super) fn write_private(fd: impl AsFd) -> io::Result<i64> {
    let (fd, protection) = (fd.as_fd().as_raw_fd(), libc::PROT_READ | libc::PROT_WRITE);
    let address = attempt!(
        libc::mmap(ptr::null_mut(), PAGE, protection, libc::MAP_PRIVATE, fd, 0)
            .expose_provenance()
            .cast_signed()
    )?;
    store(ptr::with_exposed_provenance(address.cast_unsigned() as usize));
    Ok(0)
}

pub(super) fn pwrite(fd: impl AsFd) -> io::Result<i64> {
    attempt!(libc::pwrite(fd.as_fd().as_raw_fd(), JUNK.as_ptr().cast(), JUNK.len(), 0))
}

pub(super) fn write(fd: impl AsFd) -> io::Result<i64> {
    attempt!(libc::write(fd.as_fd().as_raw_fd(), JUNK.as_ptr().cast(), JUNK.len()))
}

pub(super) fn truncate(fd: impl AsFd, len: i64) -> io::Result<i64> {
    attempt!(libc::ftruncate(fd.as_fd().as_raw_fd(), len))
}

pub(super) fn fallocate(fd: impl AsFd, mode: libc::c_int, offset: i64, len: i64) -> io::Result<i64> {
    attempt!(libc::fallocate(fd.as_fd().as_raw_fd(), mode, offset, len))
}

pub(super) fn sendfile(to: impl AsFd, from: impl AsFd) -> io::Result<i64> {
    let mut offset = 0;
    attempt!(libc::sendfile(to.as_fd().as_raw_fd(), from.as_fd().as_raw_fd(), &raw mut offset, JUNK.len()))
}

pub(super) fn copy_file_range(to: impl AsFd, from: impl AsFd) -> io::Result<i64> {
    let (mut there, mut here) = (0, 0);
    let (to, from) = (to.as_fd().as_raw_fd(), from.as_fd().as_raw_fd());
    attempt!(libc::copy_file_range(from, &raw mut here, to, &raw mut there, JUNK.len(), 0))
}

pub(super) fn splice(to: impl AsFd, pipe: impl AsFd) -> io::Result<i64> {
    let mut there = 0;
    let (to, pipe) = (to.as_fd().as_raw_fd(), pipe.as_fd().as_raw_fd());
    attempt!(libc::splice(pipe, ptr::null_mut(), to, &raw mut there, JUNK.len(), 0))
}

pub(super) fn protect(address: *const u8, protection: libc::c_int) -> io::Result<i64> {
    attempt!(libc::mprotect(address.cast_mut().cast(), PAGE, protection))
}

pub(super) fn advise(address: *const u8, advice: libc::c_int) -> io::Result<i64> {
    attempt!(libc::madvise(address.cast_mut().cast(), PAGE, advice))
}

pub(super) fn remap_file_pages(address: *const u8) -> io::Result<i64> {
    attempt!(libc::remap_file_pages(address.cast_mut().cast(), PAGE, 0, 0, 0))
}

/// Makes a second mapping of the shared page, and asks for it to be writable.
pub(super) fn remap_and_protect(address: *const u8) -> io::Result<i64> {
    let second = attempt!(
        libc::mremap(address.cast_mut().cast(), 0, PAGE, libc::MREMAP_MAYMOVE)
            .expose_provenance()
            .cast_signed()
    )?;
    protect(ptr::with_exposed_provenance(second.cast_unsigned() as usize), libc::PROT_READ | libc::PROT_WRITE)
}

/// Asks for the faults of the page to be ours to fill.
pub(super) fn userfault(address: *const u8) -> io::Result<i64> {
    /// `UFFDIO_API` and `UFFDIO_REGISTER` of the kernel, with their structures as words.
    const API: libc::c_ulong = 0xC018_AA3F;
    const REGISTER: libc::c_ulong = 0xC020_AA00;
    let fd = attempt!(libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC))?;
    // SAFETY: just made by the kernel, owned by nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).unwrap_or(-1)) };
    let mut api = [0xAA_u64, 0, 0];
    attempt!(libc::ioctl(fd.as_raw_fd(), API, api.as_mut_ptr()))?;
    let mut range = [address.addr() as u64, PAGE as u64, 1, 0];
    attempt!(libc::ioctl(fd.as_raw_fd(), REGISTER, range.as_mut_ptr()))
}

/// Writes one byte into the memory of another process, as a debugger would.
pub(super) fn write_to_process(pid: u32, address: u64, byte: u8) -> io::Result<i64> {
    let here = libc::iovec { iov_base: (&raw const byte).cast_mut().cast(), iov_len: 1 };
    let there = libc::iovec { iov_base: ptr::without_provenance_mut(address as usize), iov_len: 1 };
    attempt!(libc::process_vm_writev(pid.cast_signed(), &raw const here, 1, &raw const there, 1, 0))
}

/// Becomes the user "nobody", for good, where that is allowed; and can be looked into by others of that user.
pub(super) fn become_nobody() -> io::Result<()> {
    const NOBODY: libc::uid_t = 65_534;
    // SAFETY: takes integers only. Refused unless this process is root's, and then it is nobody special already.
    let _refused = unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) };
    // SAFETY: takes integers only. (Who changes its user is hidden from others at first.)
    let result = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1 as libc::c_ulong) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
