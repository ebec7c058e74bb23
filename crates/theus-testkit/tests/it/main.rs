//! The crash harness finds what it is there to find: each kind of leftover is planted, and seen.
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod brute;
mod history;

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use theus_shm::{Segment, socket};
use theus_testkit::crash::{Dice, Fate, Folders, Victim, players, role};
use theus_testkit::footprint::{
    Footprint, children, eventually, holders, is_alive, memory_files, named, resident,
};
use theus_testkit::tree::{Change, Tree};
use theus_testkit::{updates, values};
use theus_value::{Map, decode, encode};

const PLAY: &str = "play";

fn say(socket: &impl AsFd, word: &str) {
    socket::send(socket, word.as_bytes(), &[]).unwrap();
}

/// Until the starter has seen enough and kills this process.
fn wait(socket: &impl AsFd) {
    let _ = socket::recv(socket, &mut [0; 8], 0, true);
}

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let Some((name, socket)) = role() else { return };
    match &*name {
        "hold memory" => {
            let label = format!("theus-testkit-{}", std::process::id());
            let _segment = Segment::create(4096, &label).unwrap();
            say(&socket, &label);
            wait(&socket);
        }
        "have a child" => {
            let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            say(&socket, "ready");
            wait(&socket);
            child.kill().unwrap();
            child.wait().unwrap();
        }
        "leave something" => {
            let before = Footprint::own();
            assert_eq!(Footprint::own(), before);
            let file = File::open("/dev/null").unwrap();
            assert_ne!(Footprint::own(), before, "a descriptor");
            drop(file);
            assert_eq!(Footprint::own(), before);
            let mut child = Command::new("true").spawn().unwrap();
            assert_eq!(Footprint::own().children, [child.id()], "a child, though it may have ended");
            child.wait().unwrap();
            assert_eq!(Footprint::own(), before);
            assert_eq!(memory_files(), 0);
            let memory = resident();
            let segment = Segment::create(8 << 20, "theus-testkit").unwrap();
            assert_eq!(memory_files(), 2, "a descriptor and a mapping");
            assert_eq!(Footprint::own().mappings, before.mappings + 1);
            assert!(resident() >= memory + (8 << 20), "its pages are there");
            drop(segment);
            assert_eq!(Footprint::own(), before);
            say(&socket, "seen");
        }
        "leave a name" => {
            let path = format!("/dev/shm/theus-testkit-{}", std::process::id());
            File::create(&path).unwrap();
            let found = named().contains(&path);
            std::fs::remove_file(&path).unwrap();
            say(&socket, if found { "seen" } else { "missed" });
        }
        file if file.starts_with("leave a file") => {
            std::fs::write(std::env::temp_dir().join("left"), "").unwrap();
            say(&socket, "left");
            wait(&socket);
        }
        "exit" => {}
        "fail" => std::process::exit(3),
        fated => {
            let mut fate = Fate::parse(fated);
            for _ in 0..3 {
                fate.reach("elsewhere");
                say(&socket, "alive");
                fate.reach("here");
            }
        }
    }
}

#[test]
fn a_role_dies_where_it_was_told_to() {
    // The second time, never, and never.
    for (fate, alive, signal) in
        [(Fate::at("here", 2), 2, Some(9)), (Fate::at("here", 4), 3, None), (Fate::at("nowhere", 1), 3, None)]
    {
        assert_eq!(Fate::parse(&fate.text()), fate);
        let mut victim = Victim::start(PLAY, &fate.text());
        assert_eq!(victim.join(), signal, "{fate:?}");
        let messages =
            std::iter::repeat_with(|| victim.receive(0).0).take_while(|message| !message.is_empty());
        assert_eq!(messages.count(), alive, "{fate:?}");
    }
}

#[test]
fn what_a_role_leaves_in_its_own_folders_is_seen_and_goes_with_them() {
    let folders = Folders::new("testkit");
    assert!(folders.names().is_empty());
    // Another run of this test on this machine has other processes.
    let role = format!("leave a file {}", std::process::id());
    let mut victim = Victim::start_in(PLAY, &role, folders.variables());
    assert_eq!(victim.receive(0).0, b"left");
    assert_eq!(players(&role), [victim.pid()]);
    assert_eq!(victim.kill(), Some(9));
    assert!(players(&role).is_empty());
    let left = folders.names();
    assert!(left.len() == 1 && left[0].ends_with("left"), "{left:?}");
    drop(folders);
    assert!(!left[0].exists());
}

#[test]
#[should_panic(expected = "role failed")]
fn a_role_that_fails_is_not_taken_for_one_that_ends() {
    Victim::start(PLAY, "fail").join();
}

#[test]
fn a_seed_repeats_its_numbers() {
    let numbers = |seed| {
        let mut dice = Dice::new(seed);
        (0..100).map(|_| (dice.roll(), dice.below(7), *dice.pick(&[1, 2, 3]))).collect::<Vec<_>>()
    };
    assert_eq!(numbers(5), numbers(5));
    assert_ne!(numbers(5), numbers(6));
    assert!((0..7).all(|wanted| numbers(5).iter().any(|(_, below, _)| *below == wanted)));
    assert_eq!(Dice::new(5).below(0), 0);
    assert_eq!(Dice::new(5).seed(), 5);
}

#[test]
fn memory_that_a_process_holds_is_seen_until_it_is_killed() {
    let mut victim = Victim::start(PLAY, "hold memory");
    let label = String::from_utf8(victim.receive(0).0).unwrap();
    assert_eq!(holders(&label), [victim.pid()]);
    assert!(is_alive(victim.pid()));
    assert_eq!(victim.kill(), Some(9));
    assert!(!is_alive(victim.pid()));
    eventually("nobody holds it", || holders(&label).is_empty());
}

#[test]
fn children_that_outlive_their_parent_are_seen() {
    let mut victim = Victim::start(PLAY, "have a child");
    assert_eq!(victim.receive(0).0, b"ready");
    let orphans = children(victim.pid());
    assert_eq!(orphans.len(), 1);
    assert!(is_alive(orphans[0]));
    assert_eq!(victim.kill(), Some(9));
    // It ends by itself, since its input has ended.
    eventually("the orphan ends", || !is_alive(orphans[0]));
}

#[test]
fn leftovers_change_the_footprint() {
    for role in ["leave something", "leave a name"] {
        let mut victim = Victim::start(PLAY, role);
        assert_eq!(victim.receive(0).0, b"seen", "{role}");
        assert_eq!(victim.join(), None);
    }
}

#[test]
fn a_process_that_ends_by_itself_was_not_killed_and_says_nothing() {
    let mut victim = Victim::start(PLAY, "exit");
    assert_eq!(victim.receive(0).0, b"");
    assert_eq!(victim.kill(), None);
}

proptest! {
    #[test]
    fn generated_values_can_be_encoded(value in values::value(), update in updates::update()) {
        prop_assert_eq!(decode(&encode(&value)).unwrap(), value);
        prop_assert!(update.leaves().iter().all(|leaf| !leaf.is_root()));
    }

    #[test]
    fn a_tree_and_its_value_are_the_same(node in Tree::any_node()) {
        prop_assert_eq!(Tree::of_map(&Tree::map(&node)), Tree::Node(node));
    }

    #[test]
    fn a_change_means_the_same_to_a_tree_and_to_a_map(node in Tree::any_node(), change in Change::any()) {
        let (mut tree, map): (Tree, Map) = (Tree::Node(node.clone()), Tree::map(&node));
        let fits = change.apply(&mut tree);
        match [change.op()].into_iter().collect::<theus_value::Update>().apply(&map) {
            Ok(after) => prop_assert_eq!((fits, Tree::of_map(&after)), (true, tree)),
            Err(_) => prop_assert!(!fits),
        }
    }
}
