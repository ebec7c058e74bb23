//! The values that are measured: shapes that a state has. Not random, so that runs compare.

use theus_value::{Key, List, Map, Value};

/// One step on the way to a field.
pub enum Step {
    Key(&'static str),
    Index(usize),
}

/// A value and the way to the one field of it that is fetched.
pub struct Sample {
    pub name: &'static str,
    pub value: Value,
    pub field: Vec<Step>,
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (Key::from(key), value)).collect())
}

fn agent(n: i64) -> Value {
    let position = Value::from(vec![Value::from(n as f64 * 0.25), Value::from(-0.5)]);
    let tags = Value::from(vec![Value::from("walker"), Value::from("blue")]);
    map([("id", Value::from(n)), ("position", position), ("mood", Value::from("idle")), ("tags", tags)])
}

pub fn small() -> Value {
    map([("id", Value::from(7)), ("name", Value::from("Ada Lovelace")), ("score", Value::from(0.5))])
}

pub fn agents(count: i64) -> Value {
    Value::Map((0..count).map(|n| (Key::from(format!("agent_{n:04}")), agent(n))).collect())
}

pub fn samples() -> Vec<Sample> {
    use Step::{Index, Key as At};
    let floats: List = (0..10_000).map(|n| Value::from(f64::from(n) * 0.1)).collect();
    let scattered = |n: i64| Key::from(format!("key_{:06}", n * 7919 % 100_000));
    let keys: Map = (0..100_000).map(|n| (scattered(n), Value::from(n))).collect();
    let texts: List = (0..16).map(|n| Value::from("lorem ipsum dolor sit amet ".repeat(4000 + n))).collect();
    vec![
        Sample { name: "map of 3 fields", value: small(), field: vec![At("score")] },
        Sample {
            name: "1,000 agents, nested",
            value: agents(1000),
            field: vec![At("agent_0500"), At("position"), Index(0)],
        },
        Sample { name: "list of 10,000 floats", value: Value::from(floats), field: vec![Index(7777)] },
        Sample { name: "map of 100,000 keys", value: Value::from(keys), field: vec![At("key_050000")] },
        Sample { name: "16 texts of 108 kB", value: Value::from(texts), field: vec![Index(7)] },
    ]
}
