//! The worker's end: attach, then loop "next task, compute, complete" until told to end.
//!
//! What it is not: a place where functions run; the host language does that between `next` and `complete`. It belongs to
//! one thread. A second thread, started by `attach`, ends the process when the Brain dies, whatever the first one does.

use crate::brain_watch::die_with_the_brain;
use crate::hand::SEGMENTS_A_MESSAGE;
use crate::holdings::{Hold, Holdings};
use crate::link::{
    Attachment, Cells, Flags, Frame, HELLO_LIMIT, Header, INLINE_LIMIT, Kind, Mailbox, PROTOCOL_VERSION,
    RingError, RingReader, RingWriter, Spin,
};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;
use theus_shm::{Channel, Expect, Mapping, SealedBuffer, socket};
use theus_sync::Arc;
use thiserror::Error;

/// What the Brain tries to read, to learn whether it may.
static PROBE: [u8; 8] = *b"readable";

/// Frames after which the control socket is emptied.
const FRAMES_BETWEEN_LOOKS: u64 = 16;

/// Why a worker cannot go on. The process should end: the Brain replaces it.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// The operating system refused something.
    #[error("the worker's {what} failed: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The mailbox is broken.
    #[error("the worker's mailbox is broken: {0}")]
    Ring(#[from] RingError),
    /// Something came that the protocol does not allow, or that another version of it sent.
    #[error("the engine and this worker do not agree: {0}")]
    Protocol(String),
}

pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> WorkerError {
    move |source| WorkerError::System { what, source }
}

/// What the Brain wants next.
#[derive(Debug)]
pub enum Event {
    /// Make this function, and keep it under this id.
    Define {
        /// The function's id.
        function: u32,
        /// What to make it from.
        definition: Vec<u8>,
    },
    /// Run this task.
    Task {
        /// The task's id.
        task: u64,
        /// Which attempt of it.
        attempt: u32,
        /// The function's id.
        function: u32,
        /// The task's bytes.
        payload: Vec<u8>,
        /// The Brain can read this process's memory: a result may attach it.
        readable: bool,
    },
    /// The memory that was attached to the last result was taken.
    Taken,
    /// These segments are gone: whoever holds views of them may let go.
    Forget(Vec<u64>),
    /// End.
    Shutdown,
}

/// The worker's end of its link.
pub struct Worker {
    mailbox: Mailbox,
    control: OwnedFd,
    writer: RingWriter,
    reader: RingReader,
    spin: Spin,
    segments: HashMap<u64, Arc<Mapping>>,
    /// The blocks that are kept here.
    holdings: Holdings,
    /// Frames that were taken.
    seen: u64,
}

impl Worker {
    /// Attaches to the Brain at the other end of this socket. Returns also the Brain's greeting.
    ///
    /// # Errors
    /// When the Brain is gone, speaks another version of the protocol, or the system refuses memory or a thread.
    pub fn attach(control: OwnedFd) -> Result<(Self, Vec<u8>), WorkerError> {
        die_with_the_brain(&control)?;
        let mut hello = vec![0_u8; 1 + HELLO_LIMIT];
        let received = loop {
            match socket::recv(control.as_fd(), &mut hello, 1, true) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(system("greeting"))?,
            }
        };
        let gone = || WorkerError::Protocol("the engine closed the control socket".into());
        let (length, descriptors) = received.ok_or_else(gone)?;
        hello.truncate(length);
        if u32::from(hello.remove(0)) != PROTOCOL_VERSION {
            return Err(WorkerError::Protocol("they speak different versions of the protocol".into()));
        }
        let memory = descriptors.into_iter().next();
        let memory = memory.ok_or_else(|| WorkerError::Protocol("the greeting has no mailbox".into()))?;
        let channel = Channel::open(memory).map_err(|error| WorkerError::Protocol(error.to_string()))?;
        let mailbox = Mailbox::attach(channel)
            .ok_or_else(|| WorkerError::Protocol("they speak different versions of the protocol".into()))?;
        let worker = Worker {
            mailbox,
            control,
            writer: RingWriter::new(Mailbox::TO_BRAIN),
            reader: RingReader::new(Mailbox::TO_WORKER),
            spin: Spin::new(),
            segments: HashMap::new(),
            holdings: Holdings::default(),
            seen: 0,
        };
        Ok((worker, hello))
    }

    /// Tells the Brain that this worker takes tasks.
    ///
    /// # Errors
    /// When the mailbox is broken.
    pub fn ready(&mut self) -> Result<(), WorkerError> {
        let probe = [(PROBE.as_ptr().addr() as u64).to_le_bytes(), PROBE].concat();
        self.push(Header::bare(Kind::Ready), &probe)
    }

    /// The Brain's next wish; None when the time was over first.
    ///
    /// # Errors
    /// When the mailbox is broken or shared memory cannot be mapped.
    pub fn next(&mut self, timeout: Option<Duration>) -> Result<Option<Event>, WorkerError> {
        let Some(frame) = self.pop(timeout)? else { return Ok(None) };
        let Header { kind, flags, task, attempt, detail } = frame.header;
        Ok(Some(match kind {
            Kind::Define => Event::Define { function: detail, definition: self.payload(frame)? },
            Kind::Task => {
                let readable = flags.has(Flags::READABLE);
                Event::Task { task, attempt, function: detail, payload: self.payload(frame)?, readable }
            }
            Kind::Taken => Event::Taken,
            Kind::Forget => Event::Forget(self.forget(&frame.payload)),
            Kind::Shutdown => Event::Shutdown,
            other => return Err(WorkerError::Protocol(format!("a frame of kind {other:?} out of turn"))),
        }))
    }

    /// Asks the Brain for a part of the running task's snapshot.
    ///
    /// # Errors
    /// When the mailbox is broken or shared memory cannot be mapped.
    pub fn fetch(&mut self, task: u64, attempt: u32, query: &[u8]) -> Result<Vec<u8>, WorkerError> {
        self.send(Header { task, attempt, ..Header::bare(Kind::Fetch) }, query, &[])?;
        loop {
            let Some(frame) = self.pop(None)? else { continue };
            match frame.header.kind {
                Kind::Reply => return self.payload(frame),
                Kind::Forget => {
                    self.forget(&frame.payload);
                }
                other => {
                    return Err(WorkerError::Protocol(format!(
                        "a frame of kind {other:?} instead of a reply"
                    )));
                }
            }
        }
    }

    /// Ends the running task with its result.
    ///
    /// # Errors
    /// When the mailbox is broken, or a large result finds no memory.
    pub fn complete(&mut self, task: u64, attempt: u32, payload: &[u8]) -> Result<(), WorkerError> {
        self.tell()?;
        self.send(Header { task, attempt, ..Header::bare(Kind::Complete) }, payload, &[])
    }

    /// Ends the running task with its result and memory that belongs to it, without copying that into the result.
    ///
    /// `table` says what there is; `sealed` are the descriptors of the sealed files in it, in order. What is attached as
    /// memory (only where the task's event said that it is readable) must stay as it is until [`Event::Taken`]; blocks
    /// of the Brain must be [held](Self::hold) until this returns.
    ///
    /// # Errors
    /// When the mailbox is broken, or a large result finds no memory.
    pub fn complete_with(
        &mut self,
        task: u64,
        attempt: u32,
        body: &[u8],
        table: &[Attachment],
        sealed: &[OwnedFd],
    ) -> Result<(), WorkerError> {
        if table.is_empty() {
            return self.complete(task, attempt, body);
        }
        // Before the result: what it attaches of the Brain's must be known as kept when it is looked up.
        self.tell()?;
        let payload = [&Attachment::to_bytes(table), body].concat();
        let header = Header { task, attempt, flags: Flags::ATTACHED, ..Header::bare(Kind::Complete) };
        self.send(header, &payload, sealed)
    }

    /// Ends the running task with an error.
    ///
    /// # Errors
    /// When the mailbox is broken, or a large report finds no memory.
    pub fn fail(&mut self, task: u64, attempt: u32, payload: &[u8]) -> Result<(), WorkerError> {
        self.tell()?;
        self.send(Header { task, attempt, ..Header::bare(Kind::Fail) }, payload, &[])
    }

    /// Keeps a block of the Brain in use, by its serial, beyond the task that brought it; take it before that task ends.
    pub fn hold(&self, serial: u64) -> Hold {
        self.holdings.hold(serial)
    }

    /// Tells the Brain which blocks are kept here, if that has changed. Results do so by themselves.
    ///
    /// # Errors
    /// When the mailbox is broken.
    pub fn tell(&mut self) -> Result<(), WorkerError> {
        let Some(kept) = self.holdings.news() else { return Ok(()) };
        let numbers = [self.seen].into_iter().chain(kept);
        let payload: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
        self.send(Header::bare(Kind::Hold), &payload, &[])
    }

    /// The Brain's segment of this id, mapped read-only.
    ///
    /// # Errors
    /// When the Brain has not sent its descriptor, or it cannot be mapped.
    pub fn segment(&mut self, id: u64) -> Result<Arc<Mapping>, WorkerError> {
        // Its descriptor was sent before any frame that names it, so it is here already.
        while !self.segments.contains_key(&id) {
            if !self.receive_segments()? {
                return Err(WorkerError::Protocol(format!("segment {id} was never sent")));
            }
        }
        Ok(Arc::clone(&self.segments[&id]))
    }

    /// Takes one message with segments from the control socket; false if there is none.
    fn receive_segments(&mut self) -> Result<bool, WorkerError> {
        let mut message = [0_u8; 16 * SEGMENTS_A_MESSAGE];
        let received = match socket::recv(self.control.as_fd(), &mut message, SEGMENTS_A_MESSAGE, false) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            other => other.map_err(system("control socket"))?,
        };
        let Some((length, descriptors)) = received else { return Ok(false) };
        if length != 16 * descriptors.len() {
            return Err(WorkerError::Protocol("a message with segments of the wrong length".into()));
        }
        for (descriptor, entry) in descriptors.into_iter().zip(message.chunks_exact(16)) {
            let mapping = Mapping::open(descriptor, Expect::segment(u64_at(entry, 8)))
                .map_err(|error| WorkerError::Protocol(error.to_string()))?;
            self.segments.insert(u64_at(entry, 0), mapping);
        }
        Ok(true)
    }

    fn send(&mut self, header: Header, payload: &[u8], sealed: &[OwnedFd]) -> Result<(), WorkerError> {
        if payload.len() <= INLINE_LIMIT {
            self.hand_over(sealed)?;
            return self.push(header, payload);
        }
        let memory = SealedBuffer::from_bytes(payload)
            .map_err(|error| WorkerError::Protocol(format!("no memory for a large result: {error}")))?;
        self.hand_over([&memory])?;
        self.hand_over(sealed)?;
        let flags = header.flags.with(Flags::REFERENCED);
        self.push(Header { flags, ..header }, &(payload.len() as u64).to_le_bytes())
    }

    fn hand_over<'a>(&self, files: impl IntoIterator<Item = &'a OwnedFd>) -> Result<(), WorkerError> {
        files.into_iter().try_for_each(|file| {
            socket::send(self.control.as_fd(), &[0; 8], &[file.as_fd()]).map_err(system("control socket"))
        })
    }

    fn push(&mut self, header: Header, payload: &[u8]) -> Result<(), WorkerError> {
        self.writer.push(&self.mailbox, &header, payload)?;
        Mailbox::BRAIN_BELL.ring(&self.mailbox);
        Ok(())
    }

    fn pop(&mut self, timeout: Option<Duration>) -> Result<Option<Frame>, WorkerError> {
        let mut frame = self.reader.pop(&self.mailbox)?;
        if frame.is_none() {
            let watch = self.reader.watch();
            let idle = || watch.is_empty(&self.mailbox);
            self.spin.wait(idle, || Mailbox::WORKER_BELL.sleep(&self.mailbox, timeout, idle));
            frame = self.reader.pop(&self.mailbox)?;
        }
        if let Some(frame) = &frame {
            self.seen += 1;
            if frame.header.flags.has(Flags::GRANTED) {
                self.holdings.granted();
            }
            if self.seen.is_multiple_of(FRAMES_BETWEEN_LOOKS) {
                // The Brain does not wait where this socket is full, so it must not fill up with what no task asks for.
                while self.receive_segments()? {}
            }
        }
        Ok(frame)
    }

    fn payload(&mut self, frame: Frame) -> Result<Vec<u8>, WorkerError> {
        if !frame.header.flags.has(Flags::REFERENCED) {
            return Ok(frame.payload);
        }
        if frame.payload.len() != 24 {
            return Err(WorkerError::Protocol("a reference of the wrong length".into()));
        }
        let mapping = self.segment(u64_at(&frame.payload, 0))?;
        let mut bytes = vec![0_u8; u64_at(&frame.payload, 16) as usize];
        mapping
            .read_at(u64_at(&frame.payload, 8) as usize, &mut bytes)
            .map_err(|error| WorkerError::Protocol(error.to_string()))?;
        Ok(bytes)
    }

    fn forget(&mut self, ids: &[u8]) -> Vec<u64> {
        let ids: Vec<u64> = ids.chunks_exact(8).map(|id| u64_at(id, 0)).collect();
        for id in &ids {
            // One that was never used may still be in the socket, from where it would come back.
            let _unmapped = self.segment(*id);
            self.segments.remove(id);
        }
        ids
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0_u8; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rings = self.mailbox.load(0);
        write!(f, "Worker(protocol {rings}, control {})", self.control.as_raw_fd())
    }
}
