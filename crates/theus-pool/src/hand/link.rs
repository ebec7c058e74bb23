//! The Brain's end of the link to one worker: what it sends and in which order, and the bytes it takes.
//!
//! Invariants
//! * It never waits for the worker: a ring or a socket that is full breaks the link. An honest worker has read all that
//!   was sent before the task it ends, so what one task needs fits.
//! * The descriptor of a segment goes over the control socket before any frame that names it.
//! * Memory that a frame refers to stays until a task that was sent after it has ended.

use super::Line;
use crate::job::{Attempt, Bytes, Function, Request};
use crate::link::{Frame, Header, INLINE_LIMIT, Kind, Mailbox, RingError, RingReader, RingWriter, Watch};
use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use theus_shm::{AllocError, Arena, Block, Expect, Mapping, Segment, socket};
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
        self.introduce(&request.segments)?;
        let header = Header {
            kind: Kind::Task,
            referenced: false,
            task: attempt.task,
            attempt: attempt.number,
            detail: request.function.id,
        };
        let block = self.send(arena, header, &request.payload)?;
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
        segments: &[Arc<Segment>],
    ) -> Result<Option<Block>, LinkError> {
        self.introduce(segments)?;
        self.send(arena, Header { kind: Kind::Reply, referenced: false, ..question }, payload)
    }

    /// Asks the worker to end.
    pub(crate) fn shut_down(&mut self) {
        // A worker that cannot be told will be killed a moment later.
        let _told = self.push(Header::bare(Kind::Shutdown), &[]);
    }

    /// The bytes of a frame from the worker, checked.
    pub(crate) fn bytes(&mut self, frame: Frame) -> Result<Bytes, LinkError> {
        if !frame.header.referenced {
            return Ok(Bytes::Inline(frame.payload));
        }
        let length = <[u8; 8]>::try_from(frame.payload.as_slice())
            .map_err(|_| LinkError::Protocol("it sent a reference of the wrong length"))?;
        let length = u64::from_le_bytes(length);
        let received =
            socket::recv(self.control.as_fd(), &mut [0_u8; 8], 1, false).map_err(LinkError::Control)?;
        let descriptor = received.and_then(|(_, descriptors)| descriptors.into_iter().next());
        let descriptor = descriptor.ok_or(LinkError::Protocol("it announced shared memory and sent none"))?;
        let mapping = Mapping::open(descriptor, Expect::frozen(length))
            .map_err(|error| LinkError::Memory(error.to_string()))?;
        Ok(Bytes::Sealed(mapping))
    }

    fn push(&mut self, header: Header, payload: &[u8]) -> Result<(), LinkError> {
        self.writer.push(&self.line.mailbox, &header, payload)?;
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
        self.introduce(std::slice::from_ref(block.segment()))?;
        let mut reference = [0_u8; 24];
        reference[..8].copy_from_slice(&block.segment().id().to_le_bytes());
        reference[8..16].copy_from_slice(&block.id().1.to_le_bytes());
        reference[16..].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        self.push(Header { referenced: true, ..header }, &reference)?;
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
    fn introduce(&mut self, segments: &[Arc<Segment>]) -> Result<(), LinkError> {
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
