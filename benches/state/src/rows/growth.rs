//! The state's share of F5 and F7: what a state of 1,000,000 keys adds to a task and to a call, against 10 keys.
//!
//! What not: tasks and calls as a whole; those are measured from Python. The keys lie in the map `domain`, the one
//! that is read or written is `count`, the last; the same again and again, as a counting call does.

use super::{grouped, numbered};
use crate::root::{Root, Swapped, one_below};
use crate::{Figure, Race, Times, Unit, nanoseconds_each};
use std::hint::black_box;
use theus_state::{Commit, Store};
use theus_value::{Key, Path, Update, Value};

const FEW: usize = 10;
const MANY: usize = 1_000_000;
/// A fraction of a millisecond, so that most batches end before the machine gives the core to somebody else.
const READS: usize = 2_000;
const COMMITS: usize = 64;

type Imbl = Swapped<imbl::HashMap<Key, Value>>;

/// F5: the snapshot that every task takes, and a path read from it.
pub(super) fn reads(rounds: usize) -> Vec<Figure> {
    let path = counter();
    let (few, many) = (one_below(with_counter(FEW)), one_below(with_counter(MANY)));
    let mut race = Race::default();
    for (name, store) in [("few", &few), ("many", &many)] {
        race.enter(format!("snapshot, {name}"), move || {
            nanoseconds_each(READS, || (0..READS).for_each(|_| _ = black_box(store.snapshot())))
        });
        let path = &path;
        race.enter(format!("read, {name}"), move || {
            nanoseconds_each(READS, || {
                (0..READS).for_each(|_| assert!(black_box(store.snapshot().get(black_box(path))).is_some()));
            })
        });
    }
    let times = race.run(rounds * 4);
    let note = format!(
        "the target is the whole task's; reading one path adds {:.0} ns to one, of which F1 wants 11 us",
        times.median("read, many") - times.median("read, few")
    );
    let snapshot = figure("F5", "snapshot", &times, "snapshot, many", "snapshot, few", String::new());
    let read = figure("F5", "snapshot and one path read", &times, "read, many", "read, few", note);
    vec![Figure { target: "<= 1.2", limit: Some(1.2), ..snapshot }, read]
}

/// F7: the commit that a counting call makes.
pub(super) fn commits(rounds: usize) -> Vec<Figure> {
    let (few, many) = (one_below(with_counter(FEW)), one_below(with_counter(MANY)));
    let (imbl_few, imbl_many) = (Imbl::of(with_counter(FEW)), Imbl::of(with_counter(MANY)));
    let mut race = Race::default();
    race.enter("few", || counting(&few)).enter("many", || counting(&many));
    race.enter("imbl, few", || inserting(&imbl_few)).enter("imbl, many", || inserting(&imbl_many));
    let times = race.run(rounds * 4);
    let note = format!(
        "the target is the whole call's; this adds {:.0} ns to one; imbl insert + swap grows by {:.2}",
        times.median("many") - times.median("few"),
        times.ratio("imbl, many", "imbl, few")
    );
    vec![figure("F7", "commit of one key again and again", &times, "many", "few", note)]
}

fn figure(id: &'static str, what: &str, times: &Times, many: &str, few: &str, note: String) -> Figure {
    Figure {
        id,
        what: format!("Rust: {what}, {} keys", grouped(MANY)),
        target: "-",
        limit: None,
        unit: Unit::Nanoseconds,
        ours: times.median(many),
        rival: format!("ours, {FEW} keys"),
        rivals: times.median(few),
        ratio: times.ratio(many, few),
        note,
    }
}

fn counter() -> Path {
    Path::from_segments(["domain", "count"])
}

fn with_counter(count: usize) -> Vec<(Key, Value)> {
    let mut entries = numbered(count - 1);
    entries.push((Key::from("count"), Value::Int(0)));
    entries
}

fn counting(store: &Store) -> f64 {
    let path = counter();
    let base = store.version();
    let commit = |number: usize| {
        let mut update = Update::new();
        update.set(path.clone(), Value::Int(number as i64));
        Commit::new(base + number as u64, update)
    };
    let commits: Vec<Commit> = (0..COMMITS).map(commit).collect();
    nanoseconds_each(COMMITS, || {
        commits.into_iter().for_each(|commit| assert!(store.commit(commit).is_ok()));
    })
}

fn inserting(root: &Imbl) -> f64 {
    let key = Key::from("count");
    let jobs: Vec<_> = (0..COMMITS).map(|number| root.job(number, &key, number as i64)).collect();
    nanoseconds_each(COMMITS, || jobs.into_iter().for_each(|job| root.commit(job)))
}
