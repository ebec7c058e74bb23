//! Which sync bodies run on this thread: nesting is refused by it, and what a body commits by itself is its task's.

use std::cell::RefCell;
use theus::Requester;

thread_local! {
    /// Innermost last: the engine, by the address of its `Core`, and the task.
    static BODIES: RefCell<Vec<(usize, Requester)>> = const { RefCell::new(Vec::new()) };
}

/// Notes that a body of an engine runs on this thread, for as long as it lives.
pub(crate) struct InBody;

impl InBody {
    pub(crate) fn enter(engine: usize, task: Requester) -> Self {
        BODIES.with_borrow_mut(|bodies| bodies.push((engine, task)));
        InBody
    }
}

impl Drop for InBody {
    fn drop(&mut self) {
        BODIES.with_borrow_mut(|bodies| bodies.pop());
    }
}

/// The task of this engine whose body runs on this thread.
pub(crate) fn task_here(engine: usize) -> Option<Requester> {
    let own = |(address, task): &(usize, Requester)| (*address == engine).then(|| task.clone());
    BODIES.with_borrow(|bodies| bodies.iter().rev().find_map(own))
}
