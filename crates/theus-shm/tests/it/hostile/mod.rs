//! A hostile process that holds a segment cannot change a byte of it, nor keep its owner from writing.
//!
//! The attacker is a process of its own with all that a worker gets: the descriptor and the read-only mapping. It makes
//! each attempt through the descriptor, through the file opened again for reading and writing, through the file opened
//! for reading, through the mapping, and all of them once more in a forked child. Each has the number it must fail with.
//!
//! What not: frames with wrong segment ids, offsets or generations (`crates/theus-pool/tests/it/hostile.rs`); files that
//! a worker hands to us (`mapping.rs`, `adopt.rs`); a process with the privilege to take whole pages from the machine
//! (`MADV_HWPOISON`), against which nothing helps.
//!
//! What a corrupted segment could break in us (the rows of RELIABILITY, 3.6) and why it cannot:
//!
//! | what is corrupted | here |
//! |---|---|
//! | header, magic, version, generation | there is none: a segment is bytes, and what they mean is in the owner's memory |
//! | free list, offsets, reference counts | the arena's bookkeeping is private memory; `a_reader_cannot_steer_the_arena` |
//! | owner's id, lock word, robust mutex, epoch | none is in shared memory; the owner's death is an event of its pidfd |
//! | size smaller or larger than announced | `another_size_is_refused`, `a_file_that_was_cut_before_it_was_sealed_is_refused` |
//! | cut under the reader, hole punched | refused by the seals, here; `each_missing_seal_is_named` |
//! | holes, no pages at the first touch | `a_file_with_holes_is_refused`, `a_file_with_a_punched_hole_is_refused` |
//! | another file of the same name | there are no names, only descriptors |
//! | wrong owner or mode | `what_is_not_a_memory_file_is_refused`; the mode is of no use, as the seals bind everybody |
//! | mapped at a different address | all places are offsets |
//!
//! The one structure that is shared and writable is the mailbox of a worker: `crates/theus-pool/tests/it/hostile.rs`.

mod attack;
mod raw;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use theus_shm::{Arena, ArenaOptions, Block, Expect, Mapping, SealedBuffer, harden, socket};
use theus_testkit::crash::{Victim, role};

use crate::child::receive;
use crate::raw::{add_seals, memfd};

/// How often each behaviour is tried in an ordinary run.
const TIMES: usize = 10;

/// What an attempt must come to.
#[derive(Debug, Clone, Copy)]
enum Must {
    /// It is refused with this number.
    Fail(i32),
    /// The kernel may allow it, for it changes nothing.
    NotMatter,
}
use Must::{Fail, NotMatter};

/// Each attempt through a descriptor: through one for reading and writing, and through one for reading.
const THROUGH_DESCRIPTOR: [(&str, Must, Must); 20] = [
    ("map", Fail(libc::EPERM), Fail(libc::EACCES)),
    ("map validated", Fail(libc::EPERM), Fail(libc::EACCES)),
    ("map write-only", Fail(libc::EPERM), Fail(libc::EACCES)),
    ("map a private copy", NotMatter, NotMatter),
    ("write", Fail(libc::EPERM), Fail(libc::EBADF)),
    ("pwrite", Fail(libc::EPERM), Fail(libc::EBADF)),
    ("sendfile", Fail(libc::EPERM), Fail(libc::EBADF)),
    ("copy_file_range", Fail(libc::EPERM), Fail(libc::EBADF)),
    ("splice", Fail(libc::EPERM), Fail(libc::EBADF)),
    ("cut to nothing", Fail(libc::EPERM), Fail(libc::EINVAL)),
    ("cut by a byte", Fail(libc::EPERM), Fail(libc::EINVAL)),
    ("grow", Fail(libc::EPERM), Fail(libc::EINVAL)),
    ("allocate within", NotMatter, Fail(libc::EBADF)),
    ("allocate beyond", Fail(libc::EPERM), Fail(libc::EBADF)),
    ("punch a hole", Fail(libc::EPERM), Fail(libc::EBADF)),
    ("zero a range", Fail(libc::EOPNOTSUPP), Fail(libc::EBADF)),
    ("collapse a range", Fail(libc::EOPNOTSUPP), Fail(libc::EBADF)),
    ("insert a range", Fail(libc::EOPNOTSUPP), Fail(libc::EBADF)),
    ("seal against writing", Fail(libc::EPERM), Fail(libc::EPERM)),
    ("seal again", Fail(libc::EPERM), Fail(libc::EPERM)),
];

/// Each attempt through the read-only mapping, or by a path.
const OTHERWISE: [(&str, Must); 15] = [
    ("protect", Fail(libc::EACCES)),
    ("protect for running", Fail(libc::EACCES)),
    ("advise remove", Fail(libc::EACCES)),
    ("advise populate", Fail(libc::EINVAL)),
    ("advise free", Fail(libc::EINVAL)),
    ("advise unneeded", NotMatter),
    ("advise page out", NotMatter),
    ("remap pages", NotMatter),
    ("remap and protect", Fail(libc::EACCES)),
    ("take its faults", Fail(libc::EPERM)),
    ("write to own memory file", Fail(libc::EIO)),
    ("write to own process", Fail(libc::EFAULT)),
    ("open and empty", Fail(libc::EPERM)),
    ("open and append", Fail(libc::EPERM)),
    // Kernels before 6.6 do not know this way, and say so.
    ("open and write past the cache", NotMatter),
];

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let Some((name, socket)) = role() else { return };
    match &*name {
        "attacker" => attack::play(&socket),
        "neighbour" => neighbour(&socket),
        "owner" | "hardened owner" => own(&socket, name.starts_with("hardened")),
        other => panic!("no such role: {other}"),
    }
}

/// All attempts with all their ways, and what they must come to. A reader's mapping of sealed memory is private: what
/// is written through it stays with the writer, and may be.
fn wanted(sealed: bool) -> BTreeMap<String, Must> {
    let mut wanted = BTreeMap::new();
    for who in ["", "child: "] {
        for (attempt, writable, readable) in THROUGH_DESCRIPTOR {
            wanted.insert(format!("{who}{attempt}"), writable);
            wanted.insert(format!("{who}again: {attempt}"), writable);
            wanted.insert(format!("{who}read-only: {attempt}"), readable);
        }
        let by_path = |attempt: &str| attempt.starts_with("open");
        let must = |(attempt, must)| if sealed && !by_path(attempt) { NotMatter } else { must };
        wanted.extend(OTHERWISE.map(|attempt| (format!("{who}{}", attempt.0), must(attempt))));
    }
    wanted
}

/// Lets an attacker try everything with this file; each attempt with the number it failed with, or 0.
fn attempts(fd: BorrowedFd<'_>, len: u64) -> Vec<(String, i32)> {
    let mut attacker = Victim::start("hostile::play", "attacker");
    attacker.send(&len.to_ne_bytes(), &[fd]);
    let lines = std::iter::repeat_with(|| String::from_utf8(attacker.receive(0).0).unwrap());
    let lines: Vec<String> = lines.take_while(|line| line.contains('=')).collect();
    assert_eq!(attacker.join(), None);
    let split =
        |line: &String| line.split_once('=').map(|(attempt, errno)| (attempt.into(), errno.parse().unwrap()));
    lines.iter().filter_map(split).collect()
}

/// Lets an attacker try everything with this file, and judges each attempt.
fn attack(what: &str, fd: BorrowedFd<'_>, len: u64, sealed: bool) {
    let mut wanted = wanted(sealed);
    for (attempt, errno) in attempts(fd, len) {
        match wanted.remove(&attempt) {
            Some(Fail(number)) => assert_eq!(errno, number, "{what}: {attempt}"),
            Some(NotMatter) => {}
            None => panic!("{what}: {attempt} was not asked for"),
        }
    }
    assert!(wanted.is_empty(), "{what}: not tried: {wanted:?}");
}

#[test]
fn without_the_seals_the_same_attempts_write() {
    let file = File::from(memfd(libc::MFD_ALLOW_SEALING).unwrap());
    file.write_all_at(&[7; 4096], 0).unwrap();
    // Of a fixed size, and nothing else.
    add_seals(&file, libc::F_SEAL_SHRINK | libc::F_SEAL_GROW).unwrap();
    let attempts = attempts(file.as_fd(), 4096);
    let failed = |wanted: &&str| !attempts.iter().any(|(attempt, errno)| attempt == wanted && *errno == 0);
    let ways = [
        "map",
        "map validated",
        "map write-only",
        "write",
        "pwrite",
        "sendfile",
        "copy_file_range",
        "splice",
        "punch a hole",
        "protect",
        "protect for running",
        "remap and protect",
    ];
    let refused: Vec<&str> = ways.into_iter().filter(failed).collect();
    assert!(refused.is_empty(), "{refused:?}\n{attempts:?}");
    let mut bytes = [0; 4096];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert_ne!(bytes, [7; 4096]);
}

fn filled(block: &Block) -> Vec<u8> {
    let bytes: Vec<u8> = (0..block.len()).map(|at| (at % 251) as u8).collect();
    block.write_at(0, &bytes).unwrap();
    bytes
}

#[test]
fn no_way_to_write_changes_a_segment_or_stops_its_owner() {
    let arena = Arena::new(ArenaOptions { capacity: 8 << 20 });
    // One in a segment with others, one in a segment of its own.
    for len in [5000, 1 << 20] {
        let block = arena.alloc(len, true).unwrap();
        let segment_len = block.segment().len() as u64;
        for round in 0..TIMES {
            let bytes = filled(&block);
            attack(&format!("{len} bytes"), block.segment().fd(), segment_len, false);
            assert!(block.to_vec() == bytes, "bytes changed");
            // The owner still writes, and readers see it.
            block.write_at(7, &[round as u8; 9]).unwrap();
            let fd = block.segment().fd().try_clone_to_owned().unwrap();
            let mapping = Mapping::open(fd, Expect::segment(segment_len)).unwrap();
            let mut seen = [0xFF; 9];
            mapping.read_at(block.id().1 as usize + 7, &mut seen).unwrap();
            assert_eq!(seen, [round as u8; 9]);
        }
    }
}

#[test]
fn no_way_to_write_changes_what_is_sealed() {
    let bytes: Vec<u8> = (0..5000).map(|at| (at % 251) as u8).collect();
    let fd = SealedBuffer::from_bytes(&bytes).unwrap();
    let mapping = Mapping::open(fd.try_clone().unwrap(), Expect::frozen(5000)).unwrap();
    for _ in 0..TIMES {
        attack("sealed", fd.as_fd(), 5000, true);
        assert!(mapping.bytes() == Some(&bytes[..]), "bytes changed");
    }
}

#[test]
fn a_reader_cannot_steer_the_arena() {
    let arena = Arena::new(ArenaOptions { capacity: 8 << 20 });
    let blocks: Vec<_> = (0..20).map(|_| arena.alloc(1000, true).unwrap()).collect();
    let before = arena.stats();
    let places: Vec<_> = blocks.iter().map(Block::id).collect();
    // Whatever stands in the shared bytes, also between the blocks and where free ones begin.
    for block in &blocks {
        block.write_at(0, &[0xFF; 1000]).unwrap();
    }
    attack("shared", blocks[0].segment().fd(), blocks[0].segment().len() as u64, false);
    assert_eq!(arena.stats(), before);
    drop(blocks);
    let blocks: Vec<_> = (0..20).map(|_| arena.alloc(1000, true).unwrap()).collect();
    let mut again: Vec<_> = blocks.iter().map(Block::id).collect();
    again.sort_unstable();
    assert_eq!(again, places, "the same memory, and all of it");
    assert!(blocks.iter().all(|block| block.to_vec() == [0; 1000]));
    assert_eq!(arena.stats(), before);
}

/// A neighbour of the same user: tries to write to the memory of the process that it is told.
fn neighbour(socket: &OwnedFd) {
    raw::become_nobody().unwrap();
    let words: Vec<u64> =
        receive(socket, 0).0.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
    let outcome = attack::reach(u32::try_from(words[0]).unwrap(), words[1]);
    socket::send(socket, &outcome.map(i32::to_ne_bytes).concat(), &[]).unwrap();
}

/// Owns a block, says where it is, and later what its first two bytes are.
fn own(socket: &OwnedFd, hardened: bool) {
    raw::become_nobody().unwrap();
    if hardened {
        harden().unwrap();
    }
    let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
    let block = arena.alloc(2, true).unwrap();
    let words = [u64::from(std::process::id()), block.as_ptr().addr() as u64];
    socket::send(socket, &words.map(u64::to_ne_bytes).concat(), &[]).unwrap();
    receive(socket, 0);
    socket::send(socket, &block.to_vec(), &[]).unwrap();
}

/// What a neighbour comes to with the system call and with the memory file, and the owner's two bytes afterwards.
fn neighbourhood(owner: &str) -> ([i32; 2], Vec<u8>) {
    let mut owner = Victim::start("hostile::play", owner);
    let mut neighbour = Victim::start("hostile::play", "neighbour");
    neighbour.send(&owner.receive(0).0, &[]);
    let numbers = neighbour.receive(0).0;
    let (numbers, _) = numbers.as_chunks::<4>();
    let outcome = [i32::from_ne_bytes(numbers[0]), i32::from_ne_bytes(numbers[1])];
    owner.send(b"look", &[]);
    let bytes = owner.receive(0).0;
    assert_eq!((owner.join(), neighbour.join()), (None, None));
    (outcome, bytes)
}

#[test]
fn a_process_of_the_same_user_reaches_an_owner_that_is_not_hardened() {
    // Seals bind files. The memory of a process is open to its user's other processes, as a debugger needs it; a
    // system that forbids that to all but ancestors (Yama) refuses here too, and then nothing was written.
    let ([call, file], bytes) = neighbourhood("owner");
    assert!(matches!(call, 0 | libc::EPERM), "{call}");
    assert!(matches!(file, 0 | libc::EACCES | libc::EPERM), "{file}");
    let written = |errno: i32, byte: u8| if errno == 0 { byte } else { 0 };
    assert_eq!(bytes, [written(call, 0xEE), written(file, 0xDD)]);
}

#[test]
fn a_process_of_the_same_user_does_not_reach_a_hardened_owner() {
    let (outcome, bytes) = neighbourhood("hardened owner");
    assert_eq!((outcome, bytes), ([libc::EPERM, libc::EACCES], vec![0, 0]));
}
