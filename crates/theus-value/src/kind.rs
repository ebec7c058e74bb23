//! [`Kind`]: the name of a value's type, for error messages and for readers that dispatch on it.
//!
//! What not: no content. Invariant: one kind for each variant of [`Value`](crate::Value).

use std::fmt;

/// What sort of value something is. Displays as a lower-case word such as "map".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No value.
    Null,
    /// True or false.
    Bool,
    /// An integer that fits 64 bits.
    Int,
    /// An integer outside 64 bits.
    BigInt,
    /// A 64-bit float.
    Float,
    /// Unicode text.
    Str,
    /// Raw bytes.
    Bytes,
    /// A sequence that grows.
    List,
    /// A sequence of fixed length.
    Tuple,
    /// String keys to values, in insertion order.
    Map,
    /// Distinct values without order.
    Set,
    /// A reference to a block of shared memory.
    Heavy,
    /// An object of the host language as bytes.
    Object,
}

impl Kind {
    /// The word that messages use.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::BigInt => "big int",
            Kind::Float => "float",
            Kind::Str => "str",
            Kind::Bytes => "bytes",
            Kind::List => "list",
            Kind::Tuple => "tuple",
            Kind::Map => "map",
            Kind::Set => "set",
            Kind::Heavy => "heavy",
            Kind::Object => "object",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
