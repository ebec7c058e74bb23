//! The project's own commands; `cargo xtask help` lists them.
//!
//! Here: only the choice of the command. Each command has a file of its own name, here or in `checks/`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "commands talk to whoever typed them")]

mod bench;
mod checks;
mod demo;
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

  test [rust|loom|shuttle|fuzz|counts|valgrind|python [-- ARGS]]
             everything: format, clippy, tidy, rustdoc, unit and property tests, doc-tests, loom models, shuttle
             schedules, fuzz targets (committed inputs, then 20 s each), instruction counts, theus-shm under valgrind,
             pytest.
             With a word, that part only; ARGS go to pytest. THEUS_PYTHONS lists the interpreters to run pytest
             on, separated by colons or blanks (default: python3).
  tidy       the house rules that no lint checks: arrows, budgets, openings, docs, names, rooms, paths
  loom       the loom models only
  shuttle    the shuttle schedules only; THEUS_SCHEDULES says how many of each
  fuzz [--replay | --seconds N] [TARGET...]
             the fuzz targets, from the committed inputs and for N seconds each (default: 60); --replay: the
             committed inputs only. What is found goes to target/fuzz/found
  counts [--update]
             the instructions of the smallest operations against benches/counts/ratchet.txt
  valgrind   the tests of theus-shm under valgrind: no memory is lost
  chaos [histories] [N]
             histories of N operations (default: 10^8) of the store under load, checked
  chaos kills [ROUNDS]
             processes that share memory, engines and workers, killed in ROUNDS rounds (default: 2000) each
  chaos sweep
             a process killed at every single instruction of the operations on shared memory (x86-64)

  Not part of test:
  coverage ARGS
             lines and branches of theus-value and theus-state that their tests run; needs cargo-llvm-cov, llvm-19
  mutants [--diff BASE] ARGS
             changes that the tests of these two should notice; needs cargo-mutants
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
        "loom" | "shuttle" => test::run(&[command.to_owned()]),
        "fuzz" => checks::fuzz::run(rest),
        "counts" => checks::counts::run(rest),
        "valgrind" => checks::valgrind::run(rest),
        "chaos" => checks::chaos::run(rest),
        "coverage" => checks::coverage::run(rest),
        "mutants" => checks::mutants::run(rest),
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
