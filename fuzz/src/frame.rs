//! [`frame`]: what a worker may put into its ring, on any bytes: headers, tables of attachments, arrays that refer to them.
//!
//! What not: the ring itself (any memory as a ring is a property test of `theus-pool`), and what the engine makes of a
//! frame that can be read (`decode` and `apply` have that).
//! Invariants checked: reading is total; accepted bytes are the only encoding of what they mean, but for bits of later
//! versions; a table that cannot be is refused before memory is taken for it.

use crate::Meter;
use std::sync::{Arc, OnceLock};
use theus::{Arena, AttachedArray, Block};
use theus_pool::link::{ATTACHMENTS, Attachment, HEADER, Header};
use theus_shm::ArenaOptions;
use theus_value::Value;

/// The most memory that a table may take for each byte of input: an entry of 24 bytes is as large in memory.
const MEMORY_PER_BYTE: usize = 4;
/// What it may take besides.
const MEMORY_BESIDES: usize = 1024;

/// Judges the readers of frames on these bytes.
///
/// # Panics
/// Where they break a promise.
pub fn frame(bytes: &[u8], meter: &Meter) {
    if let Some((first, _)) = bytes.split_first_chunk::<HEADER>() {
        let (header, length) = Header::from_bytes(first);
        assert_eq!(Header::from_bytes(&header.to_bytes(length)), (header, length));
    }
    let (split, memory) = meter.peak(|| Attachment::split(bytes));
    assert!(memory <= MEMORY_PER_BYTE * bytes.len() + MEMORY_BESIDES, "{memory} bytes for {}", bytes.len());
    if let Some((table, body)) = split {
        assert!(table.len() <= ATTACHMENTS);
        assert_eq!(Attachment::to_bytes(&table), bytes[..body], "a second encoding of {table:?}");
        assert!(Attachment::split(&bytes[..body - 1]).is_none(), "cut, and accepted");
    }
    array(bytes);
}

/// An array whose elements are attached: whatever is accepted fills its block and nothing else.
fn array(bytes: &[u8]) {
    // Made once: a segment takes a hundred times longer than reading an array.
    static BLOCKS: OnceLock<[Arc<Block>; 4]> = OnceLock::new();
    let blocks = BLOCKS.get_or_init(|| {
        let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
        [1, 4, 64, 4096].map(|len| Arc::new(arena.alloc(len, true).expect("a small block")))
    });
    match AttachedArray::parse("fuzzed", bytes, blocks) {
        Ok(array) => {
            let elements: u64 = array.shape.iter().product();
            assert!(elements <= array.block.len() as u64);
            let position = blocks.iter().position(|block| Arc::ptr_eq(block, array.block));
            let position = position.expect("one of those that came along") as u32;
            let Value::Object(again) = AttachedArray::encode(array.dtype, &array.shape, position) else {
                panic!("an array travels as an object")
            };
            assert_eq!(&*again.bytes, bytes, "a second encoding");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
