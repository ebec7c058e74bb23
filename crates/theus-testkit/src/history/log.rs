//! [`Log`]: what one client did, in its order; and [`History`], the logs of all clients of one round.
//!
//! What not: no check. Recording pushes to vectors of the client's own: no lock, no shared line.
//! Invariant: rows stand in the order in which the client called; 64 bytes each, 16 for each write and told conflict.

use super::row::{Outcome, Row, RowId, Span, Told};
use super::terrain::Terrain;
use super::write::{Attempt, Write};
use std::time::Instant;
use theus_state::{Conflict, Isolation};

/// The one clock of a history, shared by its clients as a copy. On Linux it is `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Nanoseconds since it began.
    pub fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Does something and says when.
    pub fn span<T>(&self, work: impl FnOnce() -> T) -> (Span, T) {
        let invoked = self.now();
        let done = work();
        (Span { invoked, returned: self.now() }, done)
    }
}

/// What one client did.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub(crate) rows: Vec<Row>,
    pub(crate) writes: Vec<Write>,
    pub(crate) told: Vec<Told>,
}

impl Log {
    /// An empty log with room for so many rows.
    pub fn with_capacity(rows: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), writes: Vec::with_capacity(rows), told: Vec::new() }
    }

    /// Notes that a snapshot was read.
    pub fn read(&mut self, span: Span, version: u64, state: u64) {
        self.push(span, &Attempt::default(), Outcome::Read, (version, state));
    }

    /// Notes that an attempt became a version.
    pub fn committed(&mut self, span: Span, attempt: &Attempt, version: u64, state: u64) {
        self.push(span, attempt, Outcome::Committed, (version, state));
    }

    /// Notes that an attempt was refused.
    ///
    /// # Panics
    /// When a conflict names a path that is not in the terrain.
    pub fn refused(
        &mut self,
        terrain: &Terrain,
        span: Span,
        attempt: &Attempt,
        current: u64,
        told: &[Conflict],
    ) {
        self.push(span, attempt, Outcome::Refused, (current, 0));
        for conflict in told {
            let place = terrain.find(&conflict.path).expect("a refusal names places that the commit named");
            self.told.push(Told { place, version: conflict.version });
        }
        if let Some(row) = self.rows.last_mut() {
            row.told = told.len() as u8;
        }
    }

    /// Notes that an attempt was made and its end was never heard of.
    pub fn unknown(&mut self, invoked: u64, attempt: &Attempt) {
        let span = Span { invoked, returned: u64::MAX };
        self.push(span, attempt, Outcome::Unknown, (0, 0));
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The operations, first to last.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The operations, first to last, to be changed: so a test plants what the checker must find.
    pub fn rows_mut(&mut self) -> &mut [Row] {
        &mut self.rows
    }

    /// What a row wrote or wanted to write.
    pub fn writes(&self, row: &Row) -> &[Write] {
        &self.writes[row.first_write as usize..][..usize::from(row.writes)]
    }

    /// What a row wanted to commit.
    pub fn attempt(&self, row: &Row) -> Attempt {
        Attempt { base: row.base, mode: row.mode, writes: self.writes(row).to_vec(), reads: row.reads }
    }

    /// What a refusal told.
    pub fn told(&self, row: &Row) -> &[Told] {
        &self.told[row.first_told as usize..][..usize::from(row.told)]
    }

    /// The places that a row wants to write as a whole.
    pub(crate) fn named(&self, row: &Row) -> u64 {
        self.writes(row).iter().fold(0, |all, write| all | write.named())
    }

    /// The bytes that the log holds on the heap, spare room not counted.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.rows) + size_of_val(&*self.writes) + size_of_val(&*self.told)
    }

    fn push(&mut self, span: Span, attempt: &Attempt, outcome: Outcome, (version, state): (u64, u64)) {
        self.rows.push(Row {
            invoked: span.invoked,
            returned: span.returned,
            base: attempt.base,
            version,
            state,
            reads: attempt.reads,
            first_write: self.writes.len() as u32,
            first_told: self.told.len() as u32,
            writes: attempt.writes.len() as u8,
            told: 0,
            mode: attempt.mode,
            outcome,
        });
        self.writes.extend_from_slice(&attempt.writes);
    }
}

/// One round of all clients. Their number in `logs` is their name.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// One log for each client.
    pub logs: Vec<Log>,
    /// If there is one: for each version in order the row that made it, as an audit trail says.
    pub trail: Option<Vec<(u64, RowId)>>,
}

impl History {
    /// A row and the log it is in.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn at(&self, id: RowId) -> (&Log, &Row) {
        let log = &self.logs[id.client as usize];
        (log, &log.rows[id.seq as usize])
    }

    /// All rows, client by client.
    pub fn rows(&self) -> impl Iterator<Item = (RowId, &Row)> {
        (0..).zip(&self.logs).flat_map(|(client, log)| {
            (0..).zip(&log.rows).map(move |(seq, row)| (RowId { client, seq }, row))
        })
    }

    /// How many rows have this outcome, and in this mode if it is a commit.
    pub fn count(&self, outcome: Outcome, mode: Option<Isolation>) -> usize {
        let fits = |row: &Row| row.outcome == outcome && mode.is_none_or(|mode| row.mode == mode);
        self.rows().filter(|(_, row)| fits(row)).count()
    }
}
