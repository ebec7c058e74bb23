//! A sealed buffer is final, for its maker too.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use memmap2::MmapOptions;
use theus_shm::{Expect, Mapping, SealedBuffer, ShmError};

use crate::raw;

fn open(fd: OwnedFd, len: u64) -> std::sync::Arc<Mapping> {
    Mapping::open(fd, Expect::frozen(len)).unwrap()
}

#[test]
fn its_bytes_arrive() {
    for len in [1, 63, 4096, 4097, 3 << 20] {
        let bytes: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let mapping = open(SealedBuffer::from_bytes(&bytes).unwrap(), len as u64);
        assert!(mapping.bytes() == Some(bytes.as_slice()), "{len} bytes");
        assert_eq!((mapping.len(), mapping.is_empty()), (len, false));
    }
}

#[test]
fn nobody_can_change_it() {
    let file = File::from(SealedBuffer::from_bytes(&[5; 8192]).unwrap());
    assert!(file.write_at(b"x", 0).is_err());
    assert!(file.set_len(0).is_err());
    assert!(raw::punch_hole(&file, 4096).is_err());
    assert!(MmapOptions::new().len(8192).map_raw(&file).is_err());
    let every = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    assert_eq!(raw::get_seals(&file).unwrap() & every, every);
    let mapping = open(file.into(), 8192);
    assert_eq!(mapping.bytes(), Some([5; 8192].as_slice()));
}

#[test]
fn a_buffer_built_in_place_starts_as_zeros() {
    let fd = SealedBuffer::build(100, |bytes| {
        assert_eq!(bytes, [0; 100]);
        bytes[99] = 9;
    });
    assert_eq!(open(fd.unwrap(), 100).bytes().unwrap()[98..], [0, 9]);
}

#[test]
fn no_bytes_are_an_error() {
    assert!(matches!(SealedBuffer::from_bytes(&[]), Err(ShmError::Empty)));
}
