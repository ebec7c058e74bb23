//! The watch that ends a worker when its Brain dies, whatever the worker does at that moment.
//!
//! What it is not: an orderly end, which the Brain asks for with a frame.

use crate::worker::{WorkerError, system};
use std::os::fd::{AsFd, OwnedFd};
use theus_shm::{pidfd, socket};
use theus_sync::thread;

/// Starts the thread that ends this process when the process at the other end of the socket dies.
///
/// The socket's end-of-file would not do: a child that the Brain forked holds the other end open. The kernel's own
/// parent-death signal comes first, since it also ends a worker that is stopped; it is tied to the thread that started
/// the worker (its keeper, which outlives it) and is lost where the Brain died before it was asked for, so the watch
/// backs it up.
pub(crate) fn die_with_the_brain(control: &OwnedFd) -> Result<(), WorkerError> {
    pidfd::die_with_parent().map_err(system("parent-death signal"))?;
    let (brain, _, _) = socket::peer_credentials(control).map_err(system("look at the engine"))?;
    let brain = pidfd::open(brain).map_err(system("look at the engine"))?;
    let own = pidfd::open(std::process::id()).map_err(system("look at itself"))?;
    let watch = move || {
        loop {
            if pidfd::poll(&[brain.as_fd()], None).is_ok_and(|ended| ended.first() == Some(&true)) {
                // Not an orderly exit: the main thread may hold any lock, or run a task that never ends.
                let _ended = pidfd::send_signal(&own, 9);
            }
        }
    };
    thread::Builder::new().name("theus-brain-watch".into()).spawn(watch).map_err(system("watch thread"))?;
    Ok(())
}
