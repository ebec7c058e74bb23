//! What owner, readers and driver tell each other, and what the bytes of a version are.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use theus_shm::{Mapping, socket};

/// The owner's word to a reader, with the descriptor of the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) slot: u64,
    /// 0: the slot is empty from now on, and no descriptor comes.
    pub(super) number: u64,
    pub(super) segment_len: u64,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Version {
    pub(super) fn bytes(self) -> Vec<u8> {
        [self.slot, self.number, self.segment_len, self.offset, self.len].map(u64::to_ne_bytes).concat()
    }

    pub(super) fn parse(bytes: &[u8]) -> Self {
        let words: Vec<u64> =
            bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_ne_bytes(*chunk)).collect();
        let [slot, number, segment_len, offset, len] = words[..] else { panic!("{words:?}") };
        Version { slot, number, segment_len, offset, len }
    }

    /// Whether the mapping holds this version, every byte of it.
    pub(super) fn is_in(self, mapping: &Mapping) -> bool {
        let chunk = chunk(self.number, self.len as usize);
        let mut seen = vec![0; chunk.len()];
        (0..self.len).step_by(CHUNK).all(|at| {
            let len = CHUNK.min((self.len - at) as usize);
            mapping.read_at((self.offset + at) as usize, &mut seen[..len]).unwrap();
            seen[..len] == chunk[..len]
        })
    }
}

const CHUNK: usize = 64 << 10;

/// What the bytes of a version are, over and over: no two versions have the same. No more than `len` are needed.
fn chunk(number: u64, len: usize) -> Vec<u8> {
    let words =
        (0..CHUNK.min(len).div_ceil(8) as u64).map(|at| number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ at);
    words.flat_map(u64::to_ne_bytes).collect()
}

/// Writes a version's bytes; `half` is called in the middle.
pub(super) fn fill(bytes: &mut [u8], number: u64, half: impl FnOnce()) {
    let chunk = chunk(number, bytes.len());
    let parts = bytes.len().div_ceil(CHUNK);
    let write = |(target, source): (&mut [u8], &[u8])| target.copy_from_slice(&source[..target.len()]);
    let (first, second) = bytes.split_at_mut(parts / 2 * CHUNK);
    first.chunks_mut(CHUNK).zip(std::iter::repeat(&chunk[..])).for_each(write);
    half();
    second.chunks_mut(CHUNK).zip(std::iter::repeat(&chunk[..])).for_each(write);
}

/// Sends; false when the other side is gone.
pub(super) fn tell(socket: &OwnedFd, message: &[u8], fds: &[BorrowedFd<'_>]) -> bool {
    match socket::send(socket, message, fds) {
        Ok(()) => true,
        Err(error) if is_gone(&error) => false,
        Err(error) => panic!("{error}"),
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// Receives, waiting or not; `None` when nothing is there, or the other side is gone.
pub(super) fn hear(socket: &impl AsFd, blocking: bool) -> Heard {
    let mut buffer = [0; 256];
    match socket::recv(socket, &mut buffer, 1, blocking) {
        Ok(Some((len, fds))) => Heard::Message(buffer[..len].to_vec(), fds.into_iter().next()),
        Ok(None) => Heard::Gone,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Heard::Nothing,
        Err(error) => panic!("{error}"),
    }
}

/// What [`hear`] has heard.
pub(super) enum Heard {
    Message(Vec<u8>, Option<OwnedFd>),
    Nothing,
    Gone,
}
