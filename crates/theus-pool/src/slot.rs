//! A slot: the place of one worker in the pool, its link and the task it runs.
//!
//! Invariant: at most one task is in a slot, and only a completion that names that task and attempt is taken from its
//! worker (fencing). A worker that is replaced leaves with its mailbox, so whatever it still writes is never read.

use crate::job::{Attempt, Bytes, Function, Job, Reply, Request};
use crate::launch::Line;
use crate::link::Mailbox;
use crate::link::{Frame, Header, INLINE_LIMIT, Kind, RingError, RingReader, RingWriter, Watch};
use crate::task::Cell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use theus_shm::{AllocError, Arena, Block, Expect, Mapping, Segment, socket};
use theus_sync::{Arc, Mutex, Weak};
use thiserror::Error;

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
    #[error("no shared memory for it: {0}")]
    Arena(#[from] AllocError),
}

/// A task in the hands of the pool.
pub(crate) struct Task<J: Job> {
    pub(crate) cell: Arc<Cell<J::Output>>,
    pub(crate) job: J,
    /// The number of the next or running attempt, from 1.
    pub(crate) attempt: u32,
}

/// Why a task was not started on a slot.
pub(crate) enum NotStarted<J: Job> {
    /// The slot's worker is gone.
    NoWorker(Task<J>),
    /// The task's bytes have no room in shared memory.
    Undeliverable(Task<J>, Attempt, String),
}

/// A task that a worker runs.
pub(crate) struct Running<J: Job> {
    pub(crate) task: Task<J>,
    pub(crate) attempt: Attempt,
    /// Memory that the worker reads the task from, given back when the attempt ends.
    blocks: Vec<Block>,
}

/// The link to the slot's worker.
pub(crate) struct Link {
    pub(crate) line: Arc<Line>,
    control: OwnedFd,
    writer: RingWriter,
    reader: RingReader,
    functions: HashSet<u32>,
    segments: HashMap<u64, Weak<Segment>>,
}

impl Link {
    pub(crate) fn new(line: Arc<Line>, control: OwnedFd, writer: RingWriter, reader: RingReader) -> Self {
        Link { line, control, writer, reader, functions: HashSet::new(), segments: HashMap::new() }
    }

    pub(crate) fn pop(&mut self) -> Result<Option<Frame>, LinkError> {
        Ok(self.reader.pop(&self.line.mailbox)?)
    }

    pub(crate) fn watch(&self) -> Watch {
        self.reader.watch()
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

    /// Gives the worker the descriptors of segments it does not know, and tells it which ones are gone.
    fn introduce(&mut self, segments: &[Arc<Segment>]) -> Result<(), LinkError> {
        for segment in segments {
            if !self.segments.contains_key(&segment.id()) {
                let mut message = [0_u8; 16];
                message[..8].copy_from_slice(&segment.id().to_le_bytes());
                message[8..].copy_from_slice(&(segment.len() as u64).to_le_bytes());
                socket::send(self.control.as_fd(), &message, &[segment.fd()]).map_err(LinkError::Control)?;
                self.segments.insert(segment.id(), Arc::downgrade(segment));
            }
        }
        let gone: Vec<u64> = (self.segments.iter())
            .filter(|(_, segment)| segment.strong_count() == 0)
            .map(|(id, _)| *id)
            .collect();
        if !gone.is_empty() {
            let ids: Vec<u8> = gone.iter().flat_map(|id| id.to_le_bytes()).collect();
            self.push(Header::bare(Kind::Forget), &ids)?;
            self.segments.retain(|id, _| !gone.contains(id));
        }
        Ok(())
    }

    fn define(&mut self, arena: &Arc<Arena>, function: &Function) -> Result<Option<Block>, LinkError> {
        if !self.functions.insert(function.id) {
            return Ok(None);
        }
        let header = Header { detail: function.id, ..Header::bare(Kind::Define) };
        self.send(arena, header, &function.definition)
    }

    fn request(
        &mut self,
        arena: &Arc<Arena>,
        attempt: Attempt,
        request: &Request,
    ) -> Result<Vec<Block>, LinkError> {
        let mut blocks = Vec::new();
        blocks.extend(self.define(arena, &request.function)?);
        self.introduce(&request.segments)?;
        let header = Header {
            kind: Kind::Task,
            referenced: false,
            task: attempt.task,
            attempt: attempt.number,
            detail: request.function.id,
        };
        blocks.extend(self.send(arena, header, &request.payload)?);
        Ok(blocks)
    }

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
}

/// What the threads of the Brain share of one slot.
pub(crate) struct SlotState<J: Job> {
    pub(crate) link: Option<Link>,
    pub(crate) running: Option<Running<J>>,
    /// What the link broke of; set once, read by the keeper.
    pub(crate) broken: Option<LinkError>,
    pub(crate) ready: bool,
}

/// One worker's place.
pub(crate) struct Slot<J: Job> {
    pub(crate) state: Mutex<SlotState<J>>,
}

impl<J: Job> Slot<J> {
    pub(crate) fn new() -> Self {
        let state = SlotState { link: None, running: None, broken: None, ready: false };
        Slot { state: Mutex::new(state) }
    }
}

impl<J: Job> SlotState<J> {
    /// Starts a task on this slot's worker; gives it back when that cannot be.
    pub(crate) fn start(&mut self, arena: &Arc<Arena>, mut task: Task<J>) -> Result<(), NotStarted<J>> {
        let Some(link) = self.link.as_mut().filter(|link| !link.line.is_dead()) else {
            return Err(NotStarted::NoWorker(task));
        };
        if self.broken.is_some() || self.running.is_some() {
            return Err(NotStarted::NoWorker(task));
        }
        let attempt = Attempt { task: task.cell.id, number: task.attempt, worker: link.line.pid };
        let request = task.job.start(attempt);
        let blocks = match link.request(arena, attempt, &request) {
            Ok(blocks) => blocks,
            Err(LinkError::Arena(error)) => {
                return Err(NotStarted::Undeliverable(task, attempt, error.to_string()));
            }
            // The worker is at fault: its keeper replaces it and counts the attempt as lost.
            Err(error) => {
                self.broken = Some(error);
                link.line.bury();
                Vec::new()
            }
        };
        self.running = Some(Running { task, attempt, blocks });
        Ok(())
    }

    /// Ends the worker; its keeper does the rest.
    pub(crate) fn kill(&self) {
        if let Some(link) = &self.link {
            link.line.kill();
        }
    }

    /// Answers a question of the worker about the task it runs.
    pub(crate) fn answer(&mut self, arena: &Arc<Arena>, frame: &Frame) -> Result<(), LinkError> {
        let header = frame.header;
        let (Some(link), Some(running)) = (self.link.as_mut(), self.running.as_mut()) else {
            return Err(LinkError::Protocol("it asked for a snapshot without a task"));
        };
        if !running.attempt.is(&header) {
            return Err(LinkError::Protocol("it asked for the snapshot of a task that it does not run"));
        }
        let Reply { payload, segments } = running.task.job.fetch(&frame.payload);
        link.introduce(&segments)?;
        let reply = Header { kind: Kind::Reply, referenced: false, ..header };
        let block = link.send(arena, reply, &payload)?;
        running.blocks.extend(block);
        Ok(())
    }
}

impl Attempt {
    /// True when a frame speaks of this very attempt.
    pub(crate) fn is(&self, header: &Header) -> bool {
        self.task == header.task && self.number == header.attempt
    }
}
