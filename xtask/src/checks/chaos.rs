//! `cargo xtask chaos`: the long checks of what happens under load and after kills.
//!
//! What not: part of `test`, which runs the same code for a short time.

use std::process::Command;

use crate::place;
use crate::step::{Failure, Steps};

/// A way to be rough, with its word, what it counts, and how much of that it does by itself.
struct Way {
    word: &'static str,
    counts: &'static str,
    usual: Option<&'static str>,
    run: fn(&mut Steps, &str) -> Result<(), Failure>,
}

const WAYS: [Way; 3] = [
    // A minute and a half on two cores, beside the build.
    Way { word: "histories", counts: "operations", usual: Some("100000000"), run: histories },
    Way { word: "kills", counts: "rounds", usual: Some("2000"), run: kills },
    Way { word: "sweep", counts: "nothing", usual: None, run: sweep },
];

/// Runs the way that the first argument names; without one, the histories.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (way, count) = understand(arguments)?;
    (way.run)(&mut Steps::default(), &count)
}

fn understand(arguments: &[String]) -> Result<(&'static Way, String), Failure> {
    let named = arguments.first().and_then(|word| WAYS.iter().find(|way| way.word == word));
    let (way, rest) = match named {
        Some(way) => (way, &arguments[1..]),
        None => (&WAYS[0], arguments),
    };
    match (rest, way.usual) {
        ([], usual) => Ok((way, usual.unwrap_or_default().to_owned())),
        ([one], Some(_)) if one.parse::<u64>().is_ok() => Ok((way, one.clone())),
        _ => {
            let words = WAYS.map(|way| format!("{} (counts {})", way.word, way.counts)).join(", ");
            let line = arguments.join(" ");
            Err(Failure::new(format!("`chaos {line}`: at most a word and a number; the words are {words}")))
        }
    }
}

/// Histories of the store under load, checked for strict serializability.
fn histories(steps: &mut Steps, operations: &str) -> Result<(), Failure> {
    let mut command = test("theus-state", "it", "histories");
    command.env("THEUS_HISTORY_OPS", operations);
    steps.run(&format!("histories of {operations} operations"), &mut command)
}

/// Processes that share memory, and engines and workers, killed at random moments and at named points.
fn kills(steps: &mut Steps, rounds: &str) -> Result<(), Failure> {
    for (package, tests) in [("theus-shm", "kill::"), ("theus", "kills::")] {
        let mut command = test(package, "it", tests);
        command.env("THEUS_KILLS", rounds);
        steps.run(&format!("{rounds} rounds of kills of {package}"), &mut command)?;
    }
    Ok(())
}

/// A kill at every single instruction of the operations on shared memory.
fn sweep(steps: &mut Steps, _nothing: &str) -> Result<(), Failure> {
    let mut command = test("theus-shm", "sweep", "");
    command.env("THEUS_SWEEP", "all");
    steps.run("a kill at every instruction", &mut command)
}

/// The command that runs these tests of a package, optimized, and shows what they print.
fn test(package: &str, target: &str, tests: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(["test", "--release", "-p", package, "--test", target]);
    command.args([tests, "--", "--nocapture"]).current_dir(place::root());
    command
}

#[cfg(test)]
mod tests {
    use super::understand;

    fn understood(line: &str) -> Option<(&'static str, String)> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        understand(&words).ok().map(|(way, count)| (way.word, count))
    }

    #[test]
    fn a_word_a_number_or_nothing_is_understood() {
        let wanted = |word, count: &str| Some((word, count.to_owned()));
        assert_eq!(understood(""), wanted("histories", "100000000"));
        assert_eq!(understood("1000"), wanted("histories", "1000"));
        assert_eq!(understood("histories 5"), wanted("histories", "5"));
        assert_eq!(understood("kills"), wanted("kills", "2000"));
        assert_eq!(understood("kills 50"), wanted("kills", "50"));
        assert_eq!(understood("sweep"), wanted("sweep", ""));
    }

    #[test]
    fn anything_else_is_refused_with_the_words() {
        for line in ["many", "1 2", "kills many", "kills 1 2", "sweep 5", "5 kills"] {
            assert_eq!(understood(line), None, "{line}");
        }
        let message = understand(&["many".to_owned()]).err().map(|failure| failure.to_string());
        assert!(message.is_some_and(|message| message.contains("kills") && message.contains("sweep")));
    }
}
