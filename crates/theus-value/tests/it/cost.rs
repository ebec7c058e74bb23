//! What changes cost, counted in allocations and bytes: what they touch, not how large the state is.

use allocation_counter::measure;
use theus_value::{Key, List, Map, Path, Update, Value};

/// Levels of a container with `items` items: each halves the exponent by the four bits that a node decides.
fn levels(items: usize) -> u64 {
    u64::from(items.max(2).ilog2() / 4 + 1)
}

/// The most allocations that changing one path may take: at each of `depth` containers the container itself, its
/// tails and hot places (10 in all with their growth), one path of the tree for the change and one for what it
/// displaces, and for a key that comes or goes a path in the index and in the keys as well.
fn most_allocations(paths: u64, depth: u64, items: usize) -> u64 {
    paths * depth * (10 + 5 * levels(items))
}

/// The most bytes of these: a node holds 16 children of 32 bytes, a node of the index 32 of 32 bytes.
fn most_bytes(paths: u64, depth: u64, items: usize) -> u64 {
    most_allocations(paths, depth, items) * 1100
}

fn flat(items: usize) -> Map {
    (0..items).map(|n| (Key::from(format!("k{n}")), Value::from(n as i64))).collect()
}

/// `depth` maps inside one another, each with `items` numbers and the next map as "deep" among them.
fn nested(items: usize, depth: usize) -> Map {
    let mut map = flat(items);
    if depth > 1 {
        map.insert("k3".into(), Value::Map(nested(items, depth - 1)));
    }
    map
}

fn path(depth: usize, last: &str) -> Path {
    Path::from_segments(std::iter::repeat_n("k3", depth - 1).chain([last]))
}

/// The last segments of `count` paths, spread over the map.
fn spread(items: usize, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |n| format!("k{}", (n * 7919 + 4) % items))
}

type Writer = fn(&mut Update, Path);

const WRITERS: [(&str, Writer); 4] = [
    ("set", |update, path| {
        update.set(path, Value::from(-1));
    }),
    ("set new", |update, path| {
        let new = path.segments().iter().map(|s| s.to_string()).collect::<Vec<_>>().join("+");
        let above = path.segments().split_last().unwrap().1.iter().map(|s| s.to_string());
        update.set(Path::from_segments(above.chain([new])), Value::from(-1));
    }),
    ("delete", |update, path| {
        update.delete(path);
    }),
    ("merge", |update, path| {
        let (last, above) = path.segments().split_last().unwrap();
        let above = Path::from_segments(above.iter().cloned());
        update.merge(above, [(last.clone(), Value::from(-1))].into_iter().collect());
    }),
];

#[test]
fn an_update_costs_its_paths_times_their_depth_whatever_the_size_of_the_state() {
    for items in [10, 1_000, 100_000] {
        for depth in [1, 2, 3] {
            let state = nested(items, depth);
            for (count, (name, write)) in [1, 5].into_iter().flat_map(|k| WRITERS.map(|w| (k, w))) {
                let mut update = Update::new();
                spread(items, count).for_each(|last| write(&mut update, path(depth, &last)));
                let mut after = state.clone();
                // Hold each version, as readers do, so that nothing is changed in place.
                for round in 0..4 {
                    let before = after;
                    let mut made = None;
                    let counted = measure(|| made = Some(update.apply(&before).unwrap()));
                    let what =
                        format!("{name} {count} of {items} at depth {depth}, round {round}: {counted:?}");
                    let (paths, depth) = (count as u64, depth as u64);
                    assert!(counted.count_total <= most_allocations(paths, depth, items), "{what}");
                    assert!(counted.bytes_total <= most_bytes(paths, depth, items), "{what}");
                    after = made.unwrap();
                }
            }
        }
    }
}

#[test]
fn a_key_written_again_and_again_costs_the_same_in_a_map_of_any_size() {
    let costs = [100, 1_000, 100_000].map(|items| {
        let mut update = Update::new();
        update.set(Path::from_segments(["k3"]), Value::from(-1));
        let mut states = vec![flat(items)];
        (0..2).for_each(|_| states.push(update.apply(states.last().unwrap()).unwrap()));
        let counted = measure(|| states.push(update.apply(states.last().unwrap()).unwrap()));
        (counted.count_total, counted.bytes_total)
    });
    assert!(costs.iter().all(|cost| *cost == costs[0]), "allocations and bytes by size: {costs:?}");
    assert!(costs[0].0 <= 4 && costs[0].1 <= 512, "{costs:?}");
}

#[test]
fn writes_in_one_update_share_the_paths_they_copy() {
    let state = flat(100_000);
    let mut update = Update::new();
    (0..100_000).for_each(|n| {
        update.set(Path::from_segments([format!("k{n}")]), Value::from(-1));
    });
    let counted = measure(|| drop(update.apply(&state).unwrap()));
    // Each leaf of 16 and each branch is copied once: less than one allocation in ten writes.
    assert!(counted.count_total < 10_000, "{counted:?}");
}

#[test]
fn a_thousand_versions_one_key_apart_take_less_than_twice_the_memory_of_one() {
    let mut one = None;
    let single = measure(|| one = Some(flat(100_000)));
    let mut versions = vec![one.unwrap()];
    versions.reserve(2_000);
    let retained = measure(|| {
        for last in spread(100_000, 1_000) {
            let mut next = versions.last().unwrap().clone();
            next.insert(last.into(), Value::from(-1));
            versions.push(next);
        }
    });
    assert!(retained.bytes_current <= single.bytes_current, "one: {single:?}, 1,000 more: {retained:?}");
}

#[test]
fn what_a_map_holds_beyond_its_entries_is_bounded() {
    let keys: Vec<Key> = (0..100_000).map(|n| Key::from(format!("k{n}"))).collect();
    let mut map = Map::new();
    let full = measure(|| keys.iter().for_each(|key| drop(map.insert(key.clone(), Value::Null))));
    assert!(full.bytes_current < 100_000 * 230, "{full:?}");
    // One entry of each hundred stays, each in a leaf of its own: the tree must not keep the gaps.
    let thinned = measure(|| {
        keys.iter().enumerate().filter(|(n, _)| n % 100 != 0).for_each(|(_, key)| drop(map.remove(key)));
    });
    let left = full.bytes_current + thinned.bytes_current;
    assert!(left < 1_000 * 1_000, "{left} bytes for {} entries", map.len());
    // Many come and go: places are used up for ever, memory is not.
    let queue = measure(|| {
        for n in 0..100_000 {
            map.insert(format!("q{n}").into(), Value::Null);
            if n >= 100 {
                map.remove(&format!("q{}", n - 100));
            }
        }
    });
    assert!(queue.bytes_current < 100_000, "{queue:?}");
}

#[test]
fn a_list_change_costs_one_path() {
    for items in [10, 1_000, 100_000] {
        let list: List = (0..items).map(|n| Value::from(n as i64)).collect();
        for at in [0, items / 2, items - 1] {
            let mut changed = list.clone();
            let counted = measure(|| *changed.get_mut(at).unwrap() = Value::Null);
            assert!(counted.count_total <= 5 + 2 * levels(items), "item {at} of {items}: {counted:?}");
        }
        let mut longer = list.clone();
        let counted = measure(|| (0..16).for_each(|n| longer.push(Value::from(n))));
        assert!(counted.count_total <= 12 + 2 * levels(items), "16 more than {items}: {counted:?}");
    }
}

#[test]
fn what_nobody_else_holds_is_changed_without_allocating() {
    let mut map = flat(1_000);
    let mut list: List = (0..1_000).map(Value::from).collect();
    let keys: Vec<String> = spread(1_000, 100).collect();
    let counted = measure(|| {
        for key in keys.iter().chain(&keys) {
            *map.get_mut(key).unwrap() = Value::Null;
        }
        for at in (0..1_000).chain(0..1_000) {
            *list.get_mut(at).unwrap() = Value::Null;
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_map_that_has_become_small_holds_no_more_than_one_that_always_was() {
    let held = |of: usize| {
        let mut made = None;
        let counted = measure(|| {
            let mut map = flat(of);
            (8..of).for_each(|n| drop(map.remove(&format!("k{n}"))));
            made = Some(map);
        });
        assert_eq!(made.unwrap().len(), 8);
        counted.bytes_current
    };
    assert!(held(1_000) <= held(8), "{} bytes instead of {}", held(1_000), held(8));
}
