//! Engines and workers killed again and again while arrays are allocated, published, read and freed.
//!
//! In each round a process of its own, which runs an engine, is killed at a named point of its work or at a random
//! moment, or one of its workers is. Nothing of it is left, and the next one, or the same one, goes on. THEUS_KILLS says
//! how many rounds, THEUS_KILL_SEED repeats a run.

use crate::stage::{contract, int, maintain, map, mapping, path, tuple};
use crate::worker::launch_as;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use theus::{Contract, Engine, Function, Process, RemoteTask, Task, Update, Value, allocate, heavy_value};
use theus_shm::socket;
use theus_testkit::crash::{Dice, Fate, Folders, PATIENCE, Victim, players, role, rounds};
use theus_testkit::footprint::{children, eventually, is_alive, named};

/// Rounds in an ordinary run of the tests.
const ROUNDS: u64 = 20;
/// A random moment is at most so far away, in microseconds.
const MOMENTS: u64 = 30_000;
/// Where an engine can be told to die.
const POINTS: [&str; 6] = ["idle", "allocated", "filled", "published", "submitted", "settled"];

/// An engine at work, in a process of its own.
struct Brain {
    engine: Engine,
    process: Process,
    function: Arc<Function>,
    control: OwnedFd,
    dice: Dice,
    fate: Fate,
    /// The driver wants to hear that tasks are done.
    asked: bool,
    number: u64,
}

impl Brain {
    fn new(run: &str, control: OwnedFd) -> Self {
        let mut launch = launch_as(&format!("worker {run}"));
        // A worker whose engine is killed says so before it ends, and there are many.
        launch.arguments[1] = "exec \"$0\" \"$@\" >/dev/null 2>&1".into();
        let engine = Engine::builder()
            .initial(map([("domain", mapping([("count", int(0))]))]))
            .heap_bytes(32 << 20)
            .pool_size(2)
            .launch(launch)
            .build();
        let contract = contract(&["heavy"], &["domain.count"]);
        let process = Process::new("same", Contract { parallel: true, crash_retries: 100, ..contract });
        let function = Arc::new(Function { id: engine.new_function_id(), definition: Vec::new() });
        let (dice, fate) = (Dice::of_this_run(), Fate::default());
        Brain { engine, process, function, control, dice, fate, asked: false, number: 0 }
    }

    /// Does what the driver says; false when it is to end.
    fn obey(&mut self) -> bool {
        let mut order = [0; 64];
        match socket::recv(&self.control, &mut order, 0, false) {
            Ok(Some((len, _))) => {
                let order = std::str::from_utf8(&order[..len]).unwrap();
                match order.split_once(' ').unwrap_or((order, "")) {
                    ("die", when) => self.fate = Fate::parse(when),
                    ("work", _) => self.asked = true,
                    ("end", _) => return false,
                    other => panic!("{other:?}"),
                }
                true
            }
            Ok(None) => panic!("the driver is gone"),
            Err(_nothing) => true,
        }
    }

    /// Publishes a new version of the array while two tasks read one, whichever.
    fn turn(&mut self) {
        self.fate.reach("idle");
        let readers = [self.submit(), self.submit()];
        self.fate.reach("submitted");
        let len = if self.dice.below(3) == 0 { (1 << 20) + 1 } else { 1 + self.dice.below(1 << 16) };
        let block = allocate(self.engine.arena(), "m", "<u1", &[len], false).unwrap();
        self.fate.reach("allocated");
        self.number += 1;
        let byte = 1 + (self.number % 250) as u8;
        block.write_at(0, &vec![byte; len as usize]).unwrap();
        self.fate.reach("filled");
        let mut update = Update::new();
        update.set(path("heavy.m"), Value::from(heavy_value(&block, "<u1", &[len])));
        drop(block);
        self.commit(update);
        self.fate.reach("published");
        for reader in readers {
            let settled = reader.wait(Some(PATIENCE)).unwrap();
            assert!(settled.is_ok(), "{settled:?}");
            let Some(Value::Int(seen)) = self.engine.snapshot().get(&path("domain.count")).cloned() else {
                panic!()
            };
            // What was there when it began or what came meanwhile, and never some of each.
            let before = 1 + ((self.number - 1) % 250) as i64;
            assert!([before, i64::from(byte)].contains(&seen) || self.number == 1, "{seen} of {byte}");
        }
        self.fate.reach("settled");
        if self.asked {
            self.asked = false;
            self.say("working");
        }
    }

    /// Tasks commit too: who comes second tries again.
    fn commit(&self, update: Update) {
        let start = Instant::now();
        while let Err(refused) =
            self.engine.compare_and_swap(self.engine.snapshot().version(), update.clone())
        {
            assert!(start.elapsed() < PATIENCE, "{refused:?}");
        }
    }

    fn submit(&self) -> Task {
        let arguments = tuple([Value::from("same")]);
        let task =
            RemoteTask::new(&self.engine, &self.process, self.function.clone(), arguments, mapping([]));
        self.engine.submit(task, None).unwrap()
    }

    fn say(&self, word: &str) {
        socket::send(&self.control, word.as_bytes(), &[]).unwrap();
    }

    /// Takes the array out of the state and ends; what the arena still has.
    fn end(self) {
        let mut update = Update::new();
        update.delete(path("heavy.m"));
        maintain(&self.engine, update);
        self.engine.shutdown(PATIENCE);
        let arena = self.engine.arena().clone();
        eventually("the last holder of a block is gone", || arena.stats().blocks == 0);
        arena.trim();
        let stats = arena.stats();
        assert_eq!((stats.used, stats.segments, stats.reserved), (0, 0, 0));
        self.say("ended");
    }
}

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let Some((name, control)) = role() else { return };
    let (_, run) = name.split_once(' ').unwrap();
    let mut brain = Brain::new(run, control);
    while brain.obey() {
        brain.turn();
    }
    brain.end();
}

/// Starts engines and kills.
struct Driver {
    brain: Victim,
    folders: Folders,
    run: String,
    started: u64,
}

impl Driver {
    fn new(seed: u64) -> Self {
        let (folders, run) = (Folders::new("engine"), format!("{}-{seed}-0", std::process::id()));
        let brain = Victim::start_in("kills::play", &format!("brain {run}"), folders.variables());
        Driver { brain, folders, run, started: 0 }
    }

    fn restart(&mut self, seed: u64) {
        self.started += 1;
        self.run = format!("{}-{seed}-{}", std::process::id(), self.started);
        let role = format!("brain {}", self.run);
        self.brain = Victim::start_in("kills::play", &role, self.folders.variables());
    }

    fn until_it_works(&self) {
        self.brain.send(b"work", &[]);
        assert_eq!(self.brain.receive(0).0, b"working", "the engine is gone");
    }

    fn kill_brain(&mut self, dice: &mut Dice) {
        let workers = children(self.brain.pid());
        if dice.below(2) == 0 {
            let fate = Fate::at(dice.pick::<&str>(&POINTS), 1 + dice.below(3));
            self.brain.send(format!("die {}", fate.text()).as_bytes(), &[]);
            assert_eq!(self.brain.join(), Some(9), "{fate:?}");
        } else {
            assert!(
                !self.brain.ends_within(Duration::from_micros(dice.below(MOMENTS))),
                "it ended by itself"
            );
            assert_eq!(self.brain.kill(), Some(9));
        }
        // Those that were started in the meantime, too.
        let role = format!("worker {}", self.run);
        eventually("the workers end with their engine", || {
            workers.iter().all(|worker| !is_alive(*worker)) && players(&role).is_empty()
        });
        self.nothing_is_left();
    }

    fn kill_worker(&self, dice: &mut Dice) {
        let workers = children(self.brain.pid());
        let Some(worker) = workers.get(dice.below(workers.len() as u64) as usize) else { return };
        let Ok(process) = theus_shm::pidfd::open(*worker) else { return };
        assert!(!self.brain.ends_within(Duration::from_micros(dice.below(MOMENTS))), "the engine ended");
        let _gone = theus_shm::pidfd::send_signal(&process, 9);
        self.until_it_works();
        self.nothing_is_left();
    }

    fn nothing_is_left(&self) {
        assert_eq!(self.folders.names(), Vec::<std::path::PathBuf>::new());
        eventually("no named object is left", || named().is_empty());
    }
}

#[test]
fn engines_and_workers_are_killed_again_and_again_and_nothing_is_lost_or_left() {
    let mut dice = Dice::of_this_run();
    let seed = dice.seed();
    println!("kills of engines: THEUS_KILL_SEED={seed} repeats them");
    let mut driver = Driver::new(seed);
    driver.until_it_works();
    let (mut brains, mut workers) = (0, 0);
    for _ in 0..rounds(ROUNDS) {
        if dice.below(3) == 0 {
            driver.kill_brain(&mut dice);
            driver.restart(seed);
            driver.until_it_works();
            brains += 1;
        } else {
            driver.kill_worker(&mut dice);
            workers += 1;
        }
    }
    driver.brain.send(b"end", &[]);
    assert_eq!(driver.brain.receive(0).0, b"ended", "the engine is gone");
    assert_eq!(driver.brain.join(), None);
    driver.nothing_is_left();
    println!("{brains} engines and {workers} workers killed");
}
