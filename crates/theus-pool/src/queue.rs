//! The queue: tasks that wait for a worker, and which slots are idle, starting or dormant.
//!
//! Plain data under one lock of the pool. Invariants: a slot is in exactly one of `idle`, `dormant`, or in use (it
//! starts, runs a task, or is being buried by its keeper); `outstanding` counts the tasks that have not ended.

use crate::job::Job;
use crate::slot::Task;
use std::collections::VecDeque;

pub(crate) struct Queue<J: Job> {
    pub(crate) pending: VecDeque<Task<J>>,
    /// Slots with a ready worker and no task; the last one is the warmest and goes first.
    idle: Vec<usize>,
    /// Slots without a worker.
    dormant: Vec<usize>,
    /// Keepers that bring up a worker now.
    pub(crate) starting: usize,
    pub(crate) outstanding: usize,
    /// No new tasks.
    pub(crate) closed: bool,
    /// No new workers either: the pool ends.
    pub(crate) stopping: bool,
    /// Keeper threads that have not ended.
    pub(crate) keepers: usize,
    size: usize,
}

/// What a new task needs.
pub(crate) enum Placement<J: Job> {
    /// Run it on this idle slot.
    Run(usize, Task<J>),
    /// It waits; bring up a worker in this slot.
    Wake(usize),
    /// It waits.
    Wait,
}

impl<J: Job> Queue<J> {
    pub(crate) fn new(size: usize) -> Self {
        Queue {
            pending: VecDeque::new(),
            idle: Vec::with_capacity(size),
            dormant: (0..size).rev().collect(),
            starting: 0,
            outstanding: 0,
            closed: false,
            stopping: false,
            keepers: 0,
            size,
        }
    }

    /// Finds a place for a task; a task that was tried before goes to the front.
    pub(crate) fn place(&mut self, task: Task<J>) -> Placement<J> {
        if let Some(slot) = self.idle.pop() {
            return Placement::Run(slot, task);
        }
        if task.attempt > 1 {
            self.pending.push_front(task);
        } else {
            self.pending.push_back(task);
        }
        let wanted = self.starting < self.pending.len() && !self.stopping;
        if let Some(slot) = wanted.then(|| self.dormant.pop()).flatten() {
            self.starting += 1;
            self.keepers += 1;
            return Placement::Wake(slot);
        }
        Placement::Wait
    }

    /// A slot's worker is free: it gets the next task, or becomes idle.
    pub(crate) fn release(&mut self, slot: usize) -> Option<Task<J>> {
        let task = self.pending.pop_front();
        if task.is_none() {
            self.idle.push(slot);
        }
        task
    }

    /// A slot has lost its worker, before it was ready or after.
    pub(crate) fn withdraw(&mut self, slot: usize, was_ready: bool) {
        self.idle.retain(|idle| *idle != slot);
        if !was_ready {
            self.starting -= 1;
        }
    }

    /// Asks whether the keeper of a slot without a worker shall bring up another one; if not, the keeper ends.
    pub(crate) fn wants_worker(&mut self, slot: usize) -> bool {
        let wanted = !self.stopping && self.starting < self.pending.len();
        if wanted {
            self.starting += 1;
        } else {
            self.retire(slot);
        }
        wanted
    }

    /// A slot's keeper ends.
    pub(crate) fn retire(&mut self, slot: usize) {
        self.dormant.push(slot);
        self.keepers -= 1;
    }

    /// The tasks that nobody will ever run, if there is no worker left and none on its way.
    pub(crate) fn stranded(&mut self) -> VecDeque<Task<J>> {
        if self.dormant.len() == self.size { std::mem::take(&mut self.pending) } else { VecDeque::new() }
    }

    pub(crate) fn remove(&mut self, task: u64) -> Option<Task<J>> {
        let at = self.pending.iter().position(|pending| pending.cell.id == task)?;
        self.pending.remove(at)
    }
}
