//! What this machine and this process have: tried where trying is cheap and harmless, read from the kernel's files else.
//!
//! Not here: what is good enough (`doctor`).
//!
//! Invariant: looking changes nothing: what is made to try something is gone at the end of the call.

mod raw;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use core::sync::atomic::AtomicU32;

use super::futex::{self, Woken};
use super::{listen, memfd, peer, pidfd};
use crate::seals::Seals;

/// Bytes of the memory files that are made to try something.
const TRIAL: u64 = 4096;

/// Keeps every other process of this user from looking into this one or changing it, unless it is root's.
///
/// It buys: without it, any program of the user (a worker too, where Yama does not forbid it) can read and write this
/// process's memory through `/proc/<pid>/mem` or `ptrace`, past every seal.
///
/// It costs: no core dump; no debugger, profiler or `py-spy` of the user can attach; the files in `/proc/<pid>` belong
/// to root, so `lsof`, `/proc/<pid>/environ` and the like show nothing to the user. Nothing of it is inherited by
/// a program that this process executes. A library cannot undo it for good: whoever runs in this process can.
///
/// # Errors
/// None are known; what the kernel says is passed on.
///
/// ```
/// theus_shm::harden()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn harden() -> io::Result<()> {
    raw::set_dumpable(false)
}

/// Whether others of this user may look into this process, as far as the process has a say.
pub(crate) fn is_dumpable() -> io::Result<bool> {
    raw::dumpable().map(|dumpable| dumpable == 1)
}

/// Whether a memory file can be made, and then which of the seals do not hold: each is set, and then what it forbids tried.
pub(crate) fn seals_without_effect() -> io::Result<Seals> {
    let mut useless = Seals::from_bits(0);
    for seal in [Seals::SEAL, Seals::SHRINK, Seals::GROW, Seals::WRITE, Seals::FUTURE_WRITE] {
        let mut file = memfd::create(TRIAL, "theus-doctor")?;
        let holds = memfd::seal(&file, seal).is_ok() && {
            let forbidden = match seal {
                Seals::SEAL => memfd::seal(&file, Seals::GROW),
                Seals::SHRINK => file.set_len(TRIAL / 2),
                Seals::GROW => file.set_len(TRIAL * 2),
                _ => file.write_all(b"x"),
            };
            forbidden.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
        };
        if !holds {
            useless = useless | seal;
        }
    }
    Ok(useless)
}

/// Whether memory files cannot be made executable.
pub(crate) fn memory_is_not_executable() -> io::Result<bool> {
    let file = memfd::create(TRIAL, "theus-doctor")?;
    let may = file.set_permissions(fs::Permissions::from_mode(0o700));
    Ok(may.is_err())
}

/// Whether sleeping on a word works.
pub(crate) fn has_futex() -> bool {
    let word = AtomicU32::new(1);
    futex::wait(&word, 0, u32::MAX, None) == Woken::Changed
}

/// Whether processes can be had as descriptors.
pub(crate) fn pidfd() -> io::Result<()> {
    let own = pidfd::open(std::process::id())?;
    pidfd::send_signal(&own, 0)
}

/// Whether the kernel has `process_vm_readv` and lets this process call it, tried on this process itself.
pub(crate) fn reading_processes() -> io::Result<()> {
    let (word, mut read) = (0x5eed_u64, [0; 8]);
    peer::read(std::process::id(), (&raw const word).addr() as u64, &mut read)?;
    if u64::from_ne_bytes(read) == word { Ok(()) } else { Err(io::Error::other("it read something else")) }
}

/// Soft limit, hard limit and use of this process's descriptors; a limit of `None` has no end.
pub(crate) struct Descriptors {
    pub(crate) soft: Option<u64>,
    pub(crate) hard: Option<u64>,
    pub(crate) open: u64,
}

/// `None` when the kernel's files do not tell. `root` is `/` but for tests.
pub(crate) fn descriptors(root: &Path) -> Option<Descriptors> {
    let limits = fs::read_to_string(root.join("proc/self/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut words = line.split_whitespace();
    let mut limit = || match words.next()? {
        "unlimited" => Some(None),
        number => number.parse().ok().map(Some),
    };
    let (soft, hard) = (limit()?, limit()?);
    let open = fs::read_dir(root.join("proc/self/fd")).ok()?.count() as u64;
    Some(Descriptors { soft, hard, open })
}

/// Who may look into whose processes, by Yama; `None` without Yama.
pub(crate) fn yama(root: &Path) -> Option<u8> {
    fs::read_to_string(root.join("proc/sys/kernel/yama/ptrace_scope")).ok()?.trim().parse().ok()
}

/// Whether this process, and then as a rule a worker of it, may look into processes that do not wish it: root, or
/// whoever has `CAP_SYS_PTRACE`.
pub(crate) fn may_trace(root: &Path) -> bool {
    listen::effective_user() == 0 || has_trace_capability(root)
}

/// Whether this process has `CAP_SYS_PTRACE`.
pub(crate) fn has_trace_capability(root: &Path) -> bool {
    const SYS_PTRACE: u64 = 1 << 19;
    let status = fs::read_to_string(root.join("proc/self/status")).unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    bits.is_some_and(|bits| bits & SYS_PTRACE != 0)
}

/// The kernel's release, such as `6.8.0`.
pub(crate) fn release(root: &Path) -> String {
    fs::read_to_string(root.join("proc/sys/kernel/osrelease"))
        .map_or_else(|_| "?".into(), |text| text.trim().into())
}

/// Makes the folder's own file system say whether a file can be made there, without a name.
pub(crate) fn can_write(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let unnamed = File::options().write(true).custom_flags(libc::O_TMPFILE).mode(0o600).open(folder);
    unnamed.map(drop)
}
