//! The memory of another process of ours, copied by the kernel: no sharing, no second copy.
//!
//! Not here: deciding whom to believe. What is copied is the other side's word: check it like any message.

use std::io;

use super::raw;

/// Copies `buffer.len()` bytes at `address` of the process `pid` into `buffer`.
///
/// `pid` must be a child that was not reaped yet (else its number may be another's by now), or this process itself.
///
/// ```
/// let there = b"in the other process".to_vec();
/// let mut here = [0; 6];
/// theus_shm::peer::read(std::process::id(), there.as_ptr().addr() as u64, &mut here)?;
/// assert_eq!(&here, b"in the");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// `EPERM` where the system does not let this process look into that one (a sandbox, or Yama beyond 1); `ESRCH` when
/// it is gone; `EFAULT` when not all of the range is readable memory there. The buffer's content is then unspecified.
pub fn read(pid: u32, address: u64, buffer: &mut [u8]) -> io::Result<()> {
    let pid = libc::pid_t::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
    let mut done = 0;
    // The kernel copies at most 2 GiB at once, and stops early at the first page that is not there.
    while done < buffer.len() {
        let at =
            address.checked_add(done as u64).ok_or_else(|| io::Error::from_raw_os_error(libc::EFAULT))?;
        match raw::process_vm_read(pid, at, &mut buffer[done..])? {
            0 => return Err(io::Error::from_raw_os_error(libc::EFAULT)),
            copied => done += copied,
        }
    }
    Ok(())
}
