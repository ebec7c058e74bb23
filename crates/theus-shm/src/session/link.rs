//! One connection, seen from the owner: its requests, its leases, its end.
//!
//! Not here: accepting, and when there is something to read (`listener`).
//!
//! Invariants
//! - Nothing here waits: sockets never block, and a peer that asks again before it has read its answer is dropped, so
//!   that there is at most one answer, with one descriptor, on its way to each peer.
//! - The leases end with this value, at the latest, and the peer sees its end even while a forked child has the socket.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::catalogue::{Catalogue, Offer};
use super::frame::{
    MAX_LEASES, MAX_METADATA, MAX_NAMES, MAX_REQUEST, MAX_TEXT, Place, Reason, Reply, Request,
};
use crate::leases::Leases;
use crate::linux::{listen, socket};

/// Why a connection is over.
pub(super) struct Over;

/// A program that attached.
pub(super) struct Link {
    socket: OwnedFd,
    /// The process at the other end; 0 when the kernel does not tell.
    pub(super) pid: u32,
    leases: Leases,
    replies: u64,
}

impl Link {
    /// Welcomes a program.
    pub(super) fn welcome(socket: OwnedFd, pid: u32) -> Result<Self, Over> {
        let link = Self { socket, pid, leases: Leases::new(), replies: 0 };
        link.send(&Reply::Welcome, &[])?;
        Ok(link)
    }

    /// Tells a program that there is no room for it.
    pub(super) fn turn_away(socket: &OwnedFd) {
        let refused = Reply::Refused(Reason::Connections).encode();
        let _ = socket::try_send(socket, &refused, &[]);
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Serves the next request. Leases that it ended come back through `ended`, to be dropped by the caller.
    pub(super) fn serve(
        &mut self,
        catalogue: &dyn Catalogue,
        buffer: &mut [u8; MAX_REQUEST],
    ) -> Result<(), Over> {
        let len = match socket::recv(&self.socket, buffer, 0, false) {
            Ok(Some((len, _))) => len,
            Ok(None) => return Err(Over),
            Err(error) if is_for_now(&error) => return Ok(()),
            Err(_) => return Err(Over),
        };
        let request = Request::parse(&buffer[..len]).map_err(|_| Over)?;
        if let Request::Keep { seen, serials } = request {
            drop(self.leases.state(seen, serials));
            return Ok(());
        }
        if !listen::all_read(self.socket.as_fd()) {
            return Err(Over);
        }
        self.replies += 1;
        // The peer's request must not end the thread that serves the others too.
        let answered = catch_unwind(AssertUnwindSafe(|| match &request {
            Request::List { after } => Answer::Names(catalogue.names(after, MAX_NAMES)),
            Request::ByName { name } => Answer::Block(catalogue.by_name(name)),
            Request::BySerial { serial } => Answer::Block(catalogue.by_serial(*serial)),
            Request::Keep { .. } => Answer::Block(None),
        }));
        match answered.unwrap_or(Answer::Block(None)) {
            Answer::Names(mut names) => {
                names.truncate(MAX_NAMES);
                names.retain(|name| name.len() <= MAX_TEXT);
                self.send(&Reply::Names(names), &[])
            }
            Answer::Block(Some(offer)) if offer.metadata.len() <= MAX_METADATA => self.grant(offer),
            Answer::Block(_) => self.send(&Reply::Missing, &[]),
        }
    }

    fn grant(&mut self, offer: Offer) -> Result<(), Over> {
        let Offer { block, metadata } = offer;
        if self.leases.len() >= MAX_LEASES && self.leases.block(block.serial()).is_none() {
            return self.send(&Reply::Refused(Reason::Leases), &[]);
        }
        let (segment, offset) = block.id();
        let place = Place {
            segment,
            segment_len: block.segment().len() as u64,
            offset,
            len: block.len() as u64,
            serial: block.serial(),
        };
        self.leases.grant(&block, self.replies);
        self.send(&Reply::Block { place, metadata }, &[block.segment().fd()])
    }

    fn send(&self, reply: &Reply, fds: &[BorrowedFd<'_>]) -> Result<(), Over> {
        socket::try_send(&self.socket, &reply.encode(), fds).map_err(|_| Over)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        listen::hang_up(self.socket.as_fd());
    }
}

enum Answer {
    Names(Vec<String>),
    Block(Option<Offer>),
}

fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
