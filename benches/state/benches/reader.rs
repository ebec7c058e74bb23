//! One key read from the newest state: with nobody else about, and beside a writer that never pauses.
//!
//! What not: more readers than one, which two cores could not run.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;
use theus_bench_state::root::{Locked, Ours, Root, Sharded, Shared, Swapped};
use theus_bench_state::{alone, beside, keys, nanoseconds_each};
use theus_value::{Key, Value};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// How many of the keys are read; the writer changes the others.
const READ: usize = 64;

fn readers(criterion: &mut Criterion) {
    for count in [1_000, 100_000] {
        let keys = keys(count);
        let mut group = criterion.benchmark_group(format!("read, {count} keys"));
        contender::<Ours>(&mut group, "store, peek", &keys);
        contender::<Swapped<imbl::HashMap<Key, Value>>>(&mut group, "imbl HashMap, load", &keys);
        contender::<Swapped<rpds::HashTrieMapSync<Key, Value>>>(&mut group, "rpds, load", &keys);
        contender::<Locked>(&mut group, "no snapshots: Mutex<HashMap>", &keys);
        contender::<Shared>(&mut group, "no snapshots: RwLock<HashMap>", &keys);
        contender::<Sharded>(&mut group, "no snapshots: DashMap", &keys);
        group.finish();
    }
}

fn contender<R: Root>(group: &mut Group<'_>, name: &str, keys: &[Key]) {
    let root = R::of(keys.iter().map(|key| (Key::clone(key), Value::Int(7))).collect());
    let (read, written) = keys.split_at(READ);
    let reads = |count: u64| {
        let count = count as usize;
        nanoseconds_each(count, || (0..count).for_each(|at| _ = black_box(root.read(&read[at % READ]))))
    };
    let total = |count: u64, each: f64| Duration::from_nanos((each * count as f64) as u64);
    group
        .bench_function(name, |bencher| bencher.iter_custom(|count| total(count, alone(1, || reads(count)))));
    group.bench_function(format!("{name}, beside a writer"), |bencher| {
        bencher.iter_custom(|count| total(count, beside(&root, written, Duration::ZERO, 1, || reads(count))));
    });
}

criterion_group!(benches, readers);
criterion_main!(benches);
