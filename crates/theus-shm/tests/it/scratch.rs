//! Private writable views: nobody else sees what is written, and they keep what they look at.

use std::sync::Arc;

use theus_shm::{Arena, ArenaOptions, Expect, MapError, Mapping, Scratch};

const MIB: usize = 1 << 20;

fn arena() -> Arc<Arena> {
    Arena::new(ArenaOptions { capacity: 64 << 20 })
}

fn bytes(scratch: &Scratch) -> Vec<u8> {
    let mut bytes = vec![0; scratch.len()];
    scratch.read_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn blocks_that_begin_and_end_anywhere_have_scratches_of_just_their_bytes() {
    let arena = arena();
    let blocks: Vec<_> =
        [1, 63, 4095, 4096, 4097, 100_000, 3 * MIB].map(|len| arena.alloc(len, true).unwrap()).into();
    for (mark, block) in (1..).zip(blocks) {
        let len = block.len();
        block.write_at(0, &vec![mark; len]).unwrap();
        let block = Arc::new(block);
        let scratch = block.scratch().unwrap();
        assert_eq!(bytes(&scratch), vec![mark; len]);
        scratch.write_at(0, &vec![99; len]).unwrap();
        assert_eq!((bytes(&scratch), block.to_vec()), (vec![99; len], vec![mark; len]));
        assert!(scratch.write_at(1, &vec![0; len]).is_err(), "nothing beyond the end");
    }
}

#[test]
fn a_scratch_keeps_its_block() {
    let arena = arena();
    let block = Arc::new(arena.alloc(2 * MIB, true).unwrap());
    block.write_at(0, b"kept").unwrap();
    let scratch = block.scratch().unwrap();
    drop(block);
    let mut other = arena.alloc(2 * MIB, true).unwrap();
    other.bytes_mut().fill(9);
    assert_eq!(&bytes(&scratch)[..5], b"kept\0");
    drop(scratch);
    assert_eq!(arena.stats().blocks, 1);
}

#[test]
fn the_reader_has_scratches_too() {
    let arena = arena();
    let block = arena.alloc(3 * MIB, true).unwrap();
    block.write_at(5000, b"here").unwrap();
    let fd = block.segment().fd().try_clone_to_owned().unwrap();
    let mapping = Mapping::open(fd, Expect::segment(block.segment().len() as u64)).unwrap();
    let start = block.id().1 as usize;
    let scratch = mapping.scratch(start + 5000, 4).unwrap();
    assert_eq!(bytes(&scratch), b"here");
    scratch.write_at(0, b"mine").unwrap();
    let mut seen = [0; 4];
    mapping.read_at(start + 5000, &mut seen).unwrap();
    assert_eq!((&seen, &block.to_vec()[5000..5004]), (b"here", b"here".as_slice()));
    for (offset, len) in [(mapping.len(), 1), (0, mapping.len() + 1), (usize::MAX, 2)] {
        assert!(matches!(mapping.scratch(offset, len), Err(MapError::Range(_))), "{offset}..+{len}");
    }
}
