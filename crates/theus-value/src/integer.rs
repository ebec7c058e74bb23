//! [`BigInt`]: an integer outside the range of `i64`, as minimal two's complement bytes.
//!
//! What not: no arithmetic; hosts have their own.
//! Invariants: at least nine bytes, so that each integer has exactly one representation as a
//! [`Value`](crate::Value); no byte that sign extension would supply.

use crate::value::Value;
use std::sync::Arc;

/// An integer that does not fit `i64`. Made by [`Value::integer_from_le_bytes`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BigInt(Arc<[u8]>);

impl BigInt {
    /// The signed two's complement bytes, least significant first, no longer than needed (at least nine).
    pub fn to_le_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True if the integer is below zero.
    pub fn is_negative(&self) -> bool {
        self.0.last().is_some_and(|top| top & 0x80 != 0)
    }
}

/// The shortest prefix of `bytes` that means the same integer; at least one byte unless `bytes` is empty.
pub(crate) fn minimal(bytes: &[u8]) -> &[u8] {
    let mut end = bytes.len();
    while end > 1 && is_redundant(bytes[end - 1], bytes[end - 2]) {
        end -= 1;
    }
    &bytes[..end]
}

/// True if sign extension of `below` would supply `top`.
pub(crate) fn is_redundant(top: u8, below: u8) -> bool {
    (top == 0x00 && below & 0x80 == 0) || (top == 0xFF && below & 0x80 != 0)
}

/// How many bytes `value` takes in minimal two's complement: 1 to 8.
pub(crate) fn minimal_len(value: i64) -> usize {
    let magnitude_bits = 64 - (value ^ (value >> 63)).leading_zeros() as usize;
    magnitude_bits / 8 + 1
}

impl Value {
    /// An integer from signed two's complement bytes, least significant first, of any length; empty means 0.
    ///
    /// Gives [`Value::Int`] when the integer fits `i64`, else [`Value::BigInt`].
    ///
    /// ```
    /// use theus_value::Value;
    ///
    /// assert_eq!(Value::integer_from_le_bytes(&[0xFE, 0xFF]), Value::Int(-2));
    /// assert!(matches!(Value::integer_from_le_bytes(&(1u128 << 64).to_le_bytes()), Value::BigInt(_)));
    /// ```
    pub fn integer_from_le_bytes(bytes: &[u8]) -> Value {
        let bytes = minimal(bytes);
        if bytes.len() > 8 { Value::BigInt(BigInt(Arc::from(bytes))) } else { Value::Int(small(bytes)) }
    }
}

/// The integer of at most eight two's complement bytes.
pub(crate) fn small(bytes: &[u8]) -> i64 {
    let fill = if bytes.last().is_some_and(|top| top & 0x80 != 0) { 0xFF } else { 0x00 };
    let mut word = [fill; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(word)
}
