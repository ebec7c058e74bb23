//! Fragmentation: how much more memory the arena holds for its blocks than they have, over traces of three kinds.
//!
//! Measured as Johnstone and Wilson do ("The memory fragmentation problem: solved?", ISMM 1998, their fourth way):
//! the most memory held at any time against the most memory live at any time, as what it is above that.
//! - Live is the sum of the lengths that were asked for, so what rounding wastes counts as fragmentation.
//! - Held are the segments with at least one block in use, whole: `reserved` less `kept`. A kept segment has no block
//!   in use and is given up when the capacity, the system or `trim` asks for it, so it is stock and not lost between
//!   blocks; each replay ends by showing that trimming leaves exactly what was counted as held.
//! - What is freed when a phase ends is an eighth short of all; what stays is chosen by chance, except for tensors,
//!   where the oldest stay: without moving blocks nobody can keep the bound where a full arena of small blocks turns
//!   into one of large blocks, chance deciding which small ones go.
//! - A trace is judged when at least [`ENOUGH`] bytes were live: below that, one segment is most of the figure.

use std::collections::BTreeMap;
use std::sync::Arc;

use theus_shm::{Arena, ArenaOptions, Block};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Traces never have more live than this: it is real memory.
const MOST: usize = 192 * MIB;
/// Many small blocks take long to come and go, so of them there are fewer bytes.
const MOST_SMALL: usize = 24 * MIB;
/// From here on fragmentation is judged.
const ENOUGH: usize = 12 * MIB;
/// Held above live, as a part of live.
const LIMIT: f64 = 0.25;

/// One step of a trace.
#[derive(Debug, Clone, Copy)]
enum Step {
    Alloc(usize),
    /// Of the block that came with the n-th `Alloc`.
    Free(usize),
}

/// Chance from a seed: xorshift (Marsaglia, "Xorshift RNGs", 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tensors,
    Frames,
    Small,
    Mixed,
}

/// Each phase of a trace has a tilt below this: which lengths are common in it.
const TILTS: usize = 4;

impl Kind {
    fn most(self) -> usize {
        if self == Self::Small { MOST_SMALL } else { MOST }
    }

    fn len(self, dice: &mut Dice, tilt: usize) -> usize {
        match self {
            Self::Tensors => tensor(dice, tilt),
            Self::Frames => frame(dice, tilt),
            Self::Small => small(dice, tilt),
            Self::Mixed => match dice.below(100) {
                0 | 1 => tensor(dice, tilt),
                2 => frame(dice, tilt),
                _ => small(dice, tilt),
            },
        }
    }

    /// Takes out of the live blocks the one that goes next.
    fn victim(self, dice: &mut Dice, live: &mut Vec<(usize, usize)>) -> (usize, usize) {
        match self {
            // A ring: the oldest, now and then one of the three after it.
            Self::Frames if dice.below(4) > 0 => live.remove(0),
            Self::Frames => live.remove(dice.below(live.len().min(4))),
            Self::Tensors => live.remove(dice.below(live.len())),
            Self::Small | Self::Mixed => live.swap_remove(dice.below(live.len())),
        }
    }

    /// Takes out of the live blocks the one that goes next when a phase is over.
    fn left_over(self, dice: &mut Dice, live: &mut Vec<(usize, usize)>) -> (usize, usize) {
        match self {
            // The youngest: what a computation made goes, the weights that were loaded first stay.
            Self::Tensors => live.remove(live.len() - 1),
            _ => self.victim(dice, live),
        }
    }
}

/// A power of two times a small factor, 1 KiB to 64 MiB; most are small, and most bytes are in large ones.
fn tensor(dice: &mut Dice, tilt: usize) -> usize {
    let mut power = KIB;
    while power < 64 * MIB && dice.below(100) < 60 + 5 * tilt {
        power *= 2;
    }
    (power * dice.one_of(&[1, 3, 5, 6, 7, 9, 10, 12])).min(64 * MIB)
}

/// Pictures of three bytes a pixel, 480 to 2160 lines; a phase has one camera more of one of them.
fn frame(dice: &mut Dice, tilt: usize) -> usize {
    let pixels = [640 * 480, 1280 * 720, 1920 * 1080, 3840 * 2160];
    3 * pixels[if dice.below(2) == 0 { tilt } else { dice.below(pixels.len()) }]
}

/// 64 B to 16 KiB: five doublings, each as likely as the next, any length within it.
fn small(dice: &mut Dice, tilt: usize) -> usize {
    let low = 64 << (tilt + dice.below(5));
    low + dice.below(low)
}

/// Fills up to a target and goes on there, a block coming and others going, until the bytes of three times
/// the target have come; then with another target and other lengths.
fn trace(kind: Kind, seed: u64) -> Vec<Step> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut live, mut bytes, mut trace, mut serial) = (Vec::new(), 0, Vec::new(), 0);
    for _phase in 0..3 {
        let target = kind.most() / 2 + dice.below(kind.most() / 2);
        let tilt = dice.below(TILTS);
        let mut came = 0;
        // The work of the phase before is over: most of its blocks go.
        while bytes > target / 8 {
            let (which, len) = kind.left_over(&mut dice, &mut live);
            bytes -= len;
            trace.push(Step::Free(which));
        }
        while came < 2 * target {
            let len = kind.len(&mut dice, tilt);
            while bytes + len > target {
                let (which, len) = kind.victim(&mut dice, &mut live);
                bytes -= len;
                trace.push(Step::Free(which));
            }
            bytes += len;
            came += len;
            live.push((serial, len));
            trace.push(Step::Alloc(len));
            serial += 1;
        }
    }
    trace
}

/// What is judged: the arena, or a policy that must not pass.
trait Policy {
    fn alloc(&mut self, len: usize);
    fn free(&mut self, which: usize, len: usize);
    /// Bytes held for the live blocks.
    fn held(&self) -> usize;
}

struct Real {
    arena: Arc<Arena>,
    /// By the number of their coming.
    blocks: Vec<Option<Block>>,
}

impl Real {
    fn new() -> Self {
        Self { arena: Arena::new(ArenaOptions { capacity: 2 * MOST as u64 }), blocks: Vec::new() }
    }
}

impl Policy for Real {
    fn alloc(&mut self, len: usize) {
        self.blocks.push(Some(self.arena.alloc(len, false).unwrap()));
    }

    fn free(&mut self, which: usize, _len: usize) {
        self.blocks[which] = None;
    }

    fn held(&self) -> usize {
        let stats = self.arena.stats();
        (stats.reserved - stats.kept) as usize
    }
}

/// Planted: each block gets the next power of two, which is given up with it.
#[derive(Default)]
struct PowersOfTwo(usize);

impl Policy for PowersOfTwo {
    fn alloc(&mut self, len: usize) {
        self.0 += len.next_power_of_two();
    }

    fn free(&mut self, _which: usize, len: usize) {
        self.0 -= len.next_power_of_two();
    }

    fn held(&self) -> usize {
        self.0
    }
}

/// Planted: the smallest free part that is large enough is cut, and what is freed never joins its neighbours.
#[derive(Default)]
struct NeverJoins {
    /// How many free parts there are of a length.
    free: BTreeMap<usize, usize>,
    held: usize,
}

impl Policy for NeverJoins {
    fn alloc(&mut self, len: usize) {
        let found = self.free.range(len..).next().map(|(found, _)| *found);
        let whole = found.unwrap_or_else(|| {
            self.held += len;
            *self.free.entry(len).or_default() += 1;
            len
        });
        let count = self.free.get_mut(&whole).unwrap();
        *count -= 1;
        if *count == 0 {
            self.free.remove(&whole);
        }
        if whole > len {
            *self.free.entry(whole - len).or_default() += 1;
        }
    }

    fn free(&mut self, _which: usize, len: usize) {
        *self.free.entry(len).or_default() += 1;
    }

    fn held(&self) -> usize {
        self.held
    }
}

/// The fragmentation of a policy over a trace.
fn fragmentation(policy: &mut impl Policy, trace: &[Step]) -> f64 {
    let (mut live, mut bytes) = (Vec::new(), 0);
    let (mut most_live, mut most_held) = (0, 0);
    for step in trace {
        match *step {
            Step::Alloc(len) => {
                policy.alloc(len);
                live.push(len);
                bytes += len;
            }
            Step::Free(which) => {
                policy.free(which, live[which]);
                bytes -= live[which];
            }
        }
        most_live = most_live.max(bytes);
        most_held = most_held.max(policy.held());
    }
    assert!(most_live >= ENOUGH, "a trace of {most_live} bytes says nothing");
    most_held as f64 / most_live as f64 - 1.0
}

/// Judges the arena by the first traces of a kind: as many as THEUS_TRACES says, or eight.
fn judge(kind: Kind) {
    let traces = std::env::var("THEUS_TRACES").map_or(8, |count| count.parse().unwrap());
    for seed in 1..=traces {
        let mut real = Real::new();
        let found = fragmentation(&mut real, &trace(kind, seed));
        assert!(found < LIMIT, "{kind:?} of seed {seed}: {:.0} % held above what is live", found * 100.0);
        let held = real.held();
        real.arena.trim();
        let stats = real.arena.stats();
        assert_eq!((stats.reserved, stats.kept), (held as u64, 0), "what is kept is given up");
    }
}

#[test]
fn tensors_leave_little_between_them() {
    judge(Kind::Tensors);
}

#[test]
fn video_frames_leave_little_between_them() {
    judge(Kind::Frames);
}

#[test]
fn many_small_blocks_leave_little_between_them() {
    judge(Kind::Small);
}

#[test]
fn blocks_of_all_kinds_leave_little_between_them() {
    judge(Kind::Mixed);
}

/// The worst that a policy does to some traces of a kind; no memory is behind these.
fn worst<P: Policy + Default>(kind: Kind) -> f64 {
    let found = (1..=8).map(|seed| fragmentation(&mut P::default(), &trace(kind, seed)));
    found.fold(0.0, f64::max)
}

#[test]
fn planted_powers_of_two_are_found() {
    for kind in [Kind::Frames, Kind::Small] {
        let found = worst::<PowersOfTwo>(kind);
        assert!(found >= LIMIT, "{kind:?}: {found:.2}");
    }
}

#[test]
fn planted_parts_that_never_join_are_found() {
    for kind in [Kind::Tensors, Kind::Small, Kind::Frames, Kind::Mixed] {
        let found = worst::<NeverJoins>(kind);
        assert!(found >= LIMIT, "{kind:?}: {found:.2}");
    }
}
