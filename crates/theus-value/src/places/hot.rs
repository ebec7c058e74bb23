//! [`Hot`]: the few places of a tree that were written lately, the ones written again kept in front of it.
//!
//! Why: a change to a tree that is shared copies a path of nodes, and each node copied touches the reference counts
//! of all its children. A counter among a million keys would pay that on each commit. Once such a place is hot, a
//! change copies this vector alone. A place is *noted* when first written and becomes hot when written again while
//! still noted, so places that are written once each, as in a sweep, pay one path and never two.
//!
//! What not: no tree; the caller writes back what cools down.
//! Invariants: at most [`KEPT`] places, each once, the one written last at the end (least recently used goes first).

/// How many places are remembered. A change copies them all, so they must stay few.
const KEPT: usize = 8;

/// Places with their values; no value yet for a place that was only noted.
#[derive(Clone, Debug)]
pub(super) struct Hot<T>(Vec<(u64, Option<T>)>);

/// How well a place is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Never,
    Once,
    Hot,
}

impl<T> Default for Hot<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Hot<T> {
    /// The value of `place`, if it is hot.
    #[inline]
    pub(super) fn get(&self, place: u64) -> Option<&T> {
        self.0.iter().find(|(have, _)| *have == place).and_then(|(_, value)| value.as_ref())
    }

    /// The hot places with their values, ascending.
    pub(super) fn sorted(&self) -> Vec<(u64, &T)> {
        let mut sorted: Vec<_> = self.0.iter().filter_map(|(at, v)| Some((*at, v.as_ref()?))).collect();
        sorted.sort_unstable_by_key(|(place, _)| *place);
        sorted
    }

    /// How well `place` is known. If it is, it counts as the one written last from now on.
    pub(super) fn seen(&mut self, place: u64) -> Seen {
        let Some(at) = self.0.iter().position(|(have, _)| *have == place) else { return Seen::Never };
        self.0[at..].rotate_left(1);
        if matches!(self.0.last(), Some((_, Some(_)))) { Seen::Hot } else { Seen::Once }
    }

    /// The value written last, if it is hot.
    pub(super) fn latest(&mut self) -> Option<&mut T> {
        self.0.last_mut().and_then(|(_, value)| value.as_mut())
    }

    /// Makes the place that was [`seen`](Self::seen) last hot, with `value`.
    pub(super) fn heat(&mut self, value: T) {
        if let Some(last) = self.0.last_mut() {
            last.1 = Some(value);
        }
    }

    /// Notes a new place. Gives back what had to leave for it and must go to the tree.
    #[must_use]
    pub(super) fn note(&mut self, place: u64) -> Option<(u64, T)> {
        let (cooled, value) = if self.0.len() < KEPT { (0, None) } else { self.0.remove(0) };
        self.0.push((place, None));
        value.map(|value| (cooled, value))
    }

    /// Forgets `place` and gives back its value, if it was hot.
    pub(super) fn remove(&mut self, place: u64) -> Option<T> {
        let at = self.0.iter().position(|(have, _)| *have == place)?;
        self.0.remove(at).1
    }
}
