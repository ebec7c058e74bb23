//! The worker program of these tests: `worker` is not a test but what the started process runs.
//!
//! What a task's payload asks for is its first word; `hostile.rs` has the words that break the protocol.

use crate::hostile::Raw;
use std::os::fd::{AsFd, OwnedFd};
use theus_pool::link::Attachment;
use theus_pool::{Event, Hold, Launch, Worker, WorkerError};
use theus_shm::{OpenBuffer, SealedBuffer, pidfd};

const MODE: &str = "THEUS_POOL_TEST_MODE";

/// How this program is started as a worker of this mode.
pub(crate) fn launch(mode: &str) -> Launch {
    Launch {
        program: std::env::current_exe().unwrap(),
        arguments: ["hand::worker", "--exact", "--ignored", "--quiet", "--nocapture"].map(Into::into).into(),
        environment: vec![(MODE.into(), mode.into())],
        directory: None,
        hello: mode.as_bytes().to_vec(),
    }
}

/// Sends this process a signal.
pub(crate) fn signal_self(signal: i32) {
    pidfd::send_signal(&pidfd::open(std::process::id()).unwrap(), signal).unwrap();
}

pub(crate) fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

/// What a large result consists of.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
#[ignore = "what worker processes run"]
fn worker() {
    let Ok(mode) = std::env::var(MODE) else { return };
    let control = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    match mode.as_str() {
        "honest" => honest(control).unwrap(),
        "raw" => Raw::attach(control).serve(),
        "early" => std::process::exit(7),
        "never ready" => {
            let _attached = Worker::attach(control).unwrap();
            hang()
        }
        "ready and gone" => {
            let (mut worker, _) = Worker::attach(control).unwrap();
            worker.ready().unwrap();
        }
        _ => std::process::exit(9),
    }
    std::process::exit(0);
}

fn honest(control: OwnedFd) -> Result<(), WorkerError> {
    let (mut worker, hello) = Worker::attach(control)?;
    assert_eq!(hello, b"honest");
    worker.ready()?;
    let mut functions = std::collections::HashMap::new();
    let mut memory = Memory::default();
    loop {
        match worker.next(None)? {
            Some(Event::Define { function, definition }) => {
                functions.insert(function, definition);
            }
            Some(Event::Task { task, attempt, function, payload, readable }) => {
                assert!(functions.contains_key(&function), "a function comes before its task");
                memory.released();
                assert!(readable, "these tests need a system that lets a parent read its child's memory");
                if memory.run(&mut worker, task, attempt, &payload)? {
                    continue;
                }
                run(&mut worker, task, attempt, &payload, &functions[&function])?;
            }
            Some(Event::Taken) => memory.taken(),
            Some(Event::Forget(_)) | None => {}
            Some(Event::Shutdown) => return Ok(()),
        }
    }
}

/// What a worker keeps beyond a task, and the words that are about memory.
#[derive(Default)]
struct Memory {
    holds: Vec<Hold>,
    /// What the last result has attached.
    attached: Vec<Vec<u8>>,
}

impl Memory {
    fn taken(&mut self) {
        assert!(!self.attached.is_empty(), "nothing was attached");
        // What was taken may be used again at once.
        self.attached.iter_mut().for_each(|bytes| bytes.fill(0xff));
        self.attached.clear();
    }

    fn released(&self) {
        assert!(self.attached.is_empty(), "a task came before the last result was taken");
    }

    fn memory(&mut self, bytes: Vec<u8>) -> Attachment {
        let attachment =
            Attachment::Memory { address: bytes.as_ptr().addr() as u64, len: bytes.len() as u64 };
        self.attached.push(bytes);
        attachment
    }

    fn run(
        &mut self,
        worker: &mut Worker,
        task: u64,
        attempt: u32,
        payload: &[u8],
    ) -> Result<bool, WorkerError> {
        let text = String::from_utf8_lossy(payload);
        let Some((word, number)) = text.split_once(' ') else { return Ok(false) };
        let Ok(number) = number.parse::<usize>() else { return Ok(false) };
        match word {
            "keep" => {
                self.holds.push(worker.hold(number as u64));
                worker.complete(task, attempt, b"kept")?;
            }
            "let-go" => {
                self.holds.drain(..number);
                worker.complete(task, attempt, b"gone")?;
            }
            "let-go-late" => {
                worker.complete(task, attempt, b"soon")?;
                self.holds.drain(..number);
                worker.tell()?;
            }
            "attach-memory" => {
                let table = [self.memory(pattern(number))];
                worker.complete_with(task, attempt, &[], &table, &[])?;
            }
            "attach-nowhere" | "attach-beyond" => {
                let address = if word == "attach-beyond" { u64::MAX - 10 } else { 4096 };
                let table = [Attachment::Memory { address, len: number as u64 }];
                self.attached.push(Vec::new());
                worker.complete_with(task, attempt, &[], &table, &[])?;
            }
            "attach-twice" => {
                let table = [self.memory(pattern(number)); 2];
                worker.complete_with(task, attempt, &[], &table, &[])?;
            }
            "claim-memory" => {
                let table = [Attachment::Memory { address: 4096, len: number as u64 }];
                self.attached.push(Vec::new());
                worker.complete_with(task, attempt, &[], &table, &[])?;
            }
            "attach-and-die" => {
                let table = [self.memory(pattern(number))];
                worker.complete_with(task, attempt, &[], &table, &[])?;
                signal_self(9);
            }
            "attach-sealed" => {
                let mut buffer = OpenBuffer::create(number).unwrap();
                buffer.bytes_mut().copy_from_slice(&pattern(number));
                let sealed = [buffer.seal().unwrap()];
                buffer.bytes_mut().fill(0xff);
                let table = [Attachment::Sealed { len: number as u64 }];
                worker.complete_with(task, attempt, &[], &table, &sealed)?;
            }
            "attach-many" => {
                let (mut table, mut sealed) = (Vec::new(), Vec::new());
                for _ in 0..25 {
                    let bytes = pattern(number.min(1000));
                    sealed.push(SealedBuffer::from_bytes(&bytes).unwrap());
                    table.push(Attachment::Sealed { len: bytes.len() as u64 });
                    table.push(self.memory(bytes));
                }
                worker.complete_with(task, attempt, &[7; 40_000], &table, &sealed)?;
            }
            "attach-leased" => {
                let _held_until_it_is_sent = worker.hold(number as u64);
                let table = [Attachment::Leased { serial: number as u64 }];
                worker.complete_with(task, attempt, &[], &table, &[])?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn run(
    worker: &mut Worker,
    task: u64,
    attempt: u32,
    payload: &[u8],
    definition: &[u8],
) -> Result<(), WorkerError> {
    let space = payload.iter().position(|byte| *byte == b' ').unwrap_or(payload.len());
    let (word, rest) = payload.split_at(space);
    let rest = rest.get(1..).unwrap_or_default();
    let number = || std::str::from_utf8(rest).unwrap().parse::<usize>().unwrap();
    match word {
        b"echo" => worker.complete(task, attempt, rest),
        b"pid" => worker.complete(task, attempt, &std::process::id().to_le_bytes()),
        b"definition" => worker.complete(task, attempt, definition),
        b"length" => {
            assert!(rest == pattern(rest.len()));
            worker.complete(task, attempt, rest.len().to_string().as_bytes())
        }
        b"make" => worker.complete(task, attempt, &pattern(number())),
        b"make-failure" => worker.fail(task, attempt, &pattern(number())),
        b"fail" => worker.fail(task, attempt, rest),
        b"fetch" => {
            let reply = worker.fetch(task, attempt, rest)?;
            worker.complete(task, attempt, &reply)
        }
        b"fetch-large" => {
            let reply = worker.fetch(task, attempt, &pattern(number()))?;
            worker.complete(task, attempt, reply.len().to_string().as_bytes())
        }
        b"exit" => std::process::exit(number() as i32),
        b"kill" => {
            signal_self(9);
            hang()
        }
        b"kill-first" if attempt == 1 => {
            signal_self(9);
            hang()
        }
        b"kill-first" => worker.complete(task, attempt, attempt.to_string().as_bytes()),
        b"stop" => {
            signal_self(19);
            hang()
        }
        b"hang" => hang(),
        _ => worker.fail(task, attempt, b"no such word"),
    }
}
