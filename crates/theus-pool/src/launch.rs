//! Launching a worker process: exec, a socket on its standard input, a mailbox, and the death notice.
//!
//! What it is not: a fork. The standard library spawns without copying the Brain, and nothing but the socket is
//! inherited; the mailbox travels over the socket. A worker that is still there when its `Process` is dropped is killed
//! and reaped, so no path out of the pool leaves one behind.

use crate::crash::Ending;
use crate::link::{Mailbox, RingReader, RingWriter};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use theus_shm::{Channel, ShmError, pidfd, socket};
use theus_sync::Arc;
use theus_sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;

/// How to start a worker process.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Environment variables to set beside the inherited ones.
    pub environment: Vec<(OsString, OsString)>,
    /// Its working folder; None: the Brain's.
    pub directory: Option<PathBuf>,
    /// First bytes to the worker, at most 64 KiB; the host language's business.
    pub hello: Vec<u8>,
}

/// Why a worker process could not be started.
#[derive(Debug, Error)]
pub(crate) enum LaunchError {
    #[error("the worker's shared memory could not be made: {0}")]
    Memory(#[from] ShmError),
    #[error("the worker's {what} failed: {source}")]
    System { what: &'static str, source: io::Error },
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> LaunchError {
    move |source| LaunchError::System { what, source }
}

/// What all threads of the Brain may use of one worker without a lock.
pub(crate) struct Line {
    pub(crate) mailbox: Mailbox,
    pub(crate) pid: u32,
    pidfd: OwnedFd,
    dead: AtomicBool,
}

impl Line {
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

    /// Ends the worker process. A worker that is already gone is no error.
    pub(crate) fn kill(&self) {
        let _gone_already = pidfd::send_signal(&self.pidfd, SIGKILL);
    }
}

const SIGKILL: i32 = 9;

/// A running worker process, owned by its keeper.
pub(crate) struct Process {
    child: Child,
    line: Arc<Line>,
}

impl Process {
    /// Ends the process if it still runs, and says how it ended.
    pub(crate) fn reap(mut self) -> Ending {
        self.end()
    }

    fn end(&mut self) -> Ending {
        self.line.kill();
        match self.child.wait() {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Ending::Exited(code),
                (None, Some(signal)) => Ending::Signalled(signal),
                (None, None) => Ending::Unknown,
            },
            Err(_) => Ending::Unknown,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After `reap` this finds the status that the standard library remembers.
        self.end();
    }
}

/// Both directions of a fresh worker's link, and its process.
pub(crate) struct Launched {
    pub(crate) process: Process,
    pub(crate) line: Arc<Line>,
    pub(crate) control: OwnedFd,
    pub(crate) writer: RingWriter,
    pub(crate) reader: RingReader,
}

/// Starts a worker process.
pub(crate) fn launch(plan: &Launch) -> Result<Launched, LaunchError> {
    let (channel, memory) = Channel::create(Mailbox::LENGTH)?;
    let mailbox = Mailbox::create(channel);
    let (ours, theirs) = socket::pair().map_err(system("control socket"))?;
    let mut command = Command::new(&plan.program);
    command.args(&plan.arguments).envs(plan.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::from(theirs));
    if let Some(directory) = &plan.directory {
        command.current_dir(directory);
    }
    let mut child = command.spawn().map_err(system("start"))?;
    // Not reaped yet, so the number still means this child.
    let pidfd = match pidfd::open(child.id()) {
        Ok(pidfd) => pidfd,
        Err(source) => {
            let _gone_already = child.kill();
            let _status = child.wait();
            return Err(LaunchError::System { what: "process descriptor", source });
        }
    };
    let line = Arc::new(Line { mailbox, pid: child.id(), pidfd, dead: AtomicBool::new(false) });
    let process = Process { child, line: Arc::clone(&line) };
    socket::send(ours.as_fd(), &plan.hello, &[memory.as_fd()]).map_err(system("greeting"))?;
    Ok(Launched {
        process,
        line,
        control: ours,
        writer: RingWriter::new(Mailbox::TO_WORKER),
        reader: RingReader::new(Mailbox::TO_BRAIN),
    })
}
