//! Leases against a slow twin: an owner and a holder that talk over two queues, and every order of what they do.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use theus_shm::{Arena, ArenaOptions, Block, Leases};

/// What the two do, one step at a time.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The owner sends a block, by its place in the row.
    Give(usize),
    /// The holder takes the next message.
    Take,
    /// The holder lets go of a block that it has.
    LetGo(usize),
    /// The holder says what it keeps.
    State,
    /// The owner takes the next statement.
    Hear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..4_usize).prop_map(Step::Give),
        3 => Just(Step::Take),
        2 => (0..4_usize).prop_map(Step::LetGo),
        2 => Just(Step::State),
        2 => Just(Step::Hear),
    ];
    proptest::collection::vec(step, 0..60)
}

/// A bug that the check must find.
#[derive(Clone, Copy, PartialEq)]
enum Planted {
    None,
    /// The holder claims to have seen more than it has.
    SeenTooMuch,
    /// The holder's statements leave a block out.
    LeavesOneOut,
}

/// Runs the steps; an error says which block was given up although the holder has it, or will get it.
fn run(steps: &[Step], planted: Planted) -> Result<(), String> {
    let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
    let blocks: Vec<Arc<Block>> = (0..4).map(|_| Arc::new(arena.alloc(64, true).unwrap())).collect();
    let mut leases = Leases::new();
    let (mut sent, mut seen) = (0, 0);
    let (mut messages, mut statements) = (VecDeque::new(), VecDeque::new());
    let mut held: HashSet<usize> = HashSet::new();
    for step in steps {
        match *step {
            Step::Give(at) => {
                sent += 1;
                messages.push_back(at);
                leases.grant(&blocks[at], sent);
            }
            Step::Take => {
                if let Some(at) = messages.pop_front() {
                    seen += 1;
                    held.insert(at);
                }
            }
            Step::LetGo(at) => {
                held.remove(&at);
            }
            Step::State => {
                let claimed = if planted == Planted::SeenTooMuch { sent } else { seen };
                let mut kept: Vec<u64> = held.iter().map(|at| blocks[*at].serial()).collect();
                if planted == Planted::LeavesOneOut {
                    kept.pop();
                }
                statements.push_back((claimed, kept));
            }
            Step::Hear => {
                if let Some((seen, kept)) = statements.pop_front() {
                    for gone in leases.state(seen, kept) {
                        let at = blocks.iter().position(|block| block.serial() == gone.serial()).unwrap();
                        if held.contains(&at) {
                            return Err(format!("block {at} is held"));
                        }
                    }
                }
            }
        }
        for at in held.iter().chain(&messages) {
            if leases.block(blocks[*at].serial()).is_none() {
                return Err(format!("block {at} is held or on its way, and has no lease"));
            }
        }
    }
    // Once all is said and heard, there are leases of what is held and of nothing else.
    held.extend(messages);
    leases.state(sent, held.iter().map(|at| blocks[*at].serial()));
    if leases.len() != held.len() {
        return Err(format!("{} leases of {} held", leases.len(), held.len()));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_block_is_given_up_that_the_holder_has_or_will_get(steps in steps()) {
        run(&steps, Planted::None).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn planted_bugs_of_the_holder_are_found() {
    for planted in [Planted::SeenTooMuch, Planted::LeavesOneOut] {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let found = (0..2000).any(|_| {
            let steps = steps().new_tree(&mut runner).unwrap().current();
            run(&steps, planted).is_err()
        });
        assert!(found);
    }
}

#[test]
fn a_holder_is_asked_again_until_it_has_said_that_it_keeps_a_block() {
    let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
    let block = Arc::new(arena.alloc(64, true).unwrap());
    let mut leases = Leases::new();
    assert!(!leases.is_kept(block.serial()));
    leases.grant(&block, 1);
    assert!(!leases.is_kept(block.serial()));
    leases.state(1, [block.serial()]);
    assert!(leases.is_kept(block.serial()));
    leases.grant(&block, 2);
    assert!(leases.is_kept(block.serial()));
    // It let go before it saw the second message.
    assert!(leases.state(1, []).is_empty());
    assert!(!leases.is_kept(block.serial()) && leases.block(block.serial()).is_some());
    leases.grant(&block, 3);
    assert!(!leases.is_kept(block.serial()));
    assert_eq!(leases.state(3, []).len(), 1);
    assert!(leases.is_empty());
}
