//! Loom: every interleaving of a worker that publishes and rings with the two parties that listen on the Brain's end.
//! Run with `RUSTFLAGS="--cfg theus_loom" cargo test -p theus-pool --test model --release`.
//!
//! The ring and the bell are the ones that ship, over model-checked cells in the place of shared memory; the futex is a
//! lock and a condition variable, which is what the kernel promises: comparing the word and going to sleep are one step
//! against a wake. A lost wake-up shows as a deadlock, which loom reports. Each property is shown to fail on a twin with
//! a planted bug.
#![cfg(theus_loom)]
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use theus_pool::link::{Bell, Cells, Header, Kind, RingPlace, RingReader, RingWriter, Watch};
use theus_sync::atomic::{AtomicBool, AtomicU32, Ordering};
use theus_sync::{Arc, Condvar, Mutex, thread};

const PLACE: RingPlace = RingPlace { tail: 0, head: 4, bytes: 12, capacity: 64 };
const BELL: usize = 8;

// The flags of the bell's word, for the twins.
const KEEPER: u32 = 1;
const LEADER: u32 = 2;
const LEADER_ASLEEP: u32 = 4;
const RING: u32 = 8;

/// Sleepers by their mask, and how often each kind was woken.
#[derive(Default)]
struct Futex {
    keeper: u32,
    leader: u32,
}

/// Shared memory as loom sees it. A ring of 64 bytes: its words are atomics too, relaxed like the real copies.
struct Model {
    words: [AtomicU32; 3],
    bytes: [AtomicU32; 16],
    futex: Mutex<Futex>,
    woken: Condvar,
}

impl Model {
    fn new() -> Arc<Self> {
        Arc::new(Model {
            words: std::array::from_fn(|_| AtomicU32::new(0)),
            bytes: std::array::from_fn(|_| AtomicU32::new(0)),
            futex: Mutex::new(Futex::default()),
            woken: Condvar::new(),
        })
    }
}

impl Cells for Model {
    fn load(&self, word: usize) -> u32 {
        self.words[word / 4].load(Ordering::Acquire)
    }

    fn store(&self, word: usize, value: u32) {
        self.words[word / 4].store(value, Ordering::Release);
    }

    fn fetch_add(&self, word: usize, value: u32) -> u32 {
        self.words[word / 4].fetch_add(value, Ordering::AcqRel)
    }

    fn fetch_or(&self, word: usize, bits: u32) -> u32 {
        self.words[word / 4].fetch_or(bits, Ordering::AcqRel)
    }

    fn fetch_and(&self, word: usize, bits: u32) -> u32 {
        self.words[word / 4].fetch_and(bits, Ordering::AcqRel)
    }

    fn read(&self, offset: usize, into: &mut [u8]) {
        // Frames here are of whole words; one word of each is enough to see whether it is new.
        for (at, chunk) in into.chunks_mut(4).enumerate() {
            let word = self.bytes[(offset - 12) / 4 + at].load(Ordering::Relaxed).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    fn write(&self, offset: usize, from: &[u8]) {
        for (at, chunk) in from.chunks(4).enumerate() {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            self.bytes[(offset - 12) / 4 + at].store(u32::from_le_bytes(word), Ordering::Relaxed);
        }
    }

    fn wait(&self, word: usize, expected: u32, mask: u32, _timeout: Option<Duration>) {
        let mut futex = self.futex.lock();
        if self.load(word) != expected {
            return;
        }
        let count = |futex: &Futex| if mask == KEEPER { futex.keeper } else { futex.leader };
        let before = count(&futex);
        while count(&futex) == before {
            self.woken.wait(&mut futex);
        }
    }

    fn wake(&self, _word: usize, mask: u32) {
        let mut futex = self.futex.lock();
        futex.keeper += u32::from(mask & KEEPER != 0);
        futex.leader += u32::from(mask & LEADER_ASLEEP != 0);
        drop(futex);
        self.woken.notify_all();
    }
}

/// The bell's algorithm, or a twin of it.
trait Subject: Send + Sync + 'static {
    fn ring(cells: &Model) {
        Bell::at(BELL).ring(cells);
    }

    fn die(line: &Line) {
        line.dead.store(true, Ordering::Release);
        Bell::at(BELL).alarm(&*line.cells);
    }

    fn sleep(cells: &Model, idle: impl FnOnce() -> bool) {
        Bell::at(BELL).sleep(cells, None, idle);
    }

    fn sleep_leading(cells: &Model, idle: impl FnOnce() -> bool) {
        Bell::at(BELL).sleep_leading(cells, None, idle);
    }

    fn resign(cells: &Model, idle: impl FnOnce() -> bool) {
        Bell::at(BELL).resign(cells, idle);
    }

    /// Takes the watch that a leader sleeps by, and whether its task is still to come.
    fn watch(line: &Line) -> (Watch, bool) {
        let reader = line.reader.lock();
        (reader.0.watch(), reader.1 == 0)
    }
}

struct Shipped;
impl Subject for Shipped {}

/// Planted bug: looks at the flags before it adds its ring.
struct RingLooksFirst;
impl Subject for RingLooksFirst {
    fn ring(cells: &Model) {
        let before = cells.load(BELL);
        cells.fetch_add(BELL, RING);
        if before & LEADER != 0 {
            if before & LEADER_ASLEEP != 0 {
                cells.wake(BELL, LEADER_ASLEEP);
            }
        } else if before & KEEPER != 0 {
            cells.wake(BELL, KEEPER);
        }
    }
}

/// Planted bug: a leader that leaves does not look once more.
struct ResignBlind;
impl Subject for ResignBlind {
    fn resign(cells: &Model, _idle: impl FnOnce() -> bool) {
        cells.fetch_and(BELL, !(LEADER | LEADER_ASLEEP));
    }
}

/// Planted bug: a leader that leaves looks before it clears its flag.
struct ResignLooksFirst;
impl Subject for ResignLooksFirst {
    fn resign(cells: &Model, idle: impl FnOnce() -> bool) {
        let idle = idle();
        cells.fetch_and(BELL, !(LEADER | LEADER_ASLEEP));
        if !idle {
            cells.wake(BELL, KEEPER);
        }
    }
}

/// Planted bug: a sleeper does not look once its flag is up.
struct SleepBlind;
impl Subject for SleepBlind {
    fn sleep(cells: &Model, _idle: impl FnOnce() -> bool) {
        let seen = cells.fetch_or(BELL, KEEPER) | KEEPER;
        cells.wait(BELL, seen, KEEPER, None);
        cells.fetch_and(BELL, !KEEPER);
    }
}

/// Planted bug: the alarm comes before what it tells.
struct AlarmFirst;
impl Subject for AlarmFirst {
    fn die(line: &Line) {
        Bell::at(BELL).alarm(&*line.cells);
        line.dead.store(true, Ordering::Release);
    }
}

/// Planted bug: a leader takes its position without asking in the same step whether its frame is still to come.
struct WatchInTwoSteps;
impl Subject for WatchInTwoSteps {
    fn watch(line: &Line) -> (Watch, bool) {
        let to_come = line.reader.lock().1 == 0;
        (line.reader.lock().0.watch(), to_come)
    }
}

/// What the listeners of one worker share: the reader and the count of frames taken, under the slot's lock; and whether
/// the listeners shall end: the worker is dead, or all that it will ever send was taken.
struct Line {
    cells: Arc<Model>,
    reader: Mutex<(RingReader, u32)>,
    dead: AtomicBool,
    frames: u32,
}

impl Line {
    fn new(frames: u32) -> Arc<Self> {
        Arc::new(Line {
            cells: Model::new(),
            reader: Mutex::new((RingReader::new(PLACE), 0)),
            dead: AtomicBool::new(false),
            frames,
        })
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Takes one frame, in order and whole, if there is one. Whoever takes the last one ends the model's listeners, who
    /// would sleep on for good otherwise, as they should.
    fn receive(&self) -> bool {
        let mut reader = self.reader.lock();
        let Some(frame) = reader.0.pop(&*self.cells).unwrap() else { return false };
        reader.1 += 1;
        assert_eq!(frame.header, header(reader.1));
        if reader.1 == self.frames {
            Shipped::die(self);
        }
        true
    }

    fn taken(&self) -> u32 {
        self.reader.lock().1
    }
}

fn header(number: u32) -> Header {
    Header { task: u64::from(number), ..Header::bare(Kind::Complete) }
}

/// The worker: publishes its frames, each with a ring.
fn worker<S: Subject>(line: &Line) {
    let mut writer = RingWriter::new(PLACE);
    for number in 1..=line.frames {
        writer.push(&*line.cells, &header(number), &[]).unwrap();
        S::ring(&line.cells);
    }
}

/// The keeper: receives until the end.
fn keeper<S: Subject>(line: &Line) {
    loop {
        while line.receive() {}
        if line.is_dead() {
            return;
        }
        let watch = line.reader.lock().0.watch();
        S::sleep(&line.cells, || watch.is_empty(&*line.cells) && !line.is_dead());
    }
}

/// The leader: receives until the first frame was taken, by whomever, or the end; then it resigns.
fn leader<S: Subject>(line: &Line) {
    if !Bell::at(BELL).lead(&*line.cells) {
        return;
    }
    loop {
        let (watch, to_come) = S::watch(line);
        if !to_come || line.is_dead() {
            break;
        }
        S::sleep_leading(&line.cells, || watch.is_empty(&*line.cells) && !line.is_dead());
        line.receive();
    }
    let watch = line.reader.lock().0.watch();
    S::resign(&line.cells, || watch.is_empty(&*line.cells) && !line.is_dead());
}

/// Bounded as tokio bounds its models: bugs of this kind show with few preemptions.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// The model finds something in a twin.
fn finds(model: impl Fn() + Send + Sync + 'static) -> bool {
    catch_unwind(AssertUnwindSafe(|| explore(model))).is_err()
}

/// A keeper that sleeps, and a worker that publishes two frames.
fn sleeping_keeper<S: Subject>() {
    let line = Line::new(2);
    let there = Arc::clone(&line);
    let worker = thread::spawn(move || worker::<S>(&there));
    keeper::<S>(&line);
    worker.join().unwrap();
    assert_eq!(line.taken(), 2);
}

/// A leader comes for the first frame and goes, while the worker rings twice; somebody must get the second.
fn coming_leader<S: Subject>() {
    let line = Line::new(2);
    let (there, leading) = (Arc::clone(&line), Arc::clone(&line));
    let worker = thread::spawn(move || worker::<S>(&there));
    let leader = thread::spawn(move || leader::<S>(&leading));
    keeper::<S>(&line);
    worker.join().unwrap();
    leader.join().unwrap();
    assert_eq!(line.taken(), 2);
}

/// A leader whose own frame the keeper takes; no other frame comes that could wake the leader by chance.
fn overtaken_leader<S: Subject>() {
    let line = Line::new(u32::MAX);
    let leading = Arc::clone(&line);
    let mut writer = RingWriter::new(PLACE);
    writer.push(&*line.cells, &header(1), &[]).unwrap();
    S::ring(&line.cells);
    let leader = thread::spawn(move || leader::<S>(&leading));
    line.receive();
    leader.join().unwrap();
    assert_eq!(line.taken(), 1);
}

/// A worker that dies without a word: both listeners must wake.
fn dying_worker<S: Subject>() {
    let line = Line::new(1);
    let (there, leading) = (Arc::clone(&line), Arc::clone(&line));
    let watcher = thread::spawn(move || S::die(&there));
    let leader = thread::spawn(move || leader::<S>(&leading));
    keeper::<S>(&line);
    watcher.join().unwrap();
    leader.join().unwrap();
}

#[test]
fn a_sleeping_keeper_gets_every_frame() {
    explore(sleeping_keeper::<Shipped>);
}

#[test]
fn a_frame_is_not_lost_between_a_leader_and_the_keeper() {
    explore(coming_leader::<Shipped>);
}

#[test]
fn a_leader_whose_frame_the_keeper_takes_goes_on() {
    explore(overtaken_leader::<Shipped>);
}

#[test]
fn everybody_wakes_when_the_worker_dies() {
    explore(dying_worker::<Shipped>);
}

#[test]
fn a_ring_that_looks_at_the_flags_before_it_adds_is_found() {
    assert!(finds(sleeping_keeper::<RingLooksFirst>));
}

#[test]
fn a_sleep_without_a_second_look_is_found() {
    assert!(finds(sleeping_keeper::<SleepBlind>));
}

#[test]
fn a_leader_that_resigns_without_a_look_is_found() {
    assert!(finds(coming_leader::<ResignBlind>));
}

#[test]
fn a_leader_that_looks_before_it_resigns_is_found() {
    assert!(finds(coming_leader::<ResignLooksFirst>));
}

#[test]
fn a_leader_that_watches_in_two_steps_is_found() {
    assert!(finds(overtaken_leader::<WatchInTwoSteps>));
}

#[test]
fn an_alarm_before_what_it_tells_is_found() {
    assert!(finds(dying_worker::<AlarmFirst>));
}
