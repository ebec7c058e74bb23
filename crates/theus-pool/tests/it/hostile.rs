//! Workers that break the protocol, each in one way, in the middle of a task: that worker is ended, the attempt is
//! lost, and everybody else goes on (P3).

use crate::hand::hang;
use crate::work::{End, TestPool, Work};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::Duration;
use theus_pool::link::{Attachment, Cells, Flags, Frame, Header, Kind, Mailbox, RingReader, RingWriter};
use theus_pool::{Attempt, Ending};
use theus_shm::{Channel, Expect, Mapping, SealedBuffer, socket};

/// A worker that speaks the protocol by hand.
pub(crate) struct Raw {
    mailbox: Mailbox,
    control: OwnedFd,
    writer: RingWriter,
    reader: RingReader,
    /// The tasks it had.
    had: Vec<Header>,
}

impl Raw {
    pub(crate) fn attach(control: OwnedFd) -> Self {
        let mut hello = [0; 100];
        let (_, fds) = socket::recv(&control, &mut hello, 1, true).unwrap().unwrap();
        let mailbox = Mailbox::attach(Channel::open(fds.into_iter().next().unwrap()).unwrap()).unwrap();
        let (writer, reader) = (RingWriter::new(Mailbox::TO_BRAIN), RingReader::new(Mailbox::TO_WORKER));
        Raw { mailbox, control, writer, reader, had: Vec::new() }
    }

    fn send(&mut self, header: Header, payload: &[u8]) {
        // A full ring is the Brain's not having looked yet.
        while self.writer.push(&self.mailbox, &header, payload).is_err() {
            Mailbox::BRAIN_BELL.ring(&self.mailbox);
            std::thread::yield_now();
        }
        Mailbox::BRAIN_BELL.ring(&self.mailbox);
    }

    fn receive(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.reader.pop(&self.mailbox).unwrap() {
                return frame;
            }
            let watch = self.reader.watch();
            Mailbox::WORKER_BELL.sleep(&self.mailbox, None, || watch.is_empty(&self.mailbox));
        }
    }

    pub(crate) fn serve(mut self) {
        // As an honest worker: the Brain tries whether it may read this.
        static PROBE: [u8; 8] = *b"readable";
        let probe = [(PROBE.as_ptr().addr() as u64).to_le_bytes(), PROBE].concat();
        self.send(Header::bare(Kind::Ready), &probe);
        loop {
            let frame = self.receive();
            match frame.header.kind {
                Kind::Task => {
                    let word = String::from_utf8(frame.payload).unwrap();
                    let complete = Header { kind: Kind::Complete, detail: 0, ..frame.header };
                    if frame.header.attempt == 1 {
                        self.misbehave(&word, complete);
                    }
                    self.send(complete, word.as_bytes());
                    self.had.push(complete);
                }
                Kind::Shutdown => return,
                _ => {}
            }
        }
    }

    fn misbehave(&mut self, word: &str, own: Header) {
        let reference = |length: u64| length.to_le_bytes();
        match word {
            "honest" => {}
            "random bytes" => {
                let mut seed = 2_463_534_242_u32;
                for offset in (0..Mailbox::LENGTH).step_by(4) {
                    seed ^= seed << 13;
                    seed ^= seed >> 17;
                    seed ^= seed << 5;
                    self.mailbox.store(offset, seed);
                }
                // The bell is spoilt as well, so that a ring may wake nobody: then it would be a worker that hangs.
                Mailbox::BRAIN_BELL.alarm(&self.mailbox);
                hang()
            }
            "cursor ahead" => self.mailbox.store(Mailbox::TO_BRAIN.tail, 0x8000_0000),
            "cursor of half a header" => {
                let tail = self.mailbox.load(Mailbox::TO_BRAIN.tail);
                self.mailbox.store(Mailbox::TO_BRAIN.tail, tail.wrapping_add(8));
            }
            "lying length" => {
                let tail = self.mailbox.load(Mailbox::TO_BRAIN.tail);
                let at = Mailbox::TO_BRAIN.bytes + (tail & (Mailbox::TO_BRAIN.capacity - 1)) as usize;
                self.mailbox.write(at, &own.to_bytes(u32::MAX as usize));
                self.mailbox.store(Mailbox::TO_BRAIN.tail, tail.wrapping_add(32));
            }
            "wrong task" => self.refused(Header { task: own.task + 1, ..own }),
            "future attempt" => self.refused(Header { attempt: own.attempt + 1, ..own }),
            "replay" => self.refused(self.had[0]),
            "ready again" => self.send(Header::bare(Kind::Ready), &[]),
            "ready flood" => (0..100_000).for_each(|_| self.send(Header::bare(Kind::Ready), &[])),
            "unknown kind" => self.send(Header { kind: Kind::Unknown(77), ..own }, &[]),
            "the engine's kind" => self.send(Header { kind: Kind::Shutdown, ..own }, &[]),
            "fetch for another task" => self.send(Header { kind: Kind::Fetch, task: 0, ..own }, b"x"),
            "fetch flood" => loop {
                self.send(Header { kind: Kind::Fetch, ..own }, &[0; 1000]);
            },
            "flood of others' results" => loop {
                self.send(Header { task: own.task + 1, ..own }, &[0; 1000]);
            },
            "reference without descriptor" => {
                self.send(Header { flags: Flags::REFERENCED, ..own }, &reference(4096))
            }
            "reference of a wrong length" => {
                self.send(Header { flags: Flags::REFERENCED, ..own }, &[1, 2, 3])
            }
            "holds nonsense" => self.send(Header::bare(Kind::Hold), &[1, 2, 3]),
            "holds what was not sent" => self.send(Header::bare(Kind::Hold), &u64::MAX.to_le_bytes()),
            "attached: no table" => self.send(attached(own), &[1; 100]),
            "attached: more than there is" => self.send(attached(own), &1000_u64.to_le_bytes()),
            "attached: a block of others" => self.attach_to(own, Attachment::Leased { serial: 1 }),
            "holds more than it was given" => {
                let serials: Vec<u8> = (0..1000_u64).flat_map(u64::to_le_bytes).collect();
                self.send(Header::bare(Kind::Hold), &serials);
            }
            "attached: a file that was not sent" => self.attach_to(own, Attachment::Sealed { len: 4096 }),
            other => self.misuse_descriptors(other, own),
        }
        Mailbox::BRAIN_BELL.ring(&self.mailbox);
        if word != "honest" {
            hang()
        }
    }

    fn attach_to(&mut self, own: Header, attachment: Attachment) {
        self.send(attached(own), &Attachment::to_bytes(&[attachment]));
    }

    fn refused(&mut self, header: Header) {
        (0..100).for_each(|_| self.send(header, b"not mine"));
    }

    fn misuse_descriptors(&mut self, word: &str, own: Header) {
        let sealed = SealedBuffer::from_bytes(&[1; 4096]).unwrap();
        let (unsealed, _its_other_name) = Channel::create(4096).map(|(_, fd)| (fd, ())).unwrap();
        let null = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let many: Vec<_> = (0..100).map(|_| sealed.as_fd()).collect();
        let (bytes, descriptors, length) = match word {
            "smaller than said" | "attached: smaller than said" => (8, vec![sealed.as_fd()], 1 << 13),
            "not sealed" | "attached: not sealed" => (8, vec![unsealed.as_fd()], 4096),
            "not memory" => (8, vec![null.as_fd()], 4096),
            "many descriptors" => (8, many, 4096),
            "long message" => (100_000, vec![sealed.as_fd()], 4096),
            "message without descriptor" => (8, Vec::new(), 4096),
            _ => std::process::exit(9),
        };
        socket::send(&self.control, &vec![0; bytes], &descriptors).unwrap();
        if word.starts_with("attached") {
            self.attach_to(own, Attachment::Sealed { len: length });
        } else {
            self.send(Header { flags: Flags::REFERENCED, ..own }, &u64::to_le_bytes(length));
        }
    }
}

fn attached(own: Header) -> Header {
    Header { flags: Flags::ATTACHED, ..own }
}

const WORDS: [&str; 31] = [
    "random bytes",
    "cursor ahead",
    "cursor of half a header",
    "lying length",
    "wrong task",
    "future attempt",
    "replay",
    "ready again",
    "ready flood",
    "unknown kind",
    "the engine's kind",
    "fetch for another task",
    "fetch flood",
    "flood of others' results",
    "reference without descriptor",
    "reference of a wrong length",
    "smaller than said",
    "not sealed",
    "not memory",
    "many descriptors",
    "long message",
    "message without descriptor",
    "holds nonsense",
    "holds what was not sent",
    "attached: no table",
    "attached: more than there is",
    "attached: a block of others",
    "holds more than it was given",
    "attached: a file that was not sent",
    "attached: not sealed",
    "attached: smaller than said",
];

#[test]
fn a_worker_that_breaks_the_protocol_costs_itself() {
    let pool = TestPool::new(1, "raw");
    for word in WORDS {
        assert_eq!(pool.ask("honest"), b"honest");
        let work = Work::new(word).retries(1);
        let counts = std::sync::Arc::clone(&work.counts);
        assert_eq!(pool.run(work).text(), word, "the second attempt is honest");
        assert_eq!(counts.ends.load(Ordering::Relaxed), 1);
    }
    assert_eq!(pool.pool.stats().crashed, WORDS.len() as u64);
}

#[test]
fn an_expelled_worker_is_recorded_with_what_it_did() {
    let pool = TestPool::new(1, "raw");
    for (word, said) in [
        ("lying length", "longer than what was published"),
        ("ready again", "not a worker's"),
        ("wrong task", "tasks that it does not run"),
        ("not sealed", "shared memory that is not acceptable"),
        ("reference without descriptor", "control socket"),
    ] {
        let End::Crashed(record) = &*pool.run(Work::new(word)) else { panic!("{word}: not a crash") };
        assert_eq!(record.ending, Ending::Expelled);
        assert!(record.reason.as_ref().unwrap().contains(said), "{word}: {record}");
    }
}

#[test]
fn whoever_asked_is_told_of_each_refused_completion() {
    let pool = TestPool::new(1, "raw");
    let End::Crashed(record) = &*pool.run(Work::new("future attempt")) else { panic!("not a crash") };
    let told = pool.refused.lock().unwrap();
    // It is expelled at the sixteenth.
    assert_eq!(told.len(), 16);
    let claimed = Attempt { task: record.task, number: record.attempt + 1, worker: record.worker };
    assert!(told.iter().all(|attempt| *attempt == claimed), "{told:?}");
    assert_eq!(pool.pool.stats().refused, 16);
}

#[test]
fn a_flood_keeps_no_caller_longer_than_asked() {
    let pool = TestPool::new(2, "raw");
    let task = pool.submit(Work::new("flood of others' results").retries(1));
    // The caller receives on behalf of the task, so it meets the flood itself; it must come back all the same.
    let _in_time = task.wait(Some(Duration::from_millis(20)));
    assert_eq!(pool.ask("honest"), b"honest");
    assert!(task.wait(Some(crate::work::LONG)).is_some());
}

#[test]
fn the_worker_of_these_tests_could_hand_over_large_results() {
    let sealed = SealedBuffer::from_bytes(&[1; 4096]).unwrap();
    assert!(Mapping::open(sealed, Expect::frozen(4096)).is_ok());
}
