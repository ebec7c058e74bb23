//! Processes for tests to kill: the test binary, started anew to play one role; and what a round of killing needs.
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

mod dice;
mod fate;
mod folders;
mod victim;

pub use dice::{Dice, rounds};
pub use fate::Fate;
pub use folders::Folders;
pub use victim::{PATIENCE, Victim, arguments, environment, players, role};
