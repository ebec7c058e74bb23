//! [`Place`]: where the judge's walk stands, and what may be done there.
//!
//! What not: no values. Invariant: what may be done at a place is what the zones of *all* its names allow, so a place
//! never allows more than the one above it. A place costs no memory beyond the stack until somebody asks for its path.

use super::capabilities::{Authority, Capabilities};
use super::zone::Zone;
use theus_value::{Key, Path, Value};

/// A place of the state, linked to those above it.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    above: Option<&'p Place<'p>>,
    name: Name<'p>,
    authority: &'p Authority,
    /// What every name of its path allows.
    pub(super) capabilities: Capabilities,
    /// Its own last name has a zone that does not allow every change.
    pub(super) is_named: bool,
    /// Its own last name is the bare word of such a zone: the entries of a map here are each a datum of that zone.
    pub(super) is_hall: bool,
    /// A list here grows at its end only.
    pub(super) at_end_only: bool,
}

#[derive(Clone, Copy)]
enum Name<'p> {
    /// The segments of an operation's path, from the top.
    Path(&'p [Key]),
    Key(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    /// The place of an operation.
    pub(super) fn at(authority: &'p Authority, path: &'p [Key]) -> Self {
        let mut place = Place {
            above: None,
            name: Name::Path(path),
            authority,
            capabilities: authority.capabilities(Zone::Data),
            is_named: false,
            is_hall: false,
            at_end_only: false,
        };
        path.iter().for_each(|segment| place.enter(segment));
        place
    }

    /// The list above an operation's place that has to answer for it: one that may grow, while its items may not change.
    pub(super) fn growing_list(authority: &'p Authority, path: &'p [Key], state: &Value) -> Option<Self> {
        let mut place = Place::at(authority, &[]);
        let mut value = state;
        for (depth, segment) in path.iter().enumerate() {
            if matches!(value, Value::List(_)) && place.only_grows() {
                return Some(Place { name: Name::Path(&path[..depth]), ..place });
            }
            place.enter(segment);
            value = value.get(std::slice::from_ref(segment))?;
        }
        None
    }

    /// The entry of a map here.
    pub(super) fn key(&'p self, key: &'p str) -> Place<'p> {
        let mut child = Place { above: Some(self), name: Name::Key(key), ..*self };
        child.enter(key);
        child
    }

    /// The item of a list or tuple here. A number has no zone.
    pub(super) fn index(&'p self, index: usize) -> Place<'p> {
        Place { above: Some(self), name: Name::Index(index), is_named: false, is_hall: false, ..*self }
    }

    fn enter(&mut self, name: &str) {
        let zone = Zone::of(name);
        let allowed = self.authority.capabilities(zone);
        self.is_named = !allowed.allow_every_change();
        self.is_hall = self.is_named && Zone::of_word(name) == zone;
        self.at_end_only |= zone == Zone::Log;
        self.capabilities = self.capabilities & allowed;
    }

    /// True when every change is allowed here; not yet of what lies below.
    pub(super) fn is_free(&self) -> bool {
        self.capabilities.allow_every_change()
    }

    /// True when nothing may be assigned here, but lists may grow.
    pub(super) fn only_grows(&self) -> bool {
        let may = |capability| self.capabilities.contains(capability);
        may(Capabilities::APPEND) && !may(Capabilities::UPDATE)
    }

    /// The path.
    pub(super) fn path(&self) -> Path {
        let mut names: Vec<Key> = Vec::new();
        let mut next = Some(self);
        while let Some(place) = next {
            match place.name {
                Name::Path(path) => names.extend(path.iter().rev().cloned()),
                Name::Key(key) => names.push(key.into()),
                Name::Index(index) => names.push(index.to_string().into()),
            }
            next = place.above;
        }
        names.reverse();
        Path::from_segments(names)
    }

    /// The zone that takes this capability away, and what it leaves.
    pub(super) fn refusing(&self, needed: Capabilities) -> (Zone, Capabilities) {
        let zones = self.path();
        let zones = zones.segments().iter().map(|segment| Zone::of(segment));
        let mut allowed = zones.map(|zone| (zone, self.authority.capabilities(zone)));
        allowed.find(|(_, allowed)| !allowed.contains(needed)).unwrap_or((Zone::Data, self.capabilities))
    }
}
