//! Shutdown returns in time, whatever the workers and the owner's callbacks do (P4), and each task still ends (P1).

use crate::work::{End, LONG, TestPool, Work};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What shutdown may take beside its timeout, on a machine that is busy with other tests.
const KILLING: Duration = Duration::from_secs(10);

fn shut_down(pool: &TestPool, timeout: Duration) {
    let started = Instant::now();
    pool.pool.shutdown(timeout);
    assert!(started.elapsed() < timeout + KILLING, "shutdown took {:?}", started.elapsed());
    assert!(pool.pool.stats().workers.is_empty());
    assert!(pool.pool.submit(u64::MAX, Work::new("echo x"), None).is_err());
}

#[test]
fn unfinished_tasks_get_their_time() {
    let pool = TestPool::new(1, "honest");
    let tasks: Vec<_> = (0..50).map(|_| pool.submit(Work::new("echo x"))).collect();
    shut_down(&pool, LONG);
    assert!(tasks.iter().all(|task| task.poll().as_deref() == Some(&End::Done(b"x".to_vec()))));
}

#[test]
fn hung_and_stopped_workers_and_their_queue_are_cancelled() {
    for word in ["hang", "stop"] {
        let pool = TestPool::new(2, "honest");
        let works: Vec<_> = (0..20).map(|_| Work::new(word).retries(u32::MAX)).collect();
        let counts: Vec<_> = works.iter().map(|work| Arc::clone(&work.counts)).collect();
        let tasks: Vec<_> = works.into_iter().map(|work| pool.submit(work)).collect();
        pool.worker_of(&tasks[0]);
        shut_down(&pool, Duration::from_millis(50));
        for (task, counts) in tasks.iter().zip(counts) {
            assert_eq!(task.wait(Some(LONG)).as_deref(), Some(&End::Cancelled), "{word}");
            assert_eq!(counts.ends.load(Ordering::Relaxed), 1);
        }
        shut_down(&pool, Duration::ZERO);
    }
}

#[test]
fn a_task_that_waits_for_its_next_attempt_is_cancelled() {
    let pool = TestPool::new(1, "honest");
    let mut work = Work::new("kill").retries(u32::MAX);
    work.pause = Duration::from_secs(3600);
    let task = pool.submit(work);
    crate::work::until(|| (pool.pool.stats().crashed == 1).then_some(()));
    shut_down(&pool, Duration::ZERO);
    assert_eq!(task.poll().as_deref(), Some(&End::Cancelled));
}

#[test]
fn workers_that_are_coming_up_do_not_hold_it_up() {
    for mode in ["honest", "never ready", "early", "ready and gone"] {
        let pool = TestPool::new(2, mode);
        let tasks: Vec<_> = (0..4).map(|_| pool.submit(Work::new("hang").retries(u32::MAX))).collect();
        shut_down(&pool, Duration::ZERO);
        assert!(tasks.iter().all(|task| task.wait(Some(LONG)).is_some()), "{mode}");
    }
}

#[test]
fn a_callback_may_shut_the_pool_down() {
    let pool = Arc::new(TestPool::new(2, "honest"));
    let other = pool.submit(Work::new("hang"));
    // On the thread of the timers, then on a keeper's.
    for (word, deadline) in [("hang", Some(Instant::now() + Duration::from_millis(300))), ("echo x", None)] {
        let Ok(task) = pool.pool.submit(u64::from(deadline.is_none()) + 100, Work::new(word), deadline)
        else {
            continue;
        };
        let (sender, receiver) = std::sync::mpsc::channel();
        let shutting = Arc::clone(&pool);
        task.on_done(move |_| {
            shut_down(&shutting, Duration::ZERO);
            sender.send(()).unwrap();
        });
        assert_eq!(receiver.recv_timeout(LONG), Ok(()));
    }
    assert_eq!(other.wait(Some(LONG)).as_deref(), Some(&End::Cancelled));
}
