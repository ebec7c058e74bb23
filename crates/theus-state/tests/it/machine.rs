//! The whole store as a state machine, against the slow twin: commits, transactions, deletions and the ticket in any
//! order; at the end every old snapshot is read again. Planted bugs show that the comparison finds what it should.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestError, TestRunner};
use std::time::Duration;
use theus_state::{
    Commit, CommitError, Isolation, Priority, Requester, Snapshot, Store, Transaction, TransactionError,
    TransactionOptions,
};
use theus_testkit::tree::{Change, Node, Place, Tree, any_place, path};
use theus_testkit::twin::{Step, Twin, Verdict};
use theus_value::Update;

/// One thing to do. Numbers of transactions and of places in the line count round those that are open.
#[derive(Clone, Debug)]
enum Act {
    Commit(Step, Option<u8>),
    Begin(Isolation, Option<u8>),
    Update(usize, Vec<Change>),
    Read(usize, Place),
    Finish(usize),
    Abort(usize),
    LineUp(u8),
    Leave(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let who = || prop_oneof![1 => Just(None), 2 => (0u8..2).prop_map(Some)];
    let isolation = prop_oneof![3 => Just(Isolation::Smart), 1 => Just(Isolation::Strict), 3 => Just(Isolation::Serializable)];
    prop_oneof![
        6 => (Step::any(), who()).prop_map(|(step, who)| Act::Commit(step, who)),
        3 => (isolation, who()).prop_map(|(isolation, who)| Act::Begin(isolation, who)),
        6 => (any::<usize>(), vec(Change::any(), 1..3)).prop_map(|(n, changes)| Act::Update(n, changes)),
        3 => (any::<usize>(), any_place()).prop_map(|(n, place)| Act::Read(n, place)),
        4 => any::<usize>().prop_map(Act::Finish),
        1 => any::<usize>().prop_map(Act::Abort),
        1 => (0u8..2).prop_map(Act::LineUp),
        2 => any::<usize>().prop_map(Act::Leave),
    ]
}

/// What is wrong with the way in which the store is called.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plant {
    Nothing,
    /// Reads of transactions are not recorded.
    Reads,
    /// A transaction begins with its first update.
    LateBase,
    /// Commits go in the name of whoever holds the ticket.
    Ticket,
    /// A transaction that does not fit keeps the first half.
    Half,
}

/// A transaction and what the twin knows of it.
struct Open {
    ours: Transaction,
    base: u64,
    pending: Tree,
    changes: Vec<Change>,
    reads: Vec<Place>,
    isolation: Isolation,
    who: Option<u8>,
}

struct Machine {
    plant: Plant,
    store: Store,
    twin: Twin,
    open: Vec<Open>,
    line: Vec<(u8, Priority)>,
    kept: Vec<Snapshot>,
}

fn name(who: u8) -> Requester {
    Requester::task("machine", u64::from(who))
}

fn tree(snapshot: &Snapshot) -> Tree {
    Tree::of_map(snapshot.root())
}

impl Machine {
    fn new(plant: Plant, initial: &Node) -> Self {
        let store = Store::new(Tree::map(initial));
        let kept = vec![store.snapshot()];
        Self { plant, store, twin: Twin::new(initial.clone()), open: vec![], line: vec![], kept }
    }

    /// The holder, if it keeps this one out.
    fn keeps_out(&self, who: Option<u8>) -> Option<u8> {
        self.line.first().map(|first| first.0).filter(|holder| Some(*holder) != who)
    }

    fn requester(&self, who: Option<u8>) -> Option<Requester> {
        let holder = self.line.first().map(|first| first.0);
        let who = if self.plant == Plant::Ticket { holder.or(who) } else { who };
        who.map(name)
    }

    fn act(&mut self, act: &Act) -> TestCaseResult {
        let nth = |n: usize, len: usize| n.checked_rem(len);
        match act {
            Act::Commit(step, who) => self.commit(step, *who)?,
            Act::Begin(isolation, who) => self.begin(*isolation, *who),
            Act::Update(n, changes) => {
                if let Some(n) = nth(*n, self.open.len()) {
                    self.update(n, changes)?;
                }
            }
            Act::Read(n, place) => {
                if let Some(n) = nth(*n, self.open.len()) {
                    self.read(n, place)?;
                }
            }
            Act::Finish(n) => {
                if let Some(n) = nth(*n, self.open.len()) {
                    self.finish(n)?;
                }
            }
            Act::Abort(n) => {
                if let Some(n) = nth(*n, self.open.len()) {
                    drop(self.open.remove(n));
                }
            }
            Act::LineUp(who) => self.line.push((*who, self.store.priority(name(*who), Duration::MAX))),
            Act::Leave(n) => {
                if let Some(n) = nth(*n, self.line.len()) {
                    drop(self.line.remove(n));
                }
            }
        }
        self.kept.push(self.store.snapshot());
        self.compare()
    }

    /// Everything that can be seen from outside.
    fn compare(&self) -> TestCaseResult {
        let newest = self.store.snapshot();
        prop_assert_eq!(newest.version(), self.twin.version());
        prop_assert_eq!(self.store.peek().version(), self.twin.version());
        prop_assert_eq!(&tree(&newest), self.twin.newest());
        for who in [None, Some(0), Some(1)] {
            let blocked = self.store.blocked(who.map(name).as_ref());
            prop_assert_eq!(blocked, self.keeps_out(who).map(name));
        }
        for (n, (_, place)) in self.line.iter().enumerate() {
            prop_assert_eq!(place.holds(), n == 0);
        }
        Ok(())
    }

    fn commit(&mut self, step: &Step, who: Option<u8>) -> TestCaseResult {
        let base = self.twin.version().saturating_add_signed(-step.back);
        let commit = Commit { requester: self.requester(who), ..step.commit(base) };
        let kept_out = self.keeps_out(who);
        let expected = if kept_out.is_some() { None } else { Some(self.twin.commit(base, step)) };
        let ours = self.store.commit(commit).map(|done| done.version);
        judge(ours, expected, kept_out, &step.commit(base).update, true)
    }

    fn begin(&mut self, isolation: Isolation, who: Option<u8>) {
        let options = TransactionOptions {
            isolation,
            life: Duration::MAX,
            idle: Duration::MAX,
            requester: self.requester(who),
        };
        let ours = self.store.transaction(options);
        let (base, pending) = (self.twin.version(), self.twin.newest().clone());
        self.open.push(Open { ours, base, pending, changes: vec![], reads: vec![], isolation, who });
    }

    fn update(&mut self, n: usize, changes: &[Change]) -> TestCaseResult {
        let late = self.plant == Plant::LateBase && self.open[n].changes.is_empty();
        let Open { ours, base, pending, changes: made, isolation, .. } = &mut self.open[n];
        // Deleting what the state had not would write nothing, however often the transaction makes and deletes it; the
        // twin, which knows the single steps, would say that it wrote those.
        let had = |change: &Change| match change {
            Change::Delete(place) => self.twin.at(*base).find(place).is_some(),
            _ => true,
        };
        let changes: Vec<Change> = changes.iter().filter(|change| had(change)).cloned().collect();
        if late {
            let options = TransactionOptions {
                isolation: *isolation,
                life: Duration::MAX,
                idle: Duration::MAX,
                requester: None,
            };
            *ours = self.store.transaction(options);
        }
        let update: Update = changes.iter().map(Change::op).collect();
        if self.plant == Plant::Half
            && let Some(first) = update.ops().first()
        {
            let _ = ours.update(Update::from_iter([first.clone()]));
        }
        let mut after = pending.clone();
        let fits = changes.iter().all(|change| change.apply(&mut after));
        match ours.update(update.clone()) {
            Ok(()) => prop_assert!(fits),
            Err(TransactionError::Apply { update: back, .. }) => prop_assert!(!fits && back == update),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
        if fits {
            *pending = after;
            made.extend(changes);
        }
        prop_assert_eq!(&Tree::of_map(ours.pending()), &*pending);
        Ok(())
    }

    fn read(&mut self, n: usize, place: &Place) -> TestCaseResult {
        let Open { ours, pending, reads, .. } = &mut self.open[n];
        let value = if self.plant == Plant::Reads {
            ours.pending().get_path(&path(place)).cloned()
        } else {
            ours.get(&path(place)).map_err(|error| TestCaseError::fail(error.to_string()))?
        };
        reads.push(place.clone());
        // A tree knows no place inside a list.
        if let Some(Tree::Number(_) | Tree::Node(_)) | None = pending.find(place) {
            let value = value.as_ref().map(Tree::of);
            prop_assert_eq!(value.as_ref(), pending.find(place));
        }
        Ok(())
    }

    fn finish(&mut self, n: usize) -> TestCaseResult {
        let Open { ours, base, changes, reads, isolation, who, .. } = self.open.remove(n);
        prop_assert_eq!(&tree(ours.base()), self.twin.at(base), "what it began on has changed");
        let kept_out = self.keeps_out(who);
        let step = Step { back: 0, isolation, changes, reads };
        let expected = if kept_out.is_some() { None } else { Some(self.twin.commit(base, &step)) };
        let ours = match ours.commit() {
            Ok(done) => Ok(done.version),
            Err(TransactionError::Commit(error)) => Err(error),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        judge(ours, expected, kept_out, &Update::new(), false)
    }

    fn end(self) -> TestCaseResult {
        drop((self.open, self.line));
        prop_assert_eq!(self.store.blocked(None), None, "a ticket was left behind");
        for snapshot in self.kept {
            prop_assert_eq!(&tree(&snapshot), self.twin.at(snapshot.version()), "a snapshot changed");
        }
        Ok(())
    }
}

/// Compares what the store said with what the twin says. The paths and the update are compared only if `whole`: a
/// transaction names only what its updates come to.
fn judge(
    ours: Result<u64, CommitError>,
    expected: Option<Verdict>,
    kept_out: Option<u8>,
    update: &Update,
    whole: bool,
) -> TestCaseResult {
    match (ours, expected) {
        (Ok(version), expected) => prop_assert_eq!(Some(Verdict::Committed(version)), expected),
        (Err(CommitError::Busy { update: back, holder, .. }), None) => {
            prop_assert!(!whole || back == *update, "handed back");
            prop_assert_eq!(Some(holder), kept_out.map(name));
        }
        (Err(CommitError::Apply { update: back, .. }), Some(Verdict::Unfit)) => {
            prop_assert!(whole && back == *update, "handed back");
        }
        (Err(CommitError::Conflict { update: back, conflicts, .. }), Some(Verdict::Conflict(places))) => {
            let ours: Vec<(Place, u64)> = conflicts
                .into_iter()
                .map(|c| (c.path.segments().iter().map(|segment| segment.to_string()).collect(), c.version))
                .collect();
            prop_assert!(!whole || back == *update, "handed back");
            prop_assert!(ours.iter().all(|place| places.contains(place)), "{:?} of {:?}", ours, places);
            prop_assert!(ours.len() == places.len() || !whole);
        }
        (ours, expected) => return Err(TestCaseError::fail(format!("{ours:?}, expected {expected:?}"))),
    }
    Ok(())
}

fn run(cases: u32, plant: Plant) -> Result<(), TestError<(Node, Vec<Act>)>> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&(Tree::any_node(), vec(act(), 1..60)), |(initial, acts)| {
        let mut machine = Machine::new(plant, &initial);
        acts.iter().try_for_each(|act| machine.act(act))?;
        machine.end()
    })
}

#[test]
fn the_store_does_what_the_twin_says() {
    run(600, Plant::Nothing).unwrap();
}

#[test]
fn planted_bugs_are_found() {
    for plant in [Plant::Reads, Plant::LateBase, Plant::Ticket, Plant::Half] {
        assert!(matches!(run(2_000, plant), Err(TestError::Fail(..))), "{plant:?} went unnoticed");
    }
}
