//! A commit of one existing key with nobody else about, ours and the rivals'.
//!
//! What not: the making of the update, and of the rivals' key and value; one bench apart measures ours with it.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use std::time::{Duration, Instant};
use theus_bench_state::root::{Locked, Ours, Root, Sharded, Swapped};
use theus_bench_state::{Draw, keys};
use theus_state::Commit;
use theus_value::{Key, Path, Update, Value};

type Swap<M> = Swapped<M>;
type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// So many commits are prepared at a time: few enough to stay in the cache.
const PREPARED: u64 = 128;

fn commits(criterion: &mut Criterion) {
    for count in [10, 1_000, 100_000, 1_000_000] {
        let keys = keys(count);
        for random in [false, true] {
            let pattern = if random { "random keys" } else { "one key" };
            let mut group = criterion.benchmark_group(format!("commit, {pattern} of {count}"));
            contender::<Ours>(&mut group, "store", &keys, random);
            contender::<Swap<imbl::HashMap<Key, Value>>>(&mut group, "imbl HashMap, swap", &keys, random);
            contender::<Swap<imbl::OrdMap<Key, Value>>>(&mut group, "imbl OrdMap, swap", &keys, random);
            contender::<Swap<rpds::HashTrieMapSync<Key, Value>>>(&mut group, "rpds, swap", &keys, random);
            contender::<Locked>(&mut group, "no snapshots: Mutex<HashMap>", &keys, random);
            contender::<Sharded>(&mut group, "no snapshots: DashMap", &keys, random);
            group.finish();
        }
    }
}

fn contender<R: Root>(group: &mut Group<'_>, name: &str, keys: &[Key], random: bool) {
    let root = R::of(keys.iter().map(|key| (Key::clone(key), Value::Int(7))).collect());
    let mut draw = Draw::default();
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|count| {
            let mut taken = Duration::ZERO;
            let mut left = count;
            while left > 0 {
                let now = left.min(PREPARED);
                left -= now;
                let mut key = || &keys[if random { draw.below(keys.len()) } else { keys.len() / 2 }];
                let jobs: Vec<R::Job> = (0..now).map(|at| root.job(at as usize, key(), at as i64)).collect();
                let start = Instant::now();
                jobs.into_iter().for_each(|job| root.commit(job));
                taken += start.elapsed();
            }
            taken
        });
    });
}

fn others(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit, one key of 1000, more");
    let entries: Vec<(Key, Value)> = keys(1_000).into_iter().map(|key| (key, Value::Int(7))).collect();
    let key = Key::clone(&entries[500].0);
    let Ours(store) = Ours::of(entries.clone());
    let path = Path::from_segments([Key::clone(&key)]);
    group.bench_function("store, version and update included", |bencher| {
        bencher.iter(|| {
            let mut update = Update::new();
            update.set(path.clone(), Value::Int(8));
            store.commit(Commit::new(store.version(), update))
        });
    });
    let imbl = Swap::<imbl::HashMap<Key, Value>>::of(entries.clone());
    group.bench_function("imbl HashMap, rcu", |bencher| {
        bencher.iter(|| imbl.commit_among_writers((Key::clone(&key), Value::Int(8))));
    });
    let locked = Locked::of(entries);
    group.bench_function("Mutex<HashMap>, cloned for a snapshot after each", |bencher| {
        bencher.iter(|| {
            locked.commit((Key::clone(&key), Value::Int(8)));
            locked.snapshot()
        });
    });
    group.finish();
}

criterion_group!(benches, commits, others);
criterion_main!(benches);
