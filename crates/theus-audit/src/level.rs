//! What a failure leads to.

use std::fmt;
use std::str::FromStr;

/// What a failure of a rule or a process leads to.
///
/// ```
/// use theus_audit::Level;
///
/// assert_eq!("S".parse(), Ok(Level::Stop));
/// assert_eq!("block".parse(), Ok(Level::Block));
/// assert_eq!(Level::Abort.number(), 1);
/// assert!("X".parse::<Level>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Level {
    /// Refused at once; with [`AuditRecipe::stop_latch`](crate::AuditRecipe::stop_latch) for good.
    Stop = 0,
    /// Refused at once.
    Abort = 1,
    /// Counted, and refused above the threshold.
    Block = 2,
    /// Counted, never refused.
    Count = 3,
    /// Neither counted nor refused.
    Ignore = 4,
}

impl Level {
    /// All levels, in the order of their numbers.
    pub const ALL: [Level; 5] = [Level::Stop, Level::Abort, Level::Block, Level::Count, Level::Ignore];

    /// The level's number, 0 to 4.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The level's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Stop => "Stop",
            Level::Abort => "Abort",
            Level::Block => "Block",
            Level::Count => "Count",
            Level::Ignore => "Ignore",
        }
    }

    /// The letter that stands for the level in a recipe: the first of its name.
    pub const fn letter(self) -> &'static str {
        match self {
            Level::Stop => "S",
            Level::Abort => "A",
            Level::Block => "B",
            Level::Count => "C",
            Level::Ignore => "I",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    /// Reads a letter or a name, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let named = |level: &Level| {
            text.eq_ignore_ascii_case(level.letter()) || text.eq_ignore_ascii_case(level.as_str())
        };
        Level::ALL.into_iter().find(named).ok_or_else(|| UnknownLevel { text: text.to_owned() })
    }
}

/// A text that names no [`Level`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("level {text:?} is not known; choose one of {}", Level::ALL.map(Level::letter).join(", "))]
pub struct UnknownLevel {
    /// The text as it was given.
    pub text: String,
}
