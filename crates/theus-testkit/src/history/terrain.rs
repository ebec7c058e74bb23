//! [`Terrain`]: the few places that a history is about, numbered, with which of them overlap.
//!
//! What not: no values (see [`Model`](super::Model)).
//! Invariants: place 0 is the whole state; a place is numbered above the one that holds it; overlap is found by
//! comparing names, never by asking the code under test. At most 64 places, so that a set of them is one `u64`.

use crate::tree::Place;
use theus_value::Path;

/// What a place holds whenever it holds anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Other places.
    Map,
    /// A whole number.
    Number,
    /// A list of whole numbers.
    List,
}

/// One place.
#[derive(Clone, Debug)]
pub struct Spot {
    /// Its names from the top down.
    pub place: Place,
    /// The same as a path.
    pub path: Path,
    /// What it holds.
    pub holds: Holds,
    /// The places that are this one, above it or below it.
    pub overlaps: u64,
    /// The places below it.
    pub below: u64,
    /// Those of them that hold no others.
    pub leaves: u64,
    /// The places above it, from the top down.
    pub above: Vec<u8>,
    /// The places right below it.
    pub children: Vec<u8>,
}

/// The places of a history.
#[derive(Clone, Debug)]
pub struct Terrain {
    spots: Vec<Spot>,
}

impl Terrain {
    /// The whole state and these places, each named with dots.
    ///
    /// # Panics
    /// With more than 63 places, with one that comes before the map that holds it, or twice.
    ///
    /// ```
    /// use theus_testkit::history::{Holds, Terrain};
    ///
    /// let terrain = Terrain::new(&[("a", Holds::Map), ("a.b", Holds::Number), ("c", Holds::List)]);
    /// assert_eq!(terrain.spot(2).overlaps, 0b0111);
    /// assert_eq!(terrain.spot(3).overlaps, 0b1001);
    /// ```
    pub fn new(places: &[(&str, Holds)]) -> Self {
        assert!(places.len() < 64, "a set of places is one word");
        let named = places.iter().map(|(name, holds)| (name.split('.').map(String::from).collect(), *holds));
        let all: Vec<(Place, Holds)> = [(Place::new(), Holds::Map)].into_iter().chain(named).collect();
        let matching = |fits: &dyn Fn(&Place) -> bool| -> Vec<u8> {
            (0..).zip(&all).filter(|(_, (other, _))| fits(other)).map(|(at, _)| at).collect()
        };
        let spot = |(at, (place, holds)): (usize, &(Place, Holds))| {
            let above = matching(&|other| other.len() < place.len() && place.starts_with(other));
            let below = matching(&|other| other.len() > place.len() && other.starts_with(place));
            let children = matching(&|other| other.len() == place.len() + 1 && other.starts_with(place));
            assert_eq!(above.len(), place.len(), "each place above {place:?} is listed once");
            assert!(above.iter().all(|up| usize::from(*up) < at && all[usize::from(*up)].1 == Holds::Map));
            let path = Path::from_segments(place.iter().map(String::as_str));
            let leaves = below.iter().filter(|at| all[usize::from(**at)].1 != Holds::Map);
            let leaves = mask(&leaves.copied().collect::<Vec<u8>>());
            let overlaps = mask(&above) | mask(&below) | 1 << at;
            let (place, below) = (place.clone(), mask(&below));
            Spot { place, path, holds: *holds, overlaps, below, leaves, above, children }
        };
        let spots: Vec<Spot> = all.iter().enumerate().map(spot).collect();
        Self { spots }
    }

    /// A dozen places, three levels deep, that rivals meet at often.
    pub fn hot() -> Self {
        use Holds::{List, Map, Number};
        Self::new(&[
            ("user", Map),
            ("user.name", Map),
            ("user.name.first", Number),
            ("user.name.last", Number),
            ("user.age", Number),
            ("user.log", List),
            ("jobs", Map),
            ("jobs.next", Number),
            ("jobs.done", Map),
            ("jobs.done.first", Number),
            ("count", Number),
            ("trace", List),
        ])
    }

    /// The place of this number.
    ///
    /// # Panics
    /// When there is none.
    pub fn spot(&self, at: u8) -> &Spot {
        &self.spots[usize::from(at)]
    }

    /// How many places there are, the whole state counted.
    pub fn count(&self) -> usize {
        self.spots.len()
    }

    /// The number of the place with this path.
    pub fn find(&self, path: &Path) -> Option<u8> {
        (0..).zip(&self.spots).find(|(_, spot)| spot.path == *path).map(|(at, _)| at)
    }

    /// The names of a set of places.
    pub fn paths(&self, set: u64) -> Vec<Path> {
        bits(set).map(|at| self.spot(at).path.clone()).collect()
    }
}

/// The numbers in a set, ascending.
pub(crate) fn bits(mut set: u64) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let at = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (at < 64).then_some(at as u8)
    })
}

fn mask(places: &[u8]) -> u64 {
    places.iter().fold(0, |set, at| set | 1 << at)
}
