//! Applying an update: the map it leads to, sharing all that it did not touch.
//!
//! What not: no merge of concurrent changes; that is the store's decision.
//! Invariants: the cost is the number of touched places times their depth, not the size of the state; on an error
//! the caller's map is as it was; a parent that is missing is made, a parent that cannot hold children is an error.

use super::{Op, Update};
use crate::kind::Kind;
use crate::list::List;
use crate::map::Map;
use crate::path::Path;
use crate::value::{Key, Value, index};

/// The most segments a written path may have, so that states stay readable within [`MAX_DEPTH`](crate::MAX_DEPTH).
pub const MAX_PATH_SEGMENTS: usize = 64;

/// Why an update does not fit the state. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A place above the written one holds something without children.
    #[error("cannot write \"{path}\": \"{parent}\" is a {kind} and holds no children; replace it first")]
    NotAContainer {
        /// The place to be written.
        path: Path,
        /// The place above it that is in the way.
        parent: Path,
        /// What is there.
        kind: Kind,
    },
    /// A list has no such index.
    #[error(
        "cannot write \"{path}\": the list at \"{parent}\" has {len} items; use an index below that, or append"
    )]
    NoSuchIndex {
        /// The place to be written.
        path: Path,
        /// The list.
        parent: Path,
        /// Its length.
        len: usize,
    },
    /// Only a list can be appended to.
    #[error("cannot append to \"{path}\": it is a {kind}, not a list")]
    NotAList {
        /// The place.
        path: Path,
        /// What is there.
        kind: Kind,
    },
    /// Items of a list cannot be deleted one by one, since that would move the others.
    #[error("cannot delete \"{path}\": it is an item of a list; set the whole list instead")]
    ListItem {
        /// The place.
        path: Path,
    },
    /// The state itself is always a map.
    #[error("the whole state can only be replaced by a map or merged with one, not {attempt}")]
    Root {
        /// What was asked.
        attempt: &'static str,
    },
    /// The path has too many segments.
    #[error("cannot write below \"{start}\": the path has {len} segments, the most is {MAX_PATH_SEGMENTS}")]
    TooDeep {
        /// The first segment of the path.
        start: Key,
        /// How many it has.
        len: usize,
    },
}

impl Update {
    /// The map that this update makes of `base`, which stays as it is.
    ///
    /// # Errors
    /// [`ApplyError`] of the first operation that does not fit.
    pub fn apply(&self, base: &Map) -> Result<Map, ApplyError> {
        let mut root = base.clone();
        for op in &self.ops {
            apply_one(&mut root, op)?;
        }
        Ok(root)
    }
}

fn apply_one(root: &mut Map, op: &Op) -> Result<(), ApplyError> {
    let path = op.path();
    let Some((last, above)) = path.segments().split_last() else {
        return apply_at_root(root, op);
    };
    if path.len() > MAX_PATH_SEGMENTS {
        return Err(ApplyError::TooDeep { start: path.segments()[0].clone(), len: path.len() });
    }
    match op {
        Op::Set { value, .. } => match descend(root, path, above)? {
            Place::Map(map) => {
                map.insert(last.clone(), value.clone());
            }
            Place::List(list) => *item(list, path, above.len())? = value.clone(),
        },
        Op::Merge { value, .. } => match target(root, path, || Value::Map(Map::new()))? {
            Value::Map(map) => deep_merge(map, value),
            other => *other = Value::Map(value.clone()),
        },
        Op::Append { values, .. } => match target(root, path, || Value::List(List::new()))? {
            Value::List(list) => values.iter().for_each(|value| list.push(value.clone())),
            other => return Err(ApplyError::NotAList { path: path.clone(), kind: other.kind() }),
        },
        Op::Delete { .. } if root.get_path(path).is_none() => {}
        Op::Delete { .. } => match descend(root, path, above)? {
            Place::Map(map) => {
                map.remove(last);
            }
            Place::List(_) => return Err(ApplyError::ListItem { path: path.clone() }),
        },
    }
    Ok(())
}

fn apply_at_root(root: &mut Map, op: &Op) -> Result<(), ApplyError> {
    match op {
        Op::Set { value: Value::Map(map), .. } => *root = map.clone(),
        Op::Merge { value, .. } => deep_merge(root, value),
        Op::Set { value, .. } => return Err(ApplyError::Root { attempt: value.kind().as_str() }),
        Op::Append { .. } => return Err(ApplyError::Root { attempt: "appended to" }),
        Op::Delete { .. } => return Err(ApplyError::Root { attempt: "deleted" }),
    }
    Ok(())
}

/// Something that holds children.
enum Place<'a> {
    Map(&'a mut Map),
    List(&'a mut List),
}

/// The container at `above`; missing ones on the way are made as maps.
fn descend<'a>(root: &'a mut Map, path: &Path, above: &[Key]) -> Result<Place<'a>, ApplyError> {
    let mut place = Place::Map(root);
    for (depth, segment) in above.iter().enumerate() {
        let next = match place {
            Place::Map(map) => map.get_or_insert_with(segment, || Value::Map(Map::new())),
            Place::List(list) => item(list, path, depth)?,
        };
        place = match next {
            Value::Map(map) => Place::Map(map),
            Value::List(list) => Place::List(list),
            other => {
                let parent = Path::from_segments(above[..=depth].iter().cloned());
                return Err(ApplyError::NotAContainer { path: path.clone(), parent, kind: other.kind() });
            }
        };
    }
    Ok(place)
}

/// The value at `path` itself, which is not the root; made by `default` if it is missing in a map.
fn target<'a>(root: &'a mut Map, path: &Path, default: fn() -> Value) -> Result<&'a mut Value, ApplyError> {
    let depth = path.len() - 1;
    let (above, last) = (&path.segments()[..depth], &path.segments()[depth]);
    match descend(root, path, above)? {
        Place::List(list) => item(list, path, depth),
        Place::Map(map) => Ok(map.get_or_insert_with(last, default)),
    }
}

/// The item of `list` that segment `depth` of `path` names.
fn item<'a>(list: &'a mut List, path: &Path, depth: usize) -> Result<&'a mut Value, ApplyError> {
    let len = list.len();
    index(&path.segments()[depth]).and_then(|at| list.get_mut(at)).ok_or_else(|| ApplyError::NoSuchIndex {
        path: path.clone(),
        parent: Path::from_segments(path.segments()[..depth].iter().cloned()),
        len,
    })
}

pub(super) fn deep_merge(target: &mut Map, payload: &Map) {
    for (key, value) in payload {
        match (value, target.get_mut(key)) {
            (Value::Map(below), Some(Value::Map(own))) => deep_merge(own, below),
            (value, Some(own)) => *own = value.clone(),
            (value, None) => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}
