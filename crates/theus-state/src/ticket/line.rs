//! [`Line`]: who holds the ticket and who waits for it, in the order in which they came.
//!
//! What not: no lock, no clock, no sleep. Time comes in as an argument; the store keeps the line inside its writers'
//! lock and wakes those who wait.
//!
//! Invariants
//! - At most one place holds the ticket. Places wait only while it is held.
//! - A lease starts when the ticket is obtained. A place whose lease has run out is out of the line.
//! - Each call settles the line for its `now` first: no holder whose lease has run out. A lease of nothing is settled by
//!   the next call.

use super::requester::Requester;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Names a place in a line. Never used twice in one line.
pub(crate) type Place = u64;

#[derive(Debug, Default)]
pub(crate) struct Line {
    holder: Option<Holder>,
    waiting: VecDeque<Waiting>,
    places: Place,
}

#[derive(Debug)]
struct Waiting {
    place: Place,
    requester: Requester,
    lease: Duration,
    /// The ticket lets nobody pass but who names the place itself.
    alone: bool,
}

#[derive(Debug)]
struct Holder {
    who: Waiting,
    /// When the lease runs out; None: never.
    until: Option<Instant>,
}

impl Line {
    /// True if nobody holds the ticket. Needs no time: a holder is kept until somebody notices that its lease ran out.
    pub(crate) fn is_free(&self) -> bool {
        self.holder.is_none()
    }

    /// Takes the ticket from a holder whose lease has run out.
    pub(crate) fn settle(&mut self, now: Instant) {
        while self.until().is_some_and(|until| until <= now) {
            self.pass_on(now);
        }
    }

    /// A place at the end of the line; it holds the ticket at once if that is free.
    pub(crate) fn join(&mut self, requester: Requester, lease: Duration, now: Instant) -> Place {
        self.settle(now);
        let who = self.place(requester, lease, false);
        let place = who.place;
        if self.holder.is_none() {
            self.give(who, now);
        } else {
            self.waiting.push_back(who);
        }
        place
    }

    /// Takes the ticket for one commit alone: if it is free, or if its holder lets `requester` pass; then the holder
    /// comes next, with what is left of its lease. None if another holds it.
    pub(crate) fn step_in(&mut self, requester: Requester, lease: Duration, now: Instant) -> Option<Place> {
        self.settle(now);
        if self.refuses(Some(&requester), None).is_some() {
            return None;
        }
        if let Some(Holder { mut who, until }) = self.holder.take() {
            who.lease = until.map_or(Duration::MAX, |until| until.saturating_duration_since(now));
            self.waiting.push_front(who);
        }
        let who = self.place(requester, lease, true);
        let place = who.place;
        self.give(who, now);
        Some(place)
    }

    /// Gives a place up.
    pub(crate) fn leave(&mut self, place: Place, now: Instant) {
        self.waiting.retain(|waiting| waiting.place != place);
        if self.held_by() == Some(place) {
            self.pass_on(now);
        }
        self.settle(now);
    }

    /// The place that holds the ticket.
    pub(crate) fn held_by(&self) -> Option<Place> {
        self.holder.as_ref().map(|holder| holder.who.place)
    }

    /// True if the place holds the ticket or waits for it.
    pub(crate) fn has(&self, place: Place) -> bool {
        self.held_by() == Some(place) || self.waiting.iter().any(|waiting| waiting.place == place)
    }

    /// When the holder's lease runs out.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.holder.as_ref().and_then(|holder| holder.until)
    }

    /// The holder, if it lets neither `requester` pass nor whoever names this place.
    pub(crate) fn refuses(&self, requester: Option<&Requester>, place: Option<Place>) -> Option<&Requester> {
        let who = &self.holder.as_ref()?.who;
        let passes = if who.alone {
            place == Some(who.place)
        } else {
            requester.is_some_and(|requester| who.requester.covers(requester))
        };
        (!passes).then_some(&who.requester)
    }

    fn place(&mut self, requester: Requester, lease: Duration, alone: bool) -> Waiting {
        self.places += 1;
        Waiting { place: self.places, requester, lease, alone }
    }

    fn give(&mut self, who: Waiting, now: Instant) {
        let until = now.checked_add(who.lease);
        self.holder = Some(Holder { who, until });
    }

    fn pass_on(&mut self, now: Instant) {
        self.holder = None;
        if let Some(next) = self.waiting.pop_front() {
            self.give(next, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One call, after so many ms.
    #[derive(Clone, Debug)]
    enum Call {
        Join(u8, u64),
        StepIn(u8, u64),
        /// The place that was taken as the n-th, counted round.
        Leave(usize),
        Look,
    }

    fn call() -> impl Strategy<Value = (u64, Call)> {
        let call = prop_oneof![
            4 => (0u8..3, 0u64..40).prop_map(|(who, lease)| Call::Join(who, lease)),
            1 => (0u8..3, 0u64..40).prop_map(|(who, lease)| Call::StepIn(who, lease)),
            3 => any::<usize>().prop_map(Call::Leave),
            1 => Just(Call::Look),
        ];
        (0u64..30, call)
    }

    /// The slow twin: all places in one row, the first holds.
    #[derive(Default)]
    struct Row {
        /// Place, who, lease, alone.
        row: Vec<(Place, u8, u64, bool)>,
        since: u64,
    }

    impl Row {
        fn settle(&mut self, now: u64) {
            while self.row.first().is_some_and(|first| self.since + first.2 <= now) {
                self.leave(self.row[0].0, now);
            }
        }

        fn leave(&mut self, place: Place, now: u64) {
            if self.row.first().is_some_and(|first| first.0 == place) {
                self.since = now;
            }
            self.row.retain(|other| other.0 != place);
        }

        fn refuses(&self, who: Option<u8>, place: Option<Place>) -> Option<u8> {
            let first = self.row.first()?;
            let passes = if first.3 { place == Some(first.0) } else { who == Some(first.1) };
            (!passes).then_some(first.1)
        }
    }

    fn name(who: u8) -> Requester {
        Requester::new(["x", "y", "z"][usize::from(who)])
    }

    /// Plays one call to both; the place, if it took one.
    fn play(
        line: &mut Line,
        row: &mut Row,
        call: &Call,
        now: (Instant, u64),
        places: &[Place],
    ) -> Option<Place> {
        let (at, now) = now;
        row.settle(now);
        match *call {
            Call::Join(who, lease) => {
                let place = line.join(name(who), Duration::from_millis(lease), at);
                if row.row.is_empty() {
                    row.since = now;
                }
                row.row.push((place, who, lease, false));
                Some(place)
            }
            Call::StepIn(who, lease) => {
                let place = line.step_in(name(who), Duration::from_millis(lease), at);
                assert_eq!(place.is_none(), row.refuses(Some(who), None).is_some());
                if let Some(first) = row.row.first_mut().filter(|_| place.is_some()) {
                    first.2 -= now - row.since;
                }
                if let Some(place) = place {
                    row.row.insert(0, (place, who, lease, true));
                    row.since = now;
                }
                place
            }
            Call::Leave(n) => {
                if let Some(place) = places.get(n % places.len().max(1)) {
                    line.leave(*place, at);
                    row.leave(*place, now);
                }
                None
            }
            Call::Look => None,
        }
    }

    proptest! {
        #[test]
        fn the_line_does_what_a_row_does(calls in proptest::collection::vec(call(), 0..60)) {
            let (mut line, mut row) = (Line::default(), Row::default());
            let (begin, mut now, mut places) = (Instant::now(), 0, vec![]);
            for (passed, call) in calls {
                now += passed;
                let at = begin + Duration::from_millis(now);
                places.extend(play(&mut line, &mut row, &call, (at, now), &places));
                line.settle(at);
                row.settle(now);
                prop_assert_eq!(line.held_by(), row.row.first().map(|first| first.0));
                prop_assert_eq!(line.is_free(), row.row.is_empty());
                let until = row.row.first().map(|first| begin + Duration::from_millis(row.since + first.2));
                prop_assert_eq!(line.until(), until);
                for place in &places {
                    prop_assert_eq!(line.has(*place), row.row.iter().any(|other| other.0 == *place));
                    let refused = line.refuses(None, Some(*place)).cloned();
                    prop_assert_eq!(refused, row.refuses(None, Some(*place)).map(name));
                }
                for who in 0..3 {
                    prop_assert_eq!(line.refuses(Some(&name(who)), None).cloned(), row.refuses(Some(who), None).map(name));
                }
            }
        }
    }

    #[test]
    fn a_lease_without_an_end_is_no_error() {
        let (mut line, now) = (Line::default(), Instant::now());
        let place = line.join(name(0), Duration::MAX, now);
        line.settle(now + Duration::from_secs(1 << 40));
        assert_eq!((line.held_by(), line.until()), (Some(place), None));
    }
}
