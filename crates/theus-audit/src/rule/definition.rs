//! A rule as the value that a recipe would hold for it.

use theus_value::{List, Map, Value};

use super::allowed::Scalar;
use crate::{Number, Rule};

impl Rule {
    /// The entry of a recipe that means this rule, with the keys that are set.
    pub(crate) fn definition(&self) -> Value {
        let condition = &self.condition;
        let length = |length: u64| Value::from(length);
        let text = |text: &str| Value::from(text);
        let allowed = condition
            .allowed
            .as_ref()
            .map(|allowed| Value::List(List::from(allowed.0.iter().map(scalar).collect::<Vec<_>>())));
        let entries = [
            ("field", Some(text(&self.field))),
            ("min", condition.min.map(number)),
            ("max", condition.max.map(number)),
            ("eq", condition.eq.map(number)),
            ("neq", condition.neq.map(number)),
            ("min_len", condition.min_len.map(length)),
            ("max_len", condition.max_len.map(length)),
            ("regex", condition.regex.as_ref().map(|regex| text(&regex.to_string()))),
            ("in", allowed),
            ("level", self.level.map(|level| text(level.letter()))),
            ("threshold_max", self.threshold_max.map(length)),
            ("message", self.message.as_deref().map(text)),
        ];
        let mut map = Map::new();
        for (key, value) in entries {
            if let Some(value) = value {
                map.insert(key.into(), value);
            }
        }
        Value::Map(map)
    }
}

fn number(number: Number) -> Value {
    match number {
        Number::Int(value) => Value::integer_from_le_bytes(&value.to_le_bytes()),
        Number::Float(value) => Value::Float(value),
    }
}

fn scalar(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(*value),
        Scalar::Number(value) => number(*value),
        Scalar::Text(value) => Value::Str(value.clone()),
    }
}
