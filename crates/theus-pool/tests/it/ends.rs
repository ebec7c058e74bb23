//! How tasks end: results, errors, questions, large payloads, cancellation, deadlines.

use crate::hand::pattern;
use crate::work::{End, LONG, Panic, TestPool, Work, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use theus_pool::Function;
use theus_pool::link::INLINE_LIMIT;
use theus_shm::{Arena, ArenaOptions};

#[test]
fn a_task_returns_what_its_function_returned() {
    let pool = TestPool::new(2, "honest");
    assert_eq!(pool.ask("echo hello"), b"hello");
    assert_eq!(pool.ask("echo "), b"");
    assert_eq!(*pool.run(Work::new("fail why")), End::Failed(b"why".to_vec()));
    let stats = pool.pool.stats();
    assert_eq!((stats.attempts, stats.completed, stats.failed, stats.refused), (3, 2, 1, 0));
}

#[test]
fn a_worker_asks_for_its_snapshot() {
    let pool = TestPool::new(1, "honest");
    assert_eq!(pool.ask("fetch key"), b"reply to key");
    // Longer than the ring: the question travels by reference, as does the reply.
    assert_eq!(pool.ask("fetch-large 300000"), b"300009");
}

#[test]
fn payloads_of_any_length_travel_both_ways() {
    let pool = TestPool::new(1, "honest");
    let prefix = b"length ".len();
    for length in [0, 1, INLINE_LIMIT - prefix - 1, INLINE_LIMIT - prefix, INLINE_LIMIT, 1 << 20, 5 << 20] {
        let payload = [b"length ".as_slice(), &pattern(length)].concat();
        assert_eq!(pool.ask(payload), length.to_string().as_bytes());
    }
    for length in [INLINE_LIMIT - 1, INLINE_LIMIT, INLINE_LIMIT + 1, 5 << 20] {
        assert!(pool.ask(format!("make {length}")) == pattern(length));
        assert!(
            *pool.run(Work::new(format!("make-failure {length}"))) == End::Failed(pattern(length)),
            "a report of {length} bytes"
        );
    }
}

#[test]
fn hundreds_of_tasks_from_many_threads_each_get_their_own_result() {
    let pool = TestPool::new(3, "honest");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                for number in 0..200 {
                    let text = format!("{thread} {number}");
                    assert_eq!(pool.ask(format!("echo {text}")), text.as_bytes());
                }
            });
        }
    });
    assert_eq!(pool.pool.stats().completed, 800);
}

#[test]
fn callbacks_are_called_once_with_the_output() {
    let pool = TestPool::new(1, "honest");
    let calls = Arc::new(AtomicUsize::new(0));
    let task = pool.submit(Work::new("echo x"));
    let count = |calls: &Arc<AtomicUsize>| {
        let calls = Arc::clone(calls);
        move |end: &End| {
            assert_eq!(*end, End::Done(b"x".to_vec()));
            calls.fetch_add(1, Ordering::Relaxed);
        }
    };
    task.on_done(count(&calls));
    assert!(task.wait(Some(LONG)).is_some());
    task.on_done(count(&calls));
    until(|| (calls.load(Ordering::Relaxed) == 2).then_some(()));
}

#[test]
fn a_running_task_that_is_cancelled_loses_its_worker_and_nobody_else_does() {
    let pool = TestPool::new(1, "honest");
    let task = pool.submit(Work::new("hang").retries(5));
    pool.worker_of(&task);
    let next = pool.submit(Work::new("echo next"));
    task.cancel();
    task.cancel();
    assert_eq!(task.wait(Some(LONG)).as_deref(), Some(&End::Cancelled));
    assert_eq!(next.wait(Some(LONG)).as_deref(), Some(&End::Done(b"next".to_vec())));
    assert_eq!(pool.pool.stats().crashed, 0);
    task.cancel();
    assert_eq!(task.poll().as_deref(), Some(&End::Cancelled));
}

#[test]
fn a_queued_task_that_is_cancelled_never_starts() {
    let pool = TestPool::new(1, "honest");
    let first = pool.submit(Work::new("hang"));
    let work = Work::new("echo x");
    let counts = Arc::clone(&work.counts);
    let second = pool.submit(work);
    second.cancel();
    assert_eq!(second.wait(Some(LONG)).as_deref(), Some(&End::Cancelled));
    assert_eq!(counts.starts.load(Ordering::Relaxed), 0);
    first.cancel();
    assert_eq!(first.wait(Some(LONG)).as_deref(), Some(&End::Cancelled));
}

#[test]
fn a_task_that_waits_for_its_next_attempt_is_cancelled_at_once() {
    let pool = TestPool::new(1, "honest");
    let mut work = Work::new("kill").retries(1);
    work.pause = Duration::from_secs(3600);
    let task = pool.submit(work);
    until(|| (pool.pool.stats().crashed == 1).then_some(()));
    task.cancel();
    assert_eq!(task.wait(Some(LONG)).as_deref(), Some(&End::Cancelled));
}

#[test]
fn deadlines_end_running_queued_and_late_tasks() {
    let pool = TestPool::new(1, "honest");
    let soon = || Some(Instant::now() + Duration::from_millis(50));
    let running = pool.submit(Work::new("hang"));
    let worker = pool.worker_of(&running);
    let queued = pool.submit_until(Work::new("echo x"), soon());
    assert_eq!(queued.wait(Some(LONG)).as_deref(), Some(&End::TimedOut));
    let late = pool.submit_until(Work::new("echo x"), Some(Instant::now()));
    assert_eq!(late.wait(Some(LONG)).as_deref(), Some(&End::TimedOut));
    assert_eq!(pool.worker_of(&running), worker, "the others cost no worker");
    running.cancel();
    let running = pool.submit_until(Work::new("hang"), soon());
    assert_eq!(running.wait(Some(LONG)).as_deref(), Some(&End::TimedOut));
    let in_time = pool.submit_until(Work::new("echo x"), Some(Instant::now() + LONG));
    assert_eq!(in_time.wait(Some(LONG)).as_deref(), Some(&End::Done(b"x".to_vec())));
}

#[test]
fn a_job_that_waits_for_its_turn_is_asked_again_and_waiting_is_no_attempt() {
    let pool = TestPool::new(1, "honest");
    let work = Work::new("echo x").waits(3);
    let counts = Arc::clone(&work.counts);
    assert_eq!(*pool.run(work), End::Done(b"x".to_vec()));
    assert_eq!(counts.asked.load(Ordering::Relaxed), 4);
    assert_eq!((counts.starts.load(Ordering::Relaxed), pool.pool.stats().attempts), (2, 2));

    // One whose turn never comes can still be ended from outside.
    for (deadline, end) in [(None, End::Cancelled), (Some(Duration::from_millis(100)), End::TimedOut)] {
        let work = Work::new("echo x").waits(usize::MAX);
        let counts = Arc::clone(&work.counts);
        let task = pool.submit_until(work, deadline.map(|left| Instant::now() + left));
        until(|| (counts.asked.load(Ordering::Relaxed) > 0).then_some(()));
        if deadline.is_none() {
            task.cancel();
        }
        assert_eq!(task.wait(Some(LONG)).as_deref(), Some(&end));
        assert_eq!(counts.ends.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn times_that_the_clock_does_not_reach_mean_for_ever() {
    let pool = TestPool::with(1, crate::hand::launch("honest"), Duration::MAX, 1 << 20);
    let task = pool.submit(Work::new("echo x"));
    assert_eq!(task.wait(Some(Duration::MAX)).as_deref(), Some(&End::Done(b"x".to_vec())));
    pool.pool.shutdown(Duration::MAX);
}

#[test]
fn a_task_without_room_in_shared_memory_ends_and_spoils_nothing() {
    let pool = TestPool::with(1, crate::hand::launch("honest"), LONG, 4 << 20);
    let large = || [b"length ".as_slice(), &pattern(64 << 20)].concat();
    let mut work = Work::new(large());
    // Its definition finds room and its payload does not; then neither does.
    work.function = Arc::new(Function { id: 2, definition: pattern(100_000) });
    let function = Arc::clone(&work.function);
    assert!(matches!(&*pool.run(work), End::Undeliverable(_)));
    let mut work = Work::new(large());
    work.function = Arc::new(Function { id: 3, definition: pattern(64 << 20) });
    let small = Work { function: Arc::clone(&work.function), ..Work::new("echo x") };
    assert!(matches!(&*pool.run(work), End::Undeliverable(_)));
    assert!(matches!(&*pool.run(small), End::Undeliverable(_)));
    let defined = Work { function, ..Work::new("definition") };
    assert!(*pool.run(defined) == End::Done(pattern(100_000)));
}

#[test]
fn a_long_queue_of_undeliverable_tasks_needs_no_stack() {
    let pool = TestPool::with(1, crate::hand::launch("honest"), LONG, 4 << 20);
    let blocker = pool.submit(Work::new("hang"));
    let worker = pool.worker_of(&blocker);
    let tasks: Vec<_> = (0..20_000).map(|_| pool.submit(Work::new("echo x").panic(Panic::Start))).collect();
    let last = pool.submit(Work::new("echo last"));
    crate::crashes::kill(worker);
    assert_eq!(last.wait(Some(LONG)).as_deref(), Some(&End::Done(b"last".to_vec())));
    assert!(tasks.iter().all(|task| matches!(task.wait(Some(LONG)).as_deref(), Some(End::Undeliverable(_)))));
}

#[test]
fn more_segments_than_the_control_socket_holds_reach_the_worker() {
    let pool = TestPool::new(1, "honest");
    let arena = Arena::new(ArenaOptions { capacity: 1 << 30 });
    let blocks: Vec<_> = (0..200).map(|_| Arc::new(arena.alloc(1 << 20, false).unwrap())).collect();
    let mut work = Work::new("echo x");
    work.blocks = blocks.clone();
    assert_eq!(*pool.run(work), End::Done(b"x".to_vec()));
    for block in blocks.iter().cycle().take(600) {
        let mut work = Work::new("echo x");
        let own = Arc::new(arena.alloc(1 << 20, false).unwrap());
        work.blocks = vec![Arc::clone(block), own];
        assert_eq!(*pool.run(work), End::Done(b"x".to_vec()));
    }
    assert_eq!(pool.pool.stats().workers_ended, 0);
}
