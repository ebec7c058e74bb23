//! Sealed files of others as blocks of ours, and the buffers that they are made in.

use std::os::fd::AsFd;
use std::sync::Arc;

use theus_shm::{
    AllocError, Arena, ArenaOptions, Channel, Expect, MapError, Mapping, OpenBuffer, SealedBuffer, Seals,
    ShmError,
};

const MIB: usize = 1 << 20;

fn arena(capacity: usize) -> Arc<Arena> {
    Arena::new(ArenaOptions { capacity: capacity as u64 })
}

#[test]
fn a_block_that_was_adopted_is_the_file_itself() {
    let arena = arena(4 * MIB);
    let mut buffer = OpenBuffer::create(3 * MIB).unwrap();
    buffer.bytes_mut()[3 * MIB - 1] = 7;
    let fd = buffer.seal().unwrap();
    let inode = |fd: std::os::fd::BorrowedFd<'_>| {
        use std::os::unix::fs::MetadataExt;
        std::fs::File::from(fd.try_clone_to_owned().unwrap()).metadata().unwrap().ino()
    };
    let made = inode(fd.as_fd());
    let block = arena.adopt(fd, 3 << 20).unwrap();
    assert_eq!(inode(block.segment().fd()), made, "no copy");
    assert_eq!((block.len(), block.to_vec()[3 * MIB - 1]), (3 * MIB, 7));
    let block = Arc::new(block);
    let counted = block.count().unwrap();
    let (stats, charged) = (arena.stats(), 3 << 20);
    assert_eq!((stats.used, stats.blocks, stats.segments, stats.reserved), (charged, 1, 1, charged));
    drop((block, counted));
    let stats = arena.stats();
    assert_eq!((stats.used, stats.blocks, stats.segments, stats.reserved, stats.kept), (0, 0, 0, 0, 0));
}

#[test]
fn an_adopted_block_is_final_and_its_readers_map_it_like_any_other() {
    let arena = arena(MIB);
    let block = Arc::new(arena.adopt(SealedBuffer::from_bytes(b"final").unwrap(), 5).unwrap());
    assert!(block.is_final() && block.segment().is_final());
    assert!(block.write_at(0, b"x").is_err());
    let fd = block.segment().fd().try_clone_to_owned().unwrap();
    let mapping = Mapping::open(fd, Expect::segment(5)).unwrap();
    assert_eq!(mapping.bytes(), Some(b"final".as_slice()));
    let scratch = block.scratch().unwrap();
    scratch.write_at(0, b"F").unwrap();
    let mut seen = [0; 5];
    scratch.read_at(0, &mut seen).unwrap();
    assert_eq!((&seen, block.to_vec().as_slice()), (b"Final", b"final".as_slice()));
}

#[test]
#[should_panic(expected = "final")]
fn the_bytes_of_an_adopted_block_cannot_be_had_for_writing() {
    let mut block = arena(MIB).adopt(SealedBuffer::from_bytes(b"final").unwrap(), 5).unwrap();
    let _bytes = block.bytes_mut();
}

#[test]
fn only_sealed_files_of_the_announced_size_are_adopted_and_only_within_the_capacity() {
    let arena = arena(MIB);
    let sealed = || SealedBuffer::from_bytes(&[1; 4096]).unwrap();
    let wrong = arena.adopt(sealed(), 4095).unwrap_err();
    assert!(matches!(wrong, MapError::WrongSize { expected: 4095, found: 4096 }), "{wrong}");
    let (_channel, unsealed) = Channel::create(4096).unwrap();
    let refused = arena.adopt(unsealed, 4096).unwrap_err();
    assert!(matches!(refused, MapError::Unsealed { missing: Seals::WRITE }), "{refused}");
    assert_eq!((arena.stats().blocks, arena.stats().segments), (0, 0));
}

#[test]
fn what_passes_through_counts_against_the_capacity_once_it_is_counted() {
    let arena = arena(MIB);
    let held = arena.alloc(MIB - 4096, false).unwrap();
    let passing = [
        arena.adopt(SealedBuffer::from_bytes(&[1; 4096]).unwrap(), 4096).unwrap(),
        arena.alloc_uncounted(4096).unwrap(),
        arena.alloc_uncounted(100 * MIB).unwrap(),
    ]
    .map(Arc::new);
    assert_eq!((arena.stats().used, arena.stats().blocks), (MIB as u64 - 4096, 4));
    let first = passing[0].count().unwrap();
    // Twice is as once, and it counts until the last is gone.
    let again = passing[0].count().unwrap();
    assert_eq!((arena.stats().used, arena.stats().free), (MIB as u64, 0));
    let full = passing[1].count().unwrap_err();
    assert!(matches!(full, AllocError::Capacity { asked: 4096, .. }), "{full}");
    assert!(passing[2].count().is_err());
    drop(first);
    assert_eq!(arena.stats().free, 0);
    drop(again);
    assert_eq!(arena.stats().free, 4096);
    let second = passing[1].count().unwrap();
    assert_eq!(arena.stats().free, 0);
    drop((held, second));
    assert_eq!((arena.stats().used, arena.stats().blocks), (0, 3));
    drop(passing);
    assert_eq!((arena.stats().used, arena.stats().blocks), (0, 0));
}

#[test]
fn what_passed_through_is_not_kept_beyond_the_capacity() {
    let arena = arena(8 * MIB);
    let blocks: Vec<_> = (0..10).map(|_| arena.alloc_uncounted(3 * MIB).unwrap()).collect();
    assert_eq!(arena.stats().reserved, 30 << 20);
    drop(blocks);
    assert!(arena.stats().reserved <= 8 << 20, "{:?}", arena.stats());
}

#[test]
fn small_ones_that_pass_through_beyond_the_capacity_share_segments() {
    let arena = arena(MIB);
    let blocks: Vec<_> = (0..500).map(|_| arena.alloc_uncounted(20_000).unwrap()).collect();
    assert!(arena.stats().segments < 30, "{:?}", arena.stats());
    drop(blocks);
    assert!(arena.stats().reserved <= MIB as u64);
}

#[test]
fn kept_segments_leave_descriptors_to_others() {
    let arena = arena(4096 * MIB);
    for len in (0..4).map(|round| MIB + round * MIB / 4) {
        let blocks: Vec<_> = (0..120).map(|_| arena.alloc(len, false).unwrap()).collect();
        drop(blocks);
    }
    assert!(arena.stats().segments <= 257, "{:?}", arena.stats());
}

#[test]
fn an_adopted_block_outlives_its_arena_and_its_maker() {
    let arena = arena(MIB);
    let block = arena.adopt(SealedBuffer::from_bytes(b"stays").unwrap(), 5).unwrap();
    drop(arena);
    assert_eq!(block.to_vec(), b"stays");
}

#[test]
fn what_is_written_after_the_seal_stays_with_the_writer_at_the_same_address() {
    let mut buffer = OpenBuffer::create(2 * MIB).unwrap();
    buffer.bytes_mut().fill(1);
    let address = buffer.as_ptr();
    let first = buffer.seal().unwrap();
    buffer.bytes_mut().fill(2);
    assert_eq!(buffer.as_ptr(), address);
    let mapping = Mapping::open(first, Expect::frozen(2 << 20)).unwrap();
    assert!(mapping.bytes().unwrap().iter().all(|byte| *byte == 1));
    assert!(
        buffer.is_sealed() && matches!(buffer.seal(), Err(ShmError::Sealed)),
        "the file has not what it holds"
    );
}

#[test]
fn a_buffer_that_somebody_else_can_write_is_not_sealed() {
    let buffer = OpenBuffer::create(4096).unwrap();
    // Through /proc a process may open its own unsealed file anew, and map it for writing.
    let found = std::fs::read_dir("/proc/self/fd").unwrap().flatten().find(|entry| {
        use std::os::unix::fs::MetadataExt;
        let is_ours = |link: std::path::PathBuf| link.to_string_lossy().contains("memfd:theus-sealed");
        std::fs::read_link(entry.path()).is_ok_and(is_ours)
            && std::fs::metadata(entry.path()).is_ok_and(|meta| meta.size() == 4096)
    });
    let Some(found) = found else { panic!("the buffer's file is among the open ones") };
    let again = std::fs::OpenOptions::new().read(true).write(true).open(found.path()).unwrap();
    let writable = memmap2::MmapOptions::new().len(4096).map_raw(&again).unwrap();
    let refused = buffer.seal().unwrap_err();
    assert!(refused.to_string().contains("busy"), "{refused}");
    drop(writable);
    assert!(matches!(buffer.seal(), Err(ShmError::Sealed)), "its memory is private by now");
}
