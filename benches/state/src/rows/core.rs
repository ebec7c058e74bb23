//! F10, first half: threads on all cores that commit distinct keys, against one thread that commits them all.
//!
//! What not: conflicts; no two threads have a key in common. A thread takes its base from the store before every
//! commit, as an engine does.

use super::{entries, grouped};
use crate::root::{Locked, Ours, Root, Sharded, Swapped};
use crate::{Figure, Race, Unit, keys, pin};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;
use theus_state::Commit;
use theus_value::{Key, Path, Update, Value};

const SIZES: [usize; 2] = [1_000, 100_000];
/// A few milliseconds of work: what it takes to wake the second thread does not count against that.
const COMMITS: usize = 2_048;

type Imbl = Swapped<imbl::HashMap<Key, Value>>;

pub(super) fn figures(rounds: usize) -> Vec<Figure> {
    SIZES.into_iter().map(|size| of_size(rounds, size)).collect()
}

fn of_size(rounds: usize, size: usize) -> Figure {
    let all = thread::available_parallelism().map_or(1, usize::from);
    let keys = &keys(size);
    let ours = Ours::of(entries(keys));
    let (imbl, locked, sharded) =
        (Imbl::of(entries(keys)), Locked::of(entries(keys)), Sharded::of(entries(keys)));
    let mut race = Race::default();
    for (name, threads) in [("all", all), ("one", 1)] {
        let (ours, imbl, locked, sharded) = (&ours, &imbl, &locked, &sharded);
        race.enter(format!("ours, {name}"), move || {
            together(shares(threads, keys, update), |update| commit(ours, update))
        });
        race.enter(format!("imbl, {name}"), move || {
            together(shares(threads, keys, entry), |job| imbl.commit_among_writers(job))
        });
        race.enter(format!("mutex, {name}"), move || {
            together(shares(threads, keys, entry), |job| locked.commit(job))
        });
        race.enter(format!("dashmap, {name}"), move || {
            together(shares(threads, keys, entry), |job| sharded.commit(job))
        });
    }
    let times = race.run(rounds);
    let grows = |name: &str| times.ratio(&format!("{name}, one"), &format!("{name}, all"));
    Figure {
        id: "F10",
        what: format!("commits of distinct ones of {} keys from {all} cores, each", grouped(size)),
        target: "<= 1",
        limit: Some(1.0),
        unit: Unit::Nanoseconds,
        ours: times.median("ours, all"),
        rival: "ours, one thread".into(),
        rivals: times.median("ours, one"),
        ratio: times.ratio("ours, all", "ours, one"),
        note: format!(
            "rate of all cores in rates of one thread: ours {:.2}; ArcSwap<imbl> with rcu {:.2}; without snapshots \
             Mutex<HashMap> {:.2}, DashMap {:.2}",
            grows("ours"),
            grows("imbl"),
            grows("mutex"),
            grows("dashmap")
        ),
    }
}

fn update(key: &Key) -> Update {
    let mut update = Update::new();
    update.set(Path::from_segments([Key::clone(key)]), Value::Int(7));
    update
}

fn entry(key: &Key) -> (Key, Value) {
    (Key::clone(key), Value::Int(7))
}

fn commit(Ours(store): &Ours, update: Update) {
    let committed = store.commit(Commit::new(store.version(), update));
    assert!(committed.is_ok(), "the keys are distinct");
}

/// The jobs of each thread, all together [`COMMITS`].
fn shares<J>(threads: usize, keys: &[Key], job: impl Fn(&Key) -> J) -> Vec<Vec<J>> {
    let share = |thread: usize| {
        let own = keys.iter().skip(thread).step_by(threads).cycle();
        own.take(COMMITS / threads).map(&job).collect()
    };
    (0..threads).map(share).collect()
}

/// From the first thread's start to the last one's end, for each commit.
fn together<J: Send>(shares: Vec<Vec<J>>, commit: impl Fn(J) + Sync) -> f64 {
    let count = shares.iter().map(Vec::len).sum::<usize>();
    let (commit, line) = (&commit, &Barrier::new(shares.len()));
    let work = |(core, jobs): (usize, Vec<J>)| {
        move || {
            pin(core);
            line.wait();
            let start = Instant::now();
            jobs.into_iter().for_each(commit);
            (start, Instant::now())
        }
    };
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let running: Vec<_> = shares.into_iter().enumerate().map(|share| scope.spawn(work(share))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let start = spans.iter().map(|(start, _)| *start).min();
    let end = spans.iter().map(|(_, end)| *end).max();
    start.zip(end).map_or(f64::NAN, |(start, end)| (end - start).as_nanos() as f64 / count as f64)
}
