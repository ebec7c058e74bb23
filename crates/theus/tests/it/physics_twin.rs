//! The judge of updates against a slow, obvious twin, which lays both states out place by place and knows no operations but
//! those that are named by what they do.
//!
//! Invariant: the twin shares no rule with the engine; it uses an update only to get the state after it.

use crate::stage::int;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;
use std::collections::BTreeMap;
use theus::{
    Authority, Contract, Engine, Path, Process, Refusal, Returned, StateUpdate, TransactionOptions, Update,
    Value, Violation,
};
use theus_value::{Combined, Key, List, Map, Op};

type Place = Vec<String>;

/// A, U, D.
type Caps = (bool, bool, bool);

/// The table, written down a second time.
fn allowed(name: &str, admin: bool) -> Caps {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    match name {
        _ if starts(&["const_"]) => (false, false, false),
        _ if starts(&["internal_"]) => (false, admin, false),
        _ if admin => (true, true, true),
        "signal" | "sig" | "cmd" | "log" => (true, false, false),
        _ if starts(&["sig_", "cmd_", "log_", "audit_"]) => (true, false, false),
        "meta" | "heavy" => (false, true, false),
        _ if starts(&["meta_", "heavy_"]) => (false, true, false),
        _ => (true, true, true),
    }
}

fn has_zone(name: &str, admin: bool) -> bool {
    allowed(name, admin) != (true, true, true)
}

struct Twin {
    admin: bool,
    before: BTreeMap<Place, Value>,
    after: BTreeMap<Place, Value>,
}

fn lay_out(place: &Place, value: &Value, found: &mut BTreeMap<Place, Value>) {
    let below = |name: String| place.iter().cloned().chain([name]).collect::<Place>();
    match value {
        Value::Map(map) => map.iter().for_each(|(key, value)| lay_out(&below(key.to_string()), value, found)),
        Value::List(list) => {
            (list.iter().enumerate()).for_each(|(n, item)| lay_out(&below(n.to_string()), item, found));
        }
        Value::Tuple(items) => {
            (items.iter().enumerate()).for_each(|(n, item)| lay_out(&below(n.to_string()), item, found));
        }
        _ => {}
    }
    found.insert(place.clone(), value.clone());
}

impl Twin {
    fn new(admin: bool, before: &Map, after: &Map) -> Self {
        let mut twin = Twin { admin, before: BTreeMap::new(), after: BTreeMap::new() };
        lay_out(&Vec::new(), &Value::Map(before.clone()), &mut twin.before);
        lay_out(&Vec::new(), &Value::Map(after.clone()), &mut twin.after);
        twin
    }

    fn caps(&self, place: &[String]) -> Caps {
        place.iter().fold((true, true, true), |caps, name| {
            let other = allowed(name, self.admin);
            (caps.0 && other.0, caps.1 && other.1, caps.2 && other.2)
        })
    }

    fn is_hall(&self, place: &[String]) -> bool {
        let words = ["signal", "sig", "cmd", "meta", "heavy", "log"];
        place.last().is_some_and(|name| words.contains(&name.as_str()))
            && self.caps(place) != (true, true, true)
    }

    /// Judged by itself: it has a zone's name, or is the entry of a map of such.
    fn is_datum(&self, place: &[String]) -> bool {
        let Some((last, above)) = place.split_last() else { return false };
        if has_zone(last, self.admin) {
            return true;
        }
        self.is_datum(above) && self.is_split(above) && self.is_map_or_nothing(above)
    }

    /// Its entries are data of their own.
    fn is_split(&self, place: &[String]) -> bool {
        let (append, update, _) = self.caps(place);
        self.is_hall(place) || append && !update
    }

    fn is_map_or_nothing(&self, place: &[String]) -> bool {
        [&self.before, &self.after].iter().all(|state| matches!(state.get(place), None | Some(Value::Map(_))))
    }

    fn has_grown(&self, place: &[String]) -> bool {
        let Some(Value::List(new)) = self.after.get(place) else { return false };
        let old: Vec<&Value> = match self.before.get(place) {
            None => Vec::new(),
            Some(Value::List(old)) => old.iter().collect(),
            Some(_) => return false,
        };
        let new: Vec<&Value> = new.iter().collect();
        let is_log = |name: &String| name == "log" || name.starts_with("log_") || name.starts_with("audit_");
        if place.iter().any(is_log) {
            return new.starts_with(&old);
        }
        // The longest common subsequence is all of the old.
        let mut longest = vec![vec![0; new.len() + 1]; old.len() + 1];
        for i in 0..old.len() {
            for j in 0..new.len() {
                let skip = longest[i][j + 1].max(longest[i + 1][j]);
                longest[i + 1][j + 1] = if old[i] == new[j] { longest[i][j] + 1 } else { skip };
            }
        }
        longest[old.len()][new.len()] == old.len()
    }

    /// A datum that became what it may not become.
    fn violates(&self, place: &[String]) -> bool {
        let (append, update, delete) = self.caps(place);
        match (self.before.get(place), self.after.get(place)) {
            (old, new) if old == new => false,
            (_, None) => !delete,
            _ if self.has_grown(place) => !append && !update,
            (Some(Value::Map(old)), Some(Value::Map(new))) if self.is_split(place) => {
                let kept = |map: &Map, other: &Map| -> Vec<Key> {
                    map.keys().filter(|key| other.contains_key(key)).cloned().collect()
                };
                kept(old, new) != kept(new, old) && !update
            }
            (None, Some(Value::Map(new))) if self.is_split(place) && !new.is_empty() => false,
            (Some(Value::Map(old)), Some(_)) if self.is_hall(place) && !old.is_empty() => !delete,
            _ => !update,
        }
    }

    /// An operation that needs what it is called for.
    fn is_refused_by_name(&self, op: &Op) -> bool {
        let place: Place = op.path().segments().iter().map(ToString::to_string).collect();
        let (append, _, delete) = self.caps(&place);
        match op {
            Op::Delete { .. } => self.before.contains_key(&place) && !delete,
            Op::Append { .. } => {
                self.before.get(&place) != self.after.get(&place) && self.has_grown(&place) && !append
            }
            _ => false,
        }
    }

    /// Deleting a container asks for all that is in it, though another operation may put it back.
    fn is_emptied(&self, op: &Op) -> bool {
        let Op::Delete { path } = op else { return false };
        let place: Place = path.segments().iter().map(ToString::to_string).collect();
        self.before
            .keys()
            .any(|below| below.starts_with(&place) && self.is_datum(below) && !self.caps(below).2)
    }

    fn refuses(&self, update: &Update) -> bool {
        let places = self.before.keys().chain(self.after.keys());
        places.into_iter().any(|place| self.is_datum(place) && self.violates(place))
            || update.ops().iter().any(|op| self.is_refused_by_name(op) || self.is_emptied(op))
    }
}

fn name() -> impl Strategy<Value = String> {
    let names = [
        "a",
        "b",
        "box",
        "log_x",
        "log",
        "audit_y",
        "sig_x",
        "cmd",
        "meta",
        "meta_x",
        "heavy",
        "heavy_x",
        "const_x",
        "internal_x",
    ];
    // Plain names oftener, so that there is depth.
    prop_oneof![
        4 => (0..3usize).prop_map(move |n| names[n].to_owned()),
        5 => (0..names.len()).prop_map(move |n| names[n].to_owned()),
        1 => (0..3usize).prop_map(|n| n.to_string()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = (0..3i64).prop_map(int);
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..4).prop_map(|items| Value::List(List::from(items))),
            1 => vec(inner.clone(), 0..3).prop_map(|items| Value::Tuple(items.into())),
            4 => entries(inner).prop_map(Value::Map),
        ]
    })
}

fn entries(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map> {
    vec((name().prop_map(Key::from), inner), 0..4).prop_map(|entries| entries.into_iter().collect())
}

fn place() -> impl Strategy<Value = Path> {
    vec(name(), 1..4).prop_map(Path::from_segments)
}

/// An operation, some of them made from the state that they are for.
#[derive(Clone, Debug)]
enum Seed {
    Plain(Op),
    /// The list at the n-th place, with items at its end, or in the middle.
    Longer(usize, Vec<Value>, bool),
    /// The container at the n-th place, as the operation leaves it.
    Edited(usize, Op),
    /// The whole state, as the operation leaves it.
    EditedRoot(Op),
    /// The n-th place, with a new value or none.
    Aimed(usize, Option<Value>),
    /// A merge over the n-th place.
    Merged(usize, Map),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (place(), value()).prop_map(|(path, value)| Op::Set { path, value }),
        (place(), entries(value())).prop_map(|(path, value)| Op::Merge { path, value }),
        (place(), vec(value(), 0..3)).prop_map(|(path, values)| Op::Append { path, values }),
        place().prop_map(|path| Op::Delete { path }),
    ]
}

fn seed() -> impl Strategy<Value = Seed> {
    prop_oneof![
        2 => op().prop_map(Seed::Plain),
        2 => (any::<usize>(), vec(value(), 1..3), any::<bool>()).prop_map(|(n, items, end)| Seed::Longer(n, items, end)),
        2 => (any::<usize>(), op()).prop_map(|(n, op)| Seed::Edited(n, op)),
        1 => op().prop_map(Seed::EditedRoot),
        1 => entries(value()).prop_map(|value| Seed::Plain(Op::Merge { path: Path::root(), value })),
        2 => (any::<usize>(), proptest::option::of(value())).prop_map(|(n, value)| Seed::Aimed(n, value)),
        1 => (any::<usize>(), entries(value())).prop_map(|(n, map)| Seed::Merged(n, map)),
    ]
}

/// The operation that a seed means in this state.
fn grown(seed: Seed, root: &Map) -> Option<Op> {
    let mut places = BTreeMap::new();
    lay_out(&Vec::new(), &Value::Map(root.clone()), &mut places);
    let places: Vec<(&Place, &Value)> = places.iter().filter(|(place, _)| !place.is_empty()).collect();
    let at = |n: usize| places.get(n % places.len().max(1)).copied();
    let path = |place: &Place| Path::from_segments(place.iter().map(String::as_str));
    match seed {
        Seed::Plain(op) => Some(op),
        Seed::Longer(n, items, end) => {
            let (place, Value::List(old)) = at(n)? else { return None };
            let mut new: Vec<Value> = old.iter().cloned().collect();
            let from = if end { new.len() } else { new.len() / 2 };
            new.splice(from..from, items);
            Some(Op::Set { path: path(place), value: Value::from(new) })
        }
        Seed::Edited(n, op) => {
            let (place, Value::Map(old)) = at(n)? else { return None };
            let value = Value::Map([op].into_iter().collect::<Update>().apply(old).ok()?);
            Some(Op::Set { path: path(place), value })
        }
        Seed::EditedRoot(op) => {
            let value = Value::Map([op].into_iter().collect::<Update>().apply(root).ok()?);
            Some(Op::Set { path: Path::root(), value })
        }
        Seed::Aimed(n, Some(value)) => Some(Op::Set { path: path(at(n)?.0), value }),
        Seed::Aimed(n, None) => Some(Op::Delete { path: path(at(n)?.0) }),
        Seed::Merged(n, value) => Some(Op::Merge { path: path(at(n)?.0), value }),
    }
}

fn maintenance() -> TransactionOptions {
    let authority = Authority::Admin { reason: "test".into() };
    TransactionOptions { authority, ..TransactionOptions::default() }
}

/// Judged by the engine: a caller's swap, or a transaction of maintenance; None for an update that does not fit.
fn judged(root: &Map, update: &Update, admin: bool) -> Option<Result<Map, String>> {
    let engine = Engine::builder().initial(root.clone()).build();
    let swapped = if admin {
        let mut transaction = engine.transaction(maintenance()).unwrap();
        transaction.update(update.clone()).ok()?;
        transaction.commit()
    } else {
        update.apply(root).ok()?;
        engine.compare_and_swap(engine.snapshot().version(), update.clone())
    };
    match swapped {
        Ok(_) => Some(Ok(engine.snapshot().root().clone())),
        Err(Refusal::Violation(violation @ Violation::Physics { .. })) => Some(Err(violation.to_string())),
        Err(other) => panic!("{other}"),
    }
}

/// The update without operations that a later one makes pointless.
fn combined(update: Update) -> Update {
    let mut combined = Combined::new();
    combined.add(update);
    combined.finish()
}

#[test]
fn the_judge_says_what_the_slow_twin_says() {
    // PROPTEST_CASES asks for more.
    let cases = Config::default().cases.max(3000);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let (refused, changed) = (Cell::new(0), Cell::new(0));
    let inputs = (entries(value()), vec(seed(), 1..4), any::<bool>());
    let agree = |(root, seeds, admin): (Map, Vec<_>, bool)| {
        let update: Update = seeds.into_iter().filter_map(|seed| grown(seed, &root)).collect();
        let Some(verdict) = judged(&root, &update, admin) else { return Ok(()) };
        let after = update.apply(&root).unwrap();
        let twin = Twin::new(admin, &root, &after);
        let update = combined(update);
        prop_assert_eq!(verdict.is_err(), twin.refuses(&update), "{:?}\n{:?}", update, verdict);
        match verdict {
            Err(_) => refused.set(refused.get() + 1),
            Ok(now) => {
                prop_assert_eq!(&now, &after);
                let zoned = |place: &Place| place.iter().any(|name| has_zone(name, admin));
                let differs =
                    twin.before.iter().any(|(place, old)| zoned(place) && twin.after.get(place) != Some(old));
                changed.set(changed.get() + u32::from(differs));
            }
        }
        Ok(())
    };
    let fixed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config.clone(), fixed).run(&inputs, agree).unwrap();
    // Neither answer may be rare, or the test shows nothing. How rare they are in fresh inputs is chance.
    assert!(refused.get() > cases / 10 && changed.get() > cases / 100, "{refused:?} {changed:?}");
    TestRunner::new(config).run(&inputs, agree).unwrap();
}

/// How an update gets in, begun before another commit and committed after it.
#[derive(Clone, Copy, Debug)]
enum Way {
    Attempt,
    Transaction,
    Maintenance,
    Swap(u64),
}

/// Commits `update`, computed from `root`, after `other`: the states right before and after it, if it went through.
fn committed_beside(root: &Map, other: &Update, update: &Update, way: Way) -> Option<(Map, Map)> {
    let engine = Engine::builder().initial(root.clone()).build();
    let contract = Contract { parallel: true, ..Contract::default() };
    let mut attempt = engine.begin(&Process::new("p", contract)).unwrap();
    let options = if matches!(way, Way::Maintenance) { maintenance() } else { TransactionOptions::default() };
    let mut transaction = engine.transaction(options).unwrap();
    transaction.update(update.clone()).ok()?;

    let mut meanwhile = engine.transaction(maintenance()).unwrap();
    let _refused = meanwhile.update(other.clone()).is_ok_and(|()| meanwhile.commit().is_ok());
    let before = engine.snapshot();
    let result = match way {
        Way::Attempt => {
            let update = StateUpdate { update: update.clone(), assert_version: None };
            attempt.settle(Returned::Update(update), Vec::new())
        }
        Way::Transaction | Way::Maintenance => transaction.commit(),
        Way::Swap(base) => engine.compare_and_swap(base, update.clone()),
    };
    let after = engine.snapshot();
    assert_eq!(after.version(), before.version() + u64::from(result.is_ok()));
    result.ok().map(|_| (before.root().clone(), after.root().clone()))
}

#[test]
fn what_goes_through_beside_other_commits_obeys_on_the_state_of_then() {
    let cases = Config::default().cases.max(3000);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let beside = Cell::new(0);
    let ways = proptest::sample::select(vec![
        Way::Attempt,
        Way::Transaction,
        Way::Maintenance,
        Way::Swap(1),
        Way::Swap(99),
    ]);
    let inputs = (entries(value()), vec(seed(), 1..3), vec(seed(), 1..4), ways);
    let run = runner.run(&inputs, |(root, other, seeds, way)| {
        let update_of =
            |seeds: Vec<Seed>| seeds.into_iter().filter_map(|seed| grown(seed, &root)).collect::<Update>();
        let (other, update) = (update_of(other), update_of(seeds));
        let Some((before, after)) = committed_beside(&root, &other, &update, way) else { return Ok(()) };
        prop_assert_eq!(&after, &update.apply(&before).unwrap());
        let twin = Twin::new(matches!(way, Way::Maintenance), &before, &after);
        let update = combined(update);
        prop_assert!(!twin.refuses(&update), "{:?}\nbefore {:?}\nafter {:?}", update, before, after);
        beside.set(beside.get() + u32::from(before != root));
        Ok(())
    });
    run.unwrap();
    assert!(beside.get() > cases / 20, "{beside:?}");
}
