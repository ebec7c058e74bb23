//! F9, second half: a commit of one existing key with nobody else about.
//!
//! What not: the making of the update, which is a caller's (the rivals' key and value are made beforehand too).
//! A row has the faster of the two rivals in its column and the other in its note.

use super::{entries, grouped};
use crate::root::{Ours, Root, Swapped};
use crate::{Draw, Figure, Race, Times, Unit, keys, nanoseconds_each};
use theus_value::{Key, Value};

const SIZES: [usize; 4] = [10, 1_000, 100_000, 1_000_000];
/// So few that most batches end before the machine gives the core to somebody else, and that what was prepared stays
/// in the cache; in exchange there are more rounds.
const BATCH: usize = 32;
const ROUNDS: usize = 4;
const RIVALS: [&str; 2] = ["imbl insert + swap", "rpds insert + swap"];

type Imbl = Swapped<imbl::HashMap<Key, Value>>;
type Rpds = Swapped<rpds::HashTrieMapSync<Key, Value>>;

pub(super) fn figures(rounds: usize) -> Vec<Figure> {
    SIZES.into_iter().flat_map(|size| of_size(rounds, size)).collect()
}

fn of_size(rounds: usize, size: usize) -> [Figure; 2] {
    let keys = keys(size);
    let (ours, imbl, rpds) = (Ours::of(entries(&keys)), Imbl::of(entries(&keys)), Rpds::of(entries(&keys)));
    [false, true].map(|random| {
        let mut race = Race::default();
        race.enter("ours", batches(&ours, &keys, random));
        race.enter(RIVALS[0], batches(&imbl, &keys, random));
        race.enter(RIVALS[1], batches(&rpds, &keys, random));
        let pattern = if random { "random" } else { "the same again" };
        figure(format!("commit of one of {} keys, {pattern}", grouped(size)), &race.run(rounds * ROUNDS))
    })
}

/// Batches of commits, all of the middle key or each of a random one.
fn batches<R: Root>(root: &R, keys: &[Key], random: bool) -> impl FnMut() -> f64 {
    let mut draw = Draw::default();
    move || {
        let mut key = || &keys[if random { draw.below(keys.len()) } else { keys.len() / 2 }];
        let jobs: Vec<R::Job> = (0..BATCH).map(|ahead| root.job(ahead, key(), ahead as i64)).collect();
        nanoseconds_each(BATCH, || jobs.into_iter().for_each(|job| root.commit(job)))
    }
}

fn figure(what: String, times: &Times) -> Figure {
    let (first, second) = (times.median(RIVALS[0]), times.median(RIVALS[1]));
    let (faster, slower) = if first <= second { (RIVALS[0], RIVALS[1]) } else { (RIVALS[1], RIVALS[0]) };
    Figure {
        id: "F9",
        what,
        target: "<= 2",
        limit: Some(2.0),
        unit: Unit::Nanoseconds,
        ours: times.median("ours"),
        rival: faster.into(),
        rivals: times.median(faster),
        ratio: times.ratio("ours", faster),
        note: format!(
            "{slower} took {:.0} ns ({:.2} of it)",
            times.median(slower),
            times.ratio("ours", slower)
        ),
    }
}
