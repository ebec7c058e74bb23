//! Two mappings of one channel see the same bytes, whatever their alignment.

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use theus_shm::Channel;

fn both(len: usize) -> (Channel, Channel) {
    let (here, fd) = Channel::create(len).unwrap();
    let there = Channel::open(fd).unwrap();
    assert_eq!((here.len(), there.len()), (len, len));
    (here, there)
}

#[test]
fn words_are_shared() {
    let (here, there) = both(4096);
    here.word(4092).store(7, Ordering::Release);
    assert_eq!(there.word(4092).load(Ordering::Acquire), 7);
    there.word64(8).store(u64::MAX - 1, Ordering::Release);
    assert_eq!(here.word64(8).load(Ordering::Acquire), u64::MAX - 1);
    assert_eq!(here.word(8).load(Ordering::Relaxed), u32::MAX - 1, "words are in the machine's byte order");
}

#[test]
fn nothing_outside_is_touched() {
    let (here, there) = both(100);
    for (offset, len) in [(0, 101), (100, 1), (101, 0), (usize::MAX, 1), (1, 1 << 10)] {
        assert!(here.write(offset, &vec![1; len]).is_err(), "{offset}..+{len}");
        assert!(here.read(offset, &mut vec![1; len]).is_err(), "{offset}..+{len}");
    }
    here.write(100, &[]).unwrap();
    let mut all = [1; 100];
    there.read(0, &mut all).unwrap();
    assert_eq!(all, [0; 100]);
}

#[test]
fn a_misplaced_word_is_a_panic_and_not_a_stray_access() {
    let (here, _there) = both(64);
    for offset in [1, 2, 62, 64, usize::MAX - 3] {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            here.word(offset).load(Ordering::Relaxed)
        }));
        assert!(result.is_err(), "{offset}");
    }
    let result =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| here.word64(60).load(Ordering::Relaxed)));
    assert!(result.is_err());
}

#[test]
fn no_bytes_are_an_error() {
    assert!(Channel::create(0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A plain vector is the slow, obvious twin.
    #[test]
    fn any_writes_read_back(writes in prop::collection::vec((0usize..300, prop::collection::vec(any::<u8>(), 0..200)), 1..20)) {
        let (here, there) = both(512);
        let mut twin = vec![0u8; 512];
        for (i, (offset, bytes)) in writes.iter().enumerate() {
            let (writer, reader) = if i % 2 == 0 { (&here, &there) } else { (&there, &here) };
            writer.write(*offset, bytes).unwrap();
            twin[*offset..*offset + bytes.len()].copy_from_slice(bytes);
            let from = i * 7 % 100;
            let mut seen = vec![0; 512 - from];
            reader.read(from, &mut seen).unwrap();
            prop_assert_eq!(&seen, &twin[from..]);
        }
    }
}
