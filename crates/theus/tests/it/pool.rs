//! Tasks on real worker processes, some of which die: committed once, recorded each time, nothing left behind.

use crate::stage::{contract, int, map, mapping, outcomes, path, records, tuple};
use crate::worker::launch;
use std::sync::Arc;
use std::time::{Duration, Instant};
use theus::{
    Contract, Engine, Function, Process, RemoteTask, Task, TaskError, Update, Value, allocate, heavy_value,
};
use theus_shm::socket;
use theus_testkit::crash::{PATIENCE, Victim, role};
use theus_testkit::footprint::{Footprint, children, eventually, is_alive, named};

fn engine() -> Engine {
    Engine::builder()
        .initial(map([("domain", mapping([("count", int(0))]))]))
        .heap_bytes(16 << 20)
        .pool_size(2)
        .launch(launch())
        .build()
}

fn submit(engine: &Engine, process: &Process, what: &str, deadline: Option<Instant>) -> Task {
    let function = Arc::new(Function { id: engine.new_function_id(), definition: Vec::new() });
    let arguments = tuple([Value::from(what)]);
    engine.submit(RemoteTask::new(engine, process, function, arguments, mapping([])), deadline).unwrap()
}

fn counter(crash_retries: u32) -> Process {
    let contract = contract(&["domain.count", "heavy"], &["domain.count"]);
    Process::new("p", Contract { parallel: true, crash_retries, ..contract })
}

#[test]
fn racing_increments_are_each_committed_once() {
    let engine = engine();
    let tasks: Vec<Task> = (0..12).map(|_| submit(&engine, &counter(0), "add", None)).collect();
    // Who loses too often gets the ticket, so that nobody runs out of retries.
    for task in &tasks {
        let settled = task.wait(Some(PATIENCE)).unwrap();
        assert!(settled.is_ok(), "{settled:?}");
    }
    assert_eq!(engine.snapshot().get(&path("domain.count")), Some(&int(12)));
    assert_eq!(outcomes(&engine).iter().filter(|outcome| **outcome == "committed").count(), 12);
    engine.shutdown(PATIENCE);
}

#[test]
fn a_worker_that_dies_costs_one_attempt() {
    let engine = engine();
    let settled = submit(&engine, &counter(1), "die at first", None).wait(Some(PATIENCE)).unwrap();
    assert_eq!(settled.as_ref().as_ref().unwrap().version, 2);
    assert_eq!(engine.snapshot().get(&path("domain.count")), Some(&int(7)));
    let found = records(&engine);
    assert_eq!(outcomes(&engine), ["crashed", "committed"]);
    assert_eq!((found[0].attempt, found[0].signal, found[1].attempt), (1, Some(9), 2));
    assert_ne!(found[0].worker, found[1].worker);
    let lost = submit(&engine, &counter(1), "die", None).wait(Some(PATIENCE)).unwrap();
    assert!(matches!(&*lost, Err(TaskError::Crashed { retries: 1, .. })));
    engine.shutdown(PATIENCE);
    assert_eq!(outcomes(&engine)[2..], ["crashed", "crashed"]);
}

#[test]
fn garbage_ends_the_task_and_not_the_pool() {
    let engine = engine();
    for what in ["garble", "garble much"] {
        let ended = submit(&engine, &counter(0), what, None).wait(Some(PATIENCE)).unwrap();
        assert!(matches!(&*ended, Err(TaskError::Unreadable { .. })), "{ended:?}");
    }
    let fine = submit(&engine, &counter(0), "add", None).wait(Some(PATIENCE)).unwrap();
    assert!(fine.is_ok(), "{fine:?}");
    assert_eq!(outcomes(&engine), ["failed", "failed", "committed"]);
    engine.shutdown(PATIENCE);
}

#[test]
fn an_array_reaches_a_worker() {
    let engine = engine();
    let block = allocate(engine.arena(), "m", "<u1", &[3 << 20], true).unwrap();
    block.write_at((3 << 20) - 3, &[1, 2, 3]).unwrap();
    let mut update = Update::new();
    update.set(path("heavy.m"), Value::from(heavy_value(&block, "<u1", &[3 << 20])));
    engine.compare_and_swap(1, update).unwrap();
    submit(&engine, &counter(0), "sum", None).wait(Some(PATIENCE)).unwrap();
    assert_eq!(engine.snapshot().get(&path("domain.count")), Some(&int(6)));
    engine.shutdown(PATIENCE);
}

#[test]
fn deadlines_cancelling_and_shutdown_end_a_task_that_hangs() {
    let engine = engine();
    let timed = submit(&engine, &counter(0), "hang", Some(Instant::now() + Duration::from_millis(300)));
    let timed = timed.wait(Some(PATIENCE)).unwrap();
    assert!(matches!(&*timed, Err(TaskError::TimedOut { .. })), "{timed:?}");
    let cancelled = submit(&engine, &counter(0), "hang", None);
    cancelled.cancel();
    let cancelled = cancelled.wait(Some(PATIENCE)).unwrap();
    assert!(matches!(&*cancelled, Err(TaskError::Cancelled { .. })), "{cancelled:?}");
    let hung = submit(&engine, &counter(0), "hang", None);
    engine.shutdown(Duration::ZERO);
    assert!(hung.wait(Some(PATIENCE)).unwrap().is_err());
    assert_eq!(outcomes(&engine), ["timeout", "cancelled", "cancelled"]);
    assert_eq!(engine.snapshot().version(), 1);
}

#[test]
fn workers_that_cannot_be_started_end_the_task() {
    let mut launch = launch();
    launch.program = "/nonexistent/worker".into();
    let engine = Engine::builder().launch(launch).build();
    let ended = submit(&engine, &counter(0), "add", None).wait(Some(PATIENCE)).unwrap();
    assert!(matches!(&*ended, Err(TaskError::Undeliverable { .. })), "{ended:?}");
    assert_eq!(outcomes(&engine), ["failed"]);
    engine.shutdown(PATIENCE);
}

// Processes that are alone with their engine, so that what they leave can be counted.

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let Some((name, socket)) = role() else { return };
    let engine = engine();
    match &*name {
        "be killed" => {
            let _hung =
                [submit(&engine, &counter(0), "hang", None), submit(&engine, &counter(0), "hang", None)];
            eventually("both workers run", || {
                let stats = engine.pool_stats().unwrap_or_default();
                stats.workers.iter().filter(|worker| worker.task.is_some()).count() == 2
            });
            socket::send(&socket, b"running", &[]).unwrap();
            // The killer never answers.
            let _ = socket::recv(&socket, &mut [0; 8], 0, true);
        }
        "leave nothing" => {
            let before = Footprint::own();
            for what in ["add", "die", "die at first"] {
                let _ended = submit(&engine, &counter(1), what, None).wait(Some(PATIENCE)).unwrap();
            }
            engine.shutdown(PATIENCE);
            drop(engine);
            eventually("the last thread has let go", || Footprint::own() == before);
            socket::send(&socket, b"clean", &[]).unwrap();
        }
        other => panic!("{other}"),
    }
}

#[test]
fn nothing_is_left_of_a_killed_engine() {
    let mut brain = Victim::start("pool::play", "be killed");
    assert_eq!(brain.receive(0).0, b"running");
    let workers = children(brain.pid());
    assert_eq!(workers.len(), 2);
    assert_eq!(brain.kill(), Some(9));
    for worker in workers {
        eventually("the workers end with their engine", || !is_alive(worker));
    }
    // Another test on this machine may be planting a name right now.
    eventually("no named object is left", || named().is_empty());
}

#[test]
fn an_engine_that_was_shut_down_leaves_no_child_and_no_descriptor() {
    let mut brain = Victim::start("pool::play", "leave nothing");
    assert_eq!(brain.receive(0).0, b"clean");
    assert_eq!(brain.join(), None);
}
