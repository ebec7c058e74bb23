//! The victim: a process that has shared one block with the reader and does one operation between two marks.

use std::fs::{File, remove_file};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use theus_shm::{Arena, ArenaOptions, Block, OpenBuffer, SealedBuffer};

use super::raw::mark;
use super::wire::{Heard, Version, fill, hear, tell};

/// What is swept.
pub(super) const OPERATIONS: [&str; 9] = [
    "alloc small",
    "free small",
    "free own",
    "publish",
    "adopt",
    "free adopted",
    "seal",
    // Making a segment is long, since the memory that the machine and its control groups have is looked at before.
    "alloc first",
    "alloc own",
];

/// Operations with a mistake, which the sweep is shown to find.
pub(super) const PLANTED: [&str; 2] = ["planted name", "planted lock"];

/// Long enough for a segment of its own.
const OWN: usize = 1 << 20;
/// Not a multiple of a word, so that writing has a tail.
const LEN: usize = 201;

/// Does one operation, as a process of its own, and nothing more: it waits to be killed.
pub(super) fn perform(operation: &str, reader: &OwnedFd) {
    settle_allocator();
    // As little as will do, since its pages are made anew for each victim.
    let arena = Arena::new(ArenaOptions { capacity: 64 << 10 });
    let large = Arena::new(ArenaOptions { capacity: 1 << 20 });
    let held = Arc::new(block(&arena, 1));
    announce(reader, &held, 1);
    assert!(matches!(hear(reader, true), Heard::Message(..)), "the reader has it");
    match operation {
        "alloc small" => between(|| arena.alloc(LEN, true)),
        // The arena's first block: a new shared segment.
        "alloc first" => {
            let arena = Arena::new(ArenaOptions { capacity: 64 << 10 });
            between(|| arena.alloc(LEN, true));
        }
        "alloc own" => between(|| large.alloc(OWN, true)),
        "free small" => {
            let block = arena.alloc(LEN, true);
            between(|| drop(block));
        }
        "free own" => {
            let block = large.alloc(OWN, true);
            between(|| drop(block));
        }
        "publish" => {
            let bytes = content(2);
            let block = arena.alloc(LEN, false).expect("memory");
            between(|| {
                block.write_at(0, &bytes).expect("the length it was made with");
                announce(reader, &block, 2);
            });
        }
        "adopt" => {
            let fd = sealed(reader);
            between(|| arena.adopt(fd, LEN as u64));
        }
        "free adopted" => {
            let block = arena.adopt(sealed(reader), LEN as u64);
            between(|| drop(block));
        }
        // A worker's part of an adoption, and the sending of it: the version is final when the reader gets it.
        "seal" => {
            let mut buffer = OpenBuffer::create(LEN).expect("memory");
            let bytes = content(2);
            between(|| {
                buffer.bytes_mut().copy_from_slice(&bytes);
                let fd = buffer.seal().expect("a seal");
                tell(reader, &whole_file(2).bytes(), &[fd.as_fd()]);
            });
        }
        "planted name" => between(|| {
            let path = format!("/dev/shm/planted-{}", std::process::id());
            drop(File::create(&path));
            let block = arena.alloc(LEN, true);
            let _ = remove_file(&path);
            drop(block);
        }),
        "planted lock" => {
            let free = content(1)[0];
            between(|| {
                held.write_at(0, &[free ^ 1]).expect("a byte");
                let block = arena.alloc(LEN, true);
                held.write_at(0, &[free]).expect("a byte");
                drop(block);
            });
        }
        other => panic!("{other}"),
    }
}

/// Has every victim find the same in the C library's lists of free memory, whatever the driver has left there: else
/// some of them take other ways than the recorded one.
fn settle_allocator() {
    /// The allocator keeps seven free pieces of each size at hand.
    const TAKEN: usize = 10;
    const FREED: usize = 3;
    let sizes = (8..=2048).step_by(16);
    let pieces: Vec<Vec<u8>> =
        sizes.flat_map(|size| (0..TAKEN).map(move |_| Vec::with_capacity(size))).collect();
    for (at, piece) in pieces.into_iter().enumerate() {
        if at % TAKEN < FREED {
            drop(piece);
        } else {
            std::mem::forget(piece);
        }
    }
}

/// Runs `work` between two marks. Nothing comes after the second, so that nothing else is freed.
fn between<T>(work: impl FnOnce() -> T) {
    mark();
    let _kept = work();
    loop {
        mark();
    }
}

/// A file that is final, which the reader has got too.
fn sealed(reader: &OwnedFd) -> OwnedFd {
    let fd = SealedBuffer::from_bytes(&content(2)).expect("memory");
    tell(reader, &whole_file(2).bytes(), &[fd.as_fd()]);
    fd
}

/// A version that is all of its file.
fn whole_file(number: u64) -> Version {
    Version { slot: 0, number, segment_len: LEN as u64, offset: 0, len: LEN as u64 }
}

fn content(number: u64) -> Vec<u8> {
    let mut bytes = vec![0; LEN];
    fill(&mut bytes, number, || {});
    bytes
}

fn block(arena: &Arena, number: u64) -> Block {
    let block = arena.alloc(LEN, true).expect("memory");
    block.write_at(0, &content(number)).expect("the length it was made with");
    block
}

/// Sends a version to the reader.
fn announce(reader: &OwnedFd, block: &Block, number: u64) {
    let (segment_len, offset) = (block.segment().len() as u64, block.id().1);
    let version = Version { slot: 0, number, segment_len, offset, len: block.len() as u64 };
    tell(reader, &version.bytes(), &[block.segment().fd()]);
}
