//! A record as an event of `tracing`, for programs that collect their logs that way.
//!
//! What not: no subscriber is installed here, so nothing is printed unasked; without one this costs a look at an atomic.

use super::Record;
use crate::Outcome;

/// The target under which records are announced.
pub const TARGET: &str = "theus::audit";

impl Record {
    /// Emits an event of the target `theus::audit`: at level INFO for a committed attempt, a conflict and a lifted stop, else
    /// at WARN. Its fields are those of the record; absent ones are left out.
    ///
    /// Runs the subscribers in the calling thread, so no lock may be held that they might want.
    pub fn announce(&self) {
        match self.outcome {
            Outcome::Committed | Outcome::Conflict | Outcome::Reset => self.event_at_info(),
            _ => self.event_at_warn(),
        }
    }
}

macro_rules! event {
    ($record:expr, $level:expr) => {
        tracing::event!(
            target: TARGET,
            $level,
            number = $record.number,
            process = &*$record.process,
            task = $record.task,
            attempt = $record.attempt,
            outcome = $record.outcome.as_str(),
            base_version = $record.base_version,
            version = $record.version,
            worker = $record.worker,
            signal = $record.signal,
            duration_us = u64::try_from($record.duration.as_micros()).unwrap_or(u64::MAX),
            requester = $record.requester.as_deref(),
            reason = $record.reason.as_deref(),
            error = $record.error.as_deref(),
        )
    };
}

impl Record {
    fn event_at_info(&self) {
        event!(self, tracing::Level::INFO);
    }

    fn event_at_warn(&self) {
        event!(self, tracing::Level::WARN);
    }
}
