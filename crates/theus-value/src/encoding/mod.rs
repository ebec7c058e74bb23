//! The canonical byte encoding of values: written once, read whole or in place.
//!
//! What: [`encode`] and its kin, [`decode`], and [`ValueRef`], which reads one field without decoding the rest.
//! What not: no compression, no checksum (the trail and the frames have theirs), no references between values.
//!
//! Invariants
//! - Equal values have equal bytes; `encode(decode(b)) == b` for all `b` that [`decode`] accepts.
//! - Reading is total: any bytes give a value or an error. Depth is limited. Refused bytes take no memory, accepted
//!   ones less than 128 bytes for each of theirs.
//! - Numbers are little-endian. Nothing is aligned. A field's extent is always known from outside: from its
//!   container's table, or from the end of the input. So no field carries its own length.
//!
//! # Layout
//!
//! ```text
//! encoding := 0x01 value                      the first byte is the format's version
//! value    := tag rest                        tag: low nibble the kind, high nibble the table width w (containers)
//!
//! tag low  kind        rest
//!  0       null        -
//!  1       false       -
//!  2       true        -
//!  3       integer     two's complement, 1 byte or more, as few as possible; over 8 bytes it is a big integer
//!  4       float       8 bytes, IEEE 754 binary64
//!  5       str         UTF-8
//!  6       bytes       as they are
//!  7       list        sequence
//!  8       tuple       sequence
//!  9       map         sequence of 2n items: key, value, key, value ...; a key is bare UTF-8 without a tag
//! 10       set         sequence, items strictly ascending by their bytes
//! 11       heavy       segment u64, offset u64, length u64, serial u64, dimensions u64, each dimension u64, dtype UTF-8
//! 12       object      codec's length u64, codec UTF-8, bytes
//!
//! sequence := -                                                     empty; the high nibble of the tag is 0
//!           | items, starts of all items but the first, [order], count      each number w bytes wide
//!
//!   w      the least of 1, 2, 4, 8 that can hold the length of all items together; high nibble 1, 2, 3, 4
//!   start  counted from the first byte after the tag
//!   count  of values; a map has twice as many items
//!   order  only in a map of more than 8 entries: the entries' numbers, strictly ascending by key,
//!          so that a reader finds a key in O(log n)
//! ```
//!
//! `{"a": 1}` takes seven bytes:
//!
//! ```text
//! 01   19   61   03 01   01   01
//! |    |    "a"  1       |    count 1
//! |    map, w = 1        start of the second item (the value)
//! version
//! ```

mod check;
mod decode;
mod encode;
mod layout;
mod reader;

pub use decode::{DecodeError, decode, decode_at_most};
pub use encode::{encode, encode_into, encode_within};
pub use layout::{FORMAT_VERSION, MAX_DEPTH};
pub use reader::{Entries, Items, ValueRef};

pub(crate) use encode::bare;
