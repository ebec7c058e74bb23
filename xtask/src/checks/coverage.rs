//! `cargo xtask coverage`: the lines and branches of the core crates that their tests run, a table for each crate.
//!
//! What not: part of `test`. The tools are large, and the number is there to be read, not to be reached.

use std::env;
use std::path::Path;
use std::process::Command;

use super::{CORE, folders_with};
use crate::place;
use crate::step::{self, Failure, Steps};

/// Versions of LLVM that read what the compiler writes.
const LLVM: [&str; 4] = ["19", "20", "21", "22"];
const HISTORY: &str = "THEUS_HISTORY_OPS";
const MISSING: &str = "coverage needs two tools:\n  \
    cargo install cargo-llvm-cov --version 0.9.1 --locked\n  \
    apt-get install --no-install-recommends llvm-19    (or set LLVM_COV and LLVM_PROFDATA)";

/// Runs the core crates' tests; the arguments go to each report, such as `--show-missing-lines`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let tools = Tools::find()?;
    let mut steps = Steps::default();
    let mut tests = tools.llvm_cov(&["--no-report", "--branch"]);
    if env::var_os(HISTORY).is_none() {
        // Long histories run no other code than short ones, and counters make them slow.
        tests.env(HISTORY, "20000");
    }
    steps.run("tests with counters", tests.args(CORE.iter().flat_map(|name| ["-p", name])))?;
    for name in CORE {
        let mut report = tools.llvm_cov(&["report", "--branch", "--ignore-filename-regex"]);
        report.arg(all_but(name)).args(arguments);
        steps.run(&format!("coverage of {name}"), &mut report)?;
    }
    Ok(())
}

struct Tools {
    cov: String,
    profdata: String,
}

impl Tools {
    fn find() -> Result<Tools, Failure> {
        let missing = || Failure::new(MISSING);
        let tools = Tools {
            cov: tool("LLVM_COV", "llvm-cov").ok_or_else(missing)?,
            profdata: tool("LLVM_PROFDATA", "llvm-profdata").ok_or_else(missing)?,
        };
        step::capture(&mut tools.llvm_cov(&["--version"])).map_err(|_| missing())?;
        Ok(tools)
    }

    fn llvm_cov(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.arg("llvm-cov").args(arguments).current_dir(place::root());
        // Branches are counted by an option that is not stable yet.
        command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", place::target().join("coverage"));
        command.env("LLVM_COV", &self.cov).env("LLVM_PROFDATA", &self.profdata);
        command
    }
}

/// What the variable says, or the newest of the system's own.
fn tool(variable: &str, name: &str) -> Option<String> {
    let installed = LLVM.iter().rev().map(|version| format!("/usr/bin/{name}-{version}"));
    env::var(variable).ok().or_else(|| installed.into_iter().find(|path| Path::new(path).exists()))
}

/// A pattern of the files that do not belong to the crate's own sources.
fn all_but(name: &str) -> String {
    let crates = folders_with(&place::root().join("crates"), "Cargo.toml");
    let others: Vec<String> = crates.into_iter().filter(|other| other != name).collect();
    format!("/crates/({})/|/tests/|/benches/|/xtask/", others.join("|"))
}

#[cfg(test)]
mod tests {
    use super::all_but;

    #[test]
    fn the_other_crates_are_left_out_and_the_crate_itself_is_not() {
        let pattern = all_but("theus-value");
        assert!(pattern.contains("|theus-state|") && pattern.contains("(theus|"), "{pattern}");
        assert!(!pattern.contains("theus-value"), "{pattern}");
    }
}
