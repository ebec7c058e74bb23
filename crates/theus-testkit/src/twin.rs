//! The slow obvious twin of the store: it keeps every version ever, and compares each written path with each path
//! written since.
//!
//! Invariant: a verdict follows from the whole history and nothing else; there is no clever step in it.

use crate::tree::{Change, Node, Place, Tree, any_place, path};
use proptest::collection::vec;
use proptest::prelude::*;
use theus_state::{Commit, Isolation};

/// One commit, based so many versions back (below zero: ahead of the newest).
#[derive(Clone, Debug)]
pub struct Step {
    /// How far back its base is.
    pub back: i64,
    /// Its mode.
    pub isolation: Isolation,
    /// What it changes, in order.
    pub changes: Vec<Change>,
    /// What it has read.
    pub reads: Vec<Place>,
}

impl Step {
    /// Any step.
    pub fn any() -> impl Strategy<Value = Step> {
        let isolation = prop_oneof![
            4 => Just(Isolation::Smart),
            1 => Just(Isolation::Strict),
            2 => Just(Isolation::Serializable)
        ];
        let (changes, reads) = (vec(Change::any(), 0..3), vec(any_place(), 0..3));
        (-1i64..5, isolation, changes, reads).prop_map(|(back, isolation, changes, reads)| Step {
            back,
            isolation,
            changes,
            reads,
        })
    }

    /// The same as a commit at this base.
    pub fn commit(&self, base: u64) -> Commit {
        let update = self.changes.iter().map(Change::op).collect();
        let reads = self.reads.iter().map(|read| path(read)).collect();
        Commit { base, update, isolation: self.isolation, reads, requester: None }
    }
}

/// What should happen to a step.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// It becomes this version.
    Committed(u64),
    /// It is refused: these places have changed, each last in this version.
    Conflict(Vec<(Place, u64)>),
    /// It does not fit the state.
    Unfit,
}

/// Every version ever: its state, and the places that its commit wrote as a whole.
#[derive(Clone, Debug)]
pub struct Twin {
    versions: Vec<(Tree, Vec<Place>)>,
    first: u64,
}

impl Twin {
    /// A twin of a store that begins with this state.
    pub fn new(initial: Node) -> Self {
        let first = u64::from(!initial.is_empty());
        Self { versions: vec![(Tree::Node(initial), vec![])], first }
    }

    /// The version of now.
    pub fn version(&self) -> u64 {
        self.first + self.versions.len() as u64 - 1
    }

    /// The state of now.
    pub fn newest(&self) -> &Tree {
        &self.versions[self.versions.len() - 1].0
    }

    /// The state at a version that there has been.
    ///
    /// # Panics
    /// For any other version.
    pub fn at(&self, version: u64) -> &Tree {
        &self.versions[(version - self.first) as usize].0
    }

    fn changed_since(&self, place: &[String], base: u64) -> Option<u64> {
        let written = self.versions.iter().enumerate().rev().find(|(at, (_, written))| {
            self.first + *at as u64 > base
                && written.iter().any(|w| w.starts_with(place) || place.starts_with(w))
        });
        written.map(|(at, _)| self.first + at as u64)
    }

    /// Plays a step at this base.
    pub fn commit(&mut self, base: u64, step: &Step) -> Verdict {
        let mut named: Vec<Place> =
            step.changes.iter().flat_map(|change| change.written(self.newest())).collect();
        if step.isolation == Isolation::Serializable {
            named.extend(step.reads.iter().cloned());
        }
        let mut conflicts: Vec<(Place, u64)> = vec![];
        for place in named {
            if let Some(version) = self.changed_since(&place, base)
                && !conflicts.iter().any(|(known, _)| *known == place)
            {
                conflicts.push((place, version));
            }
        }
        if !conflicts.is_empty() || (step.isolation == Isolation::Strict && base != self.version()) {
            return Verdict::Conflict(conflicts);
        }
        let mut after = self.newest().clone();
        for change in &step.changes {
            if !change.apply(&mut after) {
                return Verdict::Unfit;
            }
        }
        let idle = |change: &Change| match change {
            Change::Delete(place) => self.newest().find(place).is_none() && after.find(place).is_none(),
            _ => false,
        };
        let changes = step.changes.iter().filter(|change| !idle(change));
        let written = changes.flat_map(|change| change.written(self.newest())).collect();
        self.versions.push((after, written));
        Verdict::Committed(self.version())
    }
}
