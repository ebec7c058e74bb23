//! What a commit costs: it copies what it touches and shares the rest.

use theus_state::{Commit, Store};
use theus_value::{Key, Map, Path, Update, Value};

fn wide(branches: i64) -> Map {
    let leaf = |n: i64| [(Key::from("n"), Value::from(n))].into_iter().collect::<Map>();
    (0..branches).map(|n| (Key::from(format!("b{n}")), Value::Map(leaf(n)))).collect()
}

fn copied(before: &Map, after: &Map) -> usize {
    let same = |(key, value): &(&Key, &Value)| match (value, after.get(key)) {
        (Value::Map(a), Some(Value::Map(b))) => a.ptr_eq(b),
        _ => false,
    };
    before.len() - before.iter().filter(same).count()
}

#[test]
fn a_commit_copies_one_branch_whatever_the_size_of_the_state() {
    for branches in [10, 1_000, 30_000] {
        let store = Store::new(wide(branches));
        let before = store.snapshot();
        let mut update = Update::new();
        update.set(Path::parse("b7.n").unwrap(), Value::from(-1));
        let after = store.commit(Commit::new(1, update)).unwrap().snapshot;
        assert_eq!(copied(before.root(), after.root()), 1, "{branches} branches");
    }
}

#[test]
fn a_snapshot_is_the_published_version_itself() {
    let store = Store::new(wide(10));
    assert!(store.snapshot().root().ptr_eq(store.snapshot().root()));
    assert!(store.clone().snapshot().root().ptr_eq(store.snapshot().root()));
}
