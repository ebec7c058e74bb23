//! A deadline: a moment that may never come, because the time until it is longer than the clock reaches.

use std::time::{Duration, Instant};

/// When something must be over; None inside means never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// This long from now; no time means never.
    pub(crate) fn after(time: impl Into<Option<Duration>>) -> Self {
        Deadline(time.into().and_then(|time| Instant::now().checked_add(time)))
    }

    /// The moment, unless it never comes.
    pub(crate) fn moment(self) -> Option<Instant> {
        self.0
    }

    /// How long until then; None means for ever.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|moment| moment.saturating_duration_since(Instant::now()))
    }

    /// True once the moment has come.
    pub(crate) fn is_over(self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }
}
