//! [`session`]: the messages between programs that share arrays, and the handles in pickles, on any bytes.
//!
//! What not: sockets, descriptors, mappings; the tests of `theus-shm` have those.
//! Invariants checked: reading is total; accepted bytes are the only encoding of what they mean; what is cut is refused;
//! no memory is taken that the input does not pay for; a handle that fits its block names no byte outside of it.

use crate::Meter;
use theus::Handle;
use theus_shm::session::frame::{MAX_REPLY, MAX_REQUEST, Reply, Request};

/// The most memory that reading may take for each byte of input: a name of no letters is two bytes, and a text.
const MEMORY_PER_BYTE: usize = 32;
/// What it may take besides.
const MEMORY_BESIDES: usize = 4096;
/// A block of so many bytes is small enough to visit every element that a handle names in it.
const BLOCK: u64 = 256;
/// Handles of more elements are not visited one by one.
const VISITED: u64 = 4096;

/// Judges the readers of requests, replies and handles on these bytes.
///
/// # Panics
/// Where they break a promise.
pub fn session(bytes: &[u8], meter: &Meter) {
    let (request, memory) = meter.peak(|| Request::parse(bytes));
    paid(bytes, memory);
    match request {
        Ok(request) => {
            assert!(bytes.len() <= MAX_REQUEST);
            assert_eq!(request.encode(), bytes, "a second encoding of {request:?}");
            assert!(Request::parse(&bytes[..bytes.len() - 1]).is_err(), "cut, and accepted");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let (reply, memory) = meter.peak(|| Reply::parse(bytes));
    paid(bytes, memory);
    match reply {
        Ok(reply) => {
            assert!(bytes.len() <= MAX_REPLY);
            assert_eq!(reply.encode(), bytes, "a second encoding of {reply:?}");
            assert!(Reply::parse(&bytes[..bytes.len() - 1]).is_err(), "cut, and accepted");
            if let Reply::Block { place, .. } = reply {
                assert!(u128::from(place.offset) + u128::from(place.len) <= u128::from(place.segment_len));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let (handle, memory) = meter.peak(|| Handle::parse(bytes));
    paid(bytes, memory);
    match handle {
        Ok(handle) => judge(&handle, bytes),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn paid(bytes: &[u8], memory: usize) {
    let paid = MEMORY_PER_BYTE * bytes.len() + MEMORY_BESIDES;
    assert!(memory <= paid, "reading {} bytes took {memory} bytes of memory", bytes.len());
}

fn judge(handle: &Handle, bytes: &[u8]) {
    assert!(bytes.len() <= theus::MAX_HANDLE);
    assert_eq!(handle.encode().as_deref(), Some(bytes), "a second encoding of {handle:?}");
    assert!(Handle::parse(&bytes[..bytes.len() - 1]).is_err(), "cut, and accepted");
    let whole = handle.is_whole(BLOCK);
    let fits = handle.check(BLOCK).is_ok();
    let elements = handle.shape.iter().try_fold(1u64, |product, length| product.checked_mul(*length));
    if let Some(elements @ 1..=VISITED) = elements {
        let item = i128::from(theus::item_size(&handle.dtype).expect("a parsed handle has a type"));
        let inside = (0..elements).all(|element| {
            let start = start_of(handle, element);
            start >= 0 && start + item <= i128::from(BLOCK)
        });
        assert_eq!(inside, fits, "{handle:?}");
    }
    assert!(!whole || fits, "all of a block, and outside of it: {handle:?}");
}

/// The first byte of an element, counted row by row.
fn start_of(handle: &Handle, element: u64) -> i128 {
    let (mut left, mut start) = (element, i128::from(handle.offset));
    for (length, step) in handle.shape.iter().zip(&handle.strides).rev() {
        start += i128::from(left % length) * i128::from(*step);
        left /= length;
    }
    start
}
