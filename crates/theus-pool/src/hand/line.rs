//! A line: what all threads of the Brain may use of one worker without a lock.

use crate::link::Mailbox;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use theus_shm::{peer, pidfd};
use theus_sync::Mutex;
use theus_sync::atomic::{AtomicBool, Ordering};

const SIGKILL: i32 = 9;

/// The mailbox and the process descriptor of one worker, and whether it is gone.
pub(crate) struct Line {
    pub(crate) mailbox: Mailbox,
    pub(crate) pid: u32,
    pidfd: OwnedFd,
    dead: AtomicBool,
    /// The process is about to be reaped, or was: its number may mean another one from then on.
    reaped: Mutex<bool>,
}

impl Line {
    /// The line to a child that was not reaped yet, so that its number still means it.
    pub(crate) fn new(mailbox: Mailbox, pid: u32) -> io::Result<Self> {
        Ok(Line {
            mailbox,
            pid,
            pidfd: pidfd::open(pid)?,
            dead: AtomicBool::new(false),
            reaped: Mutex::new(false),
        })
    }

    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// The worker is gone or shall be treated so: everybody who listens to it is woken.
    pub(crate) fn bury(&self) {
        self.dead.store(true, Ordering::Release);
        Mailbox::BRAIN_BELL.alarm(&self.mailbox);
    }

    /// Copies memory of the worker. Keeps it from being reaped meanwhile.
    pub(crate) fn read(&self, address: u64, buffer: &mut [u8]) -> io::Result<()> {
        let reaped = self.reaped.lock();
        if *reaped {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the worker is gone"));
        }
        peer::read(self.pid, address, buffer)
    }

    /// Must come before the process is reaped: waits for whoever reads its memory, and lets nobody else.
    pub(crate) fn lay_out(&self) {
        *self.reaped.lock() = true;
    }

    /// Ends the worker process. A worker that is already gone is no error.
    pub(crate) fn kill(&self) {
        let _gone_already = pidfd::send_signal(&self.pidfd, SIGKILL);
    }
}

#[cfg(all(test, not(theus_loom)))]
mod tests {
    use super::*;
    use theus_shm::Channel;

    #[test]
    fn memory_of_a_process_that_may_be_reaped_is_not_read() {
        let (channel, _fd) = Channel::create(Mailbox::LENGTH).unwrap();
        // This process stands for the worker.
        let line = Line::new(Mailbox::create(channel), std::process::id()).unwrap();
        let there = *b"worker";
        let mut here = [0; 6];
        line.read(there.as_ptr().addr() as u64, &mut here).unwrap();
        assert_eq!(here, there);
        line.lay_out();
        let refused = line.read(there.as_ptr().addr() as u64, &mut here).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
    }
}
