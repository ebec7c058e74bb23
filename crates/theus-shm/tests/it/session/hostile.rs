//! Peers that keep no rules cost themselves, and nobody else.

use std::io::{PipeReader, Read, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use theus_shm::session::frame::{MAX_REQUEST, Reply, Request};
use theus_shm::session::{Address, AttachError, Attached, MAX_OF_ONE, OpenError};
use theus_shm::{SealedBuffer, Segment, pidfd, socket};

use super::raw;
use super::stage::{Actor, PATIENCE, eventually, owner, serves};

/// A connection that was welcomed and may now say anything.
pub(super) fn welcomed(address: &Address) -> OwnedFd {
    let socket = raw::connect(address.as_str()).unwrap();
    let mut buffer = [0; 16];
    let (len, _) = socket::recv(&socket, &mut buffer, 0, true).unwrap().unwrap();
    assert_eq!(Reply::parse(&buffer[..len]), Ok(Reply::Welcome));
    socket
}

/// Whether the owner has hung up; what it said before is read away.
pub(super) fn was_dropped(socket: &OwnedFd) -> bool {
    assert_eq!(pidfd::poll(&[socket.as_fd()], Some(PATIENCE)).unwrap(), [true]);
    loop {
        match socket::recv(socket, &mut [0; 70_000], 1, false) {
            Ok(None) => return true,
            Ok(Some(_)) => {}
            Err(_) => return false,
        }
    }
}

#[test]
fn bytes_that_are_no_request_cost_the_connection() {
    let (_shelf, listener) = owner();
    let address = listener.address().unwrap();
    let by_name = Request::ByName { name: "a".into() }.encode();
    let keep = Request::Keep { seen: 0, serials: vec![1, 2, 3] }.encode();
    let mut bad: Vec<Vec<u8>> = vec![vec![0], vec![1], vec![1, 99, 0, 0], vec![2, 1, 0, 0], vec![255; 300]];
    // Half frames, at each byte; and one byte too many.
    bad.extend((1..by_name.len()).map(|len| by_name[..len].to_vec()));
    bad.extend((1..keep.len()).map(|len| keep[..len].to_vec()));
    bad.push([by_name.as_slice(), b"x"].concat());
    bad.push(vec![1; MAX_REQUEST + 1]);
    bad.push(vec![1, 2, 255, 255]);
    bad.push(vec![1, 2, 2, 0, 0xff, 0xfe]);
    bad.push(Reply::Welcome.encode());
    for bytes in bad {
        let socket = welcomed(address);
        socket::send(&socket, &bytes, &[]).unwrap();
        if Request::parse(&bytes).is_err() {
            assert!(was_dropped(&socket), "{bytes:?}");
        }
    }
    assert!(serves(&listener));
}

#[test]
fn random_bytes_never_stop_the_owner() {
    let (_shelf, listener) = owner();
    let address = listener.address().unwrap();
    proptest!(ProptestConfig::with_cases(300), |(packets in proptest::collection::vec(
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 1..200),
            (1u8..6, any::<u16>(), proptest::collection::vec(any::<u8>(), 0..64)).prop_map(|(kind, count, body)| {
                [vec![1, kind, count as u8 % 32, (count >> 12) as u8], body].concat()
            }),
        ],
        1..6,
    ))| {
        let socket = welcomed(address);
        for packet in packets {
            let _ = socket::try_send(&socket, &packet, &[]);
        }
    });
    assert!(serves(&listener));
}

#[test]
fn descriptors_that_nobody_asked_for_are_closed_with_the_connection() {
    let (_shelf, listener) = owner();
    for count in [1, 3, socket::MAX_FDS] {
        let socket = welcomed(listener.address().unwrap());
        let (mut reader, writer): (PipeReader, _) = pipe().unwrap();
        let fds = vec![writer.as_fd(); count];
        socket::send(&socket, &Request::ByName { name: "a".into() }.encode(), &fds).unwrap();
        drop(fds);
        drop(writer);
        assert!(was_dropped(&socket));
        assert_eq!(pidfd::poll(&[reader.as_fd()], Some(PATIENCE)).unwrap(), [true]);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0, "no copy is left in the owner");
    }
    assert!(serves(&listener));
}

#[test]
fn one_answer_at_a_time_is_on_its_way_to_a_peer() {
    let (_shelf, listener) = owner();
    let socket = welcomed(listener.address().unwrap());
    let request = Request::ByName { name: "a".into() }.encode();
    socket::send(&socket, &request, &[]).unwrap();
    socket::send(&socket, &request, &[]).unwrap();
    // Nothing is read, so only being dropped ends this.
    let keep = Request::Keep { seen: 0, serials: Vec::new() }.encode();
    eventually("it is dropped", || {
        socket::try_send(&socket, &keep, &[])
            .is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
    });
}

#[test]
fn who_asks_again_without_reading_is_dropped() {
    let (shelf, listener) = owner();
    let socket = welcomed(listener.address().unwrap());
    let request = Request::ByName { name: "a".into() }.encode();
    // How many fit into the queue before it is dropped depends on the scheduler; that it is, does not.
    eventually("the flood ends", || {
        socket::try_send(&socket, &request, &[])
            .is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
    });
    shelf.take("a");
    eventually("its lease is gone", || shelf.blocks_in_use() == 0);
    shelf.put("a", b"hello");
    assert!(serves(&listener));
}

#[test]
fn floods_and_silence_beside_them_do_not_keep_others_from_being_served() {
    let (_shelf, listener) = owner();
    let address = listener.address().unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let keep = Request::Keep { seen: u64::MAX, serials: (0..1000).collect() }.encode();
                while !over.load(Ordering::Relaxed) {
                    let Ok(socket) = raw::connect(address.as_str()) else { continue };
                    while !over.load(Ordering::Relaxed) && socket::try_send(&socket, &keep, &[]).is_ok() {
                        std::hint::spin_loop();
                    }
                }
            });
        }
        // Asks, and never reads the answer.
        let silent = welcomed(address);
        socket::send(&silent, &Request::ByName { name: "a".into() }.encode(), &[]).unwrap();
        let attached = Attached::to_address(address).unwrap();
        for _ in 0..200 {
            attached.open("a").unwrap();
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_thousand_connections_leave_room_for_others() {
    let (_shelf, listener) = owner();
    let address = listener.address().unwrap();
    let before = Attached::to_address(address).unwrap();
    let mut refused = 0;
    let mut sockets = Vec::new();
    for _ in 0..1000 {
        let socket = raw::connect(address.as_str()).unwrap();
        let mut buffer = [0; 16];
        let (len, _) = socket::recv(&socket, &mut buffer, 0, true).unwrap().unwrap();
        if Reply::parse(&buffer[..len]) == Ok(Reply::Welcome) {
            sockets.push(socket);
        } else {
            refused += 1;
        }
    }
    assert_eq!((sockets.len(), refused), (MAX_OF_ONE - 1, 1000 - (MAX_OF_ONE - 1)));
    assert!(matches!(Attached::to_address(address), Err(AttachError::Busy { .. })));
    assert!(before.open("a").is_ok(), "who is attached is served");
    let other = Actor::start("read", address.as_str(), None);
    assert_eq!(other.hear(), "hello", "and so are other programs");
    drop(sockets);
    assert!(serves(&listener), "who hangs up makes room");
}

/// Answers one request as a false owner does; what the client makes of it.
fn answered(reply: impl FnOnce(&OwnedFd) + Send) -> OpenError {
    let address = format!("theus-1-{:032x}", u128::from(unique()));
    let listening = raw::listen(&[b"\0", address.as_bytes()].concat()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let socket = raw::accept(&listening).unwrap();
            socket::send(&socket, &Reply::Welcome.encode(), &[]).unwrap();
            socket::recv(&socket, &mut [0; MAX_REQUEST], 0, true).unwrap();
            reply(&socket);
        });
        let attached = Attached::to_address(&Address::parse(&address).unwrap()).unwrap();
        let error = attached.open_serial(7).unwrap_err();
        if matches!(error, OpenError::Protocol { .. }) {
            assert!(matches!(attached.open("a"), Err(OpenError::Gone { .. })), "it is not asked again");
        }
        error
    })
}

fn unique() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    u64::from(std::process::id()) << 32 | NEXT.fetch_add(1, Ordering::Relaxed)
}

fn block(segment_len: u64, serial: u64) -> Vec<u8> {
    let place = theus_shm::session::frame::Place { segment: 1, segment_len, offset: 0, len: 10, serial };
    Reply::Block { place, metadata: Vec::new() }.encode()
}

#[test]
fn a_false_owner_is_believed_nothing() {
    let segment = Segment::create(4096, "theus-test").unwrap();
    let sealed = SealedBuffer::from_bytes(&[1; 4096]).unwrap();
    let (_reader, writer) = pipe().unwrap();
    let unsealed = crate::raw::memfd(libc::MFD_ALLOW_SEALING).unwrap();

    let nonsense: [&(dyn Fn(&OwnedFd) + Sync); 7] = [
        &|to| socket::send(to, b"\x01\x63\0\0", &[]).unwrap(),
        &|to| socket::send(to, &Reply::Welcome.encode(), &[]).unwrap(),
        &|to| socket::send(to, &Reply::Names(vec!["a".into()]).encode(), &[]).unwrap(),
        &|to| socket::send(to, &block(4096, 8), &[segment.fd()]).unwrap(),
        &|to| socket::send(to, &block(5, 7), &[segment.fd()]).unwrap(),
        &|to| socket::send(to, &block(4096, 7), &[segment.fd(), segment.fd()]).unwrap(),
        &|to| socket::send(to, &vec![1; 100_000], &[]).unwrap(),
    ];
    for (at, reply) in nonsense.iter().enumerate() {
        let error = answered(reply);
        assert!(matches!(error, OpenError::Protocol { .. }), "{at}: {error}");
    }
    let error = answered(|to| socket::send(to, &block(4096, 7), &[]).unwrap());
    assert!(error.to_string().contains("without its segment's descriptor"), "{error}");
    for (fd, len) in [(writer.as_fd(), 4096), (unsealed.as_fd(), 4096), (segment.fd(), 8192)] {
        let error = answered(|to| socket::send(to, &block(len, 7), &[fd]).unwrap());
        assert!(matches!(error, OpenError::Map { .. }), "{error}");
    }
    let error = answered(|_| {});
    assert!(matches!(error, OpenError::Gone { .. }), "{error}");
    drop(sealed);
}

#[test]
fn an_owner_that_is_stopped_holds_up_no_drop() {
    let place = super::stage::Place::new("stopped");
    let server = Actor::start("serve", place.folder.path().to_str().unwrap(), None);
    let address = Address::parse(&server.hear()).unwrap();
    let attached = Attached::to_address(&address).unwrap();
    let opened = attached.open("a").unwrap();
    let process = pidfd::open(server.child.id()).unwrap();
    pidfd::send_signal(&process, libc::SIGSTOP).unwrap();
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(opened);
        done.send(()).unwrap();
    });
    assert!(
        is_done.recv_timeout(Duration::from_secs(5)).is_ok(),
        "well before the patience for an answer is over"
    );
    pidfd::send_signal(&process, libc::SIGCONT).unwrap();
    assert_eq!(attached.names().unwrap(), ["a"]);
}
