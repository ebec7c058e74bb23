//! [`Subject`]: what a rule looks at.
//!
//! What not: any host's objects; whoever has them makes a subject of what a rule can see in them.

use theus_value::{BigInt, Value};

use crate::Number;

/// What a rule looks at: as much of a value as tests can ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subject<'a> {
    /// Nothing, or the value None.
    Absent,
    /// True or false; counts as 1 or 0 for numeric tests, and as itself in a list of what is allowed.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text, whose length is counted in characters.
    Text(&'a str),
    /// Something of this length: bytes, a container, an array by its first dimension.
    Sized(u64),
    /// Something that no test is for.
    Other,
    /// An object of a host language, stored as bytes that nobody can look into here: it may well be a number or a text, so it
    /// fails every test.
    Opaque,
}

impl<'a> Subject<'a> {
    /// What a rule sees in `value`. A whole number outside 128 bits counts as a float near it.
    ///
    /// ```
    /// use theus_audit::{Number, Subject};
    /// use theus_value::Value;
    ///
    /// assert_eq!(Subject::of_value(&Value::from(3)), Subject::Number(Number::Int(3)));
    /// assert_eq!(Subject::of_value(&Value::from("x")), Subject::Text("x"));
    /// assert_eq!(Subject::of_value(&Value::Null), Subject::Absent);
    /// ```
    pub fn of_value(value: &'a Value) -> Self {
        match value {
            Value::Null => Subject::Absent,
            Value::Bool(value) => Subject::Bool(*value),
            Value::Int(value) => Subject::Number(Number::Int(i128::from(*value))),
            Value::BigInt(value) => Subject::Number(number(value)),
            Value::Float(value) => Subject::Number(Number::Float(*value)),
            Value::Str(text) => Subject::Text(text),
            Value::Bytes(bytes) => Subject::Sized(bytes.len() as u64),
            Value::List(list) => Subject::Sized(list.len() as u64),
            Value::Tuple(items) => Subject::Sized(items.len() as u64),
            Value::Map(map) => Subject::Sized(map.len() as u64),
            Value::Set(set) => Subject::Sized(set.len() as u64),
            // An array without dimensions has no length, as in NumPy.
            Value::Heavy(heavy) => heavy.shape.first().map_or(Subject::Other, |first| Subject::Sized(*first)),
            Value::Object(_) => Subject::Opaque,
        }
    }

    /// As a number, if it is one.
    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Subject::Bool(value) => Some(Number::Int(i128::from(*value))),
            Subject::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Its length, if it has one.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Subject::Text(text) => Some(text.chars().count() as u64),
            Subject::Sized(length) => Some(*length),
            _ => None,
        }
    }
}

fn number(value: &BigInt) -> Number {
    let bytes = value.to_le_bytes();
    if let Some(dropped) = bytes.len().checked_sub(16).filter(|dropped| *dropped > 0) {
        let mut top = [0; 16];
        top.copy_from_slice(&bytes[dropped..]);
        let exponent = i32::try_from(dropped * 8).unwrap_or(i32::MAX);
        return Number::Float(i128::from_le_bytes(top) as f64 * 2f64.powi(exponent));
    }
    let mut word = [if value.is_negative() { 0xFF } else { 0x00 }; 16];
    word[..bytes.len()].copy_from_slice(bytes);
    Number::Int(i128::from_le_bytes(word))
}
