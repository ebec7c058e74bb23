//! [`Model`]: the state of a terrain after some versions, as a hash over pairs of place and value.
//!
//! What not: no history (see [`check`](super::Checker)), no maps. A write costs the places that it touches, so a
//! million of them cost little; that it means what the slow tree means is a test.
//!
//! Invariants: the fingerprint is the sum of one hash for each place that is present, whatever was done to get there;
//! [`fingerprint`] of a real state gives the same sum if and, but for chance in 2^64, only if it is the same state
//! (the order of keys apart). Nothing here calls the store.

use super::terrain::{Holds, Terrain, bits};
use super::write::{Action, Write};
use theus_value::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Absent,
    Map,
    Number(u64),
    List { length: u64, digest: u64 },
}

/// What a state is that has something in a place that the terrain does not know.
const FOREIGN: u64 = 0x0BAD_5EED_0BAD_5EED;

/// A state, and the version that last wrote each place as a whole.
#[derive(Clone, Debug)]
pub struct Model {
    slots: Vec<Slot>,
    present: u64,
    fingerprint: u64,
    last: Vec<u64>,
}

impl Model {
    /// The empty state, in which nothing was written.
    pub fn new(terrain: &Terrain) -> Self {
        let mut slots = vec![Slot::Absent; terrain.count()];
        slots[0] = Slot::Map;
        Self { slots, present: 1, fingerprint: 0, last: vec![0; terrain.count()] }
    }

    /// The hash of the state.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Makes `version` out of these writes, and returns the places that it wrote as a whole. A deletion of what was
    /// absent before the version and is absent after it writes nothing.
    pub fn apply(&mut self, terrain: &Terrain, writes: &[Write], version: u64) -> u64 {
        let before = self.present;
        writes.iter().for_each(|write| self.write(terrain, write));
        let some = before | self.present;
        let written = writes
            .iter()
            .map(|write| if write.action == Action::Delete { write.named() & some } else { write.named() })
            .fold(0, |all, one| all | one);
        bits(written).for_each(|at| self.last[usize::from(at)] = version);
        written
    }

    /// The newest version that wrote this place, one below it, or one above it as a whole; 0 for none.
    pub fn newest(&self, terrain: &Terrain, at: u8) -> u64 {
        bits(terrain.spot(at).overlaps).map(|other| self.last[usize::from(other)]).max().unwrap_or(0)
    }

    /// The first of these places that changed after `base`, with the newest version that changed it.
    pub fn changed(&self, terrain: &Terrain, places: u64, base: u64) -> Option<(u8, u64)> {
        bits(places).map(|at| (at, self.newest(terrain, at))).find(|(_, version)| *version > base)
    }

    fn write(&mut self, terrain: &Terrain, write: &Write) {
        let spot = terrain.spot(write.place);
        match (write.action, spot.holds) {
            (Action::Delete, _) => {
                bits(spot.below | 1 << write.place).for_each(|at| self.put(at, Slot::Absent))
            }
            (Action::Set, Holds::Map) => {
                bits(spot.below).for_each(|at| self.put(at, Slot::Absent));
                self.fill(terrain, write);
            }
            (Action::Merge, _) => self.fill(terrain, write),
            (Action::Set, _) => self.leaf(terrain, write.place, write.value),
            (Action::Append, _) => {
                let (length, digest) = match self.slots[usize::from(write.place)] {
                    Slot::List { length, digest } => (length, digest),
                    _ => (0, 0),
                };
                self.reach(terrain, write.place);
                let digest = item(digest, i64::from(write.value));
                self.put(write.place, Slot::List { length: length + 1, digest });
            }
        }
    }

    fn fill(&mut self, terrain: &Terrain, write: &Write) {
        self.reach(terrain, write.place);
        self.put(write.place, Slot::Map);
        bits(write.leaves).for_each(|at| self.leaf(terrain, at, write.value));
    }

    fn leaf(&mut self, terrain: &Terrain, at: u8, value: u32) {
        self.reach(terrain, at);
        let slot = match terrain.spot(at).holds {
            Holds::List => Slot::List { length: 1, digest: item(0, i64::from(value)) },
            _ => Slot::Number(u64::from(value)),
        };
        self.put(at, slot);
    }

    /// Makes the maps above a place.
    fn reach(&mut self, terrain: &Terrain, at: u8) {
        terrain.spot(at).above.iter().for_each(|up| self.put(*up, Slot::Map));
    }

    fn put(&mut self, at: u8, slot: Slot) {
        // The whole state is always there and says nothing.
        if at == 0 {
            return;
        }
        let old = std::mem::replace(&mut self.slots[usize::from(at)], slot);
        self.fingerprint = self.fingerprint.wrapping_sub(pair(at, old)).wrapping_add(pair(at, slot));
        let bit = 1 << at;
        self.present = if slot == Slot::Absent { self.present & !bit } else { self.present | bit };
    }
}

/// The hash of a real state. One that holds what the terrain does not know has a hash that no model has.
pub fn fingerprint(terrain: &Terrain, state: &Map) -> u64 {
    let mut sum = 0;
    walk(terrain, 0, state, &mut sum);
    sum
}

fn walk(terrain: &Terrain, at: u8, map: &Map, sum: &mut u64) {
    let mut known = 0;
    for child in terrain.spot(at).children.iter().copied() {
        let spot = terrain.spot(child);
        let Some(value) = map.get(&spot.place[spot.place.len() - 1]) else { continue };
        known += 1;
        let hash = match (spot.holds, value) {
            (Holds::Map, Value::Map(below)) => {
                walk(terrain, child, below, sum);
                pair(child, Slot::Map)
            }
            (Holds::Number, Value::Int(n)) => pair(child, Slot::Number(*n as u64)),
            (Holds::List, Value::List(list)) => {
                let fold = |digest, value: &Value| match value {
                    Value::Int(n) => item(digest, *n),
                    _ => FOREIGN,
                };
                let digest = list.iter().fold(0, fold);
                pair(child, Slot::List { length: list.len() as u64, digest })
            }
            _ => FOREIGN,
        };
        *sum = sum.wrapping_add(hash);
    }
    if map.len() != known {
        *sum = sum.wrapping_add(FOREIGN);
    }
}

fn pair(at: u8, slot: Slot) -> u64 {
    match slot {
        Slot::Absent => 0,
        Slot::Map => mix(u64::from(at) + 1),
        Slot::Number(n) => mix(mix(u64::from(at) + 0x100) ^ n),
        Slot::List { length, digest } => mix(mix(u64::from(at) + 0x200) ^ mix(length) ^ digest),
    }
}

fn item(digest: u64, n: i64) -> u64 {
    mix(digest.rotate_left(5) ^ n as u64)
}

/// The output step of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), which spreads each bit over the word.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
