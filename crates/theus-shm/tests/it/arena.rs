//! Blocks: their life, their limits, their reuse.

use std::fs::{File, read_to_string};
use std::sync::Arc;

use theus_shm::{AllocError, Arena, ArenaOptions, Block, Segment, ShmError};

const MIB: usize = 1 << 20;

fn arena(capacity: usize) -> Arc<Arena> {
    Arena::new(ArenaOptions { capacity: capacity as u64 })
}

fn is_zero(block: &Block) -> bool {
    block.to_vec().iter().all(|byte| *byte == 0)
}

#[test]
fn a_block_is_send_and_sync() {
    fn needs<T: Send + Sync + 'static>() {}
    needs::<Block>();
    needs::<Arena>();
    needs::<Segment>();
    needs::<theus_shm::Mapping>();
    needs::<theus_shm::Channel>();
}

#[test]
fn a_new_arena_costs_nothing() {
    let stats = arena(64 * MIB).stats();
    assert_eq!((stats.segments, stats.reserved, stats.used, stats.blocks), (0, 0, 0, 0));
    assert_eq!((stats.capacity, stats.free), (64 << 20, 64 << 20));
}

#[test]
fn small_blocks_share_a_segment_and_large_ones_do_not() {
    let arena = arena(64 * MIB);
    let small = [10, 1000, 100_000].map(|len| arena.alloc(len, true).unwrap());
    let large = [MIB, 2 * MIB].map(|len| arena.alloc(len, true).unwrap());
    assert!(small.iter().all(|block| block.id().0 == small[0].id().0));
    assert_eq!(arena.stats().segments, 3);
    for block in &large {
        assert_eq!(block.id().1, 0);
        assert_eq!(block.as_ptr().align_offset(4096), 0);
    }
}

#[test]
fn an_empty_block_is_a_block() {
    let arena = arena(MIB);
    let (first, second) = (arena.alloc(0, true).unwrap(), arena.alloc(0, false).unwrap());
    assert!(first.is_empty() && first.to_vec().is_empty());
    assert_ne!(first.id(), second.id());
    assert!(first.write_at(0, &[1]).is_err());
    first.write_at(0, &[]).unwrap();
}

#[test]
fn a_block_keeps_its_memory_when_the_arena_is_gone() {
    let arena = arena(8 * MIB);
    let blocks = [100, 3 * MIB].map(|len| arena.alloc(len, true).unwrap());
    for block in &blocks {
        block.write_at(10, b"still here").unwrap();
    }
    drop(arena);
    for block in &blocks {
        assert_eq!(&block.to_vec()[10..20], b"still here");
    }
}

/// The number of a segment's file: unlike its address, no other test gets the same.
fn inode(segment: &Segment) -> u64 {
    use std::os::unix::fs::MetadataExt;
    File::from(segment.fd().try_clone_to_owned().unwrap()).metadata().unwrap().ino()
}

/// Whether this process still maps the file.
fn is_mapped(inode: u64) -> bool {
    let maps = read_to_string("/proc/self/maps").unwrap();
    let inode = inode.to_string();
    maps.lines().any(|line| line.contains("memfd:theus") && line.split_whitespace().nth(4) == Some(&inode))
}

#[test]
fn a_segment_stays_mapped_as_long_as_it_is_held() {
    for len in [100, 2 * MIB] {
        let arena = arena(8 * MIB);
        let block = arena.alloc(len, true).unwrap();
        let segment = Arc::clone(block.segment());
        let file = inode(&segment);
        drop(block);
        arena.trim();
        drop(arena);
        assert!(is_mapped(file));
        drop(segment);
        assert!(!is_mapped(file));
    }
}

#[test]
fn a_block_of_a_dropped_arena_takes_its_memory_with_it() {
    for (len, other) in [(100, 2 * MIB), (2 * MIB, 100)] {
        let arena = arena(8 * MIB);
        let (block, longer) = (arena.alloc(len, true).unwrap(), arena.alloc(other, true).unwrap());
        let file = inode(block.segment());
        drop(arena);
        assert!(is_mapped(file));
        drop(block);
        assert!(!is_mapped(file), "nothing is kept for an arena that is gone");
        drop(longer);
    }
}

#[test]
fn a_kept_segment_is_not_wasted_on_a_much_smaller_block() {
    let arena = arena(64 * MIB);
    drop(arena.alloc(8 * MIB, true).unwrap());
    let small = arena.alloc(2 * MIB, true).unwrap();
    assert_eq!(small.segment().len(), 2 * MIB);
    let close = arena.alloc(8 * MIB - 100_000, true).unwrap();
    assert_eq!(close.segment().len(), 8 * MIB);
}

#[test]
fn a_freed_block_is_reused_and_zero() {
    let arena = arena(64 * MIB);
    for len in [100, 70_000, MIB + 5, 8 * MIB] {
        let mut block = arena.alloc(len, true).unwrap();
        block.bytes_mut().fill(0xa5);
        let (place, serial) = (block.id(), block.serial());
        drop(block);
        let segments = arena.stats().segments;
        let again = arena.alloc(len, true).unwrap();
        assert_eq!(again.id(), place, "warm memory is used again");
        assert_ne!(again.serial(), serial);
        assert!(is_zero(&again), "{len} bytes");
        assert_eq!(arena.stats().segments, segments);
    }
}

#[test]
fn what_lies_behind_a_reused_block_is_zero_even_if_the_block_is_not_asked_to_be() {
    let arena = arena(64 * MIB);
    let mut block = arena.alloc(2 * MIB, true).unwrap();
    block.bytes_mut().fill(0xa5);
    drop(block);
    let shorter = arena.alloc(2 * MIB - 5000, false).unwrap();
    let segment = shorter.segment();
    assert_eq!(segment.len(), 2 * MIB, "the same segment");
    let fd = segment.fd().try_clone_to_owned().unwrap();
    let seen = theus_shm::Mapping::open(fd, theus_shm::Expect::segment(segment.len() as u64)).unwrap();
    let mut behind = [1; 5000];
    seen.read_at(2 * MIB - 5000, &mut behind).unwrap();
    assert_eq!(behind, [0; 5000]);
}

#[test]
fn the_capacity_is_what_blocks_may_take() {
    let arena = arena(10 * MIB);
    let whole = arena.alloc(10 * MIB, true).unwrap();
    match arena.alloc(1, true) {
        Err(AllocError::Capacity { asked: 1, used, capacity }) => {
            assert_eq!((used, capacity), (10 << 20, 10 << 20));
        }
        other => panic!("{other:?}"),
    }
    drop(whole);
    assert!(matches!(arena.alloc(10 * MIB + 1, true), Err(AllocError::Capacity { .. })));
    assert!(matches!(arena.alloc(usize::MAX, true), Err(AllocError::Capacity { .. })));
    let stats = arena.stats();
    assert_eq!((stats.used, stats.blocks), (0, 0), "a refused request takes nothing");
}

#[test]
fn kept_memory_gives_way_to_blocks_in_use() {
    let arena = arena(10 * MIB);
    drop([4 * MIB, 4 * MIB].map(|len| arena.alloc(len, true).unwrap()));
    assert_eq!(arena.stats().kept, 8 << 20);
    let _big = arena.alloc(7 * MIB, true).unwrap();
    let stats = arena.stats();
    assert!(stats.reserved <= 10 << 20, "{stats:?}");
    assert_eq!(stats.kept, 0);
}

#[test]
fn trimming_gives_back_all_that_is_not_in_use() {
    let arena = arena(64 * MIB);
    let small = arena.alloc(100, true).unwrap();
    drop([100, 200_000, 3 * MIB].map(|len| arena.alloc(len, true).unwrap()));
    arena.trim();
    let stats = arena.stats();
    assert_eq!((stats.kept, stats.segments, stats.blocks), (0, 1, 1));
    drop(small);
    arena.trim();
    let stats = arena.stats();
    assert_eq!((stats.segments, stats.reserved), (0, 0));
}

#[test]
fn asking_for_more_than_the_machine_has_is_an_error() {
    let arena = Arena::new(ArenaOptions { capacity: u64::MAX });
    for len in [1 << 44, 1 << 50, isize::MAX as usize / 2] {
        match arena.alloc(len, true) {
            Err(AllocError::Memory { asked, source: ShmError::Shortage { available, .. } }) => {
                assert_eq!(asked, len as u64);
                assert!(available < asked);
            }
            other => panic!("{len}: {other:?}"),
        }
    }
    assert_eq!(arena.stats().used, 0);
    assert!(arena.alloc(100, true).is_ok(), "the arena goes on");
}

#[test]
fn an_arena_smaller_than_a_shared_segment_takes_only_what_it_may() {
    let arena = arena(100_000);
    let block = arena.alloc(100_000, true).unwrap();
    assert!(arena.stats().reserved < 100_000 + 4096);
    drop(block);
    let blocks: Vec<_> = std::iter::from_fn(|| arena.alloc(64, true).ok()).collect();
    assert_eq!(blocks.len(), 100_000usize.div_ceil(64));
}

#[test]
fn many_large_blocks_do_not_take_a_descriptor_each() {
    let arena = arena(1 << 30);
    let blocks: Vec<_> = (0..300).map(|_| arena.alloc(MIB, true).unwrap()).collect();
    assert!(blocks.iter().all(|block| block.as_ptr().align_offset(4096) == 0));
    assert!(arena.stats().segments < 270, "{:?}", arena.stats());
    assert_eq!(arena.stats().used, 300 << 20);
    let last = blocks.last().unwrap();
    last.write_at(MIB - 1, &[1]).unwrap();
    assert!(last.write_at(MIB, &[1]).is_err());
    drop(blocks);
    assert_eq!(arena.stats().used, 0);
}

#[test]
fn threads_never_share_a_byte() {
    let arena = arena(32 * MIB);
    std::thread::scope(|scope| {
        for thread in 1..=4u8 {
            let arena = &arena;
            scope.spawn(move || {
                let mut held: Vec<Block> = Vec::new();
                for round in 0..400usize {
                    let len = [48, 500, 9000, 300_000, MIB + 100][(round * 7 + usize::from(thread)) % 5];
                    if let Ok(mut block) = arena.alloc(len, true) {
                        assert!(block.bytes_mut().iter().all(|byte| *byte == 0), "zero when handed out");
                        block.bytes_mut().fill(thread);
                        held.push(block);
                    }
                    if held.len() > 6 {
                        let gone = held.swap_remove(round % 6);
                        assert!(gone.to_vec().iter().all(|byte| *byte == thread), "nobody else wrote here");
                    }
                }
            });
        }
    });
    let stats = arena.stats();
    assert_eq!((stats.used, stats.blocks), (0, 0));
}

#[test]
fn an_alignment_that_is_none_or_above_a_page_is_refused() {
    let arena = arena(MIB);
    for align in [0, 3, 96, 8192, usize::MAX] {
        match arena.alloc_aligned(10, align, true) {
            Err(AllocError::Alignment { asked }) => assert_eq!(asked, align),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(arena.stats().used, 0);
    for align in (0..=12).map(|power| 1 << power) {
        let block = arena.alloc_aligned(10, align, true).unwrap();
        assert_eq!(block.as_ptr().align_offset(align.max(64)), 0);
    }
}

#[test]
fn what_an_aligned_block_leaves_before_it_is_used_by_others() {
    let arena = arena(MIB);
    let first = arena.alloc(64, true).unwrap();
    // Each starts a page of its own: of the first page all but the first block stays free, and so on.
    let aligned: Vec<_> = (0..4).map(|_| arena.alloc_aligned(64, 4096, true).unwrap()).collect();
    let starts: Vec<u64> = aligned.iter().map(|block| block.id().1).collect();
    assert_eq!(starts, [4096, 8192, 12288, 16384]);
    let between: Vec<_> = (0..4).map(|_| arena.alloc(4096 - 64, true).unwrap()).collect();
    assert!(between.iter().all(|block| block.id().1 < 16384 && block.id().0 == first.id().0));
    assert_eq!(arena.stats().used, 4 * 4096 + 64);
    drop((first, aligned, between));
    let whole = arena.alloc(MIB, true).unwrap();
    assert_eq!(arena.stats().segments, 1, "all parts have joined again, or gave way: {:?}", arena.stats());
    drop(whole);
}

#[test]
fn counting_a_file_that_was_taken_over_makes_kept_memory_give_way() {
    let arena = arena(10 * MIB);
    drop([4 * MIB, 4 * MIB].map(|len| arena.alloc(len, true).unwrap()));
    let file = theus_shm::SealedBuffer::build(7 * MIB, |bytes| bytes.fill(1)).unwrap();
    let taken = Arc::new(arena.adopt(file, 7 << 20).unwrap());
    assert_eq!(arena.stats().kept, 8 << 20, "it only passes through");
    let counted = taken.count().unwrap();
    let stats = arena.stats();
    assert!(stats.reserved <= 10 << 20 && stats.kept == 0, "{stats:?}");
    drop((taken, counted));
    assert_eq!((arena.stats().used, arena.stats().segments), (0, 0));
}
