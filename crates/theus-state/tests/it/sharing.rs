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

#[test]
fn a_peek_shows_the_published_version_and_neither_it_nor_a_snapshot_allocates() {
    let store = Store::new(wide(10));
    let path = Path::parse("b7.n").unwrap();
    assert!(store.peek().root().ptr_eq(store.snapshot().root()));
    let mut seen = None;
    let counted = allocation_counter::measure(|| {
        let peek = store.peek();
        seen = Some((peek.version(), peek.get(&path).cloned(), store.snapshot().version(), store.version()));
    });
    assert_eq!((seen, counted.count_total), (Some((1, Some(Value::from(7)), 1, 1)), 0));
    let peek = store.peek();
    let mut update = Update::new();
    update.set(path.clone(), Value::from(-1));
    store.commit(Commit::new(1, update)).unwrap();
    assert_eq!((peek.version(), peek.get(&path)), (1, Some(&Value::from(7))), "what is seen does not change");
    assert_eq!(peek.snapshot().version(), 1);
    assert_eq!(store.peek().get(&path), Some(&Value::from(-1)));
}
