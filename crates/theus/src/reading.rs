//! Reading a snapshot under a contract: one answer for bodies in this process and for workers.

use crate::contract::{Access, Contract};
use theus_state::Snapshot;
use theus_value::{Key, Path, Value};

/// What a process gets when it reads a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// There is nothing.
    Absent,
    /// The contract does not grant it.
    Refused,
    /// The value.
    Whole(Value),
    /// A place that only leads to what is granted: the keys that do.
    Keys(Vec<Key>),
}

/// Reads a path of a snapshot under a contract.
pub fn read(contract: &Contract, snapshot: &Snapshot, path: &Path) -> Reading {
    let access = contract.access(path);
    if access == Access::Refused {
        return Reading::Refused;
    }
    let value =
        if path.is_empty() { Some(Value::Map(snapshot.root().clone())) } else { snapshot.get(path).cloned() };
    match (access, value) {
        (_, None) => Reading::Absent,
        (Access::Full, Some(value)) => Reading::Whole(value),
        (_, Some(Value::Map(map))) => {
            let visible = map.keys().filter(|key| contract.access(&path.child(key)) != Access::Refused);
            Reading::Keys(visible.cloned().collect())
        }
        (_, Some(_)) => Reading::Refused,
    }
}
