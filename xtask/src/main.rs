//! The project's own commands; `cargo xtask help` lists them.
//!
//! Here: only the choice of the command. Each command has a file of its own name.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "commands talk to whoever typed them")]

mod bench;
mod demo;
mod loom;
mod place;
mod python;
mod ratchet;
mod step;
mod test;
mod text;
mod tidy;
mod tree;

use std::process::ExitCode;

use crate::step::Failure;

const HELP: &str = "\
cargo xtask COMMAND

  test [rust|loom|python [-- ARGS]]
             everything: format, clippy, tidy, rustdoc, unit and property tests, doc-tests, loom models, pytest.
             With a word, that part only; ARGS go to pytest. THEUS_PYTHONS lists the interpreters to run pytest
             on, separated by colons or blanks (default: python3).
  tidy       the house rules that no lint checks: arrows, budgets, openings, docs, names, rooms, paths
  loom       the loom models only
  demo ARGS  builds the wheel and runs the main job; ARGS go to demo/main.py
  bench ARGS builds the wheel and prints the table of figures, also as JSON in target/bench.json
  help       this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", arguments),
    };
    match command {
        "test" => test::run(rest),
        "tidy" => tidy::run(),
        "loom" => test::run(&["loom".to_owned()]),
        "demo" => demo::run(rest),
        "bench" => bench::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        unknown => {
            Err(Failure::new(format!("there is no command {unknown:?}; `cargo xtask help` lists them")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn an_unknown_command_is_named() {
        let failure = run(&["dance".to_owned()]).unwrap_err();
        assert!(failure.to_string().contains("\"dance\""), "{failure}");
    }
}
