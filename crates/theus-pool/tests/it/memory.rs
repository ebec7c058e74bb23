//! Memory between the Brain and its workers: leases of what a worker was given, and what comes with its results.

use crate::hand::{launch, pattern};
use crate::work::{End, LONG, TestPool, Work, until};
use std::sync::Arc;
use theus_shm::{Arena, ArenaOptions, Block};

fn arena() -> Arc<Arena> {
    Arena::new(ArenaOptions { capacity: 64 << 20 })
}

fn block(arena: &Arc<Arena>, len: usize) -> Arc<Block> {
    Arc::new(arena.alloc(len, true).unwrap())
}

fn given(word: &str, block: &Arc<Block>) -> Work {
    let mut work = Work::new(format!("{word} {}", block.serial()));
    work.blocks = vec![Arc::clone(block)];
    work
}

/// Blocks of the arena in use, once it is this many.
fn wait_for(arena: &Arena, blocks: u64) {
    until(|| (arena.stats().blocks == blocks).then_some(()));
}

#[test]
fn a_block_that_the_worker_does_not_keep_is_free_with_its_task() {
    let (pool, arena) = (TestPool::new(1, "honest"), arena());
    // However the task ends: with a result, with one that has memory beside it, or with an error.
    for word in ["echo", "attach-memory", "fail"] {
        pool.run(given(word, &block(&arena, 100)));
        wait_for(&arena, 0);
    }
}

#[test]
fn a_block_that_the_worker_keeps_stays_in_use_until_it_lets_go() {
    let (pool, arena) = (TestPool::new(1, "honest"), arena());
    let (kept, other) = (block(&arena, 100), block(&arena, 100));
    pool.run(given("keep", &kept));
    pool.run(given("keep", &other));
    drop((kept, other));
    for _ in 0..20 {
        pool.ask("echo x");
    }
    assert_eq!(arena.stats().blocks, 2);
    pool.ask("let-go 1");
    wait_for(&arena, 1);
    pool.ask("let-go 1");
    wait_for(&arena, 0);
}

#[test]
fn what_a_worker_keeps_ends_with_the_worker() {
    let (pool, arena) = (TestPool::new(1, "honest"), arena());
    pool.run(given("keep", &block(&arena, 100)));
    assert_eq!(arena.stats().blocks, 1);
    assert!(matches!(*pool.run(Work::new("kill")), End::Crashed(_)));
    wait_for(&arena, 0);
}

#[test]
fn a_block_given_again_while_the_worker_lets_go_of_it_stays_in_use() {
    let (pool, arena) = (TestPool::new(1, "honest"), arena());
    let again = block(&arena, 100);
    for round in 0..300 {
        // The worker says that it keeps nothing at about the moment when it is given the block again.
        pool.run(given("keep", &again));
        pool.ask("let-go-late 1");
        pool.run(given("keep", &again));
        assert_eq!(Arc::strong_count(&again), 2, "round {round}");
        pool.ask("let-go 1");
        until(|| (Arc::strong_count(&again) == 1).then_some(()));
    }
}

#[test]
fn a_worker_that_was_told_of_many_blocks_keeps_just_some() {
    let (pool, arena) = (TestPool::new(1, "honest"), arena());
    let blocks: Vec<_> = (0..5000).map(|_| block(&arena, 64)).collect();
    let keeps = blocks[4711].serial();
    let mut work = Work::new(format!("keep {keeps}"));
    work.blocks = blocks.clone();
    pool.run(work);
    drop(blocks);
    wait_for(&arena, 1);
}

#[test]
fn memory_comes_with_a_result_in_every_way() {
    let (pool, arena) = (TestPool::new(1, "honest"), arena());
    for len in [1, 4096, 100_000, 5_000_000] {
        assert_eq!(
            pool.ask(format!("attach-memory {len}")),
            pattern(len),
            "{len} bytes of the worker's memory"
        );
        assert_eq!(pool.ask(format!("attach-sealed {len}")), pattern(len), "{len} bytes sealed");
        // The body is in a file of its own when the table or it is large.
        let many = pool.ask(format!("attach-many {len}"));
        assert_eq!(many.len(), 50 * len.min(1000) + 40_000);
    }
    let own = block(&arena, 1000);
    own.write_at(0, &pattern(1000)).unwrap();
    assert_eq!(*pool.run(given("attach-leased", &own)), End::Done(pattern(1000)));
    assert_eq!(pool.pool.stats().workers_ended, 0);
}

#[test]
fn a_worker_that_dies_with_its_result_unread_costs_an_attempt_and_no_wrong_byte() {
    let pool = TestPool::new(1, "honest");
    let (mut done, mut lost) = (0, 0);
    for _ in 0..40 {
        match &*pool.run(Work::new("attach-and-die 3000000")) {
            End::Done(bytes) => {
                assert!(*bytes == pattern(3_000_000));
                done += 1;
            }
            End::Crashed(_) => lost += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(done + lost, 40);
    assert_eq!(pool.ask("attach-memory 3000000"), pattern(3_000_000), "the pool goes on");
}

#[test]
fn what_comes_with_a_result_does_not_count_against_the_capacity() {
    let pool = TestPool::with(1, launch("honest"), LONG, 2 << 20);
    for way in ["attach-memory", "attach-sealed"] {
        assert_eq!(pool.ask(format!("{way} 5000000")), pattern(5_000_000));
    }
}

#[test]
fn without_memory_for_what_comes_with_a_result_the_job_is_told() {
    let pool = TestPool::new(1, "honest");
    // More than any machine has; the worker has not got it either, but nobody looks that far.
    let end = pool.ask(format!("claim-memory {}", 1_u64 << 50));
    let text = String::from_utf8(end).unwrap();
    assert!(text.contains("1125899906842624 bytes of shared memory"), "{text}");
    assert_eq!(pool.ask("attach-memory 50000"), pattern(50_000));
    assert_eq!(pool.pool.stats().workers_ended, 0);
}

#[test]
fn memory_that_cannot_be_copied_is_told_and_costs_no_worker() {
    let pool = TestPool::new(1, "honest");
    for word in ["attach-nowhere 4096", "attach-beyond 4096"] {
        let text = String::from_utf8(pool.ask(word)).unwrap();
        assert!(text.contains("4096 bytes of the worker's memory cannot be copied"), "{text}");
    }
    assert_eq!(pool.ask("attach-memory 50000"), pattern(50_000));
    assert_eq!(pool.pool.stats().workers_ended, 0);
}

#[test]
fn what_is_attached_twice_is_copied_once() {
    let pool = TestPool::with(1, launch("honest"), LONG, 2 << 20);
    let twice = pool.ask("attach-twice 1000000");
    assert_eq!(twice, [pattern(1_000_000), pattern(1_000_000)].concat());
}

#[test]
fn a_worker_that_was_given_a_block_again_and_does_not_keep_it_holds_it_no_longer() {
    let (pool, arena) = (TestPool::new(1, "honest"), arena());
    let again = block(&arena, 100);
    for _ in 0..200 {
        pool.run(given("keep", &again));
        pool.ask("let-go-late 1");
        // At about the moment when the worker says that it keeps nothing.
        pool.run(given("echo", &again));
        until(|| {
            pool.ask("echo x");
            (Arc::strong_count(&again) == 1).then_some(())
        });
    }
}
