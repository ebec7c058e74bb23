//! Panics in the owner's code cost that call: no task, no worker's keeper, no lock.

use crate::work::{End, LONG, Panic, TestPool, Work, until};

#[test]
fn a_panic_in_the_owners_code_ends_the_task_and_the_pool_goes_on() {
    let pool = TestPool::new(1, "honest");
    let end = pool.run(Work::new("echo x").panic(Panic::Start));
    assert!(end.text().contains("prepares the task panicked"), "{end:?}");
    let end = pool.run(Work::new("fetch x").panic(Panic::Fetch));
    assert!(end.text().contains("answers its question panicked"), "{end:?}");
    let end = pool.run(Work::new("echo x").panic(Panic::Finish));
    assert!(end.text().contains("settles the task panicked"), "{end:?}");
    assert_eq!(pool.ask("echo alive"), b"alive");
    until(|| (pool.pool.stats().outstanding == 0).then_some(()));
}

#[test]
fn a_job_that_will_not_end_is_abandoned() {
    let pool = TestPool::new(1, "honest");
    let task = pool.submit(Work::new("echo x").panic(Panic::Always));
    assert_eq!(task.wait(Some(LONG)), None);
    assert!(task.has_ended());
    task.on_done(|_| unreachable!("there is no output"));
    assert_eq!(pool.ask("echo alive"), b"alive");
}

#[test]
fn a_panic_in_a_callback_keeps_no_other_from_being_called() {
    let pool = TestPool::new(1, "honest");
    let blocker = pool.submit(Work::new("hang"));
    let task = pool.submit(Work::new("echo x"));
    task.on_done(|_| panic!("a panic that a test planted"));
    let (sender, receiver) = std::sync::mpsc::channel();
    task.on_done(move |end| sender.send(*end == End::Done(b"x".to_vec())).unwrap());
    blocker.cancel();
    assert_eq!(receiver.recv_timeout(LONG), Ok(true));
    assert_eq!(pool.ask("echo alive"), b"alive");
}
