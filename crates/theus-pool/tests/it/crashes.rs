//! Workers that die: each task still ends exactly once, and the pool goes on.

use crate::hand::launch;
use crate::work::{End, LONG, TestPool, Work, until};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use theus_pool::Ending;
use theus_shm::pidfd;

/// Kills a process, if it is still there.
pub(crate) fn kill(pid: u32) {
    if let Ok(process) = pidfd::open(pid) {
        let _gone_already = pidfd::send_signal(&process, 9);
    }
}

#[test]
fn a_task_whose_worker_dies_is_tried_again_on_a_fresh_one() {
    let pool = TestPool::new(1, "honest");
    let first = pool.ask("pid");
    let work = Work::new("kill-first").retries(1);
    let counts = Arc::clone(&work.counts);
    assert_eq!(pool.run(work).text(), "2");
    assert_eq!((counts.starts.load(Ordering::Relaxed), counts.ends.load(Ordering::Relaxed)), (2, 1));
    assert_ne!(pool.ask("pid"), first);
}

#[test]
fn a_crash_is_recorded_with_how_the_worker_ended() {
    let pool = TestPool::new(1, "honest");
    let End::Crashed(record) = &*pool.run(Work::new("kill")) else { panic!("not a crash") };
    assert_eq!((record.ending, record.attempt, &record.reason), (Ending::Signalled(9), 1, &None));
    let End::Crashed(record) = &*pool.run(Work::new("exit 5")) else { panic!("not a crash") };
    assert_eq!(record.ending, Ending::Exited(5));
}

#[test]
fn workers_killed_at_any_moment_cost_attempts_and_no_task() {
    let pool = TestPool::new(3, "honest");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut seed = 88_172_645_463_325_252_u64;
            while !done.load(Ordering::Relaxed) {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                std::thread::sleep(Duration::from_micros(seed % 3000));
                let workers = pool.pool.stats().workers;
                if let Some(worker) = workers.get((seed >> 32) as usize % workers.len().max(1)) {
                    kill(worker.pid);
                }
            }
        });
        let tasks: Vec<_> = (0..400)
            .map(|number| {
                let word = ["echo", "fetch", "length", "fail"][number % 4];
                let work = Work::new(format!("{word} ")).retries(u32::MAX);
                let counts = Arc::clone(&work.counts);
                (pool.submit(work), counts)
            })
            .collect();
        for (task, counts) in &tasks {
            let end = task.wait(Some(LONG)).expect("each task ends");
            assert!(
                matches!(&*end, End::Done(_) | End::Failed(_) | End::Undeliverable(_)),
                "an unexpected end: {end:?}"
            );
            assert_eq!(counts.ends.load(Ordering::Relaxed), 1);
        }
        done.store(true, Ordering::Relaxed);
    });
    // The last workers may have been killed a moment ago, some of them before they were ready.
    until(|| (pool.run(Work::new("echo alive").retries(3)).text() == "alive").then_some(()));
    until(|| (pool.pool.stats().outstanding == 0).then_some(()));
}

#[test]
fn an_idle_worker_that_dies_is_replaced_when_a_task_comes() {
    let pool = TestPool::new(1, "honest");
    for _ in 0..10 {
        let pid = u32::from_le_bytes(pool.ask("pid").try_into().unwrap());
        kill(pid);
        let work = Work::new("echo x").retries(3);
        assert_eq!(*pool.run(work), End::Done(b"x".to_vec()));
    }
}

#[test]
fn a_worker_that_cannot_start_is_a_clear_error() {
    let missing = theus_pool::Launch { program: PathBuf::from("/no/such/program"), ..launch("honest") };
    let pool = TestPool::with(2, missing, LONG, 1 << 20);
    let text = pool.run(Work::new("echo x")).text();
    assert!(text.contains("/no/such/program") && text.contains("No such file"), "{text}");

    let pool = TestPool::new(2, "early");
    let text = pool.run(Work::new("echo x")).text();
    assert!(text.contains("exited with status 7 before it was ready"), "{text}");

    let pool = TestPool::new(1, "ready and gone");
    let end = pool.run(Work::new("echo x").retries(20));
    assert!(matches!(&*end, End::Undeliverable(_) | End::Crashed(_)), "{end:?}");

    let pool = TestPool::with(1, launch("never ready"), Duration::from_millis(300), 1 << 20);
    let text = pool.run(Work::new("echo x")).text();
    assert!(text.contains("was not ready within 300ms"), "{text}");

    let talkative = theus_pool::Launch { hello: vec![0; 100_000], ..launch("honest") };
    let pool = TestPool::with(1, talkative, LONG, 1 << 20);
    let text = pool.run(Work::new("echo x")).text();
    assert!(text.contains("greeting has 100000 bytes"), "{text}");
}
