//! The ring and the header against slow, obvious twins, and on bytes of no meaning.

use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;
use theus_pool::link::{
    Cells, Flags, Frame, HEADER, Header, Kind, RingError, RingPlace, RingReader, RingWriter,
};

const CAPACITY: u32 = 256;
const PLACE: RingPlace = RingPlace { tail: 0, head: 4, bytes: 64, capacity: CAPACITY };

/// Plain memory: two words, then bytes.
struct Memory {
    words: [AtomicU32; 2],
    bytes: Vec<AtomicU8>,
}

impl Memory {
    fn new(tail: u32, head: u32, bytes: &[u8]) -> Self {
        let words = [AtomicU32::new(tail), AtomicU32::new(head)];
        Memory { words, bytes: bytes.iter().map(|byte| AtomicU8::new(*byte)).collect() }
    }
}

impl Cells for Memory {
    fn load(&self, word: usize) -> u32 {
        self.words[word / 4].load(Ordering::Acquire)
    }

    fn store(&self, word: usize, value: u32) {
        self.words[word / 4].store(value, Ordering::Release);
    }

    fn fetch_add(&self, word: usize, value: u32) -> u32 {
        self.words[word / 4].fetch_add(value, Ordering::AcqRel)
    }

    fn fetch_or(&self, word: usize, bits: u32) -> u32 {
        self.words[word / 4].fetch_or(bits, Ordering::AcqRel)
    }

    fn fetch_and(&self, word: usize, bits: u32) -> u32 {
        self.words[word / 4].fetch_and(bits, Ordering::AcqRel)
    }

    fn read(&self, offset: usize, into: &mut [u8]) {
        for (at, byte) in into.iter_mut().enumerate() {
            *byte = self.bytes[offset - 64 + at].load(Ordering::Relaxed);
        }
    }

    fn write(&self, offset: usize, from: &[u8]) {
        for (at, byte) in from.iter().enumerate() {
            self.bytes[offset - 64 + at].store(*byte, Ordering::Relaxed);
        }
    }

    fn wait(&self, _word: usize, _expected: u32, _mask: u32, _timeout: Option<Duration>) {}

    fn wake(&self, _word: usize, _mask: u32) {}
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Define),
        Just(Kind::Task),
        Just(Kind::Reply),
        Just(Kind::Forget),
        Just(Kind::Shutdown),
        Just(Kind::Ready),
        Just(Kind::Fetch),
        Just(Kind::Complete),
        Just(Kind::Fail),
        Just(Kind::Taken),
        Just(Kind::Hold),
        (100_u16..).prop_map(Kind::Unknown),
    ]
}

fn headers() -> impl Strategy<Value = Header> {
    (kinds(), any::<u16>(), any::<u64>(), any::<u32>(), any::<u32>()).prop_map(
        |(kind, flags, task, attempt, detail)| Header {
            kind,
            flags: Flags::from_bits(flags),
            task,
            attempt,
            detail,
        },
    )
}

proptest! {
    #[test]
    fn a_header_comes_back_as_it_went(header in headers(), length in any::<u32>()) {
        prop_assert_eq!(Header::from_bytes(&header.to_bytes(length as usize)), (header, length as usize));
    }

    #[test]
    fn any_bytes_are_some_header(bytes in any::<[u8; HEADER]>()) {
        let (header, length) = Header::from_bytes(&bytes);
        prop_assert_eq!(Header::from_bytes(&header.to_bytes(length)), (header, length));
    }

    #[test]
    fn a_ring_is_a_queue_with_room_for_so_many_bytes(
        steps in vec(proptest::option::of((headers(), vec(any::<u8>(), 0..120))), 0..200),
    ) {
        let memory = Memory::new(0, 0, &[0; CAPACITY as usize]);
        let (mut writer, mut reader) = (RingWriter::new(PLACE), RingReader::new(PLACE));
        let mut twin = VecDeque::new();
        let mut used = 0;
        for step in steps {
            if let Some((header, payload)) = step {
                let needed = (HEADER + payload.len()).next_multiple_of(8);
                let pushed = writer.push(&memory, &header, &payload);
                if used + needed <= CAPACITY as usize {
                    prop_assert_eq!(pushed, Ok(()));
                    used += needed;
                    twin.push_back(Frame { header, payload });
                } else {
                    prop_assert_eq!(pushed, Err(RingError::Full { needed }));
                }
            } else {
                let frame = reader.pop(&memory).unwrap();
                used -= frame.as_ref().map_or(0, |frame| (HEADER + frame.payload.len()).next_multiple_of(8));
                prop_assert_eq!(frame, twin.pop_front());
            }
            prop_assert_eq!(reader.is_empty(&memory), twin.is_empty());
        }
    }

    #[test]
    fn a_reader_of_any_memory_ends(
        tail in any::<u32>(),
        small in 0_u32..600,
        near in any::<bool>(),
        bytes in vec(any::<u8>(), CAPACITY as usize),
    ) {
        let memory = Memory::new(if near { small } else { tail }, 0, &bytes);
        let mut reader = RingReader::new(PLACE);
        let mut frames = 0;
        while let Ok(Some(frame)) = reader.pop(&memory) {
            prop_assert!(frame.payload.len() + HEADER <= CAPACITY as usize);
            frames += 1;
        }
        prop_assert!(frames <= CAPACITY as usize / HEADER);
    }

    #[test]
    fn a_writer_beside_any_reader_never_writes_over_its_own(head in any::<u32>(), length in 0_usize..300) {
        let memory = Memory::new(0, head, &[0; CAPACITY as usize]);
        let pushed = RingWriter::new(PLACE).push(&memory, &Header::bare(Kind::Task), &vec![1; length]);
        let used = 0_u32.wrapping_sub(head);
        if used > CAPACITY {
            let corrupt = matches!(pushed, Err(RingError::Corrupt { .. }));
            prop_assert!(corrupt);
        } else {
            let fits = (HEADER + length).next_multiple_of(8) <= (CAPACITY - used) as usize;
            prop_assert_eq!(pushed.is_ok(), fits);
        }
    }
}
