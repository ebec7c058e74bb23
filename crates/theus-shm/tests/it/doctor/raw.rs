//! System calls that only the tests of hardening need: looking into another process.
#![expect(unsafe_code, reason = "the tests do what hardening keeps others from doing")]

use std::io;

fn check(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Attaches to a process as a debugger does.
pub(crate) fn attach(pid: libc::pid_t) -> io::Result<()> {
    let (nothing, none): (*mut libc::c_void, *mut libc::c_void) =
        (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: PTRACE_SEIZE takes the process and no address of ours.
    check(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, nothing, none) })
}
