//! What a named session of an engine offers: the arrays of its newest snapshot, by their names in the heavy zone.
//!
//! What not: listening itself. Invariant: it holds no engine, only its store, so it keeps no engine running.

use super::lent::about;
use crate::array::block_of;
use crate::contract::{HEAVY, parse_path};
use theus_shm::session::frame::MAX_TEXT;
use theus_shm::session::{Catalogue, Offer};
use theus_state::Store;
use theus_value::{Heavy, Map, Path, Value};

/// The heavy zone of a store, as it is when somebody asks.
pub(super) struct Zone(pub(super) Store);

impl Zone {
    fn offer(array: &Heavy) -> Option<Offer> {
        let block = block_of(array)?;
        Some(Offer { metadata: about(&block, &array.dtype, &array.shape)?, block })
    }
}

impl Catalogue for Zone {
    fn names(&self, after: &str, most: usize) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(Value::Map(heavy)) = self.0.snapshot().root().get(HEAVY) {
            collect(heavy, &Path::root(), &mut names);
        }
        names.retain(|name| name.as_str() > after && name.len() <= MAX_TEXT);
        names.sort_unstable();
        names.truncate(most);
        names
    }

    fn by_name(&self, name: &str) -> Option<Offer> {
        // A key that is no plain word is written in brackets, which no dot comes before.
        let dot = if name.starts_with('[') { "" } else { "." };
        let path = parse_path(&format!("{HEAVY}{dot}{name}")).ok()?;
        match self.0.snapshot().get(&path) {
            Some(Value::Heavy(array)) => Self::offer(array),
            _ => None,
        }
    }

    fn by_serial(&self, _serial: u64) -> Option<Offer> {
        // Handles lead to the anonymous listener of the process.
        None
    }
}

fn collect(map: &Map, above: &Path, names: &mut Vec<String>) {
    for (key, value) in map {
        match value {
            Value::Heavy(_) => names.push(above.child(key).to_string()),
            Value::Map(below) => collect(below, &above.child(key), names),
            _ => {}
        }
    }
}
