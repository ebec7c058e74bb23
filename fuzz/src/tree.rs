//! [`Tree`]: the slow obvious twin of a state. Vectors of names and trees, copied whole by every change.
//!
//! What not: no sharing, no hashing, no short cut. It is told apart from the testkit's tree by being complete: every
//! kind of value, the order of maps, list indexes, the root as a place, and which refusal comes first.
//! Invariant: nothing here calls a map, a list or an update to compute anything.

use theus_value::{ApplyError, MAX_PATH_SEGMENTS, Map, Op, Update, Value};

/// A state, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// What has no children that a path could name.
    Leaf(Value),
    /// A list.
    List(Vec<Tree>),
    /// A tuple, which can be read but not written into.
    Tuple(Vec<Tree>),
    /// A map, in its order.
    Map(Vec<(String, Tree)>),
}

/// Why an operation does not fit, in the words of the twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// A parent has no children.
    NotAContainer,
    /// A list has no such index.
    NoSuchIndex,
    /// Appending to what is no list.
    NotAList,
    /// Deleting an item of a list.
    ListItem,
    /// The root cannot be changed like this.
    Root,
    /// Too many segments.
    TooDeep,
}

impl Unfit {
    /// The same of the real refusal.
    pub fn of(error: &ApplyError) -> Unfit {
        match error {
            ApplyError::NotAContainer { .. } => Unfit::NotAContainer,
            ApplyError::NoSuchIndex { .. } => Unfit::NoSuchIndex,
            ApplyError::NotAList { .. } => Unfit::NotAList,
            ApplyError::ListItem { .. } => Unfit::ListItem,
            ApplyError::Root { .. } => Unfit::Root,
            ApplyError::TooDeep { .. } => Unfit::TooDeep,
        }
    }
}

/// What becomes of one place: the tree that is put there, or nothing.
type Change<'a> = &'a dyn Fn(Option<&Tree>) -> Result<Option<Tree>, Unfit>;

impl Tree {
    /// The tree of a value.
    pub fn of(value: &Value) -> Tree {
        match value {
            Value::List(list) => Tree::List(list.iter().map(Tree::of).collect()),
            Value::Tuple(items) => Tree::Tuple(items.iter().map(Tree::of).collect()),
            Value::Map(map) => Tree::of_map(map),
            other => Tree::Leaf(other.clone()),
        }
    }

    /// The tree of a map.
    pub fn of_map(map: &Map) -> Tree {
        Tree::Map(map.iter().map(|(key, value)| (key.to_string(), Tree::of(value))).collect())
    }

    /// The tree after an update, or why it does not fit.
    ///
    /// # Errors
    /// The first operation's that does not fit.
    pub fn after(&self, update: &Update) -> Result<Tree, Unfit> {
        let mut tree = self.clone();
        update.ops().iter().try_for_each(|op| tree.change(op))?;
        Ok(tree)
    }

    /// Makes one change; on a refusal the tree may be half changed.
    fn change(&mut self, op: &Op) -> Result<(), Unfit> {
        let place: Vec<&str> = op.path().segments().iter().map(|segment| &**segment).collect();
        if place.is_empty() {
            match op {
                Op::Set { value: Value::Map(map), .. } => *self = Tree::of_map(map),
                Op::Merge { value, .. } => self.merge(&Tree::of_map(value)),
                _ => return Err(Unfit::Root),
            }
            return Ok(());
        }
        if place.len() > MAX_PATH_SEGMENTS {
            return Err(Unfit::TooDeep);
        }
        match op {
            Op::Set { value, .. } => self.put(&place, &|_| Ok(Some(Tree::of(value)))),
            Op::Merge { value, .. } => self.put(&place, &|old| {
                let mut tree = old.cloned().unwrap_or(Tree::Map(vec![]));
                tree.merge(&Tree::of_map(value));
                Ok(Some(tree))
            }),
            Op::Append { values, .. } => self.put(&place, &|old| {
                let mut items = match old {
                    None => Vec::new(),
                    Some(Tree::List(items)) => items.clone(),
                    Some(_) => return Err(Unfit::NotAList),
                };
                items.extend(values.iter().map(Tree::of));
                Ok(Some(Tree::List(items)))
            }),
            Op::Delete { .. } if self.find(&place).is_none() => Ok(()),
            Op::Delete { .. } => self.put(&place, &|_| Ok(None)),
        }
    }

    /// What is at a place.
    pub fn find(&self, place: &[&str]) -> Option<&Tree> {
        let Some((first, below)) = place.split_first() else { return Some(self) };
        let child = match self {
            Tree::Map(entries) => entries.iter().find(|(key, _)| key == first).map(|(_, tree)| tree),
            Tree::List(items) | Tree::Tuple(items) => items.get(index(first)?),
            Tree::Leaf(_) => None,
        };
        child?.find(below)
    }

    /// Changes one place; maps that are missing on the way are made.
    fn put(&mut self, place: &[&str], change: Change<'_>) -> Result<(), Unfit> {
        let (first, below) = place.split_first().expect("a place below this one");
        if let Tree::Map(entries) = self
            && !below.is_empty()
            && entries.iter().all(|(key, _)| key != first)
        {
            entries.push(((*first).to_owned(), Tree::Map(vec![])));
        }
        match self {
            Tree::Map(entries) => {
                let at = entries.iter().position(|(key, _)| key == first);
                match (at, below) {
                    (Some(at), [_, ..]) => entries[at].1.put(below, change)?,
                    (Some(at), []) => match change(Some(&entries[at].1))? {
                        Some(tree) => entries[at].1 = tree,
                        None => drop(entries.remove(at)),
                    },
                    (None, _) => entries.extend(change(None)?.map(|tree| ((*first).to_owned(), tree))),
                }
            }
            Tree::List(items) => {
                let item = index(first).and_then(|at| items.get_mut(at)).ok_or(Unfit::NoSuchIndex)?;
                match below {
                    [_, ..] => item.put(below, change)?,
                    [] => *item = change(Some(item))?.ok_or(Unfit::ListItem)?,
                }
            }
            Tree::Leaf(_) | Tree::Tuple(_) => return Err(Unfit::NotAContainer),
        }
        Ok(())
    }

    /// Merges deeply: maps on both sides entry by entry, anything else is replaced.
    fn merge(&mut self, payload: &Tree) {
        let (Tree::Map(own), Tree::Map(new)) = (&mut *self, payload) else {
            *self = payload.clone();
            return;
        };
        for (key, tree) in new {
            match own.iter_mut().find(|(known, _)| known == key) {
                Some((_, old)) => old.merge(tree),
                None => own.push((key.clone(), tree.clone())),
            }
        }
    }

    /// The places, below `above`, at which two trees differ; the order of a map's entries is no difference.
    pub fn differences(&self, other: &Tree) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        differ(Some(self), Some(other), &[], &mut found);
        found
    }
}

fn differ(one: Option<&Tree>, two: Option<&Tree>, above: &[String], found: &mut Vec<Vec<String>>) {
    if let (Some(Tree::Map(a)), Some(Tree::Map(b))) = (one, two) {
        let at =
            |entries: &[(String, Tree)], key: &String| entries.iter().position(|(known, _)| known == key);
        // Each name once, or the work doubles with each level.
        let only_b = b.iter().filter(|(key, _)| at(a, key).is_none());
        for (key, _) in a.iter().chain(only_b) {
            let place = [above, std::slice::from_ref(key)].concat();
            differ(at(a, key).map(|n| &a[n].1), at(b, key).map(|n| &b[n].1), &place, found);
        }
    } else if one != two {
        found.push(above.to_vec());
    }
}

/// An index as it is printed, and in no other way.
fn index(segment: &str) -> Option<usize> {
    segment.parse().ok().filter(|at: &usize| at.to_string() == segment)
}
