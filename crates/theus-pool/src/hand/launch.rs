//! Launching a worker process: exec, a socket on its standard input, a mailbox, and the death notice.
//!
//! What it is not: a fork. The standard library spawns without copying the Brain, and nothing but the socket is
//! inherited; the mailbox travels over the socket. A worker that is still there when its `Process` is dropped is killed
//! and reaped, so no path out of the pool leaves one behind.

use super::Line;
use crate::crash::Ending;
use crate::link::{HELLO_LIMIT, Mailbox, PROTOCOL_VERSION, RingReader, RingWriter};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use theus_shm::{Channel, ShmError, socket};
use theus_sync::Arc;
use thiserror::Error;

/// How to start a worker process.
///
/// ```
/// use theus_pool::Launch;
///
/// let launch = Launch {
///     program: "/usr/bin/python3".into(),
///     arguments: vec!["-m".into(), "my_worker".into()],
///     environment: vec![("MODE".into(), "worker".into())],
///     directory: None,
///     hello: b"anything that the worker should know first".to_vec(),
/// };
/// # let _ = launch;
/// ```
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
    /// First bytes to the worker, at most 64 KiB, may be none; the host language's business.
    pub hello: Vec<u8>,
}

/// Why a worker process could not be started.
#[derive(Debug, Error)]
pub(crate) enum LaunchError {
    #[error("the worker's shared memory could not be made: {0}")]
    Memory(#[from] ShmError),
    #[error("the worker's program {program:?} could not be started: {source}")]
    Program { program: PathBuf, source: io::Error },
    #[error("the worker's {what} failed: {source}")]
    System { what: &'static str, source: io::Error },
    #[error("the worker's greeting has {length} bytes, at most {HELLO_LIMIT} are allowed")]
    Hello { length: usize },
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> LaunchError {
    move |source| LaunchError::System { what, source }
}

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
        self.line.lay_out();
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
    if plan.hello.len() > HELLO_LIMIT {
        return Err(LaunchError::Hello { length: plan.hello.len() });
    }
    let (channel, memory) = Channel::create(Mailbox::LENGTH)?;
    let mailbox = Mailbox::create(channel);
    let (ours, theirs) = socket::pair().map_err(system("control socket"))?;
    let mut child = spawn(plan, theirs)?;
    let line = match Line::new(mailbox, child.id()) {
        Ok(line) => Arc::new(line),
        Err(source) => {
            let _gone_already = child.kill();
            let _status = child.wait();
            return Err(LaunchError::System { what: "process descriptor", source });
        }
    };
    let process = Process { child, line: Arc::clone(&line) };
    // One byte before the greeting, which may be empty, as a message may not.
    let hello = [&[PROTOCOL_VERSION as u8], plan.hello.as_slice()].concat();
    socket::try_send(ours.as_fd(), &hello, &[memory.as_fd()]).map_err(system("greeting"))?;
    Ok(Launched {
        process,
        line,
        control: ours,
        writer: RingWriter::new(Mailbox::TO_WORKER),
        reader: RingReader::new(Mailbox::TO_BRAIN),
    })
}

fn spawn(plan: &Launch, control: OwnedFd) -> Result<Child, LaunchError> {
    let mut command = Command::new(&plan.program);
    command.args(&plan.arguments).envs(plan.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::from(control));
    if let Some(directory) = &plan.directory {
        command.current_dir(directory);
    }
    command.spawn().map_err(|source| LaunchError::Program { program: plan.program.clone(), source })
}
