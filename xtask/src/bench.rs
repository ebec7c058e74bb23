//! `cargo xtask bench`: our figures beside the rivals', from the same run on the same machine.
//!
//! The rivals' packages lie in the environment of this command and nowhere else.

use crate::place;
use crate::python::{self, Interpreter};
use crate::step::{Failure, Steps};

/// Builds the wheel and runs `benches/bench.py --json target/bench.json` with these arguments added.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::default();
    let wheel = python::wheel(&mut steps)?;
    let interpreter = Interpreter::first()?;
    let venv = python::prepare(&mut steps, "bench", &interpreter, &wheel, "benches/requirements.txt")?;
    let mut bench = venv.python();
    bench.arg("benches/bench.py").arg("--json").arg(place::target().join("bench.json"));
    steps.run("bench", bench.args(arguments).current_dir(place::root()))
}
