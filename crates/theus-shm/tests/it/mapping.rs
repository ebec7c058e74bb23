//! A reader maps nothing that its maker could still cut, change or leave without pages.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use theus_shm::{Channel, Expect, MapError, Mapping, SealedBuffer, Seals, Segment};

use crate::raw;

fn bare(len: u64, seals: i32) -> OwnedFd {
    let file = File::from(raw::memfd(libc::MFD_ALLOW_SEALING).unwrap());
    file.set_len(len).unwrap();
    (&file).write_all(&vec![7; usize::try_from(len).unwrap()]).unwrap();
    if seals != 0 {
        raw::add_seals(&file, seals).unwrap();
    }
    file.into()
}

fn copy(fd: impl AsFd) -> OwnedFd {
    fd.as_fd().try_clone_to_owned().unwrap()
}

const SIZED: i32 = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;

#[test]
fn each_missing_seal_is_named() {
    let all = SIZED | libc::F_SEAL_FUTURE_WRITE;
    let named = [
        (libc::F_SEAL_SEAL, Seals::SEAL),
        (libc::F_SEAL_SHRINK, Seals::SHRINK),
        (libc::F_SEAL_GROW, Seals::GROW),
        (libc::F_SEAL_FUTURE_WRITE, Seals::FUTURE_WRITE),
    ];
    for (bit, seal) in named {
        match Mapping::open(bare(4096, all & !bit), Expect::segment(4096)) {
            Err(MapError::Unsealed { missing }) => assert_eq!(missing, seal),
            other => panic!("{seal} missing, and yet {other:?}"),
        }
    }
    assert!(Mapping::open(bare(4096, all), Expect::segment(4096)).is_ok());
    let unsealed = Mapping::open(bare(4096, 0), Expect::segment(4096));
    assert!(matches!(unsealed, Err(MapError::Unsealed { missing }) if missing == Seals::SEGMENT));
}

#[test]
fn what_can_shrink_is_refused_even_if_the_caller_does_not_ask() {
    let expect = Expect { len: 4096, seals: Seals::GROW };
    let result = Mapping::open(bare(4096, libc::F_SEAL_GROW), expect);
    assert!(matches!(result, Err(MapError::Unsealed { missing }) if missing == Seals::SHRINK));
}

#[test]
fn another_size_is_refused() {
    let segment = Segment::create(8192, "size").unwrap();
    for len in [0, 1, 4096, 8191, 8193, 1 << 40, u64::MAX] {
        match Mapping::open(copy(segment.fd()), Expect::segment(len)) {
            Err(MapError::WrongSize { expected, found: 8192 }) => assert_eq!(expected, len),
            other => panic!("{len} bytes announced: {other:?}"),
        }
    }
    let empty = Mapping::open(bare(0, SIZED | libc::F_SEAL_FUTURE_WRITE), Expect::segment(0));
    assert!(matches!(empty, Err(MapError::WrongSize { found: 0, .. })));
}

#[test]
fn a_file_with_holes_is_refused() {
    let file = File::from(raw::memfd(libc::MFD_ALLOW_SEALING).unwrap());
    file.set_len(1 << 40).unwrap();
    raw::add_seals(&file, SIZED | libc::F_SEAL_WRITE).unwrap();
    let result = Mapping::open(file.into(), Expect::frozen(1 << 40));
    assert!(matches!(result, Err(MapError::Sparse { .. })), "{result:?}");
}

#[test]
fn a_file_with_a_punched_hole_is_refused() {
    let file = bare(3 * 4096, 0);
    raw::punch_hole(&file, 4096).unwrap();
    raw::add_seals(&file, SIZED | libc::F_SEAL_WRITE).unwrap();
    let result = Mapping::open(file, Expect::frozen(3 * 4096));
    assert!(matches!(result, Err(MapError::Sparse { len: 12_288 })), "{result:?}");
}

#[test]
fn a_file_that_was_cut_before_it_was_sealed_is_refused() {
    let file = File::from(bare(8192, 0));
    file.set_len(4096).unwrap();
    raw::add_seals(&file, SIZED | libc::F_SEAL_FUTURE_WRITE).unwrap();
    let result = Mapping::open(file.into(), Expect::segment(8192));
    assert!(matches!(result, Err(MapError::WrongSize { expected: 8192, found: 4096 })), "{result:?}");
}

#[test]
fn a_file_that_cannot_be_sealed_is_refused() {
    use std::os::unix::fs::OpenOptionsExt;
    let never = File::from(raw::memfd(0).unwrap());
    never.set_len(4096).unwrap();
    let mut options = std::fs::OpenOptions::new();
    let nameless = options.read(true).write(true).custom_flags(libc::O_TMPFILE).open("/dev/shm").unwrap();
    nameless.set_len(4096).unwrap();
    let missing = Seals::SHRINK | Seals::GROW | Seals::FUTURE_WRITE;
    for file in [never, nameless] {
        match Mapping::open(file.into(), Expect::segment(4096)) {
            Err(MapError::Unsealed { missing: found }) => assert_eq!(found, missing),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_not_a_memory_file_is_refused() {
    use std::os::unix::fs::OpenOptionsExt;
    let (pipe, _writer) = std::io::pipe().unwrap();
    let path = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_PATH).open("/tmp").unwrap();
    let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let others: [OwnedFd; 7] = [
        pipe.into(),
        socket.into(),
        theus_shm::pidfd::open(std::process::id()).unwrap(),
        File::open("/dev/zero").unwrap().into(),
        File::open("/").unwrap().into(),
        File::open(std::env::current_exe().unwrap()).unwrap().into(),
        path.into(),
    ];
    for fd in others {
        let result = Mapping::open(fd, Expect::segment(4096));
        assert!(matches!(result, Err(MapError::NotMemory)), "{result:?}");
    }
}

#[test]
fn a_file_of_huge_pages_is_refused() {
    let Ok(fd) = raw::memfd(libc::MFD_ALLOW_SEALING | libc::MFD_HUGETLB) else {
        return; // a kernel without huge pages
    };
    let file = File::from(fd);
    file.set_len(2 << 20).unwrap();
    raw::add_seals(&file, SIZED | libc::F_SEAL_WRITE).unwrap();
    let result = Mapping::open(file.into(), Expect::frozen(2 << 20));
    assert!(matches!(result, Err(MapError::NotMemory)), "{result:?}");
}

#[test]
fn a_mapping_outlives_its_maker_and_checks_its_bounds() {
    let fd = SealedBuffer::from_bytes(b"0123456789").unwrap();
    let mapping = Mapping::open(fd, Expect::frozen(10)).unwrap();
    let mut two = [0; 2];
    mapping.read_at(8, &mut two).unwrap();
    assert_eq!(&two, b"89");
    for offset in [9, 10, 11, usize::MAX] {
        let error = mapping.read_at(offset, &mut two).unwrap_err();
        assert_eq!((error.offset, error.len, error.available), (offset, 2, 10));
    }
    assert_eq!(&two, b"89", "a refused read copies nothing");
}

#[test]
fn a_channel_wants_its_seals_too() {
    assert!(matches!(Channel::open(bare(4096, 0)), Err(MapError::Unsealed { .. })));
    assert!(matches!(Channel::open(bare(4096, libc::F_SEAL_GROW)), Err(MapError::Unsealed { .. })));
    assert!(Channel::open(bare(4096, SIZED)).is_ok());
    let (pipe, _writer) = std::io::pipe().unwrap();
    assert!(matches!(Channel::open(pipe.into()), Err(MapError::NotMemory)));
}
