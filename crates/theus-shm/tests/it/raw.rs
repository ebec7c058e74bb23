//! System calls that only these tests need: things that a hostile or unlucky process does.
#![expect(unsafe_code, reason = "the tests do what the library keeps others from doing")]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::process::abort;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A bare memory file.
pub(crate) fn memfd(flags: libc::c_uint) -> io::Result<OwnedFd> {
    let name: &CStr = c"theus-test";
    // SAFETY: the name is a C string that outlives the call.
    let fd = check(unsafe { libc::memfd_create(name.as_ptr(), flags | libc::MFD_CLOEXEC) })?;
    // SAFETY: just made by the kernel, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub(crate) fn add_seals(fd: impl AsFd, seals: libc::c_int) -> io::Result<()> {
    // SAFETY: takes integers only.
    check(unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_ADD_SEALS, seals) }).map(drop)
}

pub(crate) fn get_seals(fd: impl AsFd) -> io::Result<libc::c_int> {
    // SAFETY: takes integers only.
    check(unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_GET_SEALS) })
}

/// Takes the pages of the range away.
pub(crate) fn punch_hole(fd: impl AsFd, len: i64) -> io::Result<()> {
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: takes integers only.
    check(unsafe { libc::fallocate(fd.as_fd().as_raw_fd(), mode, 0, len) }).map(drop)
}

/// Tries to make the page at `address` writable, and changes nothing when that is refused.
pub(crate) fn make_writable(address: *const u8) -> io::Result<()> {
    // SAFETY: the page is mapped by the caller; if the call succeeds, the test fails.
    let result =
        unsafe { libc::mprotect(address.cast_mut().cast(), 4096, libc::PROT_READ | libc::PROT_WRITE) };
    check(result).map(drop)
}

/// Writes where it is not allowed. Only for a child that is to die of it.
pub(crate) fn store(address: *const u8) {
    // SAFETY: none is claimed: the kernel ends this process here, which is what the test wants to see.
    unsafe { address.cast_mut().write_volatile(1) }
}

/// Lowers the number of files that this process may have open.
pub(crate) fn limit_files(most: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: `limit` is borrowed for the call.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}

/// Runs `work` in a forked child; the child's number. The child exits with 0 when `work` returns.
pub(crate) fn fork(work: impl FnOnce()) -> io::Result<libc::pid_t> {
    // SAFETY: the child only runs `work`, which drops values and takes no lock that another thread may hold.
    match check(unsafe { libc::fork() })? {
        0 => {
            work();
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(0) };
        }
        child => Ok(child),
    }
}

/// Waits for a child; its exit code, or the negative number of the signal that ended it.
pub(crate) fn wait(child: libc::pid_t) -> io::Result<i32> {
    let mut status = 0;
    // SAFETY: `status` is ours and the kernel fills it.
    check(unsafe { libc::waitpid(child, &raw mut status, 0) })?;
    if libc::WIFEXITED(status) {
        Ok(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Ok(-libc::WTERMSIG(status))
    } else {
        abort()
    }
}
