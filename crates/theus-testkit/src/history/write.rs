//! [`Write`]: one change of one place in 16 bytes, and the [`Attempt`] to commit some of them.
//!
//! What not: no effect (see [`Model`](super::Model)).
//! Invariant: the same write as an operation of the store and as a change of the slow tree means the same.

use super::terrain::{Holds, Terrain, bits};
use crate::tree::{Change, Node, Tree};
use theus_state::{Commit, Isolation};
use theus_value::{Key, List, Map, Op, Update, Value};

/// What is done at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Puts something in place of what is there: for a map, one of the given leaves only.
    Set,
    /// Merges the given leaves into a map.
    Merge,
    /// Adds one item to a list.
    Append,
    /// Takes the place away.
    Delete,
}

/// One change. What fits a terrain: no set of the whole state to nothing else than a map, no deletion of it, no merge
/// of nothing into it, merges into maps and appends to lists only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// The leaves below a map that get the value; none at a place that is no map.
    pub leaves: u64,
    /// What is written. A list gets it as its one item.
    pub value: u32,
    /// The place.
    pub place: u8,
    /// What is done.
    pub action: Action,
}

impl Write {
    /// The places that a commit of this depends on: those that it writes as a whole.
    pub fn named(&self) -> u64 {
        match self.action {
            Action::Merge if self.leaves != 0 => self.leaves,
            _ => 1 << self.place,
        }
    }

    /// The same as an operation.
    pub fn op(&self, terrain: &Terrain) -> Op {
        let spot = terrain.spot(self.place);
        let path = spot.path.clone();
        match (self.action, spot.holds) {
            (Action::Set, Holds::Map) => Op::Set { path, value: Value::Map(self.map(terrain, self.place)) },
            (Action::Set, holds) => Op::Set { path, value: self.leaf(holds) },
            (Action::Merge, _) => Op::Merge { path, value: self.map(terrain, self.place) },
            (Action::Append, _) => Op::Append { path, values: vec![Value::from(i64::from(self.value))] },
            (Action::Delete, _) => Op::Delete { path },
        }
    }

    /// The same as a change of the slow tree.
    pub fn change(&self, terrain: &Terrain) -> Change {
        let spot = terrain.spot(self.place);
        let place = spot.place.clone();
        let number = i64::from(self.value);
        match (self.action, spot.holds) {
            (Action::Set, Holds::Map) => Change::Set(place, Tree::Node(self.node(terrain, self.place))),
            (Action::Set, Holds::Number) => Change::Set(place, Tree::Number(number)),
            (Action::Set, Holds::List) => Change::Set(place, Tree::List(vec![number])),
            (Action::Merge, _) => Change::Merge(place, self.node(terrain, self.place)),
            (Action::Append, _) => Change::Append(place, vec![number]),
            (Action::Delete, _) => Change::Delete(place),
        }
    }

    fn leaf(&self, holds: Holds) -> Value {
        let number = Value::from(i64::from(self.value));
        if holds == Holds::List { Value::List([number].into_iter().collect::<List>()) } else { number }
    }

    fn map(&self, terrain: &Terrain, at: u8) -> Map {
        let mut map = Map::new();
        for child in terrain.spot(at).children.iter().copied() {
            let spot = terrain.spot(child);
            let value = match spot.holds {
                Holds::Map if spot.below & self.leaves != 0 => Value::Map(self.map(terrain, child)),
                Holds::Number | Holds::List if self.leaves >> child & 1 == 1 => self.leaf(spot.holds),
                _ => continue,
            };
            map.insert(Key::from(spot.place[spot.place.len() - 1].as_str()), value);
        }
        map
    }

    fn node(&self, terrain: &Terrain, at: u8) -> Node {
        let mut node = Tree::Node(Node::new());
        let depth = terrain.spot(at).place.len();
        for leaf in bits(self.leaves) {
            let spot = terrain.spot(leaf);
            let number = i64::from(self.value);
            let tree =
                if spot.holds == Holds::List { Tree::List(vec![number]) } else { Tree::Number(number) };
            Change::Set(spot.place[depth..].to_vec(), tree).apply(&mut node);
        }
        if let Tree::Node(node) = node { node } else { Node::new() }
    }
}

/// A commit that a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The version it was computed from.
    pub base: u64,
    /// Its mode.
    pub mode: Isolation,
    /// What it changes, in order.
    pub writes: Vec<Write>,
    /// The places it was computed from.
    pub reads: u64,
}

impl Attempt {
    /// The same as a commit.
    pub fn commit(&self, terrain: &Terrain) -> Commit {
        let update: Update = self.writes.iter().map(|write| write.op(terrain)).collect();
        Commit::new(self.base, update).isolation(self.mode).reads(terrain.paths(self.reads))
    }
}
