//! [`Stamps`]: for each written path the version that last wrote it, kept beside the values.
//!
//! What not: no values, no decision (see [`Snapshot`](crate::Snapshot)).
//!
//! A persistent trie over written paths. Each node knows
//! - `replaced`: the newest version that wrote this place as a whole (0: none since the beginning), and
//! - `newest`: the newest version that changed this place or anything below it.
//!
//! So "did anything at or under P, or any ancestor of P as a whole, change after version B?" is one walk down P:
//! the `replaced` of the nodes passed, and the `newest` of the last.
//!
//! Invariants
//! - `newest` of a node is at least its `replaced` and at least the `newest` of each child.
//! - Writing a place as a whole drops the stamps below it: its own stamp says all that they said.
//! - Size is bounded by the state: a live path is stamped at most once, and of deleted children a node remembers at
//!   most `max(`[`KEPT`]`, as many as it has live ones)`. What is dropped raises `forgotten`: for a child that is neither stamped nor present, any
//!   base below `forgotten` counts as changed. That can refuse without need, never accept wrongly. A child that is
//!   present without a stamp was never written, so it is exempt.

mod children;

use children::Children;
use theus_sync::Arc;
use theus_value::{Item, Key, Map, Path, Value};

/// Deleted children remembered exactly by every node.
const KEPT: usize = 1024;

/// The stamps of one version. Clones in O(1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Stamps {
    root: Node,
}

#[derive(Clone, Debug, Default)]
struct Node {
    replaced: u64,
    newest: u64,
    /// The place is absent: it was deleted, or one commit made and deleted it, and it has not come back.
    gone: bool,
    below: Option<Arc<Below>>,
}

impl Item for Node {
    fn keeps_memory(&self) -> bool {
        self.below.is_some()
    }
}

#[derive(Clone, Debug, Default)]
struct Below {
    children: Children<Node>,
    /// How many of the children are gone.
    gone: usize,
    /// The newest stamp of a gone child that was dropped.
    forgotten: u64,
}

impl Stamps {
    /// The newest version after `base` that changed `path`, something under it, or a place above it as a whole.
    /// `root` is the state that the stamps belong to.
    pub(crate) fn changed_since(&self, root: &Map, path: &Path, base: u64) -> Option<u64> {
        if self.root.newest <= base {
            return None;
        }
        let segments = path.segments();
        let mut node = &self.root;
        let mut newest = node.replaced;
        for (depth, segment) in segments.iter().enumerate() {
            let Some(below) = &node.below else { return later(newest, base) };
            let Some(child) = below.children.get(segment) else {
                if below.forgotten > base && lookup(root, &segments[..=depth]).is_none() {
                    newest = newest.max(below.forgotten);
                }
                return later(newest, base);
            };
            node = child;
            newest = newest.max(node.replaced);
        }
        later(newest.max(node.newest), base)
    }

    /// Notes that `version` wrote `path` as a whole. `before` and `after` are the states without and with it.
    pub(crate) fn write(&mut self, path: &Path, version: u64, before: &Map, after: &Map) {
        let stamp = Write { segments: path.segments(), version, before, after };
        stamp.at(&mut self.root, 0, None);
    }
}

fn later(version: u64, base: u64) -> Option<u64> {
    (version > base).then_some(version)
}

fn lookup<'a>(root: &'a Map, segments: &[Key]) -> Option<&'a Value> {
    let (first, below) = segments.split_first()?;
    root.get(first)?.get(below)
}

struct Write<'a> {
    segments: &'a [Key],
    version: u64,
    before: &'a Map,
    after: &'a Map,
}

impl<'a> Write<'a> {
    /// Stamps `node`, which stands for the first `depth` segments, and the nodes below it. `after` is what is there
    /// afterwards, be it by another operation of the same commit; the root is always there.
    fn at(&self, node: &mut Node, depth: usize, after: Option<&'a Value>) {
        node.newest = self.version;
        node.gone = depth > 0 && after.is_none();
        let Some(segment) = self.segments.get(depth) else {
            *node = Node { replaced: self.version, newest: self.version, gone: node.gone, below: None };
            return;
        };
        let below = Arc::make_mut(node.below.get_or_insert_default());
        let forgotten = below.forgotten;
        let child = below.children.get_or_insert_with(segment, || {
            let replaced = self.replaced_unseen(forgotten, depth);
            Node { replaced, newest: replaced, ..Node::default() }
        });
        let was_gone = child.gone;
        let after = match depth {
            0 => self.after.get(segment),
            _ => after.and_then(|above| above.get(std::slice::from_ref(segment))),
        };
        self.at(child, depth + 1, after);
        below.gone = below.gone + usize::from(child.gone) - usize::from(was_gone);
        below.prune();
    }

    /// What a child without a stamp must count as having been replaced by.
    fn replaced_unseen(&self, forgotten: u64, depth: usize) -> u64 {
        let untouched = forgotten == 0 || lookup(self.before, &self.segments[..=depth]).is_some();
        if untouched { 0 } else { forgotten }
    }
}

impl Below {
    /// Drops the older half of the gone children when there are too many. Each pass pays for itself by the
    /// deletions since the last one.
    fn prune(&mut self) {
        if self.gone <= KEPT || self.gone * 2 <= self.children.len() {
            return;
        }
        let mut dead: Vec<(u64, Key)> = self
            .children
            .iter()
            .filter(|(_, n)| n.gone)
            .map(|(key, n)| (n.newest, Arc::clone(key)))
            .collect();
        dead.sort_unstable();
        dead.truncate(dead.len() / 2);
        for (newest, key) in &dead {
            self.children.remove(key);
            self.forgotten = self.forgotten.max(*newest);
        }
        self.gone -= dead.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_the_deleted_is_bounded() {
        let mut stamps = Stamps::default();
        let state = Map::new();
        for version in 1..=100_000 {
            stamps.write(&Path::from_segments([format!("k{version}")]), version, &state, &state);
        }
        let below = stamps.root.below.as_deref().map(|below| (below.children.len(), below.gone));
        assert!(below.is_some_and(|(children, gone)| children == gone && gone <= KEPT + 1), "{below:?}");
    }

    #[test]
    fn writing_a_whole_drops_what_was_known_of_its_parts() {
        let mut stamps = Stamps::default();
        let state = Map::new();
        for version in 1..=10 {
            stamps.write(&Path::from_segments(["a".into(), format!("k{version}")]), version, &state, &state);
        }
        stamps.write(&Path::from_segments(["a"]), 11, &state, &state);
        let whole = stamps.root.below.as_deref().and_then(|below| below.children.get("a"));
        assert!(whole.is_some_and(|node| node.below.is_none() && node.replaced == 11), "{whole:?}");
    }
}
