//! `cargo xtask fuzz`: the fuzz targets on their committed inputs and on new ones.
//!
//! What not: no cargo-fuzz. It would be one more tool to install, and what it does here is a build with a few flags.
//! Invariants: new inputs go to the build folder, never into the checkout; a build that does not find the planted
//! error is a failure, because then its silence about the targets means nothing.

mod build;
mod plan;
mod run;

use crate::place;
use crate::step::{Failure, Steps};
use plan::Plan;

/// The program with a planted error, which is no target.
const PLANTED: &str = "planted";
/// Seconds for each target within `test`.
const GATE: u32 = 20;

/// Runs the targets as the arguments say; see the text of `cargo xtask help`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let known = super::folders_with(&place::root().join("fuzz/corpus"), "");
    carry_out(&mut Steps::default(), &Plan::understand(arguments, &known)?)
}

/// The part of `test`: lints, every committed input, then a short run of every target.
pub(crate) fn check(steps: &mut Steps) -> Result<(), Failure> {
    let targets = super::folders_with(&place::root().join("fuzz/corpus"), "");
    steps.run("clippy of the fuzz targets", &mut build::clippy())?;
    carry_out(steps, &Plan { targets, seconds: Some(GATE) })
}

fn carry_out(steps: &mut Steps, plan: &Plan) -> Result<(), Failure> {
    steps.run("build of the fuzz targets", &mut build::command())?;
    steps.begin("planted error of the fuzz targets");
    run::planted(PLANTED).map_err(|failure| steps.failed(failure))?;
    steps.begin("committed inputs of the fuzz targets");
    run::all(&plan.targets, None).map_err(|failure| steps.failed(failure))?;
    if let Some(seconds) = plan.seconds {
        steps.begin(&format!("fuzzing, {seconds} s for each target"));
        run::all(&plan.targets, Some(seconds)).map_err(|failure| steps.failed(failure))?;
    }
    Ok(())
}
