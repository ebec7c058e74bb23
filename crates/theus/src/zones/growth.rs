//! Growth: whether a new list or map holds the old one unharmed.
//!
//! What not: no names and no rules. Costs the length of the new container, whose items and keys are compared in order.

use theus_value::{Key, List, Map};

/// True when the old items are all in the new list, in their order: in front, or anywhere unless `at_end_only`.
pub(super) fn has_grown(old: &List, new: &List, at_end_only: bool) -> bool {
    if old.len() > new.len() {
        return false;
    }
    if at_end_only {
        return old.iter().zip(new).all(|(old, new)| old == new);
    }
    // To take each old item at its first chance leaves the most room for the rest.
    let mut rest = new.iter();
    old.iter().all(|item| rest.any(|new| new == item))
}

/// True when keys that both maps hold have changed their order.
pub(super) fn is_reordered(old: &Map, new: &Map) -> bool {
    let kept = |map: &Map, other: &Map| -> Vec<Key> {
        map.keys().filter(|key| other.contains_key(key)).cloned().collect()
    };
    kept(old, new) != kept(new, old)
}
