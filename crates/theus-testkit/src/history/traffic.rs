//! [`Traffic`]: what a client does next, at random.
//!
//! What not: no clock and no store. Invariant: the same seed gives the same traffic; each write fits its terrain.

use super::model::mix;
use super::terrain::{Holds, Terrain};
use super::write::{Action, Attempt, Write};
use theus_state::Isolation;

/// A stream of random choices. SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Traffic {
    state: u64,
}

impl Traffic {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// A number below `limit`, which is at least 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.any() % limit
    }

    /// True once in so many times; never for 0.
    pub fn once_in(&mut self, times: u64) -> bool {
        times > 0 && self.below(times) == 0
    }

    /// Any set of places out of these.
    pub fn some_of(&mut self, places: u64) -> u64 {
        self.any() & places
    }

    /// One change of one place. The whole state is seldom one, so that it is not forever new.
    pub fn write(&mut self, terrain: &Terrain) -> Write {
        let lowest = u64::from(!self.once_in(8));
        let place = (lowest + self.below(terrain.count() as u64 - lowest)) as u8;
        let spot = terrain.spot(place);
        let dice = self.below(8);
        let action = match (spot.holds, dice) {
            (Holds::Map, 0..5) => Action::Merge,
            (Holds::List, 0..5) => Action::Append,
            (Holds::Number, 0..5) | (_, 5) => Action::Set,
            _ if place == 0 => Action::Merge,
            _ => Action::Delete,
        };
        let leaves = match action {
            Action::Set | Action::Merge => self.some_of(spot.leaves),
            _ => 0,
        };
        // Nothing merged into the whole state writes nothing at all; that is no case here.
        let leaves = if place == 0 && leaves == 0 { spot.leaves } else { leaves };
        Write { leaves, value: self.any() as u32, place, action }
    }

    /// Fills in a commit from this base: one to three changes, and up to three places that it has read.
    pub fn attempt(&mut self, terrain: &Terrain, base: u64, mode: Isolation, attempt: &mut Attempt) {
        (attempt.base, attempt.mode, attempt.reads) = (base, mode, 0);
        attempt.writes.clear();
        let more = if self.once_in(4) { 1 + self.below(2) } else { 0 };
        (0..=more).for_each(|_| attempt.writes.push(self.write(terrain)));
        for _ in 0..self.below(4) {
            attempt.reads |= 1 << self.below(terrain.count() as u64);
        }
    }
}
