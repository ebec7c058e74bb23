//! The Python side of the commands: interpreters, virtual environments, the wheel.

mod interpreter;
mod venv;
mod wheel;

use std::path::{Path, PathBuf};

pub(crate) use interpreter::Interpreter;
pub(crate) use venv::Venv;
pub(crate) use wheel::build as build_wheel;

use crate::place;
use crate::step::{Failure, Steps};

/// An environment `target/venv-NAME` that holds the wheel and the packages of a requirements file.
pub(crate) fn prepare(
    steps: &mut Steps,
    name: &str,
    interpreter: &Interpreter,
    wheel: &Path,
    requirements: &str,
) -> Result<Venv, Failure> {
    steps.begin(&format!("environment {name}: {interpreter}"));
    let install = || {
        let venv = Venv::make(&place::target().join(format!("venv-{name}")), interpreter)?;
        venv.install_wheel(wheel, &place::root().join(requirements))?;
        Ok(venv)
    };
    install().map_err(|failure| steps.failed(failure))
}

/// Builds the wheel as a step and returns its path.
pub(crate) fn wheel(steps: &mut Steps) -> Result<PathBuf, Failure> {
    steps.begin("wheel");
    build_wheel().map_err(|failure| steps.failed(failure))
}
