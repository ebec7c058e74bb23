//! The other side: a program attaches to a session, lists what is there and opens blocks.
//!
//! Not here: what an opened block offers (`opened`), the messages (`frame`).
//!
//! Invariants
//! - The owner's process runs as this user, as the kernel names it (`SO_PEERCRED`), or nothing is asked of it.
//! - Nothing the owner says is believed before it is checked: frames are parsed totally, memory is mapped only with its
//!   seals, size and pages ([`Mapping::open`]), a block lies within its segment.
//! - No call waits longer than [`PATIENCE`] for the owner, whatever signals come, nor for one that has ended while a
//!   child that it forked keeps its socket open. Dropping a block waits for [`ROOM`] at most, and once only for an owner
//!   that reads nothing.
//! - A segment is mapped once, however many of its blocks are open.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::address::{Address, SessionName};
use super::error::{AttachError, OpenError};
use super::folder::{ConnectError, Folder};
use super::frame::{MAX_REPLY, Place, Reason, Reply, Request};
use super::opened::Opened;
use crate::linux::listen::{self, Line};
use crate::linux::socket;
use crate::mapping::{Expect, Mapping};
use theus_sync::{Arc, Mutex, Weak};

/// How long an owner may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long the queue to an owner that is busy may stay full before it counts as one that reads nothing.
const ROOM: Duration = Duration::from_millis(20);

/// A connection to a session. Clones share it; the session gives up what this program held when the last clone and
/// the last opened block are gone, or the process is.
#[derive(Debug, Clone)]
pub struct Attached {
    shared: Arc<Shared>,
}

/// What the handles of one connection share.
#[derive(Debug)]
pub(super) struct Shared {
    address: String,
    pid: u32,
    process: u32,
    link: Mutex<Link>,
    /// Serials of blocks that were dropped and that the owner was not told of yet.
    dropped: Mutex<Vec<u64>>,
}

#[derive(Debug)]
struct Link {
    /// `None` once the owner is gone, or has answered what cannot be understood.
    line: Option<Line>,
    /// Replies received.
    seen: u64,
    /// How many opened blocks there are of each serial.
    held: HashMap<u64, usize>,
    /// The owner does not know of what was dropped last.
    untold: bool,
    /// It did not make room for being told when it was waited for last.
    deaf: bool,
    segments: HashMap<u64, Weak<Mapping>>,
    buffer: Vec<u8>,
}

impl Attached {
    /// Attaches to the session of this name in the folder.
    ///
    /// # Errors
    /// [`AttachError`].
    pub fn to_name(folder: &Folder, name: &SessionName) -> Result<Self, AttachError> {
        let address = name.to_string();
        match folder.connect(name, PATIENCE) {
            Ok(socket) => Self::welcomed(socket, address),
            Err(ConnectError::Gone) => Err(AttachError::Gone { address }),
            Err(ConnectError::Folder(error)) => Err(AttachError::Folder(error)),
            Err(ConnectError::System(source)) if source.kind() == ErrorKind::WouldBlock => {
                Err(AttachError::Silent { address, pid: 0 })
            }
            Err(ConnectError::System(source)) => Err(AttachError::System { address, source }),
        }
    }

    /// Attaches to a listener's anonymous address.
    ///
    /// # Errors
    /// [`AttachError`].
    pub fn to_address(address: &Address) -> Result<Self, AttachError> {
        let (name, address) = (address.to_socket(), address.to_string());
        match listen::connect(&name, PATIENCE) {
            Ok(socket) => Self::welcomed(socket, address),
            Err(error) => Err(match error.kind() {
                ErrorKind::ConnectionRefused => AttachError::Gone { address },
                ErrorKind::WouldBlock => AttachError::Silent { address, pid: 0 },
                _ => AttachError::System { address, source: error },
            }),
        }
    }

    fn welcomed(socket: OwnedFd, address: String) -> Result<Self, AttachError> {
        let peer = socket::peer_credentials(&socket);
        let (pid, uid, _) = match peer {
            Ok(peer) => peer,
            Err(source) => return Err(AttachError::System { address, source }),
        };
        let own = listen::effective_user();
        if uid != own {
            return Err(AttachError::Foreign { address, uid, own });
        }
        let Some(line) = Line::new(socket, pid) else { return Err(AttachError::Gone { address }) };
        let mut buffer = vec![0; MAX_REPLY];
        let len = match line.receive(&mut buffer, Instant::now() + PATIENCE) {
            Ok(Some((len, _))) => len,
            Ok(None) => return Err(AttachError::Gone { address }),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(AttachError::Silent { address, pid });
            }
            Err(source) => return Err(AttachError::System { address, source }),
        };
        match Reply::parse(&buffer[..len]) {
            Ok(Reply::Welcome) => {}
            Ok(Reply::Refused(Reason::Connections)) => return Err(AttachError::Busy { address }),
            Ok(_) => return Err(AttachError::Protocol { address, reason: "no welcome came".into() }),
            Err(error) => return Err(AttachError::Protocol { address, reason: error.to_string() }),
        }
        let link = Link {
            line: Some(line),
            seen: 0,
            held: HashMap::new(),
            untold: false,
            deaf: false,
            segments: HashMap::new(),
            buffer,
        };
        let shared = Shared {
            address,
            pid,
            process: std::process::id(),
            link: Mutex::new(link),
            dropped: Mutex::new(Vec::new()),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The session's name or address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.shared.address
    }

    /// The process that listens; 0 when the kernel does not tell (another container's).
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.shared.pid
    }

    /// The names of all blocks, ascending. What changes meanwhile is in it or not.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn names(&self) -> Result<Vec<String>, OpenError> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let after = names.last().cloned().unwrap_or_default();
            match self.shared.ask(&Request::List { after: after.clone() }, "names", reply_only)? {
                Reply::Names(page) if page.is_empty() => return Ok(names),
                Reply::Names(page) => {
                    // Each name lies behind the last one, or this would not end.
                    let ascend = page.is_sorted_by(|left, right| left < right);
                    if !ascend || page.first().is_some_and(|first| *first <= after && !names.is_empty()) {
                        return Err(self.shared.nonsense("names that do not ascend"));
                    }
                    names.extend(page);
                }
                _ => return Err(self.shared.nonsense("another kind of reply than names")),
            }
        }
    }

    /// Opens the block of this name as it is now.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, name: &str) -> Result<Opened, OpenError> {
        let request = Request::ByName { name: name.into() };
        self.open_by(&request, &format!("block {name}"), None)
    }

    /// Opens the block of this serial, if the owner still has it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_serial(&self, serial: u64) -> Result<Opened, OpenError> {
        self.open_by(&Request::BySerial { serial }, &format!("block number {serial}"), Some(serial))
    }

    fn open_by(&self, request: &Request, what: &str, serial: Option<u64>) -> Result<Opened, OpenError> {
        let shared = &self.shared;
        let opened = shared.ask(request, what, |link, reply, fds| match reply {
            Reply::Block { place, metadata } if serial.is_none_or(|serial| serial == place.serial) => {
                // The owner has lent it, whether it can be mapped here or not.
                *link.held.entry(place.serial).or_default() += 1;
                let mapped = link.map(&place, fds, shared);
                mapped
                    .inspect_err(|_| link.forget(place.serial))
                    .map(|mapping| Some((mapping, place, metadata)))
            }
            _ => Ok(None),
        })?;
        let (mapping, place, metadata) =
            opened.ok_or_else(|| shared.nonsense("another kind of reply than the block asked for"))?;
        Ok(Opened::new(mapping, place, metadata, Arc::clone(shared)))
    }
}

fn reply_only(_: &mut Link, reply: Reply, _: Vec<OwnedFd>) -> Result<Reply, OpenError> {
    Ok(reply)
}

impl Shared {
    /// Asks, and takes the reply while nobody else uses the connection.
    fn ask<T>(
        &self,
        request: &Request,
        what: &str,
        take: impl FnOnce(&mut Link, Reply, Vec<OwnedFd>) -> Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        let address = || self.address.clone();
        if self.process != std::process::id() {
            return Err(OpenError::Forked { address: address() });
        }
        let taken = {
            let mut link = self.link.lock();
            match link.exchange(request) {
                Ok((Reply::Missing, _)) => Err(OpenError::Missing { address: address(), what: what.into() }),
                Ok((Reply::Refused(_), _)) => {
                    Err(OpenError::Leases { address: address(), open: link.held.len() })
                }
                Ok((reply, fds)) => take(&mut link, reply, fds),
                Err(Broken::Gone) => Err(OpenError::Gone { address: address(), pid: self.pid }),
                Err(Broken::Nonsense(reason)) => Err(OpenError::Protocol { address: address(), reason }),
            }
        };
        self.tell();
        taken
    }

    fn nonsense(&self, reason: &str) -> OpenError {
        // Nothing that comes later would be any better.
        self.link.lock().end();
        OpenError::Protocol { address: self.address.clone(), reason: reason.into() }
    }

    /// A block of this serial was dropped.
    pub(super) fn give_back(&self, serial: u64) {
        if self.process == std::process::id() {
            self.dropped.lock().push(serial);
            self.tell();
        }
    }

    /// Tells the owner what was dropped, unless somebody else uses the connection, who will do it afterwards.
    fn tell(&self) {
        loop {
            let Some(mut link) = self.link.try_lock() else { return };
            for serial in self.dropped.lock().drain(..) {
                link.forget(serial);
            }
            link.state();
            drop(link);
            // Whoever dropped something while the link was in our hands has left it to us.
            if self.dropped.lock().is_empty() {
                return;
            }
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A forked child has a copy of the socket, and no right to end what is the parent's.
        if self.process == std::process::id() {
            self.link.lock().end();
        }
    }
}

/// Why a connection is of no more use.
enum Broken {
    Gone,
    Nonsense(String),
}

impl Link {
    fn exchange(&mut self, request: &Request) -> Result<(Reply, Vec<OwnedFd>), Broken> {
        let exchanged = self.try_exchange(request);
        if exchanged.is_err() {
            // A late answer would be taken for that to the next question.
            self.end();
        }
        exchanged
    }

    /// Asks nothing more; the owner sees the end of the connection even if a child that was forked has it too.
    fn end(&mut self) {
        if let Some(line) = self.line.take() {
            line.hang_up();
        }
    }

    fn try_exchange(&mut self, request: &Request) -> Result<(Reply, Vec<OwnedFd>), Broken> {
        let Some(line) = &self.line else { return Err(Broken::Gone) };
        let deadline = Instant::now() + PATIENCE;
        line.send(&request.encode(), deadline).map_err(|_| Broken::Gone)?;
        let (len, fds) = match line.receive(&mut self.buffer, deadline) {
            Ok(Some(received)) => received,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(Broken::Nonsense(error.to_string()));
            }
            Ok(None) | Err(_) => return Err(Broken::Gone),
        };
        self.seen += 1;
        let reply = Reply::parse(&self.buffer[..len]).map_err(|error| Broken::Nonsense(error.to_string()))?;
        Ok((reply, fds))
    }

    /// The mapping of a block's segment: the one there is, or a new one of the descriptor that came.
    fn map(
        &mut self,
        place: &Place,
        mut fds: Vec<OwnedFd>,
        shared: &Shared,
    ) -> Result<Arc<Mapping>, OpenError> {
        let known = self.segments.get(&place.segment).and_then(Weak::upgrade);
        if let Some(mapping) = known.filter(|mapping| mapping.len() as u64 == place.segment_len) {
            return Ok(mapping);
        }
        let Some(fd) = fds.pop() else {
            let reason = "a block came without its segment's descriptor".into();
            return Err(OpenError::Protocol { address: shared.address.clone(), reason });
        };
        let mapping = Mapping::open(fd, Expect::segment(place.segment_len))
            .map_err(|source| OpenError::Map { address: shared.address.clone(), source })?;
        self.segments.retain(|_, mapping| mapping.strong_count() > 0);
        self.segments.insert(place.segment, Arc::downgrade(&mapping));
        Ok(mapping)
    }

    /// One opened block less of this serial.
    fn forget(&mut self, serial: u64) {
        if let Some(count) = self.held.get_mut(&serial) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(&serial);
                self.untold = true;
            }
        }
    }

    /// Tells the owner what is held, if it does not know. An owner that is busy is waited for, but not one that did not
    /// read even then: it is told with the next drop or request, or by the end of the connection.
    fn state(&mut self) {
        let (true, Some(line)) = (self.untold, &self.line) else { return };
        let mut serials: Vec<u64> = self.held.keys().copied().collect();
        serials.sort_unstable();
        let keep = Request::Keep { seen: self.seen, serials }.encode();
        let deadline = Instant::now() + if self.deaf { Duration::ZERO } else { ROOM };
        let sent = line.send(&keep, deadline);
        self.untold = sent.is_err();
        self.deaf = sent.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    }
}
