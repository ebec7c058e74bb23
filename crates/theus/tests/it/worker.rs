//! A worker process of these tests: this test binary, speaking the worker's end of the protocol.
//!
//! A task's first argument says what to do; see `perform`.

use crate::stage::{int, path, tuple};
use std::os::fd::OwnedFd;
use theus::{Launch, Value, decode, encode, path_query};
use theus_pool::{Event, Worker};
use theus_shm::pidfd;
use theus_testkit::crash::{arguments, environment, role};

const TEST: &str = "worker::play";

/// How the pool starts such a worker: by a shell, which becomes it, so that its test runner's lines are not ours.
pub(crate) fn launch() -> Launch {
    launch_as("worker")
}

/// [`launch`] in a role that begins with this word and says more, to tell its processes from others.
pub(crate) fn launch_as(role: &str) -> Launch {
    let (name, value) = environment(role);
    let mut command = vec!["-c".into(), "exec \"$0\" \"$@\" >/dev/null".into()];
    command.push(std::env::current_exe().unwrap().into_os_string());
    command.extend(arguments(TEST).into_iter().map(Into::into));
    Launch {
        program: "/bin/sh".into(),
        arguments: command,
        environment: vec![(name.into(), value.into())],
        directory: None,
        hello: b"hello".to_vec(),
    }
}

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    if let Some((name, socket)) = role() {
        assert!(name.starts_with("worker"), "{name}");
        work(socket);
    }
}

fn work(socket: OwnedFd) {
    let (mut worker, hello) = Worker::attach(socket).unwrap();
    assert_eq!(hello, b"hello");
    worker.ready().unwrap();
    loop {
        match worker.next(None).unwrap() {
            Some(Event::Task { task, attempt, payload, .. }) => perform(&mut worker, task, attempt, &payload),
            Some(Event::Shutdown) => return,
            Some(Event::Define { .. } | Event::Forget(_) | Event::Taken) | None => {}
        }
    }
}

fn perform(worker: &mut Worker, task: u64, attempt: u32, payload: &[u8]) {
    let Value::Tuple(parts) = decode(payload).unwrap() else { panic!("no tuple") };
    let Value::Tuple(arguments) = &parts[0] else { panic!("no arguments") };
    let Value::Str(what) = &arguments[0] else { panic!("no word") };
    let die = || {
        let own = pidfd::open(std::process::id()).unwrap();
        pidfd::send_signal(&own, 9).unwrap();
    };
    let reply = |value| encode(&tuple([int(0), value]));
    match &**what {
        // One more than `domain.count`.
        "add" => {
            let fetched = worker.fetch(task, attempt, &path_query(&path("domain.count"))).unwrap();
            let Value::Tuple(answer) = decode(&fetched).unwrap() else { panic!("no tuple") };
            let Value::Int(count) = answer[1] else { panic!("{answer:?}") };
            worker.complete(task, attempt, &reply(int(count + 1))).unwrap();
        }
        // What a worker sends that was fenced off and does not know it: the result of an attempt that it has not.
        "late" => {
            worker.complete(task, attempt + 1, &reply(int(99))).unwrap();
            worker.complete(task + 1, attempt, &reply(int(98))).unwrap();
            worker.complete(task, attempt, &reply(int(7))).unwrap();
        }
        "die at first" if attempt > 1 => worker.complete(task, attempt, &reply(int(7))).unwrap(),
        "die at first" | "die" => die(),
        "garble" => worker.complete(task, attempt, &[0xFF; 100]).unwrap(),
        "garble much" => worker.complete(task, attempt, &vec![1; 1 << 20]).unwrap(),
        // The sum of the bytes of the array `heavy.m`, read in place.
        "sum" => {
            let Value::Map(listed) = &parts[3] else { panic!("no arrays") };
            let Some(Value::Heavy(heavy)) = listed.get("m") else { panic!("no array") };
            let mapping = worker.segment(heavy.block.segment).unwrap();
            let mut bytes = vec![0; heavy.block.length as usize];
            mapping.read_at(heavy.block.offset as usize, &mut bytes).unwrap();
            let sum = bytes.iter().map(|byte| i64::from(*byte)).sum();
            worker.complete(task, attempt, &reply(int(sum))).unwrap();
        }
        // The byte that all bytes of the array `heavy.m` are, or -1 when they differ; 0 without an array.
        "same" => {
            let Value::Map(listed) = &parts[3] else { panic!("no arrays") };
            let same = listed.get("m").map_or(0, |value| {
                let Value::Heavy(heavy) = value else { panic!("no array") };
                let mapping = worker.segment(heavy.block.segment).unwrap();
                let mut bytes = vec![0; heavy.block.length as usize];
                mapping.read_at(heavy.block.offset as usize, &mut bytes).unwrap();
                if bytes == vec![bytes[0]; bytes.len()] { i64::from(bytes[0]) } else { -1 }
            });
            worker.complete(task, attempt, &reply(int(same))).unwrap();
        }
        // Never ends by itself.
        "hang" => while worker.next(None).is_ok() {},
        other => panic!("{other}"),
    }
}
