//! `cargo xtask chaos`: long histories of the store under load, checked for strict serializability.
//!
//! What not: part of `test`, which checks short histories with the same code.

use std::process::Command;

use crate::place;
use crate::step::{Failure, Steps};

/// The operations of a long check: a minute and a half on two cores, beside the build.
const OPERATIONS: &str = "100000000";

/// Runs the histories of theus-state; the only argument is how many operations they take.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let operations = count(arguments)?;
    let mut command = Command::new("cargo");
    command.args(["test", "--release", "-p", "theus-state", "--test", "it"]);
    command.args(["histories", "--", "--nocapture"]).current_dir(place::root());
    command.env("THEUS_HISTORY_OPS", &operations);
    Steps::default().run(&format!("histories of {operations} operations"), &mut command)
}

fn count(arguments: &[String]) -> Result<String, Failure> {
    match arguments {
        [] => Ok(OPERATIONS.to_owned()),
        [one] if one.parse::<u64>().is_ok() => Ok(one.clone()),
        _ => Err(Failure::new(format!("`chaos {}`: the only argument is a number", arguments.join(" ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::{OPERATIONS, count};

    #[test]
    fn a_number_or_nothing_is_understood() {
        assert_eq!(count(&[]).unwrap(), OPERATIONS);
        assert_eq!(count(&["1000".to_owned()]).unwrap(), "1000");
        assert!(count(&["many".to_owned()]).is_err());
        assert!(count(&["1".to_owned(), "2".to_owned()]).is_err());
    }
}
