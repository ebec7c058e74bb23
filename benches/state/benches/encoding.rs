//! The byte encoding: written, read whole, and read in place.
//!
//! What not: no other formats; those are measured beside it in `benches/encoding/`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use theus_bench_state::keys;
use theus_value::{Map, Value, ValueRef, decode, encode, encode_into};

/// A record as programs have them: five fields of different kinds.
fn record(number: i64) -> Value {
    let fields = [
        ("id", Value::Int(number)),
        ("name", Value::from("Ada Lovelace")),
        ("score", Value::from(0.25)),
        ("active", Value::from(true)),
        ("tags", Value::from(vec![Value::from("first"), Value::from("second")])),
    ];
    Value::Map(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn inputs() -> [(&'static str, Value); 4] {
    let integers: Map = keys(10_000).into_iter().zip((0..).map(Value::Int)).collect();
    [
        ("one integer", Value::Int(1_234_567)),
        ("a record of 5 fields", record(7)),
        ("a list of 1000 records", Value::from((0..1_000).map(record).collect::<Vec<Value>>())),
        ("a map of 10000 integers", Value::Map(integers)),
    ]
}

fn whole(criterion: &mut Criterion) {
    for (name, value) in inputs() {
        let bytes = encode(&value);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("encode", |bencher| bencher.iter(|| encode(black_box(&value))));
        let mut out = Vec::with_capacity(bytes.len());
        group.bench_function("encode into a buffer in use", |bencher| {
            bencher.iter(|| {
                out.clear();
                encode_into(black_box(&value), &mut out);
                out.len()
            });
        });
        group.bench_function("decode", |bencher| bencher.iter(|| decode(black_box(&bytes))));
        group.finish();
    }
}

fn in_place(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read one field in place");
    let bytes = encode(&record(7));
    group.bench_function("of 5", |bencher| bencher.iter(|| field(black_box(&bytes), "score")));
    let [.., (_, map)] = inputs();
    let bytes = encode(&map);
    group.bench_function("of 10000", |bencher| bencher.iter(|| field(black_box(&bytes), "key5000")));
    group.finish();
}

fn field(bytes: &[u8], key: &str) -> bool {
    ValueRef::parse(bytes).is_ok_and(|value| value.get(key).is_some())
}

criterion_group!(benches, whole, in_place);
criterion_main!(benches);
