//! F10, second half: one reader, with and without a writer on another core, which commits without a pause or at the
//! rate at which an engine's calls may.
//!
//! What not: more readers than one, which two cores could not run. A read looks up one of [`READ`] keys in the newest
//! state; the writer changes other keys.
//!
//! A writer on another core costs a reader something even if they have nothing in common (memory, clock rate); so
//! there is a third figure, of a reader whose neighbour commits to another store.

use super::entries;
use crate::root::{Locked, Ours, Root, Sharded, Shared, Swapped};
use crate::{Figure, Race, Times, Unit, alone, beside, keys, nanoseconds_each};
use std::hint::black_box;
use std::time::Duration;
use theus_value::{Key, Value};

const KEYS: usize = 1_000;
/// How many keys are read; the writer changes the others.
const READ: usize = 64;
/// One commit in 10 us: as fast as calls can commit that take as long as F7 lets them.
const PACE: Duration = Duration::from_micros(10);
/// Some 20 microseconds: long enough to meet a commit or more, short enough to end before the machine interrupts it.
const BATCH: usize = 512;
const BATCHES: usize = 64;
/// A reader that loses less than 5 in 100 reads takes at most so much longer for each.
const LIMIT: f64 = 1.0 / 0.95;

type Imbl = Swapped<imbl::HashMap<Key, Value>>;

pub(super) fn figures(rounds: usize) -> Vec<Figure> {
    // Each has many batches of its own.
    let rounds = rounds.div_ceil(2);
    let keys = keys(KEYS);
    let nonstop = at_pace(rounds, &keys, Duration::ZERO, "a writer that never pauses");
    let paced = at_pace(rounds, &keys, PACE, "100,000 commits a second");
    nonstop.into_iter().chain(paced).collect()
}

fn at_pace(rounds: usize, keys: &[Key], pace: Duration, writer: &str) -> [Figure; 2] {
    let (read, written) = keys.split_at(READ);
    let (ours, other, imbl) = (&Ours::of(entries(keys)), &Ours::of(entries(keys)), &Imbl::of(entries(keys)));
    let peeks = || reads(read, |key| ours.read(key));
    let snapshots = || reads(read, |key| ours.read_snapshot(key));
    let mut race = Race::default();
    race.enter("peek, alone", || alone(BATCHES, peeks));
    race.enter("peek, beside", || beside(ours, written, pace, BATCHES, peeks));
    race.enter("peek, apart", || beside(other, written, pace, BATCHES, peeks));
    race.enter("snapshot, alone", || alone(BATCHES, snapshots));
    race.enter("snapshot, beside", || beside(ours, written, pace, BATCHES, snapshots));
    race.enter("snapshot, apart", || beside(other, written, pace, BATCHES, snapshots));
    enter(&mut race, "imbl", imbl, keys, pace);
    let times = race.run(rounds);
    let locked = locked(rounds, keys, pace);
    ["peek", "snapshot"].map(|how| figure(&times, &locked, how, writer))
}

/// A rival, alone and beside a writer.
fn enter<'a, R: Root>(race: &mut Race<'a>, name: &str, root: &'a R, keys: &'a [Key], pace: Duration) {
    let (read, written) = keys.split_at(READ);
    race.enter(format!("{name}, alone"), move || alone(BATCHES, || reads(read, |key| root.read(key))));
    race.enter(format!("{name}, beside"), move || {
        beside(root, written, pace, BATCHES, || reads(read, |key| root.read(key)))
    });
}

/// The rivals with locks, each alone and beside a writer, in a race of their own.
fn locked(rounds: usize, keys: &[Key], pace: Duration) -> Times {
    let (mutex, shared, sharded) =
        (&Locked::of(entries(keys)), &Shared::of(entries(keys)), &Sharded::of(entries(keys)));
    let mut race = Race::default();
    enter(&mut race, "mutex", mutex, keys, pace);
    enter(&mut race, "rwlock", shared, keys, pace);
    enter(&mut race, "dashmap", sharded, keys, pace);
    race.run(rounds)
}

fn figure(times: &Times, locked: &Times, how: &str, writer: &str) -> Figure {
    let (alone, beside, apart) = (format!("{how}, alone"), format!("{how}, beside"), format!("{how}, apart"));
    let lost = |times: &Times, name: &str| {
        100.0 * (1.0 - 1.0 / times.ratio(&format!("{name}, beside"), &format!("{name}, alone")))
    };
    Figure {
        id: "F10",
        what: format!("read by {how} beside {writer}"),
        target: "loses < 5 %",
        limit: Some(LIMIT),
        unit: Unit::Nanoseconds,
        ours: times.median(&beside),
        rival: "ours, no writer".into(),
        rivals: times.median(&alone),
        ratio: times.ratio(&beside, &alone),
        note: format!(
            "reads lost: ours {:.0} % ({:.0} % when it commits to another store); \
             ArcSwap<imbl> {:.0} %, and without snapshots RwLock<HashMap> {:.0} %, Mutex<HashMap> {:.0} %, DashMap {:.0} %",
            lost(times, how),
            100.0 * (1.0 - 1.0 / times.ratio(&apart, &alone)),
            lost(times, "imbl"),
            lost(locked, "rwlock"),
            lost(locked, "mutex"),
            lost(locked, "dashmap")
        ),
    }
}

fn reads(keys: &[Key], read: impl Fn(&Key) -> i64) -> f64 {
    nanoseconds_each(BATCH, || (0..BATCH).for_each(|at| _ = black_box(read(&keys[at % READ]))))
}
