//! The driver: starts owners and readers, kills one in each round, and looks at what is left.

use std::fs::{File, remove_file};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use theus_shm::{Arena, ArenaOptions, Expect, Mapping, socket};
use theus_testkit::crash::{Dice, Fate, Folders, PATIENCE, Victim, players, rounds};
use theus_testkit::footprint::{Footprint, eventually, memory_files, named, resident};

use super::wire::{Heard, Version, fill, hear, tell};
use super::{owner, reader};

/// Rounds in an ordinary run of the tests.
const ROUNDS: u64 = 50;
/// A random moment is at most so far away: some dozens of versions.
const MOMENTS: u64 = 20_000;
/// How much more memory the driver may have at the end: it keeps nothing from round to round.
const GROWTH: u64 = 1 << 20;

struct Session {
    owner: Victim,
    readers: Vec<Victim>,
    folders: Folders,
    /// Part of every role, so that no other test's processes are taken for ours.
    run: String,
    started: u64,
}

/// Says how to repeat this run, runs all rounds and reports.
pub(super) fn play(starter: &OwnedFd) {
    let mut dice = Dice::of_this_run();
    let seed = dice.seed();
    tell(starter, format!("THEUS_KILL_SEED={seed} repeats this run").as_bytes(), &[]);
    let before = Footprint::own();
    let (mut owners, mut readers, mut memory) = (0, 0, None);
    let mut session = Session::new(seed);
    let count = rounds(ROUNDS);
    for round in 0..count {
        if dice.below(2) == 0 {
            session.kill_owner(&mut dice);
            owners += 1;
        } else {
            session.kill_reader(&mut dice);
            readers += 1;
        }
        if round >= 10 {
            // The first rounds also warm up the driver's own allocator.
            memory.get_or_insert_with(resident);
        }
    }
    let grown = resident().saturating_sub(memory.unwrap_or(u64::MAX));
    assert!(grown < GROWTH, "the driver has grown by {grown} bytes");
    session.end();
    assert_eq!(Footprint::own(), before, "what the driver has open");
    tell(starter, format!("{owners} owners, {readers} readers: clean").as_bytes(), &[]);
}

/// Waits for this message, whatever else comes before it.
fn expect(victim: &Victim, wanted: &str) -> String {
    loop {
        let message = String::from_utf8(victim.receive(0).0).unwrap();
        assert!(!message.is_empty(), "the process is gone, and did not say {wanted:?}");
        if message.starts_with(wanted) {
            return message;
        }
    }
}

impl Session {
    fn new(seed: u64) -> Self {
        let run = format!("{}-{seed}", std::process::id());
        let folders = Folders::new("shm");
        let owner = Victim::start_in("kill::play", &format!("owner {run} 0"), folders.variables());
        let mut session = Session { owner, readers: Vec::new(), folders, run, started: 0 };
        while session.readers.len() < 2 {
            session.add_reader();
        }
        session
    }

    fn start(&mut self, role: &str) -> Victim {
        self.started += 1;
        Victim::start_in(
            "kill::play",
            &format!("{role} {} {}", self.run, self.started),
            self.folders.variables(),
        )
    }

    fn add_reader(&mut self) {
        let reader = self.start("reader");
        self.readers.push(reader);
        self.introduce(self.readers.len() - 1);
    }

    /// Connects a reader with the owner.
    fn introduce(&self, reader: usize) {
        let (ours, theirs) = socket::pair().unwrap();
        self.readers[reader].send(b"owner", &[theirs.as_fd()]);
        self.owner.send(b"reader", &[ours.as_fd()]);
    }

    /// Waits until a version has reached all readers.
    fn until_it_works(&self) {
        self.owner.send(b"work", &[]);
        expect(&self.owner, "working");
    }

    /// Kills one of them, at a point of its work or at a random moment.
    fn strike(dice: &mut Dice, victim: &mut Victim, points: &[&'static str]) {
        if dice.below(2) == 0 {
            // The last points come once in some dozens of versions.
            let fate = Fate::at(dice.pick::<&str>(points), 1 + dice.below(3));
            victim.send(format!("die {}", fate.text()).as_bytes(), &[]);
            assert_eq!(victim.join(), Some(9), "{fate:?}");
        } else {
            let moment = Duration::from_micros(dice.below(MOMENTS));
            assert!(!victim.ends_within(moment), "it ended by itself");
            assert_eq!(victim.kill(), Some(9));
        }
    }

    fn kill_owner(&mut self, dice: &mut Dice) {
        self.until_it_works();
        Self::strike(dice, &mut self.owner, &owner::POINTS);
        for reader in &self.readers {
            let report = expect(reader, "owner gone");
            let words: Vec<&str> = report.split([' ', ',']).collect();
            let ["owner", "gone:", intact, "of", held, "intact", "", files, "files"] = words[..] else {
                panic!("{report}")
            };
            assert_eq!(intact, held, "bytes of a dead owner: {report}");
            assert_eq!(files, "0", "memory that is left: {report}");
        }
        self.nothing_is_left(&["owner"]);
        self.owner = self.start("owner");
        for reader in 0..self.readers.len() {
            self.introduce(reader);
        }
        // The next session starts.
        self.until_it_works();
    }

    fn kill_reader(&mut self, dice: &mut Dice) {
        self.until_it_works();
        let which = dice.below(2) as usize;
        Self::strike(dice, &mut self.readers[which], &reader::POINTS);
        expect(&self.owner, "lost a reader");
        self.readers.remove(which);
        self.owner.send(b"drain", &[]);
        // Bytes and blocks in use, segments, and their bytes.
        assert_eq!(expect(&self.owner, "left"), "left [0, 0, 0, 0]", "memory of a dead reader");
        self.nothing_is_left(&[]);
        self.add_reader();
        self.until_it_works();
    }

    /// No name, and no process but the living ones; `dead` are the roles that have nobody now.
    fn nothing_is_left(&self, dead: &[&str]) {
        assert_eq!(self.folders.names(), Vec::<std::path::PathBuf>::new());
        eventually("no named object is left", || named().is_empty());
        for role in dead {
            let role = format!("{role} {} {}", self.run, self.started);
            assert_eq!(players(&role), Vec::<u32>::new(), "{role}");
        }
        let living: Vec<u32> = Footprint::own().children;
        let known =
            |pid: &u32| *pid == self.owner.pid() || self.readers.iter().any(|reader| reader.pid() == *pid);
        assert!(living.iter().all(known), "children {living:?}");
        assert_eq!(memory_files(), 0, "the driver itself has no shared memory");
    }

    fn end(mut self) {
        self.owner.send(b"end", &[]);
        assert_eq!(self.owner.join(), None);
        for reader in &mut self.readers {
            let report = expect(reader, "owner gone");
            assert!(report.ends_with(" 0 files"), "{report}");
            assert_eq!(reader.kill(), Some(9));
        }
    }
}

/// Leaves something behind on purpose, as the role says, and tells whether it was found.
pub(super) fn litter(starter: &OwnedFd) {
    let (name, _) = theus_testkit::crash::role().unwrap();
    let found = match name.split_once(' ').map(|(_, what)| what) {
        Some("a name") => {
            let path = format!("/dev/shm/theus-planted-{}", std::process::id());
            File::create(&path).unwrap();
            let found = named().contains(&path);
            remove_file(&path).unwrap();
            found
        }
        Some("a process") => {
            let role = format!("reader planted {}", std::process::id());
            let mut left = Victim::start("kill::play", &role);
            // Between its start and its program it is a copy of this process, in this one's role.
            let limit = std::time::Instant::now() + PATIENCE;
            while players(&role).is_empty() && std::time::Instant::now() < limit {
                std::thread::yield_now();
            }
            let found = players(&role) == [left.pid()];
            left.kill();
            found && players(&role).is_empty()
        }
        Some("changed bytes") => {
            let arena = Arena::new(ArenaOptions { capacity: 4 << 20 });
            let mut block = arena.alloc(1000, true).unwrap();
            fill(block.bytes_mut(), 5, || {});
            let segment = block.segment();
            let fd = segment.fd().try_clone_to_owned().unwrap();
            let mapping = Mapping::open(fd, Expect::segment(segment.len() as u64)).unwrap();
            let (segment_len, offset) = (segment.len() as u64, block.id().1);
            let version = Version { slot: 0, number: 5, segment_len, offset, len: 1000 };
            let whole = version.is_in(&mapping);
            block.write_at(999, &[0]).unwrap();
            whole && !version.is_in(&mapping)
        }
        Some("a descriptor") => {
            let (ours, theirs) = socket::pair().unwrap();
            let segment = theus_shm::Segment::create(4096, "left over").unwrap();
            tell(&theirs, b"take this", &[segment.fd()]);
            drop(segment);
            let before = memory_files();
            let Heard::Message(_, left) = hear(&ours, true) else { panic!("no message") };
            let found = (before, memory_files()) == (0, 1);
            drop(left);
            found && memory_files() == 0
        }
        other => panic!("{other:?}"),
    };
    tell(starter, if found { b"found" } else { b"missed" }, &[]);
}
