//! Processes for tests to kill: the test binary, started anew to play one role.
//!
//! The child's standard input is its end of a socket pair, the role is in its environment, and the test function that
//! plays the roles is named by the starter; it is `#[ignore]`d, so that no ordinary run enters it.
//!
//! Invariants: a role's process is dead and reaped when its [`Victim`] is gone; nothing here waits by sleeping.
//!
//! ```no_run
//! use theus_testkit::crash::{Victim, role};
//!
//! # #[cfg(any())]
//! #[test]
//! #[ignore = "a role that other tests start as a process of its own"]
//! fn play() {
//!     let (name, socket) = role().expect("started by another test");
//!     theus_shm::socket::send(&socket, name.as_bytes(), &[]).unwrap();
//! }
//!
//! let mut victim = Victim::start("victim::play", "hold memory");
//! let (message, _descriptors) = victim.receive(0);
//! assert_eq!(message, b"hold memory");
//! assert_eq!(victim.kill(), Some(9));
//! ```

use std::env;
use std::io::stdin;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use theus_shm::{pidfd, socket};

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
        let (ours, theirs) = socket::pair().expect("a socket pair");
        let child = Command::new(env::current_exe().expect("the path of this program"))
            .args(arguments(test))
            .env(ROLE, role)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
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
    /// When it does not die, or the system refuses.
    pub fn kill(&mut self) -> Option<i32> {
        // One that is gone already was not reaped by anybody else, so there is nobody else to hit.
        let _gone = pidfd::send_signal(&self.process, 9);
        self.join()
    }

    /// Waits until the process has ended and reaps it. Returns the signal that ended it, if one did.
    ///
    /// # Panics
    /// When it does not end in a long time, or the system refuses.
    pub fn join(&mut self) -> Option<i32> {
        let ended = pidfd::poll(&[self.process.as_fd()], Some(PATIENCE)).expect("a look at the child");
        assert_eq!(ended, [true], "the child has not ended");
        self.child.wait().expect("the child's status").signal()
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
