//! The models: loom's, which try every order of steps, and shuttle's, which try many orders of longer runs.
//!
//! Every crate that has `tests/model` runs it under `cfg(theus_loom)`, `tests/shuttle` under `cfg(theus_shuttle)`.
//! Invariant: a part without a single model is a failure, so that none passes by being gone.

use std::process::Command;

use super::folders_with;
use crate::place;
use crate::step::{Failure, Steps};

/// Runs all loom models as one step.
pub(crate) fn loom(steps: &mut Steps) -> Result<(), Failure> {
    run(steps, "loom models", "model", "loom")
}

/// Runs all shuttle tests as one step; THEUS_SCHEDULES is passed on to them.
pub(crate) fn shuttle(steps: &mut Steps) -> Result<(), Failure> {
    run(steps, "shuttle schedules", "shuttle", "shuttle")
}

/// In a build folder of its own, since the flag rebuilds everything.
fn run(steps: &mut Steps, name: &str, test: &str, tool: &str) -> Result<(), Failure> {
    let main = format!("tests/{test}/main.rs");
    let crates = folders_with(&place::root().join("crates"), &main);
    if crates.is_empty() {
        return Err(Failure::new(format!("no crate has {main}, so nothing was run")));
    }
    let mut command = Command::new("cargo");
    command.args(["test", "--release", "--test", test]).current_dir(place::root());
    command.args(crates.iter().flat_map(|name| ["-p", name]));
    let flags = format!("--cfg theus_{tool}");
    command.env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", place::target().join(tool));
    // Optimized, because models run for minutes otherwise; with the checks and without the slow linking.
    command.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true").env("CARGO_PROFILE_RELEASE_LTO", "off");
    steps.run(name, &mut command)
}
