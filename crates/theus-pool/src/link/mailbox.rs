//! The mailbox: where the rings and bells of one worker lie in its shared memory.
//!
//! Each mailbox is shared by the Brain and exactly one worker, so a worker that scribbles over it harms only itself.
//!
//! ```text
//! offset  what
//!      0  version of the protocol, u32
//!     64  to the worker: writer's cursor      128  reader's cursor      192  the worker's bell
//!    256  to the Brain:  writer's cursor      320  reader's cursor      384  the Brain's bell
//!   4096  to the worker: 128 KiB of frames
//! 135168  to the Brain:  128 KiB of frames
//! ```
//! Each word has a cache line of its own.

use super::bell::Bell;
use super::cells::Cells;
use super::frame::PROTOCOL_VERSION;
use super::ring::RingPlace;
use std::time::Duration;
use theus_shm::{Channel, futex};
use theus_sync::atomic::Ordering;

const RING_BYTES: u32 = 128 * 1024;
const TO_WORKER: RingPlace = RingPlace { tail: 64, head: 128, bytes: 4096, capacity: RING_BYTES };
const TO_BRAIN: RingPlace =
    RingPlace { tail: 256, head: 320, bytes: 4096 + RING_BYTES as usize, capacity: RING_BYTES };
const LENGTH: usize = 4096 + 2 * RING_BYTES as usize;

/// Payloads up to this many bytes travel in the ring itself, larger ones by reference.
pub const INLINE_LIMIT: usize = 32 * 1024;

/// The Brain's greeting to a worker has at most this many bytes.
pub const HELLO_LIMIT: usize = 64 * 1024;

/// The shared memory of one worker's link.
#[derive(Debug)]
pub struct Mailbox {
    channel: Channel,
}

impl Mailbox {
    /// How large the shared memory of a mailbox is, in bytes.
    pub const LENGTH: usize = LENGTH;
    /// The ring that the Brain writes.
    pub const TO_WORKER: RingPlace = TO_WORKER;
    /// The ring that the worker writes.
    pub const TO_BRAIN: RingPlace = TO_BRAIN;
    /// The bell that wakes the worker.
    pub const WORKER_BELL: Bell = Bell::at(192);
    /// The bell that wakes the Brain's side.
    pub const BRAIN_BELL: Bell = Bell::at(384);

    /// The Brain's mailbox over fresh memory.
    pub fn create(channel: Channel) -> Self {
        channel.word(0).store(PROTOCOL_VERSION, Ordering::Release);
        Mailbox { channel }
    }

    /// The worker's mailbox over memory that the Brain made; None if it speaks another version.
    pub fn attach(channel: Channel) -> Option<Self> {
        (channel.len() == LENGTH && channel.word(0).load(Ordering::Acquire) == PROTOCOL_VERSION)
            .then_some(Mailbox { channel })
    }
}

impl Cells for Mailbox {
    fn load(&self, word: usize) -> u32 {
        self.channel.word(word).load(Ordering::Acquire)
    }

    fn store(&self, word: usize, value: u32) {
        self.channel.word(word).store(value, Ordering::Release);
    }

    fn fetch_add(&self, word: usize, value: u32) -> u32 {
        self.channel.word(word).fetch_add(value, Ordering::AcqRel)
    }

    fn fetch_or(&self, word: usize, bits: u32) -> u32 {
        self.channel.word(word).fetch_or(bits, Ordering::AcqRel)
    }

    fn fetch_and(&self, word: usize, bits: u32) -> u32 {
        self.channel.word(word).fetch_and(bits, Ordering::AcqRel)
    }

    fn read(&self, offset: usize, into: &mut [u8]) {
        // The ring's places lie within the mailbox, so this cannot fail.
        let inside = self.channel.read(offset, into);
        debug_assert!(inside.is_ok());
    }

    fn write(&self, offset: usize, from: &[u8]) {
        // As above.
        let inside = self.channel.write(offset, from);
        debug_assert!(inside.is_ok());
    }

    fn wait(&self, word: usize, expected: u32, mask: u32, timeout: Option<Duration>) {
        // Why it woke does not matter: the caller looks at the ring again.
        let _woken = futex::wait(self.channel.word(word), expected, mask, timeout);
    }

    fn wake(&self, word: usize, mask: u32) {
        futex::wake(self.channel.word(word), mask, u32::MAX);
    }
}
