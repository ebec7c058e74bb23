//! [`doctor`]: what this host can promise, and what to do where it cannot.
//!
//! Not here: looking (`linux::host`).
//!
//! Invariant: every finding has been tried or read just now; nothing is assumed from the kernel's version.

use std::fmt;
use std::io;
use std::path::Path;

use crate::linux::{host, huge, limits};
use crate::seals::Seals;
use crate::session::Folder;

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, with a cost or a risk that `advice` names.
    Degraded,
    /// It is not there, and what depends on it fails.
    Missing,
}

impl Verdict {
    /// `ok`, `degraded` or `missing`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at; the same on every host.
    pub name: &'static str,
    /// How good it is.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do about it; empty where nothing is to be done.
    pub advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.name, self.verdict.as_str(), self.seen)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, ": {}", self.advice) }
    }
}

fn finding(
    name: &'static str,
    verdict: Verdict,
    seen: impl Into<String>,
    advice: impl Into<String>,
) -> Finding {
    Finding { name, verdict, seen: seen.into(), advice: advice.into() }
}

/// Descriptors to spare that an engine with many big arrays gets along with.
const ENOUGH_DESCRIPTORS: u64 = 256;

/// Memory that an engine of usual size gets along with.
const ENOUGH_MEMORY: u64 = 512 << 20;

/// Below this nothing useful can be shared.
const HARDLY_ANY_MEMORY: u64 = 16 << 20;

/// Looks at this host and this process. It takes some milliseconds, and changes nothing.
///
/// ```
/// use theus_shm::{Verdict, doctor};
/// let findings = doctor();
/// let seals = findings.iter().find(|finding| finding.name == "seals").expect("it was looked at");
/// assert_ne!(seals.verdict, Verdict::Missing, "{seals}");
/// ```
#[must_use]
pub fn doctor() -> Vec<Finding> {
    let root = Path::new("/");
    vec![
        seals(),
        no_exec_seal(),
        futex(),
        pidfd(),
        descriptors(root),
        memory(root),
        huge_pages(root),
        yama(root, host::may_trace(root)),
        dumpable(root, host::is_dumpable(), host::may_trace(root)),
        process_read(root),
        runtime_folder(&Folder::of_user()),
    ]
}

fn seals() -> Finding {
    const NAME: &str = "seals";
    match host::seals_without_effect() {
        Err(error) => finding(
            NAME,
            Verdict::Missing,
            format!("no memory file can be made: {error}"),
            "Theus needs memfd_create: a Linux from 5.1 on, and a sandbox that allows it",
        ),
        Ok(useless) if useless == Seals::from_bits(0) => {
            finding(NAME, Verdict::Ok, "all five were set, and what each forbids was refused", "")
        }
        Ok(useless) => finding(
            NAME,
            Verdict::Missing,
            format!("without effect: {useless}"),
            "memory that others could change is not shared: use a Linux from 5.1 on, and no sandbox that emulates it",
        ),
    }
}

fn no_exec_seal() -> Finding {
    const NAME: &str = "no-exec seal";
    match host::memory_is_not_executable() {
        Ok(true) => finding(NAME, Verdict::Ok, "a memory file cannot be made executable", ""),
        Ok(false) => finding(
            NAME,
            Verdict::Degraded,
            format!("a memory file can be made executable (Linux {})", host::release(Path::new("/"))),
            "a worker could run code from shared memory where no file may be executed: Linux 6.3 closes this",
        ),
        Err(error) => finding(NAME, Verdict::Missing, error.to_string(), "see seals"),
    }
}

fn futex() -> Finding {
    if host::has_futex() {
        finding("futex", Verdict::Ok, "waiting on a word works", "")
    } else {
        finding(
            "futex",
            Verdict::Missing,
            "the kernel refuses it",
            "workers cannot be woken: allow futex in the sandbox",
        )
    }
}

fn pidfd() -> Finding {
    match host::pidfd() {
        Ok(()) => finding("pidfd", Verdict::Ok, "a process can be had as a descriptor, and signalled", ""),
        Err(error) => finding(
            "pidfd",
            Verdict::Missing,
            error.to_string(),
            "the death of a worker would not be noticed: use a Linux from 5.3 on, and allow pidfd_open in the sandbox",
        ),
    }
}

fn descriptors(root: &Path) -> Finding {
    const NAME: &str = "descriptors";
    let Some(found) = host::descriptors(root) else {
        return finding(NAME, Verdict::Degraded, "the limits cannot be read", "mount /proc");
    };
    let text = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    let room = found.soft.map(|soft| soft.saturating_sub(found.open));
    let seen = format!(
        "soft limit {}, hard limit {}, {} open: room for {} segments (big arrays take one each)",
        text(found.soft),
        text(found.hard),
        found.open,
        text(room)
    );
    let raise = match found.hard {
        Some(hard) if found.soft.is_some_and(|soft| soft < hard) => format!("raise it: ulimit -n {hard}"),
        _ => "raise the hard limit (limits.conf, LimitNOFILE, --ulimit nofile)".to_owned(),
    };
    match room {
        Some(0) => finding(NAME, Verdict::Missing, seen, raise),
        Some(room) if room < ENOUGH_DESCRIPTORS => finding(NAME, Verdict::Degraded, seen, raise),
        _ => finding(NAME, Verdict::Ok, seen, ""),
    }
}

fn memory(root: &Path) -> Finding {
    const NAME: &str = "memory";
    let Some(available) = limits::available(root) else {
        return finding(
            NAME,
            Verdict::Degraded,
            "the kernel does not tell",
            "mount /proc, for refusals in time",
        );
    };
    let seen = format!("{} MiB available, by the machine and the control groups", available >> 20);
    let advice = "raise the memory limit of the container, or end other programs";
    match available {
        0..HARDLY_ANY_MEMORY => finding(NAME, Verdict::Missing, seen, advice),
        HARDLY_ANY_MEMORY..ENOUGH_MEMORY => finding(NAME, Verdict::Degraded, seen, advice),
        _ => finding(NAME, Verdict::Ok, seen, ""),
    }
}

fn huge_pages(root: &Path) -> Finding {
    const NAME: &str = "huge pages";
    const FILE: &str = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
    match huge::chosen(root).as_deref() {
        Some(chosen @ ("always" | "within_size" | "force" | "advise")) => {
            finding(NAME, Verdict::Ok, format!("shared memory has them: {chosen}"), "")
        }
        Some(chosen) => finding(
            NAME,
            Verdict::Degraded,
            format!("shared memory has none: {chosen}"),
            format!("the first touch of big arrays is slower; as root: echo advise > {FILE}"),
        ),
        None => {
            finding(NAME, Verdict::Degraded, format!("{FILE} cannot be read"), "the first touch is slower")
        }
    }
}

/// What Yama and a process's own wish do not keep out: programs of root, which a worker of root's is too.
const ROOT: &str = "run as a user other than root, without CAP_SYS_PTRACE";

/// What Yama keeps even from root.
const NOBODY: u8 = 3;

fn yama(root: &Path, may_trace: bool) -> Finding {
    const NAME: &str = "Yama";
    match host::yama(root) {
        Some(scope @ 1..NOBODY) if may_trace => finding(
            NAME,
            Verdict::Degraded,
            format!("ptrace_scope {scope}, but this is root or has CAP_SYS_PTRACE, and so has a worker"),
            ROOT,
        ),
        Some(scope @ 1..) => finding(
            NAME,
            Verdict::Ok,
            format!("ptrace_scope {scope}: a worker cannot attach to the engine"),
            "",
        ),
        found => finding(
            NAME,
            Verdict::Degraded,
            found.map_or_else(|| "not there".to_owned(), |scope| format!("ptrace_scope {scope}")),
            "programs of one user can read and write each other's memory: set kernel.yama.ptrace_scope to 1, or harden",
        ),
    }
}

fn dumpable(root: &Path, is_dumpable: io::Result<bool>, may_trace: bool) -> Finding {
    const NAME: &str = "dumpable";
    let scope = host::yama(root).unwrap_or(0);
    let may_trace = may_trace && scope < NOBODY;
    match is_dumpable {
        Ok(false) if may_trace => finding(
            NAME,
            Verdict::Degraded,
            "it is not, but this is root or has CAP_SYS_PTRACE, and whoever has that too can look into it",
            ROOT,
        ),
        Ok(false) => finding(NAME, Verdict::Ok, "no other process of this user can look into this one", ""),
        Ok(true) if scope >= 1 && !may_trace => {
            finding(NAME, Verdict::Ok, "it is, and Yama keeps all but its parents out", "")
        }
        Ok(true) => finding(
            NAME,
            Verdict::Degraded,
            "any process of this user, a worker too, can open /proc/<pid>/mem of this one and write",
            if may_trace {
                ROOT
            } else {
                "harden (hardened=True), which costs core dumps, debuggers and profilers"
            },
        ),
        Err(error) => finding(NAME, Verdict::Degraded, error.to_string(), "allow prctl in the sandbox"),
    }
}

fn process_read(root: &Path) -> Finding {
    const NAME: &str = "process_vm_readv";
    let advice = "results are copied once more instead of being read in place";
    match (host::reading_processes(), host::yama(root)) {
        (Err(error), _) => finding(NAME, Verdict::Degraded, error.to_string(), advice),
        (Ok(()), Some(scope @ 2..)) => {
            let seen = format!("it works, but Yama's ptrace_scope {scope} keeps us out of our own children");
            finding(NAME, Verdict::Degraded, seen, advice)
        }
        (Ok(()), _) => {
            finding(NAME, Verdict::Ok, "tried on this process; for children nothing forbids it", "")
        }
    }
}

fn runtime_folder(folder: &Folder) -> Finding {
    const NAME: &str = "runtime folder";
    let path = folder.path().display();
    match folder.check() {
        Ok(true) => finding(NAME, Verdict::Ok, format!("{path} is this user's alone"), ""),
        Ok(false) => match folder.path().parent().map(host::can_write) {
            Some(Ok(())) => finding(NAME, Verdict::Ok, format!("{path} can be made"), ""),
            Some(Err(error)) => finding(
                NAME,
                Verdict::Missing,
                format!("{path} cannot be made: {error}"),
                "no session can be named: set XDG_RUNTIME_DIR to a folder of yours",
            ),
            None => finding(NAME, Verdict::Missing, format!("{path} is no folder"), "set XDG_RUNTIME_DIR"),
        },
        Err(error) => {
            finding(NAME, Verdict::Missing, error.to_string(), "no session can be named until then")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    /// A made-up root with these files, gone with this value.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("doctor-{}-{name}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn limits(soft: &str, hard: &str) -> String {
        format!(
            "Limit                     Soft Limit           Hard Limit           Units\n\
             Max processes             1                    2                    processes\n\
             Max open files            {soft}                 {hard}               files\n"
        )
    }

    #[test]
    fn descriptors_are_counted_against_their_limits() {
        for (soft, hard, verdict, says) in [
            ("1024", "1024", Verdict::Ok, "room for 1022 segments"),
            ("100", "5000", Verdict::Degraded, "ulimit -n 5000"),
            ("100", "100", Verdict::Degraded, "raise the hard limit"),
            ("2", "unlimited", Verdict::Missing, "room for 0 segments"),
            ("unlimited", "unlimited", Verdict::Ok, "room for no limit"),
            ("many", "5", Verdict::Degraded, "cannot be read"),
        ] {
            let limits = limits(soft, hard);
            let files =
                [("proc/self/limits", limits.as_str()), ("proc/self/fd/0", ""), ("proc/self/fd/1", "")];
            let root = Root::new(&format!("fd-{soft}-{hard}"), &files);
            let found = descriptors(&root.0);
            assert_eq!(found.verdict, verdict, "{found}");
            assert!(found.to_string().contains(says), "{found}");
        }
    }

    #[test]
    fn memory_is_judged_by_what_an_engine_needs() {
        for (kib, verdict) in
            [("1024", Verdict::Missing), ("102400", Verdict::Degraded), ("9999999", Verdict::Ok)]
        {
            let text = format!("MemAvailable: {kib} kB\n");
            let root = Root::new(&format!("memory-{kib}"), &[("proc/meminfo", &text)]);
            assert_eq!(memory(&root.0).verdict, verdict);
        }
        assert_eq!(memory(&Root::new("memory-none", &[]).0).verdict, Verdict::Degraded);
    }

    #[test]
    fn the_chosen_kind_of_huge_pages_counts() {
        const FILE: &str = "sys/kernel/mm/transparent_hugepage/shmem_enabled";
        for (text, verdict) in [
            ("always within_size advise [never] deny force\n", Verdict::Degraded),
            ("always [within_size] advise never deny force\n", Verdict::Ok),
            ("[always] within_size advise never deny force\n", Verdict::Ok),
            ("always within_size [advise] never deny force\n", Verdict::Ok),
            ("nonsense", Verdict::Degraded),
        ] {
            let root =
                Root::new(&format!("huge-{}", text.len() + text.find('[').unwrap_or(99)), &[(FILE, text)]);
            assert_eq!(huge_pages(&root.0).verdict, verdict, "{text}");
        }
    }

    #[test]
    fn yama_decides_who_may_look_into_whom() {
        const FILE: &str = "proc/sys/kernel/yama/ptrace_scope";
        for (text, may_attach, may_read) in [
            ("0\n", Verdict::Degraded, Verdict::Ok),
            ("1\n", Verdict::Ok, Verdict::Ok),
            ("2\n", Verdict::Ok, Verdict::Degraded),
            ("3\n", Verdict::Ok, Verdict::Degraded),
            ("x", Verdict::Degraded, Verdict::Ok),
        ] {
            let root = Root::new(&format!("yama-{}", text.trim()), &[(FILE, text)]);
            assert_eq!(yama(&root.0, false).verdict, may_attach, "{text}");
            let of_root = if text == "3\n" { Verdict::Ok } else { Verdict::Degraded };
            assert_eq!(yama(&root.0, true).verdict, of_root, "{text}");
            assert_eq!(process_read(&root.0).verdict, may_read, "{text}");
        }
        assert_eq!(yama(&Root::new("yama-none", &[]).0, false).verdict, Verdict::Degraded);
    }

    #[test]
    fn nothing_is_promised_where_root_may_look_into_everything() {
        for (scope, is_dumpable, may_trace, verdict) in [
            ("0", false, false, Verdict::Ok),
            ("0", true, false, Verdict::Degraded),
            ("1", true, false, Verdict::Ok),
            ("0", false, true, Verdict::Degraded),
            ("1", false, true, Verdict::Degraded),
            ("1", true, true, Verdict::Degraded),
            ("3", false, true, Verdict::Ok),
            ("3", true, true, Verdict::Ok),
        ] {
            let files = [("proc/sys/kernel/yama/ptrace_scope", scope)];
            let root = Root::new(&format!("dumpable-{scope}-{is_dumpable}-{may_trace}"), &files);
            let found = dumpable(&root.0, Ok(is_dumpable), may_trace);
            assert_eq!(found.verdict, verdict, "{found}");
        }
    }

    #[test]
    fn who_may_trace_is_seen_by_the_capability() {
        for (at, (text, may)) in [
            ("CapPrm:\tffffffffffffffff\nCapEff:\t0000000000080000\n", true),
            ("CapPrm:\tffffffffffffffff\nCapEff:\t0000000000040000\n", false),
            ("CapEff:\tnonsense\n", false),
        ]
        .into_iter()
        .enumerate()
        {
            let root = Root::new(&format!("caps-{at}"), &[("proc/self/status", text)]);
            assert_eq!(host::has_trace_capability(&root.0), may, "{text}");
        }
    }

    #[test]
    fn a_runtime_folder_is_looked_at_and_not_made() {
        let root = Root::new("folder", &[("inside/x", "")]);
        let missing = root.0.join("sessions");
        assert_eq!(runtime_folder(&Folder::at(&missing)).verdict, Verdict::Ok);
        assert!(!missing.exists());
        assert_eq!(runtime_folder(&Folder::at(root.0.join("nowhere/sessions"))).verdict, Verdict::Missing);
        assert_eq!(runtime_folder(&Folder::at(root.0.join("inside/x"))).verdict, Verdict::Missing);
    }
}
