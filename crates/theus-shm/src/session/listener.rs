//! The owner's side: a socket that other programs of the same user attach to, and the thread that serves them.
//!
//! Not here: the messages (`frame`), one connection (`link`), the socket's file (`folder`).
//!
//! Invariants
//! - Only processes of this user are served, as the kernel names them (`SO_PEERCRED`).
//! - One thread, which waits for requests and for nothing else; it ends when the listener is dropped, even while a
//!   forked child has copies of every descriptor: what ends is shut down, since closing it would not be noticed.
//! - At most [`MAX_CONNECTIONS`] connections, [`MAX_OF_ONE`] of one process; each costs the owner one descriptor.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::address::{Address, SessionName};
use super::catalogue::Catalogue;
use super::error::SessionError;
use super::folder::{Folder, SocketFile};
use super::frame::MAX_REQUEST;
use super::link::Link;
use crate::linux::{listen, pidfd, socket};
use theus_sync::{Arc, thread};

/// Connections that one listener has at most.
pub const MAX_CONNECTIONS: usize = 64;

/// Connections that one process may have to one listener at most.
pub const MAX_OF_ONE: usize = 16;

/// While this process has no descriptor to spare, nobody is accepted for so long.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves blocks by name to other programs of this user, until it is dropped.
///
/// Who attaches maps whole segments, for reading only: with a block it sees what else lies in its segment.
/// After `fork`, the child's copy does nothing.
///
/// ```
/// use std::sync::Arc;
/// use theus_shm::session::{Attached, Catalogue, Listener, Offer};
/// use theus_shm::{Arena, ArenaOptions, Block};
///
/// struct One(Arc<Block>);
/// impl Catalogue for One {
///     fn names(&self, after: &str, _most: usize) -> Vec<String> {
///         if after < "one" { vec!["one".into()] } else { Vec::new() }
///     }
///     fn by_name(&self, name: &str) -> Option<Offer> {
///         (name == "one").then(|| Offer { block: Arc::clone(&self.0), metadata: b"5 letters".to_vec() })
///     }
///     fn by_serial(&self, serial: u64) -> Option<Offer> {
///         self.by_name("one").filter(|offer| offer.block.serial() == serial)
///     }
/// }
///
/// let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
/// let block = arena.alloc(5, true)?;
/// block.write_at(0, b"hello")?;
/// let listener = Listener::anonymous(Arc::new(One(Arc::new(block))))?;
///
/// // As a rule in another process.
/// let attached = Attached::to_address(listener.address().expect("it is anonymous"))?;
/// let opened = attached.open("one")?;
/// let mut bytes = [0; 5];
/// opened.read_at(0, &mut bytes)?;
/// assert_eq!((&bytes, opened.metadata()), (b"hello", b"5 letters".as_slice()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    address: Option<Address>,
    file: Option<SocketFile>,
    /// The thread ends when this end of a pair is shut down.
    stop: Option<OwnedFd>,
    thread: Option<thread::JoinHandle<()>>,
    process: u32,
}

impl Listener {
    /// Listens under a name in the folder. The name's file goes with the listener; a process that is killed leaves it
    /// behind, and whoever looks at the folder next removes it.
    ///
    /// # Errors
    /// [`SessionError::InUse`] when a live session has that name; [`SessionError::Folder`], [`SessionError::Occupied`],
    /// [`SessionError::Locked`], [`SessionError::System`].
    pub fn named(
        folder: &Folder,
        name: &SessionName,
        catalogue: Arc<dyn Catalogue>,
    ) -> Result<Self, SessionError> {
        let (socket, file) = folder.bind(name)?;
        let mut listener = Self::unstarted();
        listener.file = Some(file);
        listener.start(socket, catalogue)?;
        Ok(listener)
    }

    /// Listens at a fresh anonymous address, of which nothing can remain.
    ///
    /// # Errors
    /// [`SessionError::System`].
    pub fn anonymous(catalogue: Arc<dyn Catalogue>) -> Result<Self, SessionError> {
        let address = Address::fresh()?;
        let socket = listen::listen(&address.to_socket());
        let socket = socket.map_err(SessionError::system("listening at an anonymous address"))?;
        let mut listener = Self::unstarted();
        listener.address = Some(address);
        listener.start(socket, catalogue)?;
        Ok(listener)
    }

    fn unstarted() -> Self {
        Self { address: None, file: None, stop: None, thread: None, process: std::process::id() }
    }

    fn start(&mut self, socket: OwnedFd, catalogue: Arc<dyn Catalogue>) -> Result<(), SessionError> {
        let (ours, theirs) = socket::pair().map_err(SessionError::system("making a pair of sockets"))?;
        let buffer = Box::new([0; MAX_REQUEST]);
        let serving = move || Serving { socket, stop: theirs, links: Vec::new(), catalogue, buffer }.run();
        let thread = thread::Builder::new().name("theus-session".into()).spawn(serving);
        self.thread = Some(thread.map_err(SessionError::system("starting the thread of the session"))?);
        self.stop = Some(ours);
        Ok(())
    }

    /// The address; `None` for a named session.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A forked child has copies of the descriptors, but neither the thread nor a right to the name.
        if self.process != std::process::id() {
            return;
        }
        if let Some(file) = self.file.take() {
            file.remove();
        }
        // Closing it would wake nobody: a child that was forked meanwhile has it too.
        if let Some(stop) = self.stop.take() {
            listen::hang_up(stop.as_fd());
        }
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // A panic of the thread has been reported where it happened.
            let _ = thread.join();
        }
    }
}

/// What the thread works on.
struct Serving {
    socket: OwnedFd,
    stop: OwnedFd,
    links: Vec<Link>,
    catalogue: Arc<dyn Catalogue>,
    buffer: Box<[u8; MAX_REQUEST]>,
}

impl Serving {
    fn run(mut self) {
        let mut accepting = true;
        loop {
            let mut waited = vec![self.stop.as_fd()];
            waited.extend(self.links.iter().map(Link::fd));
            // Last, so that it can be left out for a while.
            if accepting {
                waited.push(self.socket.as_fd());
            }
            let ready = match wait(&waited, accepting) {
                Ok(ready) => ready,
                Err(()) => return,
            };
            let (stopped, ready) = (ready[0], &ready[1..]);
            if stopped {
                return;
            }
            let may_accept = !accepting || ready[self.links.len()];
            let mut asked = ready.iter();
            self.serve(|_| asked.next() == Some(&true));
            accepting = !may_accept || self.accept();
        }
    }

    /// Serves one request each of these connections, and lets those go that are over.
    fn serve(&mut self, mut asked: impl FnMut(&Link) -> bool) {
        let Self { links, catalogue, buffer, .. } = self;
        links.retain_mut(|link| !asked(link) || link.serve(&**catalogue, buffer).is_ok());
    }

    /// Takes in whoever waits; false when this process has no descriptor to spare.
    fn accept(&mut self) -> bool {
        // Not for ever: who connects again and again must not keep the others from being served.
        for _ in 0..MAX_CONNECTIONS {
            match listen::accept(self.socket.as_fd()) {
                Ok(socket) => self.take_in(socket),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return true,
                    // Of a peer that is gone already.
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                    _ => return false,
                },
            }
        }
        true
    }

    fn take_in(&mut self, socket: OwnedFd) {
        let Ok((pid, user, _)) = socket::peer_credentials(&socket) else { return };
        if user != listen::effective_user() {
            return;
        }
        if self.is_full_for(pid) {
            // Some may have hung up just now.
            self.serve(|_| true);
        }
        if self.is_full_for(pid) {
            return Link::turn_away(&socket);
        }
        self.links.extend(Link::welcome(socket, pid));
    }

    fn is_full_for(&self, pid: u32) -> bool {
        let of_one = self.links.iter().filter(|link| link.pid == pid).count();
        self.links.len() >= MAX_CONNECTIONS || of_one >= MAX_OF_ONE
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // A forked child may have the socket too, and nobody would ever answer who connects to it.
        listen::hang_up(self.socket.as_fd());
        // They came while this one ended.
        for _ in 0..MAX_CONNECTIONS {
            match listen::accept(self.socket.as_fd()) {
                Ok(waiting) => listen::hang_up(waiting.as_fd()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

/// Waits for one of the descriptors; an error when waiting itself fails, which leaves nothing to serve with.
fn wait(descriptors: &[BorrowedFd<'_>], accepting: bool) -> Result<Vec<bool>, ()> {
    let timeout = (!accepting).then_some(PAUSE);
    loop {
        match pidfd::poll(descriptors, timeout) {
            Ok(ready) => return Ok(ready),
            Err(error) if is_passing(&error) => {}
            Err(_) => return Err(()),
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::OutOfMemory)
}
