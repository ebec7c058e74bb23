//! What the doctor says of this host is so, and hardening keeps others of the same user out.

mod raw;

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

use theus_shm::{Verdict, doctor, harden, socket};

use crate::session::stage::{Actor, cast};
use crate::session::{NOBODY, can_be_another_user};

#[test]
fn everything_is_looked_at_and_what_the_suites_need_is_there() {
    let findings = doctor();
    let names: BTreeSet<_> = findings.iter().map(|finding| finding.name).collect();
    assert_eq!(names.len(), 11);
    for name in ["seals", "futex", "pidfd"] {
        // The other tests of this crate could not pass otherwise.
        let found = findings.iter().find(|finding| finding.name == name).unwrap();
        assert_eq!(found.verdict, Verdict::Ok, "{found}");
    }
    for finding in &findings {
        assert!(!finding.seen.is_empty(), "{finding}");
        assert_eq!(
            finding.verdict != Verdict::Ok,
            !finding.advice.is_empty(),
            "advice where it is needed: {finding}"
        );
    }
}

#[test]
fn looking_makes_nothing_and_costs_no_descriptor() {
    let own = |findings: Vec<theus_shm::Finding>| {
        findings.into_iter().map(|f| (f.name, f.verdict)).collect::<Vec<_>>()
    };
    let first = own(doctor());
    // More often than there are descriptors to spare, if each look cost one.
    for _ in 0..50 {
        assert_eq!(own(doctor()), first);
    }
    let holds = |link: &std::path::Path| link.to_string_lossy().contains("theus-doctor");
    let fds = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let left = fds.filter_map(|fd| std::fs::read_link(fd.path()).ok()).filter(|link| holds(link)).count();
    assert!(left <= 1, "at most one of a test that runs beside this one");
}

#[test]
fn hardening_keeps_other_processes_of_the_user_out() {
    // Root may always, so then it is shown as somebody else.
    let is_root = can_be_another_user("hardening_keeps_other_processes_of_the_user_out (as another user)");
    let user = is_root.then_some(NOBODY);
    let ask = |role: &str| {
        let target = Actor::start_in("doctor::role", role, "", user);
        let about = target.hear();
        let looker = Actor::start_in("doctor::role", "look into", &about, user);
        let found = looker.hear();
        target.tell("now");
        (found, target.hear())
    };
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let (found, word) = ask("be looked into");
    match scope.trim() {
        "" | "0" => {
            assert_eq!((found.as_str(), word.as_str()), ("memory written, attached", "666"), "the control")
        }
        _ => assert_eq!(word, "7", "Yama keeps it out without our doing"),
    }
    assert_eq!(ask("be hardened"), ("no memory: EACCES, not attached: EPERM".into(), "7".into()));
}

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn role() {
    let (role, about, socket) = cast();
    let say = |text: &str| socket::send(&socket, text.as_bytes(), &[]).unwrap();
    match role.as_str() {
        "be looked into" | "be hardened" => {
            let word = Box::new(AtomicU64::new(7));
            if role == "be hardened" {
                harden().unwrap();
                let dumpable = doctor().into_iter().find(|finding| finding.name == "dumpable").unwrap();
                assert_eq!(dumpable.verdict, Verdict::Ok, "{dumpable}");
            }
            say(&format!("{} {}", std::process::id(), (&raw const *word).addr()));
            socket::recv(&socket, &mut [0; 8], 0, true).unwrap();
            say(&word.load(Ordering::SeqCst).to_string());
        }
        "look into" => {
            let (pid, address) = about.split_once(' ').unwrap();
            let memory = File::options().write(true).open(format!("/proc/{pid}/mem"));
            let written =
                memory.and_then(|memory| memory.write_at(&666_u64.to_ne_bytes(), address.parse().unwrap()));
            let code = |error: std::io::Error| match error.raw_os_error() {
                Some(libc::EACCES) => "EACCES",
                Some(libc::EPERM) => "EPERM",
                _ => "another error",
            };
            let memory = written
                .map_or_else(|error| format!("no memory: {}", code(error)), |_| "memory written".into());
            let attached = raw::attach(pid.parse().unwrap());
            let attached = attached
                .map_or_else(|error| format!("not attached: {}", code(error)), |()| "attached".into());
            say(&format!("{memory}, {attached}"));
            // Whoever ends while it is attached lets go, and the other runs on.
            drop(socket::recv(&socket, &mut [0; 8], 0, true));
        }
        other => panic!("no such role: {other}"),
    }
}
