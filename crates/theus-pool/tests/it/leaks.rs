//! Nothing is left: no process, no descriptor, no thread. Runs in a process of its own, since the other tests of this
//! one open descriptors meanwhile.

use crate::work::{TestPool, Work, until};
use std::process::Command;
use std::time::Duration;

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

fn children() -> String {
    let mut all = String::new();
    for thread in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        all += &std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
    }
    all
}

#[test]
fn nothing_is_left_of_a_pool() {
    let program = std::env::current_exe().unwrap();
    let ended = Command::new(program).args(["leaks::alone", "--exact", "--ignored"]).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}

#[test]
#[ignore = "run by nothing_is_left_of_a_pool"]
fn alone() {
    let before = (entries("/proc/self/fd"), entries("/proc/self/task"));
    for round in 0..5 {
        let pool = TestPool::new(3, "honest");
        for _ in 0..20 {
            pool.ask("make 100000");
            pool.run(Work::new("kill"));
        }
        let hung: Vec<_> = (0..10).map(|_| pool.submit(Work::new("hang"))).collect();
        pool.worker_of(&hung[0]);
        if round % 2 == 0 {
            pool.pool.shutdown(Duration::from_millis(20));
        }
        drop((pool, hung));
        // The threads of the watcher and the timers end on their own.
        until(|| (entries("/proc/self/task") == before.1).then_some(()));
        assert_eq!(children(), "");
        assert_eq!(entries("/proc/self/fd"), before.0);
    }
}
