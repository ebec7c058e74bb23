//! [`Update`]: a change of state as data, which can be checked, sent and applied more than once.
//!
//! What not: no versions and no conflicts (theus-state), no permissions (the engine).
//! Invariants: operations apply in order, each seeing what the earlier ones did; applying gives a new map and
//! leaves the old one as it was; [`Update::leaves_on`] names every place that applying to that state changes, or one above.

mod apply;
mod combined;

pub use apply::{ApplyError, MAX_PATH_SEGMENTS};
pub use combined::Combined;

use crate::map::Map;
use crate::path::Path;
use crate::value::Value;

/// One operation of an [`Update`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Puts `value` at `path` in place of whatever is there.
    Set {
        /// Where. An index of a list must exist.
        path: Path,
        /// What.
        value: Value,
    },
    /// Deep merge: maps on both sides merge key by key, anything else is replaced.
    Merge {
        /// Where; the root merges into the state itself.
        path: Path,
        /// What.
        value: Map,
    },
    /// Adds items at the end of the list at `path`; an absent list is made.
    Append {
        /// Where.
        path: Path,
        /// What, in order.
        values: Vec<Value>,
    },
    /// Takes the key at `path` out of its map. An absent key is no error.
    Delete {
        /// Which.
        path: Path,
    },
}

impl Op {
    /// The place that the operation names.
    pub fn path(&self) -> &Path {
        match self {
            Op::Set { path, .. } | Op::Merge { path, .. } | Op::Append { path, .. } | Op::Delete { path } => {
                path
            }
        }
    }

    /// Adds the places that this operation writes as a whole on a state; see [`Update::leaves_on`].
    pub fn leaves_on(&self, base: &Map, found: &mut Vec<Path>) {
        self.add_leaves(Some(base), found);
    }

    fn add_leaves(&self, base: Option<&Map>, found: &mut Vec<Path>) {
        match self {
            Op::Merge { path, value } if path.is_root() => match base {
                // The state is a map, so the merge of nothing writes nothing, and all else goes below.
                _ if value.is_empty() => {}
                Some(base) => merge_leaves(path, value, Below::Map(base), found),
                None => merge_leaves(path, value, Below::Nothing, found),
            },
            Op::Merge { path, value } => {
                merge_leaves(path, value, Below::of(base.and_then(|base| base.get_path(path))), found);
            }
            op => found.push(op.path().clone()),
        }
    }
}

/// A change of state: operations in order.
///
/// ```
/// use theus_value::{Map, Path, Update, Value};
///
/// let mut update = Update::new();
/// update.set(Path::parse("domain.count")?, Value::from(1)).append(Path::parse("domain.log")?, vec![Value::from("a")]);
/// let state = update.apply(&Map::new())?;
/// assert_eq!(Value::Map(state).get(Path::parse("domain.count")?.segments()), Some(&Value::from(1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// The operations, first to last.
    pub ops: Vec<Op>,
}

impl Update {
    /// An update that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds [`Op::Set`].
    pub fn set(&mut self, path: Path, value: Value) -> &mut Self {
        self.push(Op::Set { path, value })
    }

    /// Adds [`Op::Merge`].
    pub fn merge(&mut self, path: Path, value: Map) -> &mut Self {
        self.push(Op::Merge { path, value })
    }

    /// Adds [`Op::Append`].
    pub fn append(&mut self, path: Path, values: Vec<Value>) -> &mut Self {
        self.push(Op::Append { path, values })
    }

    /// Adds [`Op::Delete`].
    pub fn delete(&mut self, path: Path) -> &mut Self {
        self.push(Op::Delete { path })
    }

    /// Adds an operation.
    pub fn push(&mut self, op: Op) -> &mut Self {
        self.ops.push(op);
        self
    }

    /// The operations, first to last.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// True if there is no operation.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// The places that this update writes as a whole, in order; a place written twice appears twice.
    ///
    /// Each leaf of a merged map is one place. An empty map below the top of a merge counts as a leaf, since it
    /// makes a map where there was none. Where a merged map meets something that is no map, it replaces that as a
    /// whole; this depends on the state, so [`leaves_on`](Self::leaves_on) knows it.
    pub fn leaves(&self) -> Vec<Path> {
        let mut found = Vec::with_capacity(self.ops.len());
        self.ops.iter().for_each(|op| op.add_leaves(None, &mut found));
        found
    }

    /// The places that applying this update to `base` writes as a whole, in order.
    ///
    /// Costs a lookup for each map in a merge, beside what [`leaves`](Self::leaves) does.
    ///
    /// ```
    /// use theus_value::{Map, Path, Update, Value};
    ///
    /// let list = Value::List(vec![Value::from(1)].into());
    /// let base: Map = [("log".into(), list)].into_iter().collect();
    /// let payload: Map = [("note".into(), Value::from("a"))].into_iter().collect();
    /// let mut update = Update::new();
    /// update.merge(Path::parse("log")?, payload);
    /// assert_eq!(update.leaves(), [Path::parse("log.note")?]);
    /// assert_eq!(update.leaves_on(&base), [Path::parse("log")?], "the list goes");
    /// # Ok::<(), theus_value::PathError>(())
    /// ```
    pub fn leaves_on(&self, base: &Map) -> Vec<Path> {
        let mut found = Vec::with_capacity(self.ops.len());
        self.ops.iter().for_each(|op| op.leaves_on(base, &mut found));
        found
    }
}

/// What a merged map meets.
#[derive(Clone, Copy)]
enum Below<'a> {
    /// A place that is empty, or not known.
    Nothing,
    Map(&'a Map),
    /// Something that the merged map replaces.
    Other,
}

impl<'a> Below<'a> {
    fn of(value: Option<&'a Value>) -> Self {
        match value {
            None => Below::Nothing,
            Some(Value::Map(map)) => Below::Map(map),
            Some(_) => Below::Other,
        }
    }

    fn child(self, key: &str) -> Self {
        match self {
            Below::Map(map) => Below::of(map.get(key)),
            Below::Nothing | Below::Other => Below::Nothing,
        }
    }
}

fn merge_leaves(path: &Path, value: &Map, below: Below<'_>, found: &mut Vec<Path>) {
    if value.is_empty() || matches!(below, Below::Other) {
        return found.push(path.clone());
    }
    for (key, item) in value {
        let place = path.with(key.clone());
        match item {
            Value::Map(map) => merge_leaves(&place, map, below.child(key), found),
            _ => found.push(place),
        }
    }
}

impl FromIterator<Op> for Update {
    fn from_iter<I: IntoIterator<Item = Op>>(ops: I) -> Self {
        Self { ops: ops.into_iter().collect() }
    }
}
