//! The judge of an update: which capabilities its changes need, and whether the places that they touch allow them.
//!
//! What not: no commit (see `guarded`). Invariants: the state is looked at where the update writes and nowhere else; where
//! the old and the new value share structure, that part is not walked; an update that touches no restricted place is
//! never refused, and costs the names of its paths and the values written and replaced.

use super::capabilities::{Authority, Capabilities};
use super::children::{Beside, as_map, has_entries, is_container, is_shared, items, numbered};
use super::growth::{has_grown, is_reordered};
use super::hint::hint;
use super::place::Place;
use crate::returned::Violation;
use theus_value::{Combined, Key, List, Map, Op, Path, Update, Value};

/// The physics that one update is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Physics<'a> {
    /// Who changes the state, for messages.
    pub(crate) process: &'a str,
    /// In whose name.
    pub(crate) authority: &'a Authority,
}

impl Physics<'_> {
    /// Judges an update of this state.
    pub(crate) fn judge(&self, update: &Update, before: &Map) -> Result<(), Violation> {
        let before = Value::Map(before.clone());
        let mut judge =
            Judge { physics: self, before: &before, after: None, touched: false, entangled: false };
        let verdict = judge.update(update);
        // Operations that do not meet are judged one by one. Where they meet, what counts is what they do together; but
        // then, too, a place that none of them touches stays untouched.
        let together = judge.entangled || judge.touched && operations_meet(update);
        if !together {
            return verdict;
        }
        let Value::Map(root) = &before else { return verdict };
        // What cannot be applied here is not judged: the store says why it does not fit.
        let Ok(after) = update.apply(root) else { return Ok(()) };
        let after = Value::Map(after);
        judge.after = Some(&after);
        // An operation that a later one makes pointless does not count.
        let mut combined = Combined::new();
        combined.add(update.clone());
        judge.update(&combined.finish())
    }
}

/// True when an operation writes at, above or below the path of another.
fn operations_meet(update: &Update) -> bool {
    let mut paths: Vec<&Path> = update.ops().iter().map(Op::path).collect();
    // Sorted, all that lies below a path follows it directly.
    paths.sort_unstable();
    paths.windows(2).any(|pair| pair[1].starts_with(pair[0]))
}

/// How a value came to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Assigned,
    Appended,
}

/// How a child is judged: the place, the old value, the new one.
type Judged<J> = fn(&mut J, &Place<'_>, Option<&Value>, Option<&Value>) -> Result<(), Violation>;

struct Judge<'a> {
    physics: &'a Physics<'a>,
    before: &'a Value,
    /// The state after the whole update; None while each operation is judged by itself.
    after: Option<&'a Value>,
    /// A restricted place was met.
    touched: bool,
    /// There is an operation that can only be judged by what becomes of a place above it.
    entangled: bool,
}

impl Judge<'_> {
    fn update(&mut self, update: &Update) -> Result<(), Violation> {
        update.ops().iter().try_for_each(|op| self.operation(op))
    }

    fn operation(&mut self, op: &Op) -> Result<(), Violation> {
        let (authority, path, before) = (self.physics.authority, op.path().segments(), self.before);
        let place = Place::at(authority, path);
        let old = before.get(path);
        if let Op::Delete { .. } = op {
            // Asked for by name, whatever another operation puts there: that it is put at the end of its map is a change.
            return self.changed(&place, old, None, Way::Assigned);
        }
        if !place.is_free()
            && let Some(list) = self.growing_list(path)
        {
            self.entangled = true;
            let Some(after) = self.after else { return Ok(()) };
            let path = list.path();
            return self.changed(
                &list,
                before.get(path.segments()),
                after.get(path.segments()),
                Way::Assigned,
            );
        }
        match op {
            Op::Set { value, .. } => self.written(&place, old, value),
            Op::Merge { value, .. } => self.merged(&place, old, value),
            Op::Append { values, .. } => self.appended(&place, old, values),
            Op::Delete { .. } => Ok(()),
        }
    }

    /// The list above an operation's place that has to answer for it, be it one that the update itself has begun.
    fn growing_list<'p>(&self, path: &'p [Key]) -> Option<Place<'p>>
    where
        Self: 'p,
    {
        let found = |state| Place::growing_list(self.physics.authority, path, state);
        found(self.before).or_else(|| self.after.and_then(found))
    }

    /// A place that the update writes as a whole.
    fn written(&mut self, place: &Place<'_>, old: Option<&Value>, new: &Value) -> Result<(), Violation> {
        let Some(after) = self.after else { return self.changed(place, old, Some(new), Way::Assigned) };
        self.became(place, old, after, Way::Assigned)
    }

    /// A place that the update writes, among others.
    fn became(
        &mut self,
        place: &Place<'_>,
        old: Option<&Value>,
        after: &Value,
        way: Way,
    ) -> Result<(), Violation> {
        let path = place.path();
        match (old, after.get(path.segments())) {
            // Another operation has taken it away, and answers for it; but the maps above it stay.
            (None, None) => self.made(path.segments(), after),
            (Some(_), None) => Ok(()),
            (old, new) => self.changed(place, old, new, way),
        }
    }

    /// The topmost place on this path that was not there before.
    fn made(&mut self, path: &[Key], after: &Value) -> Result<(), Violation> {
        let absent = |depth: &usize| self.before.get(&path[..*depth]).is_none();
        let Some(depth) = (0..=path.len()).find(absent) else { return Ok(()) };
        let place = Place::at(self.physics.authority, &path[..depth]);
        self.changed(&place, None, after.get(&path[..depth]), Way::Assigned)
    }

    fn merged(&mut self, place: &Place<'_>, old: Option<&Value>, payload: &Map) -> Result<(), Violation> {
        let map = match old {
            None if payload.is_empty() => return self.written(place, None, &payload.clone().into()),
            None => None,
            Some(Value::Map(map)) => Some(map),
            Some(_) => return self.written(place, old, &payload.clone().into()),
        };
        for (key, value) in payload {
            let (child, old) = (place.key(key), map.and_then(|map| map.get(key)));
            match value {
                Value::Map(below) => self.merged(&child, old, below)?,
                value => self.written(&child, old, value)?,
            }
        }
        Ok(())
    }

    fn appended(
        &mut self,
        place: &Place<'_>,
        old: Option<&Value>,
        values: &[Value],
    ) -> Result<(), Violation> {
        if let Some(after) = self.after {
            return self.became(place, old, after, Way::Appended);
        }
        let length = match old {
            None => 0,
            Some(Value::List(list)) => list.len(),
            // It does not fit, unless another operation makes room.
            Some(_) => {
                self.entangled = true;
                return Ok(());
            }
        };
        if values.is_empty() && old.is_some() {
            return Ok(());
        }
        // The list grows, whatever it holds: it need not be looked through.
        if !place.is_free() {
            self.touched = true;
            self.require(place, Capabilities::APPEND)?;
        }
        let mut items = values.iter().enumerate();
        items.try_for_each(|(number, item)| self.inside(&place.index(length + number), None, Some(item)))
    }

    /// A datum: the value of a place that is judged by itself.
    fn changed(
        &mut self,
        place: &Place<'_>,
        old: Option<&Value>,
        new: Option<&Value>,
        way: Way,
    ) -> Result<(), Violation> {
        if is_shared(old, new) {
            return Ok(());
        }
        if place.is_free() {
            return self.inside(place, old, new);
        }
        self.touched = true;
        if old == new {
            return Ok(());
        }
        // Each entry is a datum: under a zone's bare word, and where nothing may be assigned but lists may grow.
        if (place.is_hall || place.only_grows())
            && has_entries(old, new)
            && let Some(new) = new
        {
            return self.entries(place, old, new);
        }
        self.require(place, needed(place, old, new, way))?;
        self.inside(place, old, new)
    }

    /// A map whose entries are judged one by one.
    fn entries(&mut self, place: &Place<'_>, old: Option<&Value>, new: &Value) -> Result<(), Violation> {
        self.each_key(place, old, Some(new), Self::entry)?;
        match (old, new) {
            (Some(Value::Map(old)), Value::Map(new)) if is_reordered(old, new) => {
                self.require(place, Capabilities::UPDATE)
            }
            _ => Ok(()),
        }
    }

    fn entry(
        &mut self,
        place: &Place<'_>,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> Result<(), Violation> {
        self.changed(place, old, new, Way::Assigned)
    }

    /// What lies below a place that is itself allowed: only names with a zone of their own count.
    fn inside(
        &mut self,
        place: &Place<'_>,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> Result<(), Violation> {
        if is_shared(old, new) || !is_container(old) && !is_container(new) {
            return Ok(());
        }
        self.each_key(place, old, new, |judge, child, old, new| {
            if child.is_named { judge.entry(child, old, new) } else { judge.inside(child, old, new) }
        })?;
        let (mut old_items, mut new_items) = (items(old), items(new));
        for index in 0..old_items.len().max(new_items.len()) {
            let old = old_items.next().or_else(|| numbered(old, index));
            let new = new_items.next().or_else(|| numbered(new, index));
            self.inside(&place.index(index), old, new)?;
        }
        Ok(())
    }

    fn each_key(
        &mut self,
        place: &Place<'_>,
        old: Option<&Value>,
        new: Option<&Value>,
        judged: Judged<Self>,
    ) -> Result<(), Violation> {
        let mut olds = Beside::new(old);
        for (key, value) in as_map(new).into_iter().flatten() {
            judged(self, &place.key(key), olds.child(key), Some(value))?;
        }
        if olds.is_done() {
            return Ok(());
        }
        let mut news = Beside::new(new);
        for (key, value) in as_map(old).into_iter().flatten() {
            if news.child(key).is_none() {
                judged(self, &place.key(key), Some(value), None)?;
            }
        }
        Ok(())
    }

    fn require(&self, place: &Place<'_>, needed: Capabilities) -> Result<(), Violation> {
        if place.capabilities.contains(needed) {
            return Ok(());
        }
        let (zone, allowed) = place.refusing(needed);
        Err(Violation::Physics {
            process: self.physics.process.to_owned(),
            path: place.path().to_string(),
            zone,
            needed,
            allowed,
            who: self.physics.authority.as_str(),
            hint: hint(zone, needed, self.physics.authority),
        })
    }
}

/// What a change of a restricted place needs.
fn needed(place: &Place<'_>, old: Option<&Value>, new: Option<&Value>, way: Way) -> Capabilities {
    let old_list = match old {
        None => Some(List::new()),
        Some(Value::List(list)) => Some(list.clone()),
        Some(_) => None,
    };
    match (old, old_list, new) {
        (_, _, None) => Capabilities::DELETE,
        (_, Some(old), Some(Value::List(new))) if has_grown(&old, new, place.at_end_only) => {
            let may_append = place.capabilities.contains(Capabilities::APPEND);
            if way == Way::Appended || may_append { Capabilities::APPEND } else { Capabilities::UPDATE }
        }
        // With the hall all that is in it goes.
        (Some(Value::Map(map)), _, Some(_)) if place.is_hall && !map.is_empty() => Capabilities::DELETE,
        _ => Capabilities::UPDATE,
    }
}
