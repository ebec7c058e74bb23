//! The children of a value, old beside new: by key or by number, as the segments of a path name them.
//!
//! What not: no rules. Invariant: item 1 of a list and key "1" of a map are the same place.

use std::iter::{Flatten, Peekable};
use std::option;
use std::sync::Arc;
use theus_value::{Key, Map, Value};

pub(super) fn is_container(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Map(_) | Value::List(_) | Value::Tuple(_)))
}

/// True when both are the same in memory.
pub(super) fn is_shared(old: Option<&Value>, new: Option<&Value>) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(Value::Map(old)), Some(Value::Map(new))) => old.ptr_eq(new),
        (Some(Value::List(old)), Some(Value::List(new))) => old.ptr_eq(new),
        (Some(Value::Tuple(old)), Some(Value::Tuple(new))) => Arc::ptr_eq(old, new),
        _ => false,
    }
}

/// True when a map stays one, or one with entries comes.
pub(super) fn has_entries(old: Option<&Value>, new: Option<&Value>) -> bool {
    match (old, new) {
        (None, Some(Value::Map(new))) => !new.is_empty(),
        (Some(Value::Map(_)), Some(Value::Map(_))) => true,
        _ => false,
    }
}

pub(super) fn as_map(value: Option<&Value>) -> Option<&Map> {
    match value {
        Some(Value::Map(map)) => Some(map),
        _ => None,
    }
}

/// The items of a list or tuple; none of anything else.
pub(super) fn items(value: Option<&Value>) -> Box<dyn ExactSizeIterator<Item = &Value> + '_> {
    match value {
        Some(Value::List(list)) => Box::new(list.iter()),
        Some(Value::Tuple(items)) => Box::new(items.iter()),
        _ => Box::new(std::iter::empty()),
    }
}

/// The child under this key, or of this number.
pub(super) fn below<'v>(value: Option<&'v Value>, key: &str) -> Option<&'v Value> {
    match value? {
        Value::Map(map) => map.get(key),
        value @ (Value::List(_) | Value::Tuple(_)) => value.get(&[Key::from(key)]),
        _ => None,
    }
}

/// The child of a map that a list would have at this number.
pub(super) fn numbered(value: Option<&Value>, index: usize) -> Option<&Value> {
    as_map(value)?.get(&index.to_string())
}

/// The children of a value by key, asked for in some order: free where that is the order of the map itself, a lookup where
/// it is not.
pub(super) struct Beside<'v> {
    value: Option<&'v Value>,
    rest: Peekable<Flatten<option::IntoIter<&'v Map>>>,
    found: usize,
}

impl<'v> Beside<'v> {
    pub(super) fn new(value: Option<&'v Value>) -> Self {
        Beside { value, rest: as_map(value).into_iter().flatten().peekable(), found: 0 }
    }

    /// The child under this key, or of this number. Asked once for each key.
    pub(super) fn child(&mut self, key: &str) -> Option<&'v Value> {
        let in_step = self.rest.next_if(|(own, _)| ***own == *key).map(|(_, value)| value);
        let found = in_step.or_else(|| below(self.value, key));
        if found.is_some() {
            self.found += 1;
            if in_step.is_none() {
                // On from where it stands in the map.
                let _passed = self.rest.by_ref().find(|(own, _)| ***own == *key);
            }
        }
        found
    }

    /// True when each key of the map was asked for.
    pub(super) fn is_done(&self) -> bool {
        as_map(self.value).is_none_or(|map| map.len() == self.found)
    }
}
