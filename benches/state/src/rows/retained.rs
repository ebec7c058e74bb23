//! F18: the memory of many versions that are all kept, each one key apart from the one before.
//!
//! What not: no resident pages; the bytes that the program asked for and has not given back are counted exactly.
//! One version is everything but the room for the handles: keys, values, stamps. The changed keys are random.

use super::{entries, grouped};
use crate::root::{Locked, Ours, Persistent, Root, Swapped};
use crate::{Draw, Figure, Unit, keys};
use theus_state::Snapshot;
use theus_value::Key;

const KEYS: usize = 100_000;
const VERSIONS: usize = 1_000;
/// A rival that copies everything is asked for fewer versions; the rest is multiplication.
const COPIES: usize = 10;

/// Bytes of one version, and of all together.
struct Memory {
    one: f64,
    all: f64,
}

/// Ours, with the rivals in the note. `live` says how many bytes are in use.
pub fn figures(live: &dyn Fn() -> usize) -> Vec<Figure> {
    let keys = keys(KEYS);
    let ours = of(live, &keys, VERSIONS, |Ours(store)| -> Snapshot { store.snapshot() });
    let imbl = swapped::<imbl::HashMap<_, _>>(live, &keys);
    let ordered = swapped::<imbl::OrdMap<_, _>>(live, &keys);
    let rpds = swapped::<rpds::HashTrieMapSync<_, _>>(live, &keys);
    let cloned = of(live, &keys, COPIES, Locked::snapshot);
    let cloned = Memory {
        one: cloned.one,
        all: cloned.one + (cloned.all - cloned.one) * VERSIONS as f64 / COPIES as f64,
    };
    let grows = |memory: &Memory| memory.all / memory.one;
    let mebibytes = |bytes: f64| bytes / f64::from(1 << 20);
    vec![Figure {
        id: "F18",
        what: format!(
            "memory of {} snapshots of {} keys, each one key apart",
            grouped(VERSIONS),
            grouped(KEYS)
        ),
        target: "<= 2",
        limit: Some(2.0),
        unit: Unit::Bytes,
        ours: ours.all,
        rival: "ours, one snapshot".into(),
        rivals: ours.one,
        ratio: grows(&ours),
        note: format!(
            "all against one: ours {:.2}, {:.0} bytes a version; imbl HashMap {:.2} of {:.1} MiB, imbl OrdMap {:.2} of \
             {:.1} MiB, rpds {:.2} of {:.1} MiB; cloned std HashMap {:.0} of {:.1} MiB, reckoned from {COPIES} copies",
            grows(&ours),
            (ours.all - ours.one) / VERSIONS as f64,
            grows(&imbl),
            mebibytes(imbl.one),
            grows(&ordered),
            mebibytes(ordered.one),
            grows(&rpds),
            mebibytes(rpds.one),
            grows(&cloned),
            mebibytes(cloned.one),
        ),
    }]
}

fn swapped<M: Persistent>(live: &dyn Fn() -> usize, keys: &[Key]) -> Memory {
    of(live, keys, VERSIONS, |root: &Swapped<M>| root.0.load_full())
}

fn of<R: Root, S>(
    live: &dyn Fn() -> usize,
    keys: &[Key],
    versions: usize,
    snapshot: impl Fn(&R) -> S,
) -> Memory {
    let mut kept = Vec::with_capacity(versions);
    let mut draw = Draw::default();
    let before = live();
    // Keys of its own, so that their memory counts.
    let root = R::of(entries(&keys.iter().map(|key| Key::from(&**key)).collect::<Vec<_>>()));
    let one = live() - before;
    for _ in 0..versions {
        root.commit(root.job(0, &keys[draw.below(keys.len())], 7));
        kept.push(snapshot(&root));
    }
    Memory { one: one as f64, all: (live() - before) as f64 }
}
