//! `cargo xtask test`: everything that must hold before a change is taken in.
//!
//! Invariants: the first failure ends the run, and pytest comes last, so its closing line ends the output.

use std::path::Path;
use std::process::Command;

use crate::checks::{counts, folders_with, fuzz, models, valgrind};
use crate::python::{self, Interpreter, Venv};
use crate::step::{self, Failure, Steps};
use crate::{place, tidy};

const PYTESTS: &str = "tests/python";

/// Runs all parts, or the one that the first argument names.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (parts, pytest) = understand(arguments)?;
    let mut steps = Steps::default();
    for part in parts {
        match part {
            Part::Rust => rust(&mut steps)?,
            Part::Loom => models::loom(&mut steps)?,
            Part::Shuttle => models::shuttle(&mut steps)?,
            Part::Fuzz => fuzz::check(&mut steps)?,
            Part::Counts => counts::check(&mut steps)?,
            Part::Valgrind => valgrind::check(&mut steps)?,
            Part::Python => pytests(&mut steps, pytest)?,
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Rust,
    Loom,
    Shuttle,
    Fuzz,
    Counts,
    Valgrind,
    Python,
}

/// All parts with their words, in the order in which they run: what finds most comes first, pytest last.
const PARTS: [(&str, Part); 7] = [
    ("rust", Part::Rust),
    ("loom", Part::Loom),
    ("shuttle", Part::Shuttle),
    ("fuzz", Part::Fuzz),
    ("counts", Part::Counts),
    ("valgrind", Part::Valgrind),
    ("python", Part::Python),
];

fn understand(arguments: &[String]) -> Result<(Vec<Part>, &[String]), Failure> {
    let (words, pytest) = match arguments.iter().position(|argument| argument == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (arguments, [].as_slice()),
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let parts = match words[..] {
        [] => PARTS.map(|(_, part)| part).to_vec(),
        [one] if PARTS.iter().any(|(word, _)| *word == one) => {
            PARTS.into_iter().filter(|(word, _)| *word == one).map(|(_, part)| part).collect()
        }
        _ => {
            let known = PARTS.map(|(word, _)| word).join(", ");
            return Err(Failure::new(format!("`test {}`: the parts are {known}", words.join(" "))));
        }
    };
    Ok((parts, pytest))
}

fn rust(steps: &mut Steps) -> Result<(), Failure> {
    steps.run("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    for manifest in outside() {
        let step = format!("format of {}", manifest.trim_end_matches("/Cargo.toml"));
        steps.run(&step, &mut cargo(&["fmt", "--check", "--manifest-path", &manifest]))?;
    }
    let strict = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    steps.run("clippy", &mut cargo(&strict))?;
    steps.begin("tidy");
    tidy::run().map_err(|failure| steps.failed(failure))?;
    let docs = ["doc", "--workspace", "--no-deps"];
    steps.run("documentation", cargo(&docs).env("RUSTDOCFLAGS", "-D warnings"))?;
    steps.run("unit and property tests", &mut cargo(runner()))?;
    steps.run("doc-tests", &mut cargo(&["test", "--workspace", "--doc"]))
}

/// The manifests outside of the workspace: the fuzz targets and the benchmarks with packages of their own.
fn outside() -> Vec<String> {
    let benches = folders_with(&place::root().join("benches"), "Cargo.lock");
    let benches = benches.iter().map(|name| format!("benches/{name}/Cargo.toml"));
    ["fuzz/Cargo.toml".to_owned()].into_iter().chain(benches).collect()
}

/// nextest where it is installed: it runs each test in a process of its own, and faster.
fn runner() -> &'static [&'static str] {
    match step::capture(&mut cargo(&["nextest", "--version"])) {
        Ok(_) => &["nextest", "run", "--workspace"],
        Err(_) => &["test", "--workspace", "--lib", "--bins", "--tests", "--examples"],
    }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(place::root());
    // The extension takes its symbols from the Python that loads it; no libpython is needed to link.
    command.env("PYO3_BUILD_EXTENSION_MODULE", "1");
    command
}

fn pytests(steps: &mut Steps, arguments: &[String]) -> Result<(), Failure> {
    let interpreters = Interpreter::listed()?;
    let wheel = python::wheel(steps)?;
    let mut environments = Vec::new();
    for interpreter in interpreters {
        let requirements = format!("{PYTESTS}/requirements.txt");
        let venv = python::prepare(steps, &interpreter.tag, &interpreter, &wheel, &requirements)?;
        environments.push((interpreter, venv));
    }
    for (interpreter, venv) in environments {
        let cache = place::target().join(format!("pytest-cache-{}", interpreter.tag));
        steps.run(&format!("pytest: {interpreter}"), &mut pytest(&venv, &cache, arguments))?;
    }
    Ok(())
}

fn pytest(venv: &Venv, cache: &Path, arguments: &[String]) -> Command {
    let mut command = venv.python();
    command.args(["-m", "pytest", PYTESTS, "-o"]).arg(format!("cache_dir={}", cache.display()));
    command.args(arguments).current_dir(place::root());
    command
}

#[cfg(test)]
mod tests {
    use super::{PARTS, Part, understand};

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn without_a_word_all_parts_run_and_pytest_comes_last() {
        let (parts, pytest) = understand(&[]).unwrap();
        assert_eq!(parts.len(), PARTS.len());
        assert_eq!((parts.first(), parts.last()), (Some(&Part::Rust), Some(&Part::Python)));
        assert!(pytest.is_empty());
    }

    #[test]
    fn a_word_chooses_its_part_and_the_rest_goes_to_pytest() {
        let arguments = words("python -- -k kill -x");
        let (parts, pytest) = understand(&arguments).unwrap();
        assert_eq!(parts, [Part::Python]);
        assert_eq!(pytest, ["-k", "kill", "-x"]);
    }

    #[test]
    fn an_unknown_part_is_refused_with_the_known_ones() {
        let message = understand(&words("java")).unwrap_err().to_string();
        assert!(
            message.contains("java")
                && message.contains("rust, loom, shuttle, fuzz, counts, valgrind, python"),
            "{message}"
        );
    }
}
