//! rkyv doing the same, over a type of its own, which keeps the order of insertion and carries a key order for
//! binary search, as ours does. Encoding starts from that type, made beforehand, in its favour.

use crate::format::Format;
use crate::values::Step;
use rkyv::rancor::{Error, Source as Fault};
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize};
use theus_value::{Key, List, Map, Value};

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(
    serialize_bounds(__S: rkyv::ser::Writer + rkyv::ser::Allocator, __S::Error: Fault),
    deserialize_bounds(__D::Error: Fault),
    bytecheck(bounds(__C: rkyv::validation::ArchiveContext, __C::Error: Fault)),
)]
pub enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    List(#[rkyv(omit_bounds)] Vec<Tree>),
    Map {
        keys: Vec<String>,
        order: Vec<u32>,
        #[rkyv(omit_bounds)]
        values: Vec<Tree>,
    },
}

pub struct Rkyv;

fn tree(value: &Value) -> Tree {
    match value {
        Value::Bool(value) => Tree::Bool(*value),
        Value::Int(value) => Tree::Int(*value),
        Value::Float(value) => Tree::Float(*value),
        Value::Str(value) => Tree::Str(value.to_string()),
        Value::List(list) => Tree::List(list.iter().map(tree).collect()),
        Value::Map(map) => {
            let keys: Vec<String> = map.keys().map(|key| key.to_string()).collect();
            let mut order: Vec<u32> = (0..keys.len() as u32).collect();
            order.sort_by_key(|&n| &keys[n as usize]);
            Tree::Map { keys, order, values: map.values().map(tree).collect() }
        }
        _ => Tree::Null,
    }
}

fn value(from: &ArchivedTree) -> Option<Value> {
    Some(match from {
        ArchivedTree::Null => Value::Null,
        ArchivedTree::Bool(value) => Value::from(*value),
        ArchivedTree::Int(value) => Value::from(value.to_native()),
        ArchivedTree::Float(value) => Value::from(value.to_native()),
        ArchivedTree::Str(text) => Value::from(text.as_str()),
        ArchivedTree::List(items) => Value::List(items.iter().map(value).collect::<Option<List>>()?),
        ArchivedTree::Map { keys, order, values } => {
            // What a canonical format needs beyond rkyv's own check.
            let key = |n: usize| keys.get(order.get(n)?.to_native() as usize);
            let sorted = (1..keys.len()).all(|n| key(n - 1).zip(key(n)).is_some_and(|(a, b)| a < b));
            if !sorted || keys.len() != values.len() || keys.len() != order.len() {
                return None;
            }
            let entries = keys.iter().zip(values.iter());
            let entries = entries.map(|(key, item)| Some((Key::from(key.as_str()), value(item)?)));
            Value::Map(entries.collect::<Option<Map>>()?)
        }
    })
}

fn step<'a>(from: &'a ArchivedTree, step: &Step) -> Option<&'a ArchivedTree> {
    match (from, step) {
        (ArchivedTree::List(items), Step::Index(n)) => items.get(*n),
        (ArchivedTree::Map { keys, order, values }, Step::Key(wanted)) => {
            let key = |n: u32| keys.get(n as usize).map_or("", |key| key.as_str());
            let rank = order.binary_search_by(|n| key(n.to_native()).cmp(wanted)).ok()?;
            values.get(order.get(rank)?.to_native() as usize)
        }
        _ => None,
    }
}

impl Format for Rkyv {
    type Buffer = AlignedVec;
    type Source = Tree;

    fn name() -> &'static str {
        "rkyv"
    }

    fn source(value: &Value) -> Tree {
        tree(value)
    }

    fn encode(source: &Tree) -> AlignedVec {
        rkyv::to_bytes::<Error>(source).unwrap_or_default()
    }

    fn buffer(bytes: &[u8]) -> AlignedVec {
        let mut aligned = AlignedVec::with_capacity(bytes.len());
        aligned.extend_from_slice(bytes);
        aligned
    }

    fn decode(bytes: &AlignedVec) -> Option<Value> {
        value(rkyv::access::<ArchivedTree, Error>(bytes).ok()?)
    }

    fn fetch(bytes: &AlignedVec, field: &[Step]) -> Option<u64> {
        let root = rkyv::access::<ArchivedTree, Error>(bytes).ok()?;
        match field.iter().try_fold(root, step)? {
            ArchivedTree::Int(value) => Some(value.to_native() as u64),
            ArchivedTree::Float(value) => Some(value.to_native().to_bits()),
            ArchivedTree::Str(text) => Some(text.len() as u64),
            _ => None,
        }
    }
}

/// The encoding of `depth` lists inside one another. Needs a deep stack, so the caller gives it a thread of its own.
pub fn deep(depth: usize) -> AlignedVec {
    let mut tree = Tree::Null;
    for _ in 0..depth {
        tree = Tree::List(vec![tree]);
    }
    let bytes = Rkyv::encode(&tree);
    std::mem::forget(tree);
    bytes
}
