//! `cargo xtask demo`: the main job on real input, in an environment of its own.

use crate::place;
use crate::python::{self, Interpreter};
use crate::step::{Failure, Steps};

/// Builds the wheel and runs `demo/main.py` with these arguments; its exit code is ours.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::default();
    let wheel = python::wheel(&mut steps)?;
    let interpreter = Interpreter::first()?;
    let venv = python::prepare(&mut steps, "demo", &interpreter, &wheel, "demo/requirements.txt")?;
    steps.run("demo", venv.python().arg("demo/main.py").args(arguments).current_dir(place::root()))
}
