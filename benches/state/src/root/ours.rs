//! [`Ours`]: the store.
//!
//! What not: no nesting; the keys lie at the top, as the rivals' do. See [`one_below`] for the shape that an engine has.

use super::{Root, number};
use theus_state::{Commit, Store};
use theus_value::{Key, Map, Path, Update, Value};

/// A [`Store`] that has the entries at its top. They came by a commit, so each of them has a stamp, as in a state
/// that has been in use.
pub struct Ours(pub Store);

impl Root for Ours {
    type Job = Commit;

    fn of(entries: Vec<(Key, Value)>) -> Self {
        Ours(filled(entries.into_iter().collect()))
    }

    fn job(&self, ahead: usize, key: &Key, value: i64) -> Commit {
        let mut update = Update::new();
        update.set(Path::from_segments([Key::clone(key)]), Value::from(value));
        Commit::new(self.0.version() + ahead as u64, update)
    }

    fn commit(&self, job: Commit) {
        let committed = self.0.commit(job);
        assert!(committed.is_ok(), "nobody else commits these keys");
    }

    fn read(&self, key: &Key) -> i64 {
        number(self.0.peek().root().get(key))
    }
}

impl Ours {
    /// As [`read`](Root::read), from a snapshot, which may be kept, instead of a peek.
    pub fn read_snapshot(&self, key: &Key) -> i64 {
        number(self.0.snapshot().root().get(key))
    }
}

/// A store with these entries in the map `domain` and nothing else, as an engine's state is.
pub fn one_below(entries: Vec<(Key, Value)>) -> Store {
    let domain: Map = entries.into_iter().collect();
    filled(Map::from_iter([(Key::from("domain"), Value::Map(domain))]))
}

fn filled(state: Map) -> Store {
    let store = Store::new(Map::new());
    let mut update = Update::new();
    update.merge(Path::root(), state);
    let committed = store.commit(Commit::new(0, update));
    assert!(committed.is_ok(), "an empty store takes anything");
    store
}
