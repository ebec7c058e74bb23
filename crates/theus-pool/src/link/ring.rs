//! A ring of frames in shared memory with one writer and one reader, in two processes.
//!
//! What it is not: a channel that trusts its peer. Each end keeps its own cursor in private memory and only
//! publishes it; what the other end publishes is checked before it is used, so a peer that scribbles over the shared
//! memory can spoil frames but cannot make this end read or write outside the ring.
//!
//! Invariants: `tail - head <= capacity` (wrapping); bytes before `tail` are written before `tail` is published
//! (release) and read after it is loaded (acquire); the same holds for `head` and the reuse of bytes.
//! The algorithm is Lamport's single-producer single-consumer queue (1983) with free-running counters.

use super::cells::Cells;
use super::frame::{Frame, HEADER, Header};
use thiserror::Error;

/// Why a ring could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RingError {
    /// The frame does not fit in the free part of the ring now.
    #[error("the ring has no room for a frame of {needed} bytes")]
    Full {
        /// Bytes that the frame needs.
        needed: usize,
    },
    /// The other end published a cursor or a length that cannot be.
    #[error("the other end of the ring broke the protocol: {what}")]
    Corrupt {
        /// What is wrong.
        what: &'static str,
    },
}

/// Where one ring lies in the shared memory.
#[derive(Clone, Copy, Debug)]
pub struct RingPlace {
    /// Offset of the writer's cursor.
    pub tail: usize,
    /// Offset of the reader's cursor.
    pub head: usize,
    /// Offset of the bytes.
    pub bytes: usize,
    /// Length of the bytes; a power of two, at most 2³¹.
    pub capacity: u32,
}

impl RingPlace {
    /// True when the writer has published nothing that a reader at `head` has not read.
    fn is_empty<C: Cells>(&self, cells: &C, head: u32) -> bool {
        cells.load(self.tail) == head
    }

    fn pieces(&self, cursor: u32, length: usize) -> (usize, usize) {
        let start = (cursor & (self.capacity - 1)) as usize;
        (self.bytes + start, length.min(self.capacity as usize - start))
    }

    fn copy_in<C: Cells>(&self, cells: &C, cursor: u32, from: &[u8]) {
        let (at, first) = self.pieces(cursor, from.len());
        cells.write(at, &from[..first]);
        if first < from.len() {
            cells.write(self.bytes, &from[first..]);
        }
    }

    fn copy_out<C: Cells>(&self, cells: &C, cursor: u32, into: &mut [u8]) {
        let (at, first) = self.pieces(cursor, into.len());
        let (start, rest) = into.split_at_mut(first);
        cells.read(at, start);
        if !rest.is_empty() {
            cells.read(self.bytes, rest);
        }
    }
}

/// Bytes that a frame takes in the ring: frames start at multiples of eight.
fn footprint(payload: usize) -> usize {
    (HEADER + payload).next_multiple_of(8)
}

/// The writing end.
#[derive(Debug)]
pub struct RingWriter {
    place: RingPlace,
    tail: u32,
}

impl RingWriter {
    /// The writer of a fresh ring.
    pub fn new(place: RingPlace) -> Self {
        RingWriter { place, tail: 0 }
    }

    /// Publishes one frame.
    ///
    /// # Errors
    /// [`RingError::Full`] when there is no room now, [`RingError::Corrupt`] when the reader's cursor cannot be.
    pub fn push<C: Cells>(&mut self, cells: &C, header: &Header, payload: &[u8]) -> Result<(), RingError> {
        let used = self.tail.wrapping_sub(cells.load(self.place.head));
        if used > self.place.capacity {
            return Err(RingError::Corrupt { what: "the reader's cursor is ahead of the writer's" });
        }
        let needed = footprint(payload.len());
        if needed > (self.place.capacity - used) as usize {
            return Err(RingError::Full { needed });
        }
        self.place.copy_in(cells, self.tail, &header.to_bytes(payload.len()));
        self.place.copy_in(cells, self.tail.wrapping_add(HEADER as u32), payload);
        self.tail = self.tail.wrapping_add(needed as u32);
        cells.store(self.place.tail, self.tail);
        Ok(())
    }
}

/// The reading end.
#[derive(Debug)]
pub struct RingReader {
    place: RingPlace,
    head: u32,
}

impl RingReader {
    /// The reader of a fresh ring.
    pub fn new(place: RingPlace) -> Self {
        RingReader { place, head: 0 }
    }

    /// True when nothing is published that was not read yet.
    pub fn is_empty<C: Cells>(&self, cells: &C) -> bool {
        self.place.is_empty(cells, self.head)
    }

    /// A copyable view of how far this reader is, to look for new frames without holding the reader.
    pub fn watch(&self) -> Watch {
        Watch { place: self.place, head: self.head }
    }

    /// Takes the next frame, copied out of the shared memory; None when there is none.
    ///
    /// # Errors
    /// [`RingError::Corrupt`] when the writer's cursor or a length cannot be. The ring must not be used after it.
    pub fn pop<C: Cells>(&mut self, cells: &C) -> Result<Option<Frame>, RingError> {
        let ready = cells.load(self.place.tail).wrapping_sub(self.head);
        if ready == 0 {
            return Ok(None);
        }
        if ready > self.place.capacity || (ready as usize) < HEADER {
            return Err(RingError::Corrupt { what: "the writer's cursor is out of the ring" });
        }
        let mut head = [0_u8; HEADER];
        self.place.copy_out(cells, self.head, &mut head);
        let (header, length) = Header::from_bytes(&head);
        if length > ready as usize - HEADER {
            return Err(RingError::Corrupt { what: "a frame is longer than what was published" });
        }
        let mut payload = vec![0_u8; length];
        self.place.copy_out(cells, self.head.wrapping_add(HEADER as u32), &mut payload);
        // A frame is followed by its padding; a writer that lies about it only spoils its own next frame.
        let step = footprint(length).min(ready as usize);
        self.head = self.head.wrapping_add(step as u32);
        cells.store(self.place.head, self.head);
        Ok(Some(Frame { header, payload }))
    }
}

/// How far a reader was when it was asked: tells whether something new has come since.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    place: RingPlace,
    head: u32,
}

impl Watch {
    /// True while nothing new is published.
    pub fn is_empty<C: Cells>(&self, cells: &C) -> bool {
        self.place.is_empty(cells, self.head)
    }
}
