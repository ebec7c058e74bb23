//! What must hold in every interleaving, of the arena as of its twin.

use std::sync::Arc;

use theus_sync::thread;

use crate::subject::{Held, Subject};

/// Two threads alloc and free where one more block is to be had: never one too many, and all of it is there afterwards.
pub(crate) fn the_capacity_holds<S: Subject>() {
    let arena = Arc::new(S::new(2));
    let mut first = arena.alloc().unwrap();
    first.fill(1);
    let round = |arena: &S, mark| {
        let Some(mut block) = arena.alloc() else { return false };
        assert!(arena.used() <= 2, "beyond the capacity");
        assert!(block.holds(0), "not zero");
        block.fill(mark);
        assert!(block.holds(mark), "somebody else has this block");
        true
    };
    let other = thread::spawn({
        let arena = Arc::clone(&arena);
        move || round(&arena, 2)
    });
    let mine = round(&arena, 3);
    let other = other.join().unwrap();
    assert!(mine || other, "refused although there was room");
    assert!(first.holds(1), "somebody else has this block");
    assert_eq!(arena.used(), 1, "not all came back");
    let second = arena.alloc();
    assert!(second.is_some(), "not all can be had again");
    drop((first, second));
    arena.trim();
    assert_eq!((arena.used(), arena.segments()), (0, 0), "not all came back");
}

/// A block is freed while the arena is dropped: its segment goes, although another block still holds the books.
pub(crate) fn closing_lets_go<S: Subject>() {
    let arena = S::new(4);
    let blocks = [(); 3].map(|()| arena.alloc().unwrap());
    let [freed, _neighbour, mut last] = blocks;
    last.fill(7);
    let segment = freed.segment();
    let free = thread::spawn(move || drop((freed, _neighbour)));
    drop(arena);
    free.join().unwrap();
    assert!(segment.upgrade().is_none(), "kept for an arena that is gone");
    assert!(last.holds(7), "taken with the arena");
    let segment = last.segment();
    drop(last);
    assert!(segment.upgrade().is_none(), "kept for an arena that is gone");
}

/// Two threads need a segment at once: one is made, and both find room in it.
pub(crate) fn growing_is_done_once<S: Subject>() {
    let arena = Arc::new(S::new(4));
    let grow = |arena: &S, mark| {
        let mut block = arena.alloc().unwrap();
        block.fill(mark);
        block
    };
    let other = thread::spawn({
        let arena = Arc::clone(&arena);
        move || grow(&arena, 1)
    });
    let mine = grow(&arena, 2);
    let other = other.join().unwrap();
    assert!(other.holds(1) && mine.holds(2), "both have the same block");
    assert_eq!((arena.used(), arena.segments()), (2, 1), "a segment too many");
}

/// Memory that is kept is trimmed while a thread wants it: the block is whole, and its segment stays counted.
pub(crate) fn trimming_spares_blocks<S: Subject>() {
    let arena = Arc::new(S::new(2));
    drop(arena.alloc().unwrap());
    let trim = thread::spawn({
        let arena = Arc::clone(&arena);
        move || arena.trim()
    });
    let mut block = arena.alloc().unwrap();
    assert!(block.holds(0), "not zero");
    block.fill(9);
    trim.join().unwrap();
    assert_eq!((arena.used(), arena.segments()), (1, 1), "a block in use is not counted");
    assert!(block.holds(9), "taken away");
    drop(block);
    arena.trim();
    assert_eq!((arena.used(), arena.segments()), (0, 0), "not all came back");
}
