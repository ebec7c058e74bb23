//! [`Value`]: one piece of state.
//!
//! What not: no host objects (they travel as [`Object`] bytes), no references into other values.
//! Invariants: a clone costs O(1); equality is by kind and content, floats by their bits, maps by their order too.
//! Nothing here limits how deep values lie inside one another, but dropping, comparing, printing, encoding and merging
//! them takes stack for each level: some thousands can end the program. Whoever lets others nest values bounds them
//! with [`Value::depth`], as the engine does; what [`decode`](crate::decode()) gives is bounded.

use crate::heavy::Heavy;
use crate::integer::BigInt;
use crate::kind::Kind;
use crate::list::List;
use crate::map::Map;
use crate::object::Object;
use crate::set::Set;
use std::sync::Arc;

/// A map key or a path segment: shared, immutable text.
pub type Key = Arc<str>;

/// One piece of state. Cheap to clone: everything large is behind a shared pointer.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not; see [`Value::integer_from_le_bytes`].
    BigInt(BigInt),
    /// A 64-bit float, compared by its bits.
    Float(f64),
    /// Unicode text.
    Str(Arc<str>),
    /// Raw bytes.
    Bytes(Arc<[u8]>),
    /// A sequence that grows.
    List(List),
    /// A sequence of fixed length.
    Tuple(Arc<[Value]>),
    /// String keys to values, in insertion order.
    Map(Map),
    /// Distinct values in canonical order.
    Set(Set),
    /// An array in shared memory. Behind a pointer to keep `Value` at three words.
    Heavy(Arc<Heavy>),
    /// An object of the host language as bytes.
    Object(Arc<Object>),
}

impl Value {
    /// Which variant this is.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) => Kind::Int,
            Value::BigInt(_) => Kind::BigInt,
            Value::Float(_) => Kind::Float,
            Value::Str(_) => Kind::Str,
            Value::Bytes(_) => Kind::Bytes,
            Value::List(_) => Kind::List,
            Value::Tuple(_) => Kind::Tuple,
            Value::Map(_) => Kind::Map,
            Value::Set(_) => Kind::Set,
            Value::Heavy(_) => Kind::Heavy,
            Value::Object(_) => Kind::Object,
        }
    }

    /// The value below this one at `segments`; itself for none.
    ///
    /// A segment is a key of a map, or a decimal index without sign and leading zeros into a list or tuple.
    ///
    /// ```
    /// use theus_value::{Key, List, Value};
    ///
    /// let list = Value::List(List::from(vec![Value::from("a"), Value::from("b")]));
    /// assert_eq!(list.get(&[Key::from("1")]), Some(&Value::from("b")));
    /// assert_eq!(list.get(&[Key::from("01")]), None);
    /// ```
    pub fn get(&self, segments: &[Key]) -> Option<&Value> {
        segments.iter().try_fold(self, |value, segment| value.child(segment))
    }

    fn child(&self, segment: &str) -> Option<&Value> {
        match self {
            Value::Map(map) => map.get(segment),
            Value::List(list) => list.get(index(segment)?),
            Value::Tuple(items) => items.get(index(segment)?),
            _ => None,
        }
    }

    /// Whether `is` holds for this value or for one inside it. Looks at containers before what is in them, and no further
    /// than the first for which it holds.
    ///
    /// ```
    /// use theus_value::Value;
    /// let value = Value::from(vec![Value::Null, Value::Tuple([Value::Int(1)].into())]);
    /// assert!(value.any(&mut |found| *found == Value::Int(1)));
    /// assert!(!value.any(&mut |found| *found == Value::Int(2)));
    /// ```
    pub fn any(&self, is: &mut impl FnMut(&Value) -> bool) -> bool {
        if is(self) {
            return true;
        }
        match self {
            Value::List(list) => list.iter().any(|value| value.any(is)),
            Value::Tuple(items) => items.iter().any(|value| value.any(is)),
            Value::Map(map) => map.values().any(|value| value.any(is)),
            Value::Set(set) => set.iter().any(|value| value.any(is)),
            _ => false,
        }
    }

    /// How many containers lie inside one another here, this one included; 0 for a value that is none.
    ///
    /// Walks the whole value, so it is for values that just came in, not for the state.
    /// Never goes deeper than `limit`, which is also the largest answer.
    pub fn depth(&self, limit: usize) -> usize {
        if limit == 0 {
            return 0;
        }
        let deepest = |items: &mut dyn Iterator<Item = &Value>| items.map(|v| v.depth(limit - 1)).max();
        let below = match self {
            Value::List(list) => deepest(&mut list.iter()),
            Value::Tuple(items) => deepest(&mut items.iter()),
            Value::Map(map) => deepest(&mut map.values()),
            Value::Set(set) => deepest(&mut set.iter()),
            _ => return 0,
        };
        1 + below.unwrap_or(0)
    }
}

/// A list index written the one way that counts: decimal, no sign, no leading zero.
pub(crate) fn index(segment: &str) -> Option<usize> {
    let canonical = !segment.is_empty()
        && segment.bytes().all(|b| b.is_ascii_digit())
        && (segment.len() == 1 || !segment.starts_with('0'));
    if canonical { segment.parse().ok() } else { None }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::BigInt(a), Value::BigInt(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Tuple(a), Value::Tuple(b)) => Arc::ptr_eq(a, b) || a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            (Value::Set(a), Value::Set(b)) => a == b,
            (Value::Heavy(a), Value::Heavy(b)) => a == b,
            (Value::Object(a), Value::Object(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value::Int(i64::from(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Value::Int(i64::from(value))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        match i64::try_from(value) {
            Ok(small) => Value::Int(small),
            Err(_) => Value::integer_from_le_bytes(&u128::from(value).to_le_bytes()),
        }
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Str(Arc::from(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Str(Arc::from(value))
    }
}

impl From<Arc<str>> for Value {
    fn from(value: Arc<str>) -> Self {
        Value::Str(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(Arc::from(value))
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Value::Bytes(Arc::from(value))
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Value::List(List::from(value))
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Self {
        Value::Map(value)
    }
}

impl From<List> for Value {
    fn from(value: List) -> Self {
        Value::List(value)
    }
}

impl From<Set> for Value {
    fn from(value: Set) -> Self {
        Value::Set(value)
    }
}

impl From<Heavy> for Value {
    fn from(value: Heavy) -> Self {
        Value::Heavy(Arc::new(value))
    }
}

impl From<Object> for Value {
    fn from(value: Object) -> Self {
        Value::Object(Arc::new(value))
    }
}
