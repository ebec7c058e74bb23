//! F9, first half: what a snapshot costs beside the pointer load it consists of.
//!
//! What not: reading from it (see `growth`).

use super::numbered;
use crate::root::{Ours, Root};
use crate::{Figure, Race, Times, Unit, nanoseconds_each};
use arc_swap::ArcSwap;
use std::hint::black_box;
use theus_value::Map;

const BATCH: usize = 10_000;
/// At least nine tenths of the rival's rate is at most ten ninths of its time.
const LIMIT: f64 = 10.0 / 9.0;

/// `snapshot` beside `load_full`, which also hands out a reference of its own; `peek` beside `load`, which do not.
pub(super) fn figures(rounds: usize) -> Vec<Figure> {
    let Ours(store) = Ours::of(numbered(1_000));
    let cell = ArcSwap::from_pointee(Map::new());
    let mut race = Race::default();
    race.enter("snapshot", || many(|| store.snapshot()));
    race.enter("load_full", || many(|| cell.load_full()));
    race.enter("peek", || many(|| store.peek()));
    race.enter("load", || many(|| cell.load()));
    let times = race.run(rounds * 2);
    let bare = times.ratio("snapshot", "load");
    let note = format!("a snapshot takes {bare:.2} of a bare load, which takes no count");
    vec![figure(&times, "snapshot", "load_full", note), figure(&times, "peek", "load", String::new())]
}

fn many<T>(look: impl Fn() -> T) -> f64 {
    nanoseconds_each(BATCH, || (0..BATCH).for_each(|_| _ = black_box(look())))
}

fn figure(times: &Times, ours: &str, rival: &str, note: String) -> Figure {
    Figure {
        id: "F9",
        what: ours.into(),
        target: ">= 0.9 of the rate",
        limit: Some(LIMIT),
        unit: Unit::Nanoseconds,
        ours: times.median(ours),
        rival: format!("ArcSwap::{rival}"),
        rivals: times.median(rival),
        ratio: times.ratio(ours, rival),
        note,
    }
}
