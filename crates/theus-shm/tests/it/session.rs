//! Programs of one user share blocks by name, and whatever happens to one of them costs the others nothing.

mod folder;
mod hostile;
mod raw;
pub(crate) mod stage;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use theus_shm::session::{
    Address, AttachError, Attached, Catalogue, Listener, OpenError, SessionName, frame,
};
use theus_shm::{pidfd, socket};

use crate::raw as children;
use stage::{Actor, Shelf, eventually, owner};

/// The user that strangers run as.
pub(crate) const NOBODY: u32 = 65_534;

/// Whether this test can make processes of another user; says so when not.
#[expect(clippy::print_stderr, reason = "a test that cannot show its claim here says so")]
pub(crate) fn can_be_another_user(test: &str) -> bool {
    let is_root = std::fs::read_to_string("/proc/self/status").unwrap().contains("\nUid:\t0\t0\t");
    if !is_root {
        eprintln!("SKIPPED {test}: only root can start a process of another user");
    }
    is_root
}

#[test]
fn another_program_reads_what_is_offered() {
    let (_shelf, listener) = owner();
    let reader = Actor::start("read", listener.address().unwrap().as_str(), None);
    assert_eq!(reader.hear(), "hello");
}

#[test]
fn names_blocks_and_words_about_them_arrive() {
    let (shelf, listener) = owner();
    let all: Vec<String> = (0..200).map(|n| format!("block-{n:03}")).collect();
    let serials: Vec<u64> = all.iter().map(|name| shelf.put(name, name.as_bytes())).collect();
    let attached = Attached::to_address(listener.address().unwrap()).unwrap();
    assert_eq!(attached.pid(), std::process::id());
    let names = attached.names().unwrap();
    assert_eq!(names.len(), 201, "over several pages");
    assert_eq!(names[1..], all);

    let by_name = attached.open("block-150").unwrap();
    let by_serial = attached.open_serial(serials[150]).unwrap();
    assert_eq!(by_name.metadata(), b"about block-150");
    for opened in [&by_name, &by_serial] {
        let mut bytes = [0; 9];
        opened.read_at(0, &mut bytes).unwrap();
        assert_eq!((&bytes, opened.len(), opened.serial()), (b"block-150", 9, serials[150]));
        assert!(opened.read_at(1, &mut bytes).is_err(), "not past its end");
    }
    assert!(Arc::ptr_eq(by_name.mapping(), by_serial.mapping()), "a segment is mapped once");
}

#[test]
fn what_is_not_there_is_missing_and_no_more() {
    let (shelf, listener) = owner();
    let attached = Attached::to_address(listener.address().unwrap()).unwrap();
    let serial = attached.open("a").unwrap().serial();
    for missing in
        [attached.open("b"), attached.open(""), attached.open_serial(u64::MAX), attached.open("panic")]
    {
        assert!(matches!(missing, Err(OpenError::Missing { .. })), "{missing:?}");
    }
    shelf.take("a");
    let freed = attached.open_serial(serial).unwrap_err().to_string();
    assert!(freed.contains(&format!("block number {serial}")), "{freed}");
    assert!(attached.names().unwrap().is_empty(), "the connection still works");
}

#[test]
fn an_opened_block_stays_in_use_until_it_is_dropped() {
    let (shelf, listener) = owner();
    let attached = Attached::to_address(listener.address().unwrap()).unwrap();
    let (first, second) = (attached.open("a").unwrap(), attached.open("a").unwrap());
    shelf.take("a");
    drop(first);
    // A round trip: whatever was said before has been heard.
    assert!(attached.names().unwrap().is_empty());
    assert_eq!(shelf.blocks_in_use(), 1, "one handle is left");
    let mut bytes = [0; 5];
    second.read_at(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"hello");
    drop(second);
    assert!(attached.names().unwrap().is_empty());
    assert_eq!(shelf.blocks_in_use(), 0);
}

#[test]
fn leases_end_with_the_connection() {
    let (shelf, listener) = owner();
    let attached = Attached::to_address(listener.address().unwrap()).unwrap();
    let opened = attached.open("a").unwrap();
    drop(attached);
    shelf.take("a");
    assert_eq!(shelf.blocks_in_use(), 1, "an opened block keeps the connection");
    drop(opened);
    eventually("the block is given back", || shelf.blocks_in_use() == 0);
}

#[test]
fn a_killed_program_gives_its_leases_back() {
    let (shelf, listener) = owner();
    let mut reader = Actor::start("read", listener.address().unwrap().as_str(), None);
    assert_eq!(reader.hear(), "hello");
    shelf.take("a");
    assert_eq!(shelf.blocks_in_use(), 1, "it holds a lease");
    reader.kill();
    eventually("the block is given back", || shelf.blocks_in_use() == 0);
}

#[test]
fn what_was_opened_survives_the_owner_and_nothing_new_is_opened() {
    let place = stage::Place::new("survives");
    let mut server = Actor::start("serve", place.folder.path().to_str().unwrap(), None);
    let address = Address::parse(&server.hear()).unwrap();
    let attached = Attached::to_address(&address).unwrap();
    let opened = attached.open("a").unwrap();
    server.kill();
    let mut bytes = [0; 5];
    opened.read_at(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"hello");
    let gone = attached.open("a").unwrap_err();
    assert!(matches!(gone, OpenError::Gone { pid, .. } if pid == server.child.id()), "{gone}");
    assert!(matches!(attached.names(), Err(OpenError::Gone { .. })));
    assert!(matches!(Attached::to_address(&address), Err(AttachError::Gone { .. })));
    drop(opened);
}

#[test]
fn nothing_is_heard_of_a_listener_that_was_dropped() {
    let (shelf, listener) = owner();
    let address = listener.address().unwrap().clone();
    let attached = Attached::to_address(&address).unwrap();
    let opened = attached.open("a").unwrap();
    drop(listener);
    assert!(matches!(Attached::to_address(&address), Err(AttachError::Gone { .. })));
    assert!(matches!(attached.open("a"), Err(OpenError::Gone { .. })));
    shelf.take("a");
    assert_eq!(shelf.blocks_in_use(), 0, "its leases are gone with it");
    let mut bytes = [0; 5];
    opened.read_at(0, &mut bytes).unwrap();
}

#[test]
fn another_user_is_refused_on_both_ends() {
    if !can_be_another_user("another_user_is_refused_on_both_ends") {
        return;
    }
    let (_shelf, listener) = owner();
    let address = listener.address().unwrap().as_str();
    let stranger = Actor::start("attach as a stranger", address, Some(NOBODY));
    assert!(stranger.hear().contains("belongs to user 0, not to user 65534"));
    let stranger = Actor::start("ask as a stranger", address, Some(NOBODY));
    assert_eq!(stranger.hear(), "nothing came");
    assert!(stage::serves(&listener));
    drop(listener);

    let false_owner = "theus-1-0123456789abcdef0123456789abcdef";
    let stranger = Actor::start("listen as a stranger", false_owner, Some(NOBODY));
    assert_eq!(stranger.hear(), "ready");
    let refused = Attached::to_address(&Address::parse(false_owner).unwrap());
    assert!(matches!(refused, Err(AttachError::Foreign { uid: NOBODY, own: 0, .. })), "{refused:?}");
}

#[test]
fn a_forked_child_gets_errors_and_disturbs_nobody() {
    let (shelf, listener) = owner();
    let attached = Attached::to_address(listener.address().unwrap()).unwrap();
    let opened = attached.open("a").unwrap();
    let (mut listener, mut opened) = (Some(listener), Some(opened));
    let child = children::fork(|| {
        let refused = matches!(attached.open("a"), Err(OpenError::Forked { .. }));
        let mut bytes = [0; 5];
        let reads = opened.as_ref().is_some_and(|opened| opened.read_at(0, &mut bytes).is_ok());
        drop(opened.take());
        drop(listener.take());
        assert!(refused && reads && &bytes == b"hello");
    });
    assert_eq!(children::wait(child.unwrap()).unwrap(), 0);
    shelf.take("a");
    assert!(attached.names().unwrap().is_empty(), "the listener still serves");
    assert_eq!(shelf.blocks_in_use(), 1, "the parent's lease is untouched");
}

#[test]
fn a_listener_ends_while_a_forked_child_has_copies_of_all_its_descriptors() {
    let (shelf, listener) = owner();
    let address = listener.address().unwrap().clone();
    let socket = hostile::welcomed(&address);
    let (ours, theirs) = socket::pair().unwrap();
    let mut ours = Some(ours);
    let child = children::fork(|| {
        drop(ours.take());
        drop(socket::recv(&theirs, &mut [0; 1], 0, true));
    });
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(listener);
        done.send(()).unwrap();
    });
    assert!(is_done.recv_timeout(stage::PATIENCE).is_ok(), "dropping it comes back");
    assert!(hostile::was_dropped(&socket), "who was attached sees its end");
    let gone = Attached::to_address(&address);
    assert!(matches!(gone, Err(AttachError::Gone { .. })), "{gone:?}");
    assert_eq!(Arc::strong_count(&shelf), 1, "the thread has let go of the catalogue");
    // The child ends with it.
    drop(ours);
    assert_eq!(children::wait(child.unwrap()).unwrap(), 0);
}

#[test]
fn an_owner_that_was_killed_is_gone_though_its_forked_child_keeps_its_sockets() {
    let mut server = Actor::start("serve an address with a child", "", None);
    let address = Address::parse(&server.hear()).unwrap();
    let attached = Attached::to_address(&address).unwrap();
    let opened = attached.open("a").unwrap();
    server.tell("fork");
    assert_eq!(server.hear(), "forked");
    server.kill();
    let gone = Attached::to_address(&address);
    assert!(matches!(gone, Err(AttachError::Gone { .. })), "{gone:?}");
    assert!(matches!(attached.names(), Err(OpenError::Gone { .. })));
    let mut bytes = [0; 5];
    opened.read_at(0, &mut bytes).unwrap();
}

#[test]
fn a_reader_that_drops_all_at_once_and_asks_nothing_more_keeps_nothing() {
    let (shelf, listener) = owner();
    let attached = Attached::to_address(listener.address().unwrap()).unwrap();
    for _ in 0..5 {
        let serials: Vec<u64> = (0..1000).map(|n| shelf.put(&format!("n{n}"), b"x")).collect();
        let held: Vec<_> = serials.iter().map(|serial| attached.open_serial(*serial).unwrap()).collect();
        (0..1000).for_each(|n| shelf.take(&format!("n{n}")));
        assert_eq!(shelf.blocks_in_use(), 1001);
        drop(held);
        eventually("all were given back without a further word", || shelf.blocks_in_use() == 1);
    }
}

#[test]
fn signals_that_come_again_and_again_make_no_patience_longer() {
    // Nobody accepts: the first waits for its welcome, the other one, behind a full queue, for its connection.
    let address = |digit: &str| format!("theus-{}-{}", std::process::id(), digit.repeat(32));
    let (silent, full) = (address("a"), address("b"));
    let abstract_name = |address: &str| [b"\0", address.as_bytes()].concat();
    let _silent = raw::listen(&abstract_name(&silent)).unwrap();
    let _full = raw::listen(&abstract_name(&full)).unwrap();
    let _waiting: Vec<_> = (0..5).map(|_| raw::connect(&full).unwrap()).collect();
    let actors = [&silent, &full].map(|address| Actor::start("attach in vain", address, None));
    let mut waiting: Vec<_> =
        actors.iter().map(|actor| (actor, pidfd::open(actor.child.id()).unwrap())).collect();
    waiting.iter().for_each(|(actor, _)| assert_eq!(actor.hear(), "attaching"));
    let start = Instant::now();
    while !waiting.is_empty() {
        assert!(start.elapsed() < stage::PATIENCE, "{} of them wait for ever", waiting.len());
        waiting.retain(|(actor, process)| {
            // To go on after a stop cuts a wait with a time limit on a socket short, without any handler.
            pidfd::send_signal(process, libc::SIGSTOP).unwrap();
            pidfd::send_signal(process, libc::SIGCONT).unwrap();
            let has_said = pidfd::poll(&[actor.socket.as_fd()], Some(Duration::from_millis(50))).unwrap()[0];
            assert!(!has_said || actor.hear().contains("does not answer"));
            !has_said
        });
    }
}

#[test]
fn many_threads_share_one_connection() {
    let (shelf, listener) = owner();
    for n in 0..8 {
        shelf.put(&format!("t{n}"), &[n; 64]);
    }
    let attached = Attached::to_address(listener.address().unwrap()).unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let attached = attached.clone();
            scope.spawn(move || {
                let mut kept = Vec::new();
                for round in 0..300 {
                    let opened = attached.open(&format!("t{n}")).unwrap();
                    let mut bytes = [0; 64];
                    opened.read_at(0, &mut bytes).unwrap();
                    assert_eq!(bytes, [n; 64]);
                    if round % 3 == 0 {
                        kept.push(opened);
                    }
                    kept.truncate(5);
                }
            });
        }
    });
    (0..8).for_each(|n| shelf.take(&format!("t{n}")));
    assert_eq!(attached.names().unwrap(), ["a"]);
    assert_eq!(shelf.blocks_in_use(), 1, "all leases were given back");
}

#[test]
fn one_connection_holds_so_many_blocks_and_no_more() {
    let (shelf, listener) = owner();
    let attached = Attached::to_address(listener.address().unwrap()).unwrap();
    let count = frame::MAX_LEASES;
    let mut held: Vec<_> = (0..count)
        .map(|n| {
            let serial = shelf.put(&format!("n{n}"), b"x");
            attached.open_serial(serial).unwrap()
        })
        .collect();
    let refused = attached.open("a").unwrap_err();
    assert!(matches!(refused, OpenError::Leases { open, .. } if open == count), "{refused}");
    let again = attached.open("n7").unwrap();
    assert_eq!(again.serial(), held[7].serial(), "a block that is held already costs no lease");
    held.pop();
    assert!(attached.open("a").is_ok());
}

/// A catalogue that is asked while its listener goes.
struct Slow {
    asked: AtomicBool,
    shelf: Arc<Shelf>,
}

impl Catalogue for Slow {
    fn names(&self, after: &str, most: usize) -> Vec<String> {
        self.asked.store(true, Ordering::Release);
        self.shelf.names(after, most)
    }

    fn by_name(&self, name: &str) -> Option<theus_shm::session::Offer> {
        self.shelf.by_name(name)
    }

    fn by_serial(&self, serial: u64) -> Option<theus_shm::session::Offer> {
        self.shelf.by_serial(serial)
    }
}

#[test]
fn dropping_a_listener_ends_its_thread_while_it_is_being_asked() {
    for _ in 0..20 {
        let slow = Arc::new(Slow { asked: AtomicBool::new(false), shelf: Shelf::new() });
        let listener = Listener::anonymous(Arc::clone(&slow) as Arc<dyn Catalogue>).unwrap();
        let attached = Attached::to_address(listener.address().unwrap()).unwrap();
        let asking = std::thread::spawn(move || while attached.names().is_ok() {});
        eventually("it is asked", || slow.asked.load(Ordering::Acquire));
        drop(listener);
        assert_eq!(Arc::strong_count(&slow), 1, "the thread has let go of the catalogue");
        asking.join().unwrap();
    }
}

#[test]
fn names_and_addresses_are_checked() {
    for good in ["a", "A.b_c-9", &"x".repeat(64)] {
        assert_eq!(SessionName::new(good).unwrap().as_str(), good);
    }
    for bad in ["", ".", "..", ".hidden", "a/b", "a b", "é", "a\0", &"x".repeat(65)] {
        assert!(SessionName::new(bad).is_err(), "{bad:?}");
    }
    let good = "theus-77-00112233445566778899aabbccddeeff";
    assert_eq!(Address::parse(good).unwrap().as_str(), good);
    for bad in [
        "",
        "theus-",
        "theus-77-",
        "theus-x-00112233445566778899aabbccddeeff",
        &good[..40],
        &good.to_uppercase(),
    ] {
        assert!(Address::parse(bad).is_none(), "{bad:?}");
    }
}
