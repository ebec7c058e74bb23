//! `cargo xtask mutants`: small changes made to the core crates, each of which a test should notice.
//!
//! What not: part of `test`, since every change costs a build and a run of the tests.

use std::fs;
use std::process::Command;

use super::CORE;
use crate::place;
use crate::step::{self, Failure, Steps};

const MISSING: &str = "mutants needs a tool: cargo install cargo-mutants --version 27.1.0 --locked";

/// Changes all of the core crates, or with `--diff BASE` only what differs from that commit. The other arguments go
/// to cargo-mutants, such as `--file crates/theus-value/src/map.rs`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut version = Command::new("cargo");
    step::capture(version.args(["mutants", "--version"])).map_err(|_| Failure::new(MISSING))?;
    let mut command = Command::new("cargo");
    command.args(["mutants", "--output"]).arg(place::target()).current_dir(place::root());
    command.args(CORE.iter().flat_map(|name| ["-p", name]));
    // A test of another crate may be the one that notices.
    command.args(["--test-package", &CORE.join(","), "--baseline", "run"]);
    let rest = match arguments {
        [word, base, rest @ ..] if word == "--diff" => {
            command.arg("--in-diff").arg(difference(base)?);
            rest
        }
        all => all,
    };
    Steps::default().run("mutants", command.args(rest))
}

/// A file with what has changed since `base`.
fn difference(base: &str) -> Result<std::path::PathBuf, Failure> {
    let mut git = Command::new("git");
    git.args(["-c", "safe.directory=*", "diff", base, "--", "crates"]).current_dir(place::root());
    let file = place::target().join("mutants.diff");
    let write = |text| fs::create_dir_all(place::target()).and_then(|()| fs::write(&file, text));
    write(step::capture(&mut git)?)
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", file.display())))?;
    Ok(file)
}
