//! `cargo xtask valgrind`: the tests of theus-shm under valgrind's memcheck: nothing lost, nothing read before it was written.
//!
//! Not watched: processes that the tests start, and the tests of [`SKIPPED`].
//! Invariant: a leak that is planted is found in the same run, so a check that sees nothing cannot pass.

use std::process::Command;

use crate::place;
use crate::step::{self, Failure, Steps};

const PACKAGE: &str = "theus-shm";
const MEMCHECK: [&str; 7] = [
    "valgrind",
    "--quiet",
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
    "--error-exitcode=99",
    // A forked copy has lost what its parent still holds.
    "--child-silent-after-fork=yes",
];
/// Loses memory on purpose; ignored otherwise.
const PLANTED: &str = "lost::planted_leak";
/// Valgrind 3.19 does not know the system call `pidfd_open`, with which the tests watch their processes.
const PIDFD: &str = "needs pidfd_open";
/// What valgrind cannot run, or not in minutes, by a part of the name, with the reason.
const SKIPPED: [(&str, &str); 22] = [
    ("arena::threads_never_share_a_byte", "a gigabyte byte by byte"),
    ("doctor::everything_is_looked_at", PIDFD),
    ("fragmentation::", "hundreds of thousands of blocks"),
    ("futex::another_process_wakes", PIDFD),
    ("hostile::a_process_of_the_same_user", PIDFD),
    ("hostile::a_reader_cannot_steer_the_arena", PIDFD),
    ("hostile::no_way_to_write", PIDFD),
    ("hostile::without_the_seals", PIDFD),
    ("kill::", "what happens is in processes of their own"),
    ("leaks::", "counts the memory of the process, valgrind's with it"),
    ("mapping::what_is_not_a_memory_file_is_refused", PIDFD),
    ("pidfd::", PIDFD),
    ("pressure::", "what happens is in processes of their own"),
    ("segment::a_reader_that_writes_anyway_dies", PIDFD),
    ("session::a_forked_child_gets_errors", "the copy has lost what the threads it lacks hold"),
    ("session::a_listener_ends_while_a_forked_child", "the copy has lost what the threads it lacks hold"),
    ("session::an_owner_that_was_killed_is_gone", PIDFD),
    ("session::signals_that_come_again", PIDFD),
    ("session::folder::a_socket_that_a_child_kept_open", PIDFD),
    ("session::hostile::an_owner_that_is_stopped", PIDFD),
    ("socket::descriptors_that_do_not_fit", PIDFD),
    ("twin::", "hundreds of megabytes, byte by byte"),
];

/// Runs it alone.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if !arguments.is_empty() {
        return Err(Failure::new(format!("`valgrind {}`: it takes no arguments", arguments.join(" "))));
    }
    check(&mut Steps::default())
}

/// The same as two steps of `test`.
pub(crate) fn check(steps: &mut Steps) -> Result<(), Failure> {
    step::capture(Command::new("valgrind").arg("--version")).map_err(|_| {
        Failure::new("this check needs valgrind: apt-get install --no-install-recommends valgrind")
    })?;
    let mut tests = memcheck(&["--lib", "--test", "it"]);
    tests.args(SKIPPED.iter().flat_map(|(name, _)| ["--skip", name]));
    steps.run("tests under valgrind", &mut tests)?;
    steps.begin("a planted leak under valgrind");
    let mut planted = memcheck(&["--test", "it"]);
    planted.args(["--ignored", "--exact", PLANTED]);
    match step::capture(&mut planted) {
        Err(failure) if is_found(&failure.to_string()) => Ok(()),
        Err(failure) => Err(steps.failed(failure)),
        Ok(_) => Err(steps.failed(Failure::new("the planted leak went unnoticed"))),
    }
}

/// Whether the report is that of the planted leak and not of something else. The test's name counts in a frame of
/// valgrind's only: the list of tests that were run has it in any case.
fn is_found(report: &str) -> bool {
    let is_frame = |line: &str| {
        let frame = line.strip_prefix("==").and_then(|line| line.split_once("== "));
        frame.is_some_and(|(_, text)| matches!(text.trim_start().get(..5), Some("at 0x" | "by 0x")))
    };
    report.contains("are definitely lost")
        && report.lines().any(|line| is_frame(line) && line.contains("planted_leak"))
}

/// `cargo test` with valgrind in between; what follows goes to the tests. In a build folder of its own: optimized a
/// little, because valgrind makes everything some thirty times slower.
fn memcheck(which: &[&str]) -> Command {
    let words: Vec<String> = MEMCHECK.iter().map(|word| format!("{word:?}")).collect();
    let mut command = Command::new("cargo");
    command.arg("--config").arg(format!("target.'cfg(unix)'.runner = [{}]", words.join(", ")));
    command.args(["test", "-p", PACKAGE]).args(which).args(["--", "--test-threads=1"]);
    command.env("CARGO_TARGET_DIR", place::target().join("valgrind")).env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    command.current_dir(place::root());
    command
}

#[cfg(test)]
mod tests {
    use super::is_found;

    #[test]
    fn only_the_planted_leak_counts_as_found() {
        let report = "==1== 10 bytes in 1 blocks are definitely lost in loss record 1 of 2\n\
                      ==1==    at 0x48417B4: malloc (vg_replace_malloc.c:381)\n\
                      ==1==    by 0x2A1B3C: it::lost::planted_leak (lost.rs:9)";
        assert!(is_found(report));
        let printed = "test lost::planted_leak ... ok\n==1== 10 bytes in 1 blocks are definitely lost\n\
                       ==1==    by 0x2A1B3C: it::arena::grow (arena.rs:7)";
        assert!(!is_found(printed), "the name is printed whatever was found");
        assert!(!is_found("==1== 10 bytes in 1 blocks are definitely lost\n==1== by it::arena::grow"));
        assert!(!is_found("error: could not compile theus-shm: planted_leak"));
    }
}
