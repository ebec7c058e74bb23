//! The queue: tasks that wait for a worker, and which slots are idle, starting or dormant.
//!
//! Plain data under one lock of the pool. Invariants
//! * A slot is in exactly one of `idle`, `dormant`, or in use (it starts, runs a task, or is being buried by its
//!   keeper). A seat, that is a slot with the epoch of its worker, becomes idle only while that worker is in.
//! * `outstanding` counts the tasks that have not ended. Once the pool stops no task waits here.

use super::Task;
use crate::cell::{Cell, Place, Verdict};
use crate::job::Job;
use std::collections::{BTreeMap, VecDeque};
use theus_sync::Arc;

/// One worker in one slot: another worker in the same slot is another seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) slot: usize,
    /// From 1; counts the slot's workers.
    pub(crate) epoch: u64,
}

pub(crate) struct Queue<J: Job> {
    /// In the order in which they run.
    pending: BTreeMap<i64, Task<J>>,
    front: i64,
    back: i64,
    /// Ready workers without a task; the last one is the warmest and goes first.
    idle: Vec<Seat>,
    /// Slots without a worker.
    dormant: Vec<usize>,
    /// The epoch of each slot's worker if it has said that it is ready, else 0.
    ready: Vec<u64>,
    /// Keepers that bring up a worker now.
    starting: usize,
    pub(crate) outstanding: usize,
    /// No new tasks.
    pub(crate) closed: bool,
    /// No new attempts and no new workers either: the pool ends.
    pub(crate) stopping: bool,
    /// Keeper threads that have not ended.
    pub(crate) keepers: usize,
}

/// What a task needs.
pub(crate) enum Placement<J: Job> {
    /// Run it on this idle worker.
    Run(Seat, Task<J>),
    /// It waits; bring up a worker in this slot.
    Wake(usize),
    /// It waits.
    Wait,
    /// It must end.
    Judged(Task<J>, Verdict),
}

impl<J: Job> Queue<J> {
    pub(crate) fn new(size: usize) -> Self {
        Queue {
            pending: BTreeMap::new(),
            front: 0,
            back: 0,
            idle: Vec::with_capacity(size),
            dormant: (0..size).rev().collect(),
            ready: vec![0; size],
            starting: 0,
            outstanding: 0,
            closed: false,
            stopping: false,
            keepers: 0,
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Finds a place for a task; one that had its turn before goes to the front.
    pub(crate) fn place(&mut self, mut task: Task<J>) -> Placement<J> {
        if self.stopping {
            return Placement::Judged(task, Verdict::Cancelled);
        }
        if let Some(seat) = self.idle.pop() {
            task.fresh = false;
            return Placement::Run(seat, task);
        }
        let turn = if task.fresh {
            self.back += 1;
            self.back
        } else {
            self.front -= 1;
            self.front
        };
        task.fresh = false;
        if let Some(verdict) = task.cell.enter(Place::Queued(turn)) {
            return Placement::Judged(task, verdict);
        }
        self.pending.insert(turn, task);
        if self.starting < self.pending.len()
            && let Some(slot) = self.dormant.pop()
        {
            self.starting += 1;
            self.keepers += 1;
            return Placement::Wake(slot);
        }
        Placement::Wait
    }

    /// A worker has said that it is ready: it gets a task, or becomes idle.
    pub(crate) fn arrive(&mut self, seat: Seat) -> Option<Task<J>> {
        self.starting -= 1;
        self.ready[seat.slot] = seat.epoch;
        self.release(seat)
    }

    /// A worker is free: it gets the next task, or becomes idle. A worker that is gone by now gets nothing.
    pub(crate) fn release(&mut self, seat: Seat) -> Option<Task<J>> {
        if self.ready[seat.slot] != seat.epoch {
            return None;
        }
        let task = self.pending.pop_first();
        if task.is_none() {
            self.idle.push(seat);
        }
        task.map(|(_, task)| task)
    }

    /// A slot has lost its worker, or did not get the one it was starting.
    pub(crate) fn withdraw(&mut self, slot: usize) {
        self.idle.retain(|idle| idle.slot != slot);
        if std::mem::take(&mut self.ready[slot]) == 0 {
            self.starting -= 1;
        }
    }

    /// Asks whether the keeper of a slot without a worker shall bring up another one; if not, the keeper ends.
    pub(crate) fn wants_worker(&mut self, slot: usize) -> bool {
        let wanted = !self.stopping && self.starting < self.pending.len();
        if wanted {
            self.starting += 1;
        } else {
            self.dormant.push(slot);
        }
        wanted
    }

    /// No worker can be had in this slot. Returns the tasks that nobody will ever run: all, if no worker is left and
    /// none on its way.
    pub(crate) fn give_up(&mut self, slot: usize) -> VecDeque<Task<J>> {
        self.dormant.push(slot);
        if self.dormant.len() == self.ready.len() { self.drain() } else { VecDeque::new() }
    }

    /// Takes all waiting tasks out.
    pub(crate) fn drain(&mut self) -> VecDeque<Task<J>> {
        std::mem::take(&mut self.pending).into_values().collect()
    }

    /// Takes one waiting task out, if it is still there.
    pub(crate) fn remove(&mut self, turn: i64, cell: &Arc<Cell<J::Output>>) -> Option<Task<J>> {
        let found = self.pending.get(&turn).is_some_and(|task| Arc::ptr_eq(&task.cell, cell));
        found.then(|| self.pending.remove(&turn)).flatten()
    }
}
