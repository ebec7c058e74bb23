//! The runs of the fuzz targets: as many at a time as there are processors, each with a log of its own.
//!
//! Invariant: whatever a target prints is in its log in the build folder; of a failed one the reason is shown.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;

use super::build;
use crate::place;
use crate::step::Failure;

/// One run must end within these seconds. Runs take microseconds; the rest is for busy machines.
const TIMEOUT: &str = "-timeout=5";
/// The memory that a target may take, and the largest block at a time, both in mebibytes.
const MEMORY: [&str; 2] = ["-rss_limit_mb=1024", "-malloc_limit_mb=64"];
/// Freed blocks are kept to find late uses; the usual quarter of a gibibyte only makes runs slow.
const SANITIZER: &str = "quarantine_size_mb=16";
/// What the planted error must end with.
const REPORT: &str = "AddressSanitizer: heap-buffer-overflow";

/// Runs the targets on their committed inputs, and then for so many seconds on new ones.
pub(super) fn all(targets: &[String], seconds: Option<u32>) -> Result<(), Failure> {
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    for group in targets.chunks(at_once) {
        let started: Vec<_> = group.iter().map(|target| (target, start(target, seconds))).collect();
        // All of them are waited for, so that none is left behind when one fails.
        let ended: Vec<_> = started.into_iter().map(|(target, child)| end(target, child?)).collect();
        for summary in ended {
            println!("{}", summary?);
        }
    }
    Ok(())
}

/// Runs the program with the planted error, which must be found.
pub(super) fn planted(name: &str) -> Result<(), Failure> {
    let folder = made(build::folder().join("found").join(name))?;
    let mut command = program(name, &folder)?;
    // From nothing and always in the same way: what is asked is whether feedback leads there.
    command.args(["-seed=1", "-runs=1000000", "-max_total_time=60"]);
    let status = command.status().map_err(|error| Failure::new(format!("{name}: {error}")))?;
    let log = text(name);
    if !status.success() && log.contains(REPORT) {
        println!("{name}: found after {} runs", runs(&log));
        return Ok(());
    }
    let message =
        format!("the planted error was not found: the sanitizer or the feedback is not in the build\n{log}");
    Err(Failure::new(message))
}

fn start(target: &str, seconds: Option<u32>) -> Result<Child, Failure> {
    let found = made(build::folder().join("found").join(target))?;
    let mut command = program(target, &found)?;
    match seconds {
        // The first folder is where new inputs go.
        Some(seconds) => command.arg(format!("-max_total_time={seconds}")).arg(&found),
        None => command.arg("-runs=0"),
    };
    command.arg(place::root().join("fuzz/corpus").join(target));
    command.spawn().map_err(|error| Failure::new(format!("{target}: {error}")))
}

fn end(target: &str, mut child: Child) -> Result<String, Failure> {
    let status = child.wait().map_err(|error| Failure::new(format!("{target}: {error}")))?;
    let log = text(target);
    if status.success() {
        return Ok(format!("{target}: {} runs", runs(&log)));
    }
    let message =
        format!("{target} has failed; all of it is in {}\n{}", log_of(target).display(), reason(&log));
    Err(Failure::with_code(message, status))
}

/// The program of a target with its limits and its log, ready for more arguments.
fn program(target: &str, artifacts: &Path) -> Result<Command, Failure> {
    let log = log_of(target);
    let failed = |error| Failure::new(format!("{} cannot be written: {error}", log.display()));
    let out = File::create(&log).map_err(failed)?;
    let mut command = Command::new(build::program(target));
    command.args(MEMORY).args([TIMEOUT, "-print_final_stats=1"]).env("ASAN_OPTIONS", SANITIZER);
    command
        .arg(format!("-artifact_prefix={}/failed-", made(artifacts.with_extension("failures"))?.display()));
    command.stdout(out.try_clone().map_err(failed)?).stderr(out).current_dir(place::root());
    Ok(command)
}

fn made(folder: PathBuf) -> Result<PathBuf, Failure> {
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::new(format!("{} cannot be made: {error}", folder.display())))?;
    Ok(folder)
}

fn log_of(target: &str) -> PathBuf {
    build::folder().join(format!("{target}.log"))
}

fn text(target: &str) -> String {
    fs::read(log_of(target)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn runs(log: &str) -> &str {
    let line = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    line.map_or("an unknown number of", str::trim)
}

/// The lines of a log that say what was wrong, and where the input is.
fn reason(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let telling = |line: &str| {
        ["panicked at", "ERROR:", "SUMMARY:", "Test unit written", "Base64:"]
            .iter()
            .any(|word| line.contains(word))
    };
    let mut told = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| telling(line)) {
        told.push(*line);
        // A panic's message follows its place, up to the stack.
        let message = lines[at + 1..].iter().take(4).take_while(|line| !line.contains("stack backtrace"));
        told.extend(message.filter(|_| line.contains("panicked at")));
    }
    told.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{reason, runs};

    const LOG: &str = "INFO: Seed: 1\n#2 INITED\nthread '<unnamed>' panicked at src/path.rs:62:9:\n\
        left is not right\nstack backtrace:\n   0: main\n==7== ERROR: libFuzzer: deadly signal\n\
        Test unit written to failed-crash-1\nBase64: Pwo=\nstat::number_of_executed_units: 49884\n";

    #[test]
    fn a_failure_shows_its_message_and_its_input_without_the_stack() {
        let told = reason(LOG);
        for word in ["panicked at src/path.rs", "left is not right", "failed-crash-1", "Base64: Pwo="] {
            assert!(told.contains(word), "{told}");
        }
        assert!(!told.contains("0: main") && !told.contains("INITED"), "{told}");
    }

    #[test]
    fn the_number_of_runs_is_read() {
        assert_eq!(runs(LOG), "49884");
        assert_eq!(runs("killed"), "an unknown number of");
    }
}
