//! Records a round: threads that read from a [`Subject`] and commit to it while they note what they see.
//!
//! What not: no check. Invariant: what is done is decided by the seed, when it happens by the machine; nothing waits
//! by sleeping.

use super::log::{Clock, History, Log};
use super::model::fingerprint;
use super::row::{RowId, Span};
use super::terrain::Terrain;
use super::traffic::Traffic;
use super::write::Attempt;
use std::thread;
use theus_state::{Commit, CommitError, Isolation, Store};
use theus_value::Map;

/// What is to be strictly serializable: a store, or one with a planted bug.
pub trait Subject: Sync {
    /// The newest version and its state.
    fn snapshot(&self) -> (u64, Map);

    /// Tries to commit. Gives the version made and its state.
    ///
    /// # Errors
    /// As the store's.
    fn commit(&self, commit: Commit) -> Result<(u64, Map), CommitError>;
}

impl Subject for Store {
    fn snapshot(&self) -> (u64, Map) {
        let seen = Store::snapshot(self);
        (seen.version(), seen.root().clone())
    }

    fn commit(&self, commit: Commit) -> Result<(u64, Map), CommitError> {
        Store::commit(self, commit).map(|done| (done.version, done.snapshot.root().clone()))
    }
}

/// What is asked of a subject in one round.
#[derive(Clone, Debug)]
pub struct Load {
    /// How many threads.
    pub clients: u32,
    /// How many operations they do together, at least; each does the same number.
    pub operations: usize,
    /// The modes of their commits.
    pub modes: Vec<Isolation>,
    /// One commit in so many is made by a client that dies before it hears of the end, and is followed by another of
    /// the same name; 0 for none.
    pub forgets: u64,
    /// Decides what they do.
    pub seed: u64,
}

/// Runs a round to its end. The last log is that of one more client, which reads once when all others have ended. The
/// trail names also those whose client never heard of the end.
///
/// # Panics
/// When a commit ends in any other way than as a version or with a conflict.
pub fn record(subject: &impl Subject, terrain: &Terrain, load: &Load) -> History {
    let clock = Clock::start();
    let share = load.operations.div_ceil(load.clients.max(1) as usize);
    let (mut logs, mut trail) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        let start = |client| {
            let traffic = Traffic::new(load.seed ^ u64::from(client).rotate_right(8));
            let (log, made, pause) = (Log::with_capacity(share), vec![], Pause::Never);
            let new = Client { subject, terrain, load, clock, traffic, log, made, client, pause };
            scope.spawn(move || new.run(share))
        };
        let threads: Vec<_> = (0..load.clients).map(start).collect();
        for thread in threads {
            let (log, made) = thread.join().expect("a client");
            logs.push(log);
            trail.extend(made);
        }
    });
    let mut last = Log::default();
    let (span, (version, root)) = clock.span(|| subject.snapshot());
    last.read(span, version, fingerprint(terrain, &root));
    logs.push(last);
    trail.sort_unstable();
    History { logs, trail: Some(trail) }
}

/// Where a client lets others run. Operations are so short that those of few processors would seldom overlap; with a
/// pause between call and return they do on any machine.
#[derive(Clone, Copy, PartialEq)]
enum Pause {
    Never,
    Between,
    Called,
    Done,
}

impl Pause {
    /// Mostly never.
    fn any(traffic: &mut Traffic) -> Self {
        match traffic.below(96) {
            0 => Pause::Between,
            1 => Pause::Called,
            2 => Pause::Done,
            _ => Pause::Never,
        }
    }

    fn at(self, place: Pause) {
        if self == place {
            thread::yield_now();
        }
    }
}

struct Client<'a, S> {
    subject: &'a S,
    terrain: &'a Terrain,
    load: &'a Load,
    clock: Clock,
    traffic: Traffic,
    log: Log,
    /// The versions it made, also those that it never heard of.
    made: Vec<(u64, RowId)>,
    client: u32,
    pause: Pause,
}

impl<S: Subject> Client<'_, S> {
    fn run(mut self, operations: usize) -> (Log, Vec<(u64, RowId)>) {
        let mut attempt = Attempt::default();
        let mut known = 0;
        for _ in 0..operations {
            self.pause = Pause::any(&mut self.traffic);
            self.pause.at(Pause::Between);
            if self.traffic.once_in(2) {
                known = self.read();
            } else {
                // Some are computed from what was known a while ago.
                let age = if self.traffic.once_in(8) { self.traffic.below(8) } else { 0 };
                let mode = self.load.modes[self.traffic.below(self.load.modes.len() as u64) as usize];
                self.traffic.attempt(self.terrain, known.saturating_sub(age), mode, &mut attempt);
                known = self.commit(&attempt, known);
            }
        }
        (self.log, self.made)
    }

    fn span<T>(&self, work: impl FnOnce() -> T) -> (Span, T) {
        self.clock.span(|| {
            self.pause.at(Pause::Called);
            let done = work();
            self.pause.at(Pause::Done);
            done
        })
    }

    fn read(&mut self) -> u64 {
        let (span, (version, root)) = self.span(|| self.subject.snapshot());
        self.log.read(span, version, fingerprint(self.terrain, &root));
        version
    }

    /// Gives the version that the client knows of afterwards.
    fn commit(&mut self, attempt: &Attempt, known: u64) -> u64 {
        let commit = attempt.commit(self.terrain);
        let (span, done) = self.span(|| self.subject.commit(commit));
        if let Ok((version, _)) = &done {
            let seq = self.log.len() as u32;
            self.made.push((*version, RowId { client: self.client, seq }));
        }
        if self.traffic.once_in(self.load.forgets) {
            self.log.unknown(span.invoked, attempt);
            return known;
        }
        match done {
            Ok((version, root)) => {
                self.log.committed(span, attempt, version, fingerprint(self.terrain, &root));
                version
            }
            Err(CommitError::Conflict { current, conflicts, .. }) => {
                self.log.refused(self.terrain, span, attempt, current, &conflicts);
                current
            }
            Err(error) => panic!("a commit of a history ends with a version or a conflict: {error}"),
        }
    }
}
