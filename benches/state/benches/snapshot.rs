//! A snapshot of the newest state, ours and the rivals'.
//!
//! What not: reading from it (`reader`).

use arc_swap::ArcSwap;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use theus_bench_state::keys;
use theus_bench_state::root::{Locked, Ours, Root};
use theus_value::{Key, Map, Value};

fn entries(count: usize) -> Vec<(Key, Value)> {
    keys(count).into_iter().map(|key| (key, Value::Int(7))).collect()
}

fn snapshots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("snapshot");
    let Ours(store) = Ours::of(entries(1_000));
    group.bench_function("store, snapshot", |bencher| bencher.iter(|| store.snapshot()));
    group.bench_function("store, peek", |bencher| bencher.iter(|| store.peek()));
    let cell = ArcSwap::from_pointee(Map::new());
    group.bench_function("ArcSwap load_full", |bencher| bencher.iter(|| cell.load_full()));
    group.bench_function("ArcSwap load", |bencher| bencher.iter(|| cell.load()));
    for count in [10, 1_000, 100_000] {
        let locked = Locked::of(entries(count));
        let name = BenchmarkId::new("Mutex<HashMap> cloned", count);
        group.bench_function(name, |bencher| bencher.iter(|| locked.snapshot()));
    }
    group.finish();
}

criterion_group!(benches, snapshots);
criterion_main!(benches);
