//! A process that a test started, talks to and kills.
//!
//! Not here: when it is killed (`dice`), what it leaves behind (`footprint`).

use std::env;
use std::ffi::OsString;
use std::fs::read;
use std::io::stdin;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use theus_shm::{pidfd, socket};

use crate::footprint::{is_alive, processes};

const ROLE: &str = "THEUS_TEST_ROLE";

/// Long enough for any machine; only a broken test waits that long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A process that plays a role. Dropping it kills it.
#[derive(Debug)]
pub struct Victim {
    child: Child,
    socket: OwnedFd,
    process: OwnedFd,
}

impl Victim {
    /// Starts this test binary anew, to run the test of this full name (as in `victim::play`) in this role.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn start(test: &str, role: &str) -> Self {
        Self::start_in(test, role, [])
    }

    /// [`start`](Self::start) with these environment variables set, such as those of [`Folders`](super::Folders).
    ///
    /// # Panics
    /// When the system refuses.
    pub fn start_in(
        test: &str,
        role: &str,
        variables: impl IntoIterator<Item = (&'static str, OsString)>,
    ) -> Self {
        let (ours, theirs) = socket::pair().expect("a socket pair");
        let child = Command::new(env::current_exe().expect("the path of this program"))
            .args(arguments(test))
            .env(ROLE, role)
            .envs(variables)
            .stdin(Stdio::from(theirs))
            // The test runner's lines; what a role that fails has to say comes on the other stream.
            .stdout(Stdio::null())
            .spawn()
            .expect("a child process");
        // Not reaped yet, so the number still means this child.
        let process = pidfd::open(child.id()).expect("a process descriptor");
        Victim { child, socket: ours, process }
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Our end of its socket.
    pub fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Receives one message of at most 64 bytes and this many descriptors. An empty one means that the child is gone.
    ///
    /// # Panics
    /// When the message is malformed.
    pub fn receive(&self, descriptors: usize) -> (Vec<u8>, Vec<OwnedFd>) {
        let mut buffer = [0; 64];
        let received = socket::recv(&self.socket, &mut buffer, descriptors, true).expect("a message");
        let (length, descriptors) = received.unwrap_or_default();
        (buffer[..length].to_vec(), descriptors)
    }

    /// Kills the process (SIGKILL), waits on its descriptor until it has ended, and reaps it. Returns the signal that
    /// ended it; none when it had exited before.
    ///
    /// # Panics
    /// When it does not die, had failed by itself before, or the system refuses.
    pub fn kill(&mut self) -> Option<i32> {
        // One that is gone already was not reaped by anybody else, so there is nobody else to hit.
        let _gone = pidfd::send_signal(&self.process, 9);
        self.join()
    }

    /// Waits until the process has ended and reaps it. Returns the signal that ended it, if one did.
    ///
    /// # Panics
    /// When it does not end in a long time, its role failed, or the system refuses.
    pub fn join(&mut self) -> Option<i32> {
        assert!(self.ends_within(PATIENCE), "the child has not ended");
        let status = self.child.wait().expect("the child's status");
        assert!(status.success() || status.signal().is_some(), "the child's role failed: {status}");
        status.signal()
    }

    /// Waits at most this long for its end; whether it has ended. It is not reaped yet.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn ends_within(&self, time: Duration) -> bool {
        pidfd::poll(&[self.process.as_fd()], Some(time)).expect("a look at the child") == [true]
    }

    /// Sends one message, with descriptors.
    ///
    /// # Panics
    /// When the process is gone, or the system refuses.
    pub fn send(&self, message: &[u8], descriptors: &[BorrowedFd<'_>]) {
        socket::send(&self.socket, message, descriptors).expect("a process that takes a message");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The role of this process and its end of the socket; none in an ordinary run.
///
/// # Panics
/// When the standard input cannot be duplicated.
pub fn role() -> Option<(String, OwnedFd)> {
    let role = env::var(ROLE).ok()?;
    Some((role, stdin().as_fd().try_clone_to_owned().expect("a copy of the standard input")))
}

/// Arguments that make a test binary run just this test, ignored or not.
pub fn arguments(test: &str) -> [&str; 5] {
    ["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"]
}

/// The environment variable that makes a started test binary play this role.
pub fn environment(role: &str) -> (&'static str, &str) {
    (ROLE, role)
}

/// The living processes that were started in this role. Give roles a part of their own to tell rounds apart.
pub fn players(role: &str) -> Vec<u32> {
    let wanted = format!("{ROLE}={role}");
    let plays = |pid: &u32| {
        let environment = read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    processes().map(|(pid, _)| pid).filter(plays).filter(|pid| is_alive(*pid)).collect()
}
