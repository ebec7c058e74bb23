//! The build of the fuzz targets: with feedback for the fuzzer and with the address sanitizer.
//!
//! What not: no other compiler. The flags are not stable yet; the variable that allows them is set for this build.

use std::path::PathBuf;
use std::process::Command;

use crate::place;

/// The flags that cargo-fuzz gives too: counters for edges, the operands of comparisons, and the sanitizer.
const FLAGS: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Zsanitizer=address",
    "-Ccodegen-units=1",
];
/// Naming the target keeps the flags away from build scripts.
const TARGET: &str = concat!("x86_64", "-unknown-linux-gnu");

/// Builds all targets.
pub(super) fn command() -> Command {
    cargo("build", &["--bins"])
}

/// Lints them, with the same flags, so that the fuzzer itself is not built twice.
pub(super) fn clippy() -> Command {
    let mut command = cargo("clippy", &["--all-targets"]);
    command.args(["--", "-D", "warnings"]);
    command
}

fn cargo(verb: &str, what: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args([verb, "--manifest-path", "fuzz/Cargo.toml", "--locked", "--release"]).args(what);
    command.args(["--target", TARGET]).current_dir(place::root());
    command.env("RUSTFLAGS", FLAGS.join(" ")).env("RUSTC_BOOTSTRAP", "1");
    command.env("CARGO_TARGET_DIR", folder());
    command
}

/// A build folder of its own, since the flags rebuild everything. The inputs that are found lie here too.
pub(super) fn folder() -> PathBuf {
    place::target().join("fuzz")
}

/// The program of a target.
pub(super) fn program(target: &str) -> PathBuf {
    folder().join(TARGET).join("release").join(target)
}
