//! `cargo xtask tidy`: the house rules that no lint checks, one file a rule.
//!
//! Invariant: every rule's file carries a planted violation that the rule is shown to find.

mod arrows;
mod budget;
mod docs;
mod facade;
mod forbidden;
mod names;
mod opening;
mod paths;
mod pyproject;
mod rooms;

use std::fmt;

use crate::place;
use crate::step::Failure;
use crate::tree::Tree;

/// Where a rule is broken, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 means the whole file.
    line: usize,
    message: String,
}

impl Finding {
    pub(crate) fn new(path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Finding { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: [(&str, Rule); 10] = [
    ("arrows", arrows::check),
    ("budget", budget::check),
    ("docs", docs::check),
    ("facade", facade::check),
    ("forbidden", forbidden::check),
    ("names", names::check),
    ("opening", opening::check),
    ("paths", paths::check),
    ("pyproject", pyproject::check),
    ("rooms", rooms::check),
];

/// Judges the checkout; any finding is a failure.
pub(crate) fn run() -> Result<(), Failure> {
    let tree = Tree::read(&place::root())?;
    let mut count = 0;
    for (name, rule) in RULES {
        let mut findings = rule(&tree);
        findings.sort();
        count += findings.len();
        for finding in findings {
            println!("{finding} ({name})");
        }
    }
    println!("tidy: {} rules over {} files, {count} findings", RULES.len(), tree.files.len());
    match count {
        0 => Ok(()),
        _ => Err(Failure::new(format!("{count} findings of tidy; each is listed above with its rule"))),
    }
}
