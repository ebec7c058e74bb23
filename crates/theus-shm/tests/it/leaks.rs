//! Ten thousand uses leave nothing: no descriptor, no mapping, no memory. (Two thousand of large blocks.)

use std::os::fd::AsFd;

use theus_shm::{Arena, ArenaOptions, Channel, Expect, Mapping, SealedBuffer, Segment, pidfd, socket};
use theus_testkit::crash::{Victim, role};
use theus_testkit::footprint::{Footprint, resident};

const CYCLES: u32 = 10_000;
/// Of those that take fresh pages by the MiB, of which the kernel gives some thousand a second.
const LARGE_CYCLES: u32 = 2_000;
/// The first ones fill the allocator's own pools.
const WARM: u32 = 200;
const GROWTH: u64 = 1 << 20;

/// One kind of use, from opening to closing.
type Use = fn();

const USES: [(&str, Use); 8] = [
    ("a segment", || drop(Segment::create(8192, "leaks").unwrap())),
    ("an arena", || {
        let arena = Arena::new(ArenaOptions { capacity: 64 << 10 });
        drop((arena.alloc(1000, true).unwrap(), arena.alloc(10_000, false).unwrap(), arena));
    }),
    ("a large block", || {
        let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
        let block = arena.alloc(1 << 20, false).unwrap();
        drop((arena, block));
    }),
    ("an adopted block", || {
        let arena = Arena::new(ArenaOptions { capacity: 64 << 10 });
        let fd = SealedBuffer::from_bytes(&[1; 5000]).unwrap();
        assert!(arena.adopt(fd, 4999).is_err());
        let fd = SealedBuffer::from_bytes(&[1; 5000]).unwrap();
        let block = arena.adopt(fd, 5000).unwrap();
        drop((arena, block));
    }),
    ("a mapping", || {
        let segment = Segment::create(8192, "leaks").unwrap();
        let (here, there) = socket::pair().unwrap();
        socket::send(&here, b"segment", &[segment.fd()]).unwrap();
        let (_, mut fds) = socket::recv(&there, &mut [0; 16], 1, true).unwrap().unwrap();
        drop(Mapping::open(fds.remove(0), Expect::segment(8192)).unwrap());
    }),
    ("a refused mapping", || {
        let segment = Segment::create(8192, "leaks").unwrap();
        let fd = segment.fd().try_clone_to_owned().unwrap();
        assert!(Mapping::open(fd, Expect::frozen(8192)).is_err());
    }),
    ("a sealed buffer", || {
        let fd = SealedBuffer::from_bytes(&[1; 5000]).unwrap();
        assert_eq!(Mapping::open(fd, Expect::frozen(5000)).unwrap().bytes().map(<[u8]>::len), Some(5000));
    }),
    ("a channel", || {
        let (channel, fd) = Channel::create(4096).unwrap();
        let other = Channel::open(fd).unwrap();
        let own = pidfd::open(std::process::id()).unwrap();
        pidfd::poll(&[own.as_fd()], Some(std::time::Duration::ZERO)).unwrap();
        drop((channel, other));
    }),
];

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let Some((name, socket)) = role() else { return };
    let (_, cycle) = USES.into_iter().find(|(known, _)| *known == name).unwrap();
    (0..WARM).for_each(|_| cycle());
    let (before, memory) = (Footprint::own(), resident());
    let cycles = if name.contains("large") { LARGE_CYCLES } else { CYCLES };
    (WARM..cycles).for_each(|_| cycle());
    assert_eq!(Footprint::own(), before, "{name}");
    let grown = resident().saturating_sub(memory);
    assert!(grown < GROWTH, "{name}: {grown} bytes of memory more");
    socket::send(&socket, b"nothing left", &[]).unwrap();
}

#[test]
fn ten_thousand_uses_leave_no_descriptor_no_mapping_and_no_memory() {
    // Each alone in its process, so that what it has open can be counted.
    let users = USES.map(|(name, _)| (name, Victim::start("leaks::play", name)));
    for (name, mut user) in users {
        assert_eq!(user.receive(0).0, b"nothing left", "{name}");
        assert_eq!(user.join(), None);
    }
}
