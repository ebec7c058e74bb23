//! The names of sessions: live ones are found, dead ones are swept, and two starters never share one.

use std::fs::{self, DirBuilder, File, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::sync::Barrier;
use std::time::Duration;

use theus_shm::session::{AttachError, Attached, Listener, SessionError};

use super::raw;
use super::stage::{Actor, Place, Shelf, name};

#[test]
fn a_named_session_is_found_and_read_by_another_program() {
    let place = Place::new("named");
    let (shelf, _anonymous) = super::owner();
    let listener = Listener::named(&place.folder, &name("served"), shelf).unwrap();
    assert!(listener.address().is_none());
    let found = place.folder.sessions().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].name.as_str(), found[0].pid), ("served", std::process::id()));

    let file = fs::symlink_metadata(place.folder.path().join("served")).unwrap();
    let folder = fs::metadata(place.folder.path()).unwrap();
    assert_eq!((file.mode() & 0o777, folder.mode() & 0o777), (0o600, 0o700));

    let reader = Actor::start("read by name", place.folder.path().to_str().unwrap(), None);
    assert_eq!(reader.hear(), format!("hello from {}", std::process::id()));

    drop(listener);
    assert!(place.files().is_empty(), "no name is left after an orderly end");
    assert!(place.folder.sessions().unwrap().is_empty());
    let gone = Attached::to_name(&place.folder, &name("served"));
    assert!(matches!(gone, Err(AttachError::Gone { .. })), "{gone:?}");
}

#[test]
fn an_orderly_end_in_another_program_leaves_no_name() {
    let place = Place::new("orderly");
    let server = Actor::start("serve", place.folder.path().to_str().unwrap(), None);
    server.hear();
    assert_eq!(place.folder.sessions().unwrap()[0].pid, server.child.id());
    server.tell("end");
    assert_eq!(server.hear(), "done");
    assert!(place.files().is_empty());
}

#[test]
fn a_live_name_is_not_given_twice() {
    let place = Place::new("twice");
    let server = Actor::start("serve", place.folder.path().to_str().unwrap(), None);
    server.hear();
    let refused = Listener::named(&place.folder, &name("served"), Shelf::new()).unwrap_err();
    assert!(matches!(refused, SessionError::InUse { pid, .. } if pid == server.child.id()), "{refused}");
    assert_eq!(place.folder.sessions().unwrap().len(), 1, "the live one is untouched");
}

#[test]
fn a_killed_session_leaves_its_socket_and_the_next_who_looks_removes_it() {
    let place = Place::new("killed");
    let folder = place.folder.path().to_str().unwrap().to_owned();
    let mut server = Actor::start("serve", &folder, None);
    server.hear();
    server.kill();
    assert_eq!(place.files(), ["served"], "the socket's file, and nothing else");
    assert!(place.folder.sessions().unwrap().is_empty());
    assert!(place.files().is_empty(), "listing removed it");

    let mut server = Actor::start("serve", &folder, None);
    server.hear();
    server.kill();
    assert!(matches!(Attached::to_name(&place.folder, &name("served")), Err(AttachError::Gone { .. })));
    assert!(place.files().is_empty(), "attaching removed it");

    let mut server = Actor::start("serve", &folder, None);
    server.hear();
    server.kill();
    let next = Listener::named(&place.folder, &name("served"), Shelf::new()).unwrap();
    assert_eq!(place.folder.sessions().unwrap()[0].pid, std::process::id(), "a new one took its place");
    drop(next);
}

#[test]
fn of_many_starters_one_gets_the_name() {
    let place = Place::new("race");
    let folder = place.folder.path().to_str().unwrap().to_owned();
    for round in 0..8 {
        // From the second round on over the socket of a dead one.
        let starters: Vec<_> = (0..4).map(|_| Actor::start("race", &folder, None)).collect();
        starters.iter().for_each(|starter| starter.tell("go"));
        let answers: Vec<_> = starters.iter().map(Actor::hear).collect();
        let won = answers.iter().filter(|answer| *answer == "won").count();
        assert_eq!(won, 1, "round {round}: {answers:?}");
        assert!(answers.iter().all(|answer| answer == "won" || answer.contains("is running already")));
        let winner = starters.iter().zip(&answers).find(|(_, answer)| *answer == "won").unwrap().0;
        assert_eq!(place.folder.sessions().unwrap()[0].pid, winner.child.id(), "and it is found");
    }
}

#[test]
fn of_many_starters_at_the_very_same_time_one_gets_the_name() {
    const STARTERS: usize = 4;
    let place = Place::new("same-time");
    DirBuilder::new().mode(0o700).create(place.folder.path()).unwrap();
    let held = File::open(place.folder.path()).unwrap();
    for round in 0..200 {
        // The socket of a dead one, which each of them wants to replace.
        let dead = format!("/proc/self/fd/{}/raced", held.as_raw_fd());
        drop(raw::listen(dead.as_bytes()).unwrap());
        let barrier = Barrier::new(STARTERS);
        let won: Vec<_> = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                Listener::named(&place.folder, &name("raced"), Shelf::new())
            };
            let starters: Vec<_> = (0..STARTERS).map(|_| scope.spawn(start)).collect();
            // Nobody ends before all have tried.
            starters.into_iter().map(|starter| starter.join().unwrap()).collect()
        });
        assert_eq!(won.iter().filter(|listener| listener.is_ok()).count(), 1, "round {round}: {won:?}");
        assert_eq!(place.folder.sessions().unwrap().len(), 1, "round {round}: and it is found");
    }
}

#[test]
fn a_socket_that_a_child_kept_open_is_as_dead_as_its_listener() {
    let place = Place::new("kept");
    let mut server = Actor::start("serve with a child", place.folder.path().to_str().unwrap(), None);
    assert_eq!(server.hear(), "ready");
    assert_eq!(place.folder.sessions().unwrap()[0].pid, server.child.id());
    server.kill();
    assert!(
        place.folder.sessions().unwrap().is_empty(),
        "its child still has the socket, and nobody serves it"
    );
    assert!(place.files().is_empty());
    let next = Listener::named(&place.folder, &name("served"), Shelf::new()).unwrap();
    assert_eq!(place.folder.sessions().unwrap()[0].pid, std::process::id());
    drop(next);
}

#[test]
fn a_folder_that_others_can_use_is_refused() {
    let place = Place::new("folder");
    let refused = |why: &str| {
        let listening = Listener::named(&place.folder, &name("x"), Shelf::new()).unwrap_err();
        let listing = place.folder.sessions().unwrap_err();
        let attaching = Attached::to_name(&place.folder, &name("x")).unwrap_err();
        assert!(matches!(&listening, SessionError::Folder { .. }), "{listening}");
        assert!(matches!(&attaching, AttachError::Folder(SessionError::Folder { .. })), "{attaching}");
        for error in [listening.to_string(), listing.to_string(), attaching.to_string()] {
            assert!(error.contains(why), "{error}");
        }
    };
    fs::create_dir(place.folder.path()).unwrap();
    fs::set_permissions(place.folder.path(), Permissions::from_mode(0o755)).unwrap();
    refused("chmod 700");

    fs::remove_dir(place.folder.path()).unwrap();
    symlink("/tmp", place.folder.path()).unwrap();
    refused("a link");

    fs::remove_file(place.folder.path()).unwrap();
    fs::write(place.folder.path(), b"a file").unwrap();
    refused("no folder");
    fs::remove_file(place.folder.path()).unwrap();

    if super::can_be_another_user("a_folder_that_others_can_use_is_refused") {
        fs::create_dir(place.folder.path()).unwrap();
        fs::set_permissions(place.folder.path(), Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::chown(place.folder.path(), Some(super::NOBODY), None).unwrap();
        refused("belongs to user 65534, not to user 0: set XDG_RUNTIME_DIR");
    }
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let place = Place::new("alone");
    DirBuilder::new().mode(0o700).create(place.folder.path()).unwrap();
    fs::write(place.folder.path().join("notes"), b"mine").unwrap();
    assert!(place.folder.sessions().unwrap().is_empty());
    let refused = Listener::named(&place.folder, &name("notes"), Shelf::new()).unwrap_err();
    assert!(matches!(refused, SessionError::Occupied { .. }), "{refused}");
    assert_eq!(fs::read(place.folder.path().join("notes")).unwrap(), b"mine");
}

#[test]
fn a_listener_removes_its_own_file_only() {
    let place = Place::new("own");
    let first = Listener::named(&place.folder, &name("x"), Shelf::new()).unwrap();
    fs::remove_file(place.folder.path().join("x")).unwrap();
    let second = Listener::named(&place.folder, &name("x"), Shelf::new()).unwrap();
    drop(first);
    assert_eq!(place.files(), ["x"], "it is the second one's");
    assert_eq!(place.folder.sessions().unwrap().len(), 1);
    drop(second);
    assert!(place.files().is_empty());
}

#[test]
fn a_locked_folder_holds_up_no_end_and_the_next_who_looks_sweeps_it() {
    let place = Place::new("locked-end");
    let listeners: Vec<_> = (0..10)
        .map(|n| Listener::named(&place.folder, &name(&format!("n{n}")), Shelf::new()).unwrap())
        .collect();
    let lock = File::open(place.folder.path()).unwrap();
    lock.lock().unwrap();
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(listeners);
        done.send(()).unwrap();
    });
    // Ten times the patience for the lock is fifty seconds.
    assert!(is_done.recv_timeout(Duration::from_secs(25)).is_ok(), "all of them end");
    assert_eq!(place.files().len(), 10, "nothing was removed without the lock");
    assert!(place.folder.sessions().unwrap().is_empty(), "they are dead all the same");
    lock.unlock().unwrap();
    assert!(place.folder.sessions().unwrap().is_empty());
    assert!(place.files().is_empty(), "and swept");
}
