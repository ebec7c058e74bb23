//! The worker program of these tests: `worker` is not a test but what the started process runs.
//!
//! What a task's payload asks for is its first word; `hostile.rs` has the words that break the protocol.

use crate::hostile::Raw;
use std::os::fd::{AsFd, OwnedFd};
use theus_pool::{Event, Launch, Worker, WorkerError};
use theus_shm::pidfd;

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
    loop {
        match worker.next(None)? {
            Some(Event::Define { function, definition }) => {
                functions.insert(function, definition);
            }
            Some(Event::Task { task, attempt, function, payload, .. }) => {
                assert!(functions.contains_key(&function), "a function comes before its task");
                run(&mut worker, task, attempt, &payload, &functions[&function])?;
            }
            Some(Event::Forget(_) | Event::Taken) | None => {}
            Some(Event::Shutdown) => return Ok(()),
        }
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
