//! What the tests begin with: engines, contracts, values, and the records they look at.

use std::sync::Arc;
use theus::{
    Authority, Contract, Declared, Engine, Filter, Path, Process, Record, TransactionOptions, Update, Value,
};
use theus_value::{Key, Map};

pub(crate) fn path(text: &str) -> Path {
    theus::parse_path(text).unwrap()
}

pub(crate) fn declared(paths: &[&str]) -> Option<Vec<Declared>> {
    Some(paths.iter().map(|path| Declared::parse(path).unwrap()).collect())
}

/// A contract of an ordinary process.
pub(crate) fn contract(inputs: &[&str], outputs: &[&str]) -> Contract {
    Contract { inputs: declared(inputs), outputs: declared(outputs), ..Contract::default() }
}

pub(crate) fn process(name: &str, outputs: &[&str]) -> Process {
    Process::new(name, contract(&[], outputs))
}

pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (Key::from(key), value)).collect()
}

pub(crate) fn mapping<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(map(entries))
}

pub(crate) fn tuple<const N: usize>(items: [Value; N]) -> Value {
    Value::Tuple(items.into())
}

pub(crate) fn int(number: i64) -> Value {
    Value::Int(number)
}

/// An engine at version 1 with `domain.count` 0.
pub(crate) fn engine() -> Engine {
    Engine::builder()
        .initial(map([("domain", mapping([("count", int(0))]))]))
        .heap_bytes(16 << 20)
        .pool_size(2)
        .build()
}

/// Commits what only maintenance may do.
pub(crate) fn maintain(engine: &Engine, update: Update) {
    let authority = Authority::Admin { reason: "test".into() };
    let mut transaction =
        engine.transaction(TransactionOptions { authority, ..TransactionOptions::default() }).unwrap();
    transaction.update(update).unwrap();
    transaction.commit().unwrap();
}

pub(crate) fn records(engine: &Engine) -> Vec<Arc<Record>> {
    engine.trail().records(Filter::default())
}

/// The outcomes of all records, oldest first.
pub(crate) fn outcomes(engine: &Engine) -> Vec<&'static str> {
    records(engine).iter().map(|record| record.outcome.as_str()).collect()
}
