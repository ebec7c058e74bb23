//! [`Figure`]: one row of the table, as data for the program that prints it.
//!
//! What not: no verdict; that is formed where all rows of the project come together (`benches/row.py`).

use serde_json::{Value, json};
use std::fmt;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Time for each operation; given in nanoseconds, printed by the table in what fits.
    Nanoseconds,
    /// Memory in use.
    Bytes,
}

/// Our figure, the rival's, and the target they are held to.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The row of the targets, such as `F9`.
    pub id: &'static str,
    /// What was done.
    pub what: String,
    /// The target in words.
    pub target: &'static str,
    /// What `ratio` may be at most; none where nothing was promised.
    pub limit: Option<f64>,
    /// The unit of `ours` and `rivals`.
    pub unit: Unit,
    /// Our median.
    pub ours: f64,
    /// Who the rival is.
    pub rival: String,
    /// The rival's median.
    pub rivals: f64,
    /// Ours in rivals: for times, the median of the rounds' ratios.
    pub ratio: f64,
    /// What else the reader should know.
    pub note: String,
}

impl Figure {
    /// As an object whose members are named as the fields are; times become microseconds.
    pub fn json(&self) -> Value {
        let (unit, scale) = match self.unit {
            Unit::Nanoseconds => ("us", 1e-3),
            Unit::Bytes => ("B", 1.0),
        };
        json!({
            "id": self.id, "what": self.what, "target": self.target, "limit": self.limit, "unit": unit,
            "ours": self.ours * scale, "rival": self.rival, "rivals": self.rivals * scale,
            "paired": self.ratio, "note": self.note,
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.unit == Unit::Bytes { "B" } else { "ns" };
        write!(f, "{} {}: {:.1} {unit}; ", self.id, self.what, self.ours)?;
        write!(
            f,
            "{}: {:.1} {unit}; ratio {:.3}, target {}",
            self.rival, self.rivals, self.ratio, self.target
        )?;
        if self.note.is_empty() { Ok(()) } else { write!(f, " ({})", self.note) }
    }
}
