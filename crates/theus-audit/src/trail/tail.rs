//! Where a trail ends: what the next frame is numbered, dated and linked by.

use crate::log::frame::{self, Kind, Link, link_to};
use crate::tree::{Hash, leaf_hash};
use crate::{Entry, Frontier, Record};

/// The end of a trail. The default is that of one without frames.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    frontier: Frontier,
    link: Link,
    time: u64,
}

impl Tail {
    /// The end of a trail that was read.
    pub(crate) fn new(frontier: Frontier, link: Link, time: u64) -> Self {
        Tail { frontier, link, time }
    }

    /// The link of the next frame.
    pub(crate) fn link(&self) -> Link {
        self.link
    }

    /// The tree of all frames.
    pub(crate) fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The record of a bounded entry as the next frame, which does not count before it is pushed.
    pub(crate) fn seal(&self, entry: Entry, now: u64, buffer: &mut Vec<u8>) -> Record {
        // A clock that was set back must not make the trail look edited.
        Record::seal(entry, self.frontier.size() + 1, now.max(self.time), self.link, buffer)
    }

    /// Puts a frame that is no record into the empty buffer, whole, and pushes it.
    pub(crate) fn mark(
        &mut self,
        kind: Kind,
        now: u64,
        buffer: &mut Vec<u8>,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        let time = now.max(self.time);
        frame::write(buffer, kind, self.frontier.size() + 1, time, &self.link, payload);
        self.push(leaf_hash(buffer), time);
        frame::close(buffer);
    }

    /// The next frame is this leaf.
    pub(crate) fn push(&mut self, leaf: Hash, time: u64) {
        self.frontier.push(leaf);
        self.link = link_to(&leaf);
        self.time = time;
    }
}
