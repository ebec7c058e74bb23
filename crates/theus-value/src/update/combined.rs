//! [`Combined`]: several updates as one, without what later ones made pointless.
//!
//! What not: it knows no state, so it leaves out only what is pointless on every state.
//!
//! How. An operation may take the place of earlier ones if nothing in between touched a place above them:
//! - A set takes the place of all operations at or under its path. It goes where the first of them stood, so that keys
//!   keep their order in their map.
//! - A deletion leaves itself and, where the first operation at or under its path stood that makes the place, an empty map,
//!   since that makes the parents.
//! - An append joins an append or a list set right before it at the same path; a merge joins a merge or a set.
//!
//! Everything else stays as it came. A merge does not join one that puts a plain value where it puts a map, since on a map
//! those two in a row do something else than their union, nor one that puts an empty map where it puts keys or the other
//! way round, since their leaves are others.
//!
//! Invariants
//! - On a state on which the updates apply one after the other, the combined one gives the same map, in the same order.
//! - Each leaf of the updates, on that state ([`Update::leaves_on`]) or on none ([`Update::leaves`]), is at or under a leaf
//!   of the combined one, and each of these is one of theirs. So the combined one conflicts with whatever one of them
//!   conflicts with, and with nothing else.
//! - `index` names the operations that stand, and only those.

use super::apply::{MAX_PATH_SEGMENTS, deep_merge};
use super::{Op, Update};
use crate::list::List;
use crate::map::Map;
use crate::path::Path;
use crate::value::{Key, Value};
use std::collections::HashMap;

/// Fewer gaps than this are not worth closing.
const GAPS: usize = 64;

/// Several updates as one: writing one key a thousand times is one operation.
///
/// ```
/// use theus_value::{Combined, Path, Update, Value};
///
/// let mut combined = Combined::new();
/// for n in 0..1_000 {
///     let mut update = Update::new();
///     update.set(Path::parse("domain.count")?, Value::from(n));
///     combined.add(update);
/// }
/// let mut last = Update::new();
/// last.set(Path::parse("domain.count")?, Value::from(999));
/// assert_eq!(combined.finish(), last);
/// # Ok::<(), theus_value::PathError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Combined {
    /// In order; a gap where one was left out.
    ops: Vec<Option<Op>>,
    gaps: usize,
    index: Node,
    /// An operation came that fits no state, so that nothing is worth combining.
    hopeless: bool,
}

/// The standing operations at a place and below it, by their index.
#[derive(Clone, Debug, Default)]
struct Node {
    own: Vec<usize>,
    /// None of them is newer than this; there may be none that new.
    newest: Option<usize>,
    below: HashMap<Key, Node>,
}

impl Combined {
    /// No update yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an update, to be applied after those before.
    pub fn add(&mut self, update: Update) {
        update.ops.into_iter().for_each(|op| self.push(op));
    }

    /// The update that does what all of them do one after the other.
    pub fn finish(self) -> Update {
        self.ops.into_iter().flatten().collect()
    }

    fn push(&mut self, op: Op) {
        self.hopeless |= op.path().len() > MAX_PATH_SEGMENTS;
        if self.hopeless {
            return self.ops.push(Some(op));
        }
        match op {
            Op::Set { path, value } => self.set(path, value),
            Op::Delete { path } => self.delete(path),
            op => {
                if let Some(op) = self.join(op) {
                    self.stand(op);
                }
            }
        }
        self.close_gaps();
    }

    fn set(&mut self, path: Path, value: Value) {
        let after = self.deleted(&path).or(self.above(&path));
        let first = self.take_under(&path, after);
        self.put(first.map(|(at, _)| at), Op::Set { path, value });
    }

    fn delete(&mut self, path: Path) {
        let deleted = self.deleted(&path);
        let above = self.above(&path);
        match (deleted, self.take_under(&path, deleted.or(above))) {
            // Gone already, and nothing has come since.
            (Some(_), None) => {}
            // What came since is gone again, and an earlier one made the parents.
            (Some(at), Some(_)) if self.makes_before(&path, at, above) => {}
            (_, first) => {
                // Not the operation itself: it may fit only what a deletion, left out too, had made of the place.
                if let Some((at, _)) = first {
                    self.put(Some(at), Op::Set { path: path.clone(), value: Value::Map(Map::new()) });
                }
                self.stand(Op::Delete { path });
            }
        }
    }

    /// Lets a merge or an append join the operation before it; gives it back if it cannot.
    fn join(&mut self, op: Op) -> Option<Op> {
        let Some(at) = self.last_if_own(op.path()) else { return Some(op) };
        let Some(before) = &mut self.ops[at] else { return Some(op) };
        match (before, op) {
            (Op::Append { values: own, .. }, Op::Append { values, .. }) => own.extend(values),
            (Op::Set { value: Value::List(own), .. }, Op::Append { values, .. }) => extend(own, values),
            (Op::Merge { path, value: own }, Op::Merge { value, .. })
                if joinable(own, &value, path.is_root()) =>
            {
                deep_merge(own, &value);
            }
            (Op::Set { value: Value::Map(own), .. }, Op::Merge { value, .. }) => deep_merge(own, &value),
            (Op::Set { value: own, .. }, Op::Merge { value, .. }) => *own = Value::Map(value),
            (_, op) => return Some(op),
        }
        None
    }

    /// The last operation above `path`.
    fn above(&self, path: &Path) -> Option<usize> {
        let mut last = None;
        let mut node = &self.index;
        for segment in path.segments() {
            last = last.max(node.own.last().copied());
            let Some(below) = node.below.get(segment) else { break };
            node = below;
        }
        last
    }

    /// The last deletion of `path` itself after the last operation above it.
    fn deleted(&self, path: &Path) -> Option<usize> {
        let last =
            self.node(path)?.own.iter().rev().find(|&&at| matches!(self.ops[at], Some(Op::Delete { .. })));
        last.copied().filter(|&at| Some(at) > self.above(path))
    }

    /// The last operation at `path` itself, if nothing came after it above or below.
    fn last_if_own(&self, path: &Path) -> Option<usize> {
        let node = self.node(path)?;
        node.own.last().copied().filter(|&own| Some(own) > self.above(path) && Some(own) == node.newest)
    }

    /// True if an operation at or under `path`, between `above` and `at`, makes the place and so its parents.
    fn makes_before(&self, path: &Path, at: usize, above: Option<usize>) -> bool {
        let made = |&index: &usize| index < at && Some(index) > above && self.makes(index);
        self.node(path).is_some_and(|node| node.any(above, &made))
    }

    fn makes(&self, at: usize) -> bool {
        !matches!(self.ops[at], None | Some(Op::Delete { .. }))
    }

    /// Leaves out all operations at or under `path` that came after `after`. The first of them that makes the place, and
    /// where it stood.
    fn take_under(&mut self, path: &Path, after: Option<usize>) -> Option<(usize, Op)> {
        let mut taken = vec![];
        if let Some(node) =
            path.segments().iter().try_fold(&mut self.index, |node, key| node.below.get_mut(key))
        {
            node.take(after, &mut taken);
        }
        let first = taken.iter().copied().filter(|&at| self.makes(at)).min();
        self.gaps += taken.len();
        let mut made = None;
        for at in taken {
            let op = self.ops[at].take();
            if Some(at) == first {
                made = op.map(|op| (at, op));
            }
        }
        made
    }

    /// Puts an operation in a gap, or at the end.
    fn put(&mut self, slot: Option<usize>, op: Op) {
        let Some(at) = slot else { return self.stand(op) };
        self.note(op.path(), at);
        self.ops[at] = Some(op);
        self.gaps -= 1;
    }

    /// Puts an operation at the end.
    fn stand(&mut self, op: Op) {
        self.note(op.path(), self.ops.len());
        self.ops.push(Some(op));
    }

    fn note(&mut self, path: &Path, at: usize) {
        let mut node = &mut self.index;
        node.newest = node.newest.max(Some(at));
        for segment in path.segments() {
            node = node.below.entry(segment.clone()).or_default();
            node.newest = node.newest.max(Some(at));
        }
        node.own.insert(node.own.partition_point(|&other| other < at), at);
    }

    fn close_gaps(&mut self) {
        if self.gaps < GAPS || self.gaps * 2 < self.ops.len() {
            return;
        }
        let ops = std::mem::take(&mut self.ops);
        (self.index, self.gaps) = (Node::default(), 0);
        ops.into_iter().flatten().for_each(|op| self.stand(op));
    }

    fn node(&self, path: &Path) -> Option<&Node> {
        path.segments().iter().try_fold(&self.index, |node, segment| node.below.get(segment))
    }
}

impl Node {
    fn any(&self, after: Option<usize>, wanted: &impl Fn(&usize) -> bool) -> bool {
        self.newest > after
            && (self.own.iter().any(wanted) || self.below.values().any(|below| below.any(after, wanted)))
    }

    /// Moves what came after `after` to `taken`.
    fn take(&mut self, after: Option<usize>, taken: &mut Vec<usize>) {
        if self.newest <= after {
            return;
        }
        let kept = self.own.partition_point(|&at| Some(at) <= after);
        taken.extend(self.own.drain(kept..));
        self.below.retain(|_, below| {
            below.take(after, taken);
            below.newest.is_some()
        });
        self.newest =
            self.below.values().map(|below| below.newest).max().flatten().max(self.own.last().copied());
    }
}

/// True if merging the union is merging one after the other, on every state and with the same leaves.
fn joinable(first: &Map, second: &Map, root: bool) -> bool {
    if first.is_empty() != second.is_empty() && !root {
        return false;
    }
    second.iter().all(|(key, value)| match (first.get(key), value) {
        (Some(Value::Map(own)), Value::Map(below)) => joinable(own, below, false),
        (Some(_), Value::Map(_)) => false,
        _ => true,
    })
}

fn extend(list: &mut List, values: Vec<Value>) {
    values.into_iter().for_each(|value| list.push(value));
}
