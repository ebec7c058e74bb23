//! How an attempt ended.
//!
//! Invariant: the codes go into digests, so a code is never given to another outcome and never changed.

use std::fmt;
use std::str::FromStr;

/// How an attempt ended; every attempt ends in exactly one of these, but the last.
///
/// ```
/// use theus_audit::Outcome;
///
/// assert_eq!(Outcome::Crashed.as_str(), "crashed");
/// assert_eq!("crashed".parse(), Ok(Outcome::Crashed));
/// assert!("gone".parse::<Outcome>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// The update was committed.
    Committed = 0,
    /// The state had changed under the update; the task may run again.
    Conflict = 1,
    /// The update broke the process's contract.
    Contract = 2,
    /// The pending state did not fit the schema.
    Schema = 3,
    /// An audit rule refused the input or the output.
    Audit = 4,
    /// The process itself raised an error.
    Failed = 5,
    /// The worker died.
    Crashed = 6,
    /// The deadline passed.
    Timeout = 7,
    /// Somebody called the task off.
    Cancelled = 8,
    /// A late or fenced completion was turned away.
    Refused = 9,
    /// No attempt: somebody lifted a stop of the audit.
    Reset = 10,
}

impl Outcome {
    /// All outcomes, in the order of their codes.
    pub const ALL: [Outcome; 11] = [
        Outcome::Committed,
        Outcome::Conflict,
        Outcome::Contract,
        Outcome::Schema,
        Outcome::Audit,
        Outcome::Failed,
        Outcome::Crashed,
        Outcome::Timeout,
        Outcome::Cancelled,
        Outcome::Refused,
        Outcome::Reset,
    ];

    /// The outcome's name in lower case, as records show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Committed => "committed",
            Outcome::Conflict => "conflict",
            Outcome::Contract => "contract",
            Outcome::Schema => "schema",
            Outcome::Audit => "audit",
            Outcome::Failed => "failed",
            Outcome::Crashed => "crashed",
            Outcome::Timeout => "timeout",
            Outcome::Cancelled => "cancelled",
            Outcome::Refused => "refused",
            Outcome::Reset => "reset",
        }
    }

    /// The byte that stands for the outcome in a record's canonical form.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        known.ok_or_else(|| UnknownOutcome { text: text.to_owned() })
    }
}

/// A text that names no [`Outcome`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an outcome of an attempt; the outcomes are {}", Outcome::ALL.map(Outcome::as_str).join(", "))]
pub struct UnknownOutcome {
    /// The text as it was given.
    pub text: String,
}
