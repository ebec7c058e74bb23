//! [`Zone`]: what a name says about the place that it names.
//!
//! What not: what one may do there (see `capabilities`).
//! Invariant: the zone depends on the name alone, not on what is stored under it.

use std::fmt;

/// A kind of place. The name decides it: by a prefix, or by being one of a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    /// Everything else.
    Data,
    /// `sig_`, `cmd_`; the words `signal`, `sig`, `cmd`.
    Signal,
    /// `meta_`; the word `meta`.
    Meta,
    /// `heavy_`; the word `heavy`.
    Heavy,
    /// `log_`, `audit_`; the word `log`.
    Log,
    /// `const_`.
    Constant,
    /// `internal_`.
    Private,
}

impl Zone {
    /// Every zone, in the order of the specification's table.
    pub const ALL: [Zone; 7] =
        [Zone::Data, Zone::Signal, Zone::Meta, Zone::Heavy, Zone::Log, Zone::Constant, Zone::Private];

    /// The zone of one name: one segment of a path, one key of a map.
    ///
    /// ```
    /// use theus::Zone;
    /// assert_eq!(Zone::of("log_events"), Zone::Log);
    /// assert_eq!(Zone::of("log"), Zone::Log);
    /// assert_eq!(Zone::of("logbook"), Zone::Data);
    /// assert_eq!(Zone::of("my_log_events"), Zone::Data);
    /// ```
    pub fn of(name: &str) -> Zone {
        match name.split_once('_') {
            Some(("sig" | "cmd", _)) => Zone::Signal,
            Some(("meta", _)) => Zone::Meta,
            Some(("heavy", _)) => Zone::Heavy,
            Some(("log" | "audit", _)) => Zone::Log,
            Some(("const", _)) => Zone::Constant,
            Some(("internal", _)) => Zone::Private,
            Some(_) => Zone::Data,
            None => Zone::of_word(name),
        }
    }

    /// The zone of a word without a prefix.
    pub(super) fn of_word(word: &str) -> Zone {
        match word {
            "signal" | "sig" | "cmd" => Zone::Signal,
            "meta" => Zone::Meta,
            "heavy" => Zone::Heavy,
            "log" => Zone::Log,
            _ => Zone::Data,
        }
    }

    /// The zone's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Zone::Data => "data",
            Zone::Signal => "signal",
            Zone::Meta => "meta",
            Zone::Heavy => "heavy",
            Zone::Log => "log",
            Zone::Constant => "constant",
            Zone::Private => "private",
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
