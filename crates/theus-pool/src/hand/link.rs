//! The Brain's end of the link to one worker: what it sends and in which order, and the bytes it takes.
//!
//! Invariants
//! * It never waits for the worker: a ring or a socket that is full breaks the link. An honest worker has read all that
//!   was sent before the task it ends, so what one task needs fits.
//! * The descriptor of a segment goes over the control socket before any frame that names it.
//! * Memory that a frame is read from stays until a task that was sent after it has ended; blocks that it gives to the
//!   worker stay as long as the worker says that it keeps them, or lives.

use super::{Line, Parcel, Part};
use crate::job::{Attempt, Bytes, Function, Lacking, Request};
use crate::link::{
    Attachment, Flags, Frame, Header, INLINE_LIMIT, Kind, Mailbox, RingError, RingReader, RingWriter, Watch,
};
use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use theus_shm::{AllocError, Arena, Block, Expect, Leases, MapError, Mapping, Segment, socket};
use theus_sync::{Arc, Weak};
use thiserror::Error;

/// Descriptors that travel in one message, and so its length at most: 16 bytes for each.
pub(crate) const SEGMENTS_A_MESSAGE: usize = 64;
/// Ids in one frame that says which segments are gone; the rest are told the next time.
const FORGOTTEN_A_FRAME: usize = 1024;

/// Why a link to a worker cannot be used any more.
#[derive(Debug, Error)]
pub(crate) enum LinkError {
    #[error("its mailbox is broken: {0}")]
    Ring(#[from] RingError),
    #[error("its control socket failed: {0}")]
    Control(io::Error),
    #[error("it sent shared memory that is not acceptable: {0}")]
    Memory(String),
    #[error("{0}")]
    Protocol(&'static str),
    #[error("the code that answers its question panicked")]
    Unanswered,
    #[error("no shared memory for it: {0}")]
    Arena(#[from] AllocError),
}

/// The link to one worker.
pub(crate) struct Link {
    pub(crate) line: Arc<Line>,
    control: OwnedFd,
    writer: RingWriter,
    reader: RingReader,
    functions: HashSet<u32>,
    segments: HashMap<u64, Weak<Segment>>,
    /// The blocks that the worker may still map.
    leases: Leases,
    /// Frames that were sent.
    sent: u64,
    /// The system lets us read the worker's memory.
    readable: bool,
    /// Memory of frames that were sent for a task which could not be started after all.
    parked: Vec<Block>,
}

impl Link {
    pub(crate) fn new(line: Arc<Line>, control: OwnedFd, writer: RingWriter, reader: RingReader) -> Self {
        Link {
            line,
            control,
            writer,
            reader,
            functions: HashSet::new(),
            segments: HashMap::new(),
            leases: Leases::new(),
            sent: 0,
            readable: false,
            parked: Vec::new(),
        }
    }

    pub(crate) fn pop(&mut self) -> Result<Option<Frame>, LinkError> {
        Ok(self.reader.pop(&self.line.mailbox)?)
    }

    pub(crate) fn watch(&self) -> Watch {
        self.reader.watch()
    }

    /// Sends all that one attempt needs; the blocks must live until it has ended.
    pub(crate) fn request(
        &mut self,
        arena: &Arc<Arena>,
        attempt: Attempt,
        request: &Request,
    ) -> Result<Vec<Block>, LinkError> {
        self.define(arena, &request.function)?;
        let header = Header {
            kind: Kind::Task,
            flags: Flags::READABLE.when(self.readable),
            task: attempt.task,
            attempt: attempt.number,
            detail: request.function.id,
        };
        let block = self.grant(arena, header, &request.payload, &request.blocks)?;
        let mut blocks = std::mem::take(&mut self.parked);
        blocks.extend(block);
        Ok(blocks)
    }

    /// Answers a question; the block must live until the attempt has ended.
    pub(crate) fn reply(
        &mut self,
        arena: &Arc<Arena>,
        question: Header,
        payload: &[u8],
        blocks: &[Arc<Block>],
    ) -> Result<Option<Block>, LinkError> {
        self.grant(arena, Header { kind: Kind::Reply, flags: Flags::NONE, ..question }, payload, blocks)
    }

    /// Sends a frame that gives the worker leases of these blocks.
    fn grant(
        &mut self,
        arena: &Arc<Arena>,
        header: Header,
        payload: &[u8],
        blocks: &[Arc<Block>],
    ) -> Result<Option<Block>, LinkError> {
        self.introduce(blocks.iter().map(|block| block.segment()))?;
        let new = blocks.iter().any(|block| !self.leases.is_kept(block.serial()));
        let flags = header.flags.with(Flags::GRANTED.when(new));
        let parked = self.send(arena, Header { flags, ..header }, payload)?;
        // The number of the frame just sent: what the worker says of blocks counts once it has taken that one. Its
        // words are taken under the same lock as this, so none of them comes between.
        for block in blocks {
            self.leases.grant(block, self.sent);
        }
        Ok(parked)
    }

    /// The worker says which blocks it keeps. Returns those that it does not.
    pub(crate) fn holds(&mut self, frame: Frame) -> Result<Vec<Arc<Block>>, LinkError> {
        let bytes = self.bytes(frame)?;
        let (numbers, rest) = bytes.as_slice().as_chunks::<8>();
        // It cannot keep more than it has leases of; looked at before anything is made of its words.
        let plausible = rest.is_empty() && (1..=self.leases.len() + 1).contains(&numbers.len());
        let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
        let seen = numbers.next().filter(|seen| plausible && *seen <= self.sent);
        let seen = seen.ok_or(LinkError::Protocol("what it says of the blocks it keeps makes no sense"))?;
        let ended = self.leases.state(seen, numbers);
        if self.leases.is_doubtful() {
            // It was given a block again before it said this, and may never have a reason to speak of it: it is asked.
            self.push(Header { flags: Flags::GRANTED, ..Header::bare(Kind::Forget) }, &[])?;
        }
        Ok(ended)
    }

    /// The worker's first words: an address and the eight bytes there, to try whether they can be read.
    pub(crate) fn greeted(&mut self, payload: &[u8]) {
        if let Ok([address, expected]) = <[[u8; 8]; 2]>::try_from(payload.as_chunks::<8>().0) {
            let mut found = [0; 8];
            let read = self.line.read(u64::from_le_bytes(address), &mut found);
            self.readable = read.is_ok() && found == expected;
        }
    }

    /// A result with what came along, checked; memory of the worker is still there.
    pub(crate) fn parcel(&mut self, arena: &Arena, frame: Frame) -> Result<Parcel, LinkError> {
        let attached = frame.header.flags.has(Flags::ATTACHED);
        let bytes = self.bytes(frame)?;
        if !attached {
            return Ok(Parcel::new(bytes, 0, Vec::new()));
        }
        let (table, body) = Attachment::split(bytes.as_slice())
            .ok_or(LinkError::Protocol("the table of what it attached makes no sense"))?;
        let mut parts = Vec::with_capacity(table.len());
        for attachment in &table {
            parts.push(match *attachment {
                Attachment::Memory { .. } if !self.readable => {
                    return Err(LinkError::Protocol("it attached memory that it knows cannot be read"));
                }
                Attachment::Memory { address, len } => Part::There { address, len },
                Attachment::Sealed { len } => Part::Here(self.adopted(arena, len)?),
                Attachment::Leased { serial } => {
                    let block = self.leases.block(serial);
                    let refused = LinkError::Protocol("it attached a block that it was not given");
                    Part::Here(Ok(Arc::clone(block.ok_or(refused)?)))
                }
            });
        }
        Ok(Parcel::new(bytes, body, parts))
    }

    /// Tells the worker that its memory may be used again.
    pub(crate) fn taken(&mut self) -> Result<(), LinkError> {
        self.push(Header::bare(Kind::Taken), &[])
    }

    /// A sealed file of the worker as a block of ours; a small one is copied, for each file costs a descriptor.
    fn adopted(&self, arena: &Arena, len: u64) -> Result<Result<Arc<Block>, Lacking>, LinkError> {
        if arena.gives_own_segment(usize::try_from(len).unwrap_or(usize::MAX)) {
            let block = arena.adopt(self.descriptor()?, len).map_err(unacceptable)?;
            return Ok(Ok(Arc::new(block)));
        }
        let mapping = self.sealed(len)?;
        Ok(arena.alloc_uncounted(mapping.len()).map_err(Lacking::from).map(|mut block| {
            block.bytes_mut().copy_from_slice(mapping.bytes().unwrap_or_default());
            Arc::new(block)
        }))
    }

    /// The next sealed file that the worker sent, of so many bytes.
    fn sealed(&self, len: u64) -> Result<Arc<Mapping>, LinkError> {
        Mapping::open(self.descriptor()?, Expect::frozen(len)).map_err(unacceptable)
    }

    /// The next descriptor that the worker sent.
    fn descriptor(&self) -> Result<OwnedFd, LinkError> {
        let received =
            socket::recv(self.control.as_fd(), &mut [0_u8; 8], 1, false).map_err(LinkError::Control)?;
        let descriptor = received.and_then(|(_, descriptors)| descriptors.into_iter().next());
        descriptor.ok_or(LinkError::Protocol("it announced shared memory and sent none"))
    }

    /// Asks the worker to end.
    pub(crate) fn shut_down(&mut self) {
        // A worker that cannot be told will be killed a moment later.
        let _told = self.push(Header::bare(Kind::Shutdown), &[]);
    }

    /// The bytes of a frame from the worker, checked.
    pub(crate) fn bytes(&mut self, frame: Frame) -> Result<Bytes, LinkError> {
        if !frame.header.flags.has(Flags::REFERENCED) {
            return Ok(Bytes::Inline(frame.payload));
        }
        let length = <[u8; 8]>::try_from(frame.payload.as_slice())
            .map_err(|_| LinkError::Protocol("it sent a reference of the wrong length"))?;
        let length = u64::from_le_bytes(length);
        Ok(Bytes::Sealed(self.sealed(length)?))
    }

    fn push(&mut self, header: Header, payload: &[u8]) -> Result<(), LinkError> {
        self.writer.push(&self.line.mailbox, &header, payload)?;
        self.sent += 1;
        Mailbox::WORKER_BELL.ring(&self.line.mailbox);
        Ok(())
    }

    /// Sends a payload, through the arena when it is large; the block must live until the worker has read it.
    fn send(
        &mut self,
        arena: &Arc<Arena>,
        header: Header,
        payload: &[u8],
    ) -> Result<Option<Block>, LinkError> {
        if payload.len() <= INLINE_LIMIT {
            self.push(header, payload)?;
            return Ok(None);
        }
        let block = arena.alloc(payload.len(), false)?;
        block.write_at(0, payload).map_err(|error| LinkError::Memory(error.to_string()))?;
        self.introduce([block.segment()])?;
        let mut reference = [0_u8; 24];
        reference[..8].copy_from_slice(&block.segment().id().to_le_bytes());
        reference[8..16].copy_from_slice(&block.id().1.to_le_bytes());
        reference[16..].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        let flags = header.flags.with(Flags::REFERENCED);
        self.push(Header { flags, ..header }, &reference)?;
        Ok(Some(block))
    }

    fn define(&mut self, arena: &Arc<Arena>, function: &Function) -> Result<(), LinkError> {
        if !self.functions.contains(&function.id) {
            let header = Header { detail: function.id, ..Header::bare(Kind::Define) };
            let block = self.send(arena, header, &function.definition)?;
            // Only now: a definition that found no memory must be sent with the next task that needs it.
            self.functions.insert(function.id);
            self.parked.extend(block);
        }
        Ok(())
    }

    /// Gives the worker the descriptors of segments it does not know, and tells it which ones are gone.
    fn introduce<'a>(
        &mut self,
        segments: impl IntoIterator<Item = &'a Arc<Segment>>,
    ) -> Result<(), LinkError> {
        let mut unknown: Vec<&Arc<Segment>> = Vec::new();
        for segment in segments {
            if self.segments.insert(segment.id(), Arc::downgrade(segment)).is_none() {
                unknown.push(segment);
            }
        }
        for some in unknown.chunks(SEGMENTS_A_MESSAGE) {
            let descriptors: Vec<BorrowedFd<'_>> = some.iter().map(|segment| segment.fd()).collect();
            let mut message = Vec::with_capacity(16 * some.len());
            for segment in some {
                message.extend_from_slice(&segment.id().to_le_bytes());
                message.extend_from_slice(&(segment.len() as u64).to_le_bytes());
            }
            socket::try_send(self.control.as_fd(), &message, &descriptors).map_err(LinkError::Control)?;
        }
        self.forget_gone()
    }

    fn forget_gone(&mut self) -> Result<(), LinkError> {
        let gone: Vec<u64> = (self.segments.iter())
            .filter(|(_, segment)| segment.strong_count() == 0)
            .map(|(id, _)| *id)
            .take(FORGOTTEN_A_FRAME)
            .collect();
        if !gone.is_empty() {
            let ids: Vec<u8> = gone.iter().flat_map(|id| id.to_le_bytes()).collect();
            self.push(Header::bare(Kind::Forget), &ids)?;
            for id in &gone {
                self.segments.remove(id);
            }
        }
        Ok(())
    }
}

fn unacceptable(error: MapError) -> LinkError {
    LinkError::Memory(error.to_string())
}
