//! A segment has one writer, a fixed size and no name: the kernel says so.

use std::fs::{File, OpenOptions, read_dir, read_to_string};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use memmap2::MmapOptions;
use theus_shm::{Expect, Mapping, Segment, ShmError};

use crate::child;
use crate::raw;

fn refusal<T>(result: io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

fn file_of(segment: &Segment) -> File {
    File::from(segment.fd().try_clone_to_owned().unwrap())
}

#[test]
fn nobody_can_map_it_for_writing_again() {
    let segment = Segment::create(8192, "sealed").unwrap();
    let file = file_of(&segment);
    assert_eq!(refusal(MmapOptions::new().len(8192).map_raw(&file)), Some(libc::EPERM));

    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let reopened = OpenOptions::new().read(true).write(true).open(path).unwrap();
    assert_eq!(refusal(MmapOptions::new().len(8192).map_raw(&reopened)), Some(libc::EPERM));
}

#[test]
fn nobody_can_write_cut_grow_or_punch_it_through_its_descriptor() {
    let segment = Segment::create(8192, "sealed").unwrap();
    let file = file_of(&segment);
    assert_eq!(refusal(file.write_at(b"x", 0)), Some(libc::EPERM));
    assert_eq!(refusal(file.set_len(4096)), Some(libc::EPERM));
    assert_eq!(refusal(file.set_len(16384)), Some(libc::EPERM));
    assert_eq!(refusal(raw::punch_hole(&file, 4096)), Some(libc::EPERM));
    assert_eq!(refusal(raw::add_seals(&file, libc::F_SEAL_WRITE)), Some(libc::EPERM));
}

#[test]
fn a_reader_cannot_make_its_mapping_writable() {
    let segment = Segment::create(4096, "sealed").unwrap();
    let fd = segment.fd().try_clone_to_owned().unwrap();
    let mapping = Mapping::open(fd, Expect::segment(4096)).unwrap();
    assert_eq!(refusal(raw::make_writable(mapping.as_ptr())), Some(libc::EACCES));
}

#[test]
fn a_reader_that_writes_anyway_dies_and_the_bytes_stay() {
    let segment = Segment::create(4096, "sealed").unwrap();
    let mut reader = child::start("write to a reader's mapping");
    reader.send(b"segment", &[segment.fd()]);
    assert_eq!(reader.join(), Some(libc::SIGSEGV));
    let mapping = Mapping::open(segment.fd().try_clone_to_owned().unwrap(), Expect::segment(4096)).unwrap();
    let mut bytes = [1; 4096];
    mapping.read_at(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 4096]);
}

#[test]
fn its_owner_keeps_writing_and_readers_see_it() {
    let arena = theus_shm::Arena::new(theus_shm::ArenaOptions { capacity: 1 << 20 });
    let block = arena.alloc(100, true).unwrap();
    let segment = block.segment();
    let fd = segment.fd().try_clone_to_owned().unwrap();
    let mapping = Mapping::open(fd, Expect::segment(segment.len() as u64)).unwrap();
    for byte in 0..5 {
        block.write_at(3, &[byte; 90]).unwrap();
        let mut seen = [0xff; 90];
        mapping.read_at(usize::try_from(block.id().1).unwrap() + 3, &mut seen).unwrap();
        assert_eq!(seen, [byte; 90]);
    }
    assert!(mapping.bytes().is_none(), "its maker can still write: no stable slice");
}

#[test]
fn all_its_pages_are_there_from_the_start() {
    use std::os::unix::fs::MetadataExt;
    let segment = Segment::create(5 << 20, "whole").unwrap();
    let meta = file_of(&segment).metadata().unwrap();
    assert_eq!(meta.len(), 5 << 20);
    assert!(meta.blocks() * 512 >= 5 << 20);
}

#[test]
fn it_has_no_name_in_any_file_system() {
    let label = format!("theus-named-{}", std::process::id());
    let segment = Segment::create(4096, &label).unwrap();
    let maps = read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains(&label)).expect("mapped here");
    assert!(line.ends_with(&format!("/memfd:{label} (deleted)")), "{line}");
    assert_eq!(
        file_of(&segment).metadata().map(|meta| std::os::unix::fs::MetadataExt::nlink(&meta)).unwrap(),
        0
    );
    for folder in ["/dev/shm", "/dev/mqueue", "/tmp"] {
        let names = read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        assert_eq!(names.filter(|name| name.to_string_lossy().contains(&label)).count(), 0, "{folder}");
    }
    drop(segment);
    assert!(!read_to_string("/proc/self/maps").unwrap().contains(&label), "unmapped when dropped");
}

#[test]
fn numbers_are_never_used_twice() {
    let first = Segment::create(1, "a").unwrap().id();
    let second = Segment::create(1, "a").unwrap().id();
    assert_ne!(first, second);
}

#[test]
fn odd_labels_and_lengths_are_answered() {
    assert!(matches!(Segment::create(0, "none"), Err(ShmError::Empty)));
    let segment = Segment::create(1, &"nul\0 and much too long ".repeat(100)).unwrap();
    assert_eq!((segment.len(), segment.is_empty()), (1, false));
    assert!(matches!(
        Segment::create(usize::MAX, "all"),
        Err(ShmError::Memory { .. } | ShmError::System { .. })
    ));
}

#[test]
fn a_forked_child_drops_its_copies_without_harm() {
    let arena = theus_shm::Arena::new(theus_shm::ArenaOptions { capacity: 8 << 20 });
    let blocks = [100, 2 << 20].map(|len| arena.alloc(len, true).unwrap());
    for block in &blocks {
        block.write_at(0, b"mine").unwrap();
    }
    // Each process drops its own copy of these, the child right away.
    let mut held = Some((blocks, arena));
    let child = raw::fork(|| drop(held.take())).unwrap();
    assert_eq!(raw::wait(child).unwrap(), 0);
    let (blocks, arena) = held.expect("the parent's copy");
    for block in &blocks {
        assert_eq!(&block.to_vec()[..4], b"mine");
    }
    assert_eq!(arena.stats().blocks, 2);
}

#[test]
fn a_forked_child_gets_an_error_from_its_parents_arena() {
    let arena = theus_shm::Arena::new(theus_shm::ArenaOptions { capacity: 8 << 20 });
    let child = raw::fork(|| {
        if !matches!(arena.alloc(1, true), Err(theus_shm::AllocError::Forked)) {
            std::process::abort();
        }
    });
    assert_eq!(raw::wait(child.unwrap()).unwrap(), 0);
}

#[test]
fn a_forked_child_does_not_have_the_memory_at_all() {
    let segment = Segment::create(4096, "not inherited").unwrap();
    let child = raw::fork(|| raw::store(segment.as_ptr())).unwrap();
    assert_eq!(raw::wait(child).unwrap(), -libc::SIGSEGV);
}

/// Kilobytes of memory files that this process maps in huge pages, of mappings with this label.
fn huge_kilobytes(label: &str) -> u64 {
    let maps = read_to_string("/proc/self/smaps").unwrap();
    let mut ours = false;
    let mut sum = 0;
    for line in maps.lines() {
        if line.contains('-') && line.split_whitespace().count() >= 5 && !line.starts_with(char::is_uppercase)
        {
            ours = line.contains(label);
        } else if let Some(size) = line.strip_prefix("ShmemPmdMapped:").filter(|_| ours) {
            sum += size.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
        }
    }
    sum
}

#[test]
fn where_the_kernel_gives_huge_pages_large_segments_have_them() {
    let label = format!("huge-{}", std::process::id());
    let segment = Segment::create(16 << 20, &label).unwrap();
    let found = huge_kilobytes(&label);
    if theus_shm::huge_pages() {
        assert!(found >= 8 << 10, "{found} kB of 16 MiB");
    } else {
        assert_eq!(found, 0);
    }
    // Either way all of it has pages, and is zero.
    let file = File::from(segment.fd().try_clone_to_owned().unwrap());
    use std::os::unix::fs::MetadataExt;
    assert!(file.metadata().unwrap().blocks() * 512 >= 16 << 20);
    let mapping = Mapping::open(file.into(), Expect::segment(16 << 20)).unwrap();
    let mut bytes = vec![1; 16 << 20];
    mapping.read_at(0, &mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == 0));
}
