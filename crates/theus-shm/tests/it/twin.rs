//! The arena against a slow, obvious twin: a list of live blocks and a sum.

use proptest::prelude::*;
use theus_shm::{AllocError, Arena, ArenaOptions, Block};

const CAPACITY: u64 = 12 << 20;

#[derive(Debug, Clone)]
enum Step {
    Alloc { len: usize, align: usize, zeroed: bool },
    Free(prop::sample::Index),
    Trim,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let len = prop_oneof![
        6 => 0usize..5000,
        3 => 5000usize..400_000,
        2 => 1_000_000usize..3_000_000,
        1 => Just(1usize << 20),
        1 => Just((1usize << 20) - 1),
        1 => 6_000_000usize..14_000_000,
    ];
    // All that are allowed, 1 to a page.
    let align = prop_oneof![1 => Just(64usize), 1 => (0u32..=12).prop_map(|power| 1 << power)];
    let step = prop_oneof![
        10 => (len, align, any::<bool>()).prop_map(|(len, align, zeroed)| Step::Alloc { len, align, zeroed }),
        8 => any::<prop::sample::Index>().prop_map(Step::Free),
        1 => Just(Step::Trim),
    ];
    prop::collection::vec(step, 1..60)
}

struct Live {
    block: Block,
    mark: u8,
    charge: u64,
}

impl Live {
    fn range(&self) -> (u64, std::ops::Range<u64>) {
        let (segment, offset) = self.block.id();
        (segment, offset..offset + self.block.len() as u64)
    }

    fn is_intact(&self) -> bool {
        self.block.to_vec().iter().all(|byte| *byte == self.mark)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_hands_out_what_the_twin_says(steps in steps()) {
        let arena = Arena::new(ArenaOptions { capacity: CAPACITY });
        let mut live: Vec<Live> = Vec::new();
        let mut used = 0;
        for (i, step) in steps.into_iter().enumerate() {
            match step {
                Step::Alloc { len, align, zeroed } => {
                    let charge = (len.max(1) as u64).next_multiple_of(64);
                    match arena.alloc_aligned(len, align, zeroed) {
                        Ok(block) => {
                            prop_assert!(used + charge <= CAPACITY, "beyond the capacity");
                            used += charge;
                            let mut new = Live { block, mark: i as u8 + 1, charge };
                            check_new(&new, &live, align, zeroed)?;
                            new.block.bytes_mut().fill(new.mark);
                            live.push(new);
                        }
                        Err(AllocError::Capacity { asked, used: told, capacity }) => {
                            prop_assert!(used + charge > CAPACITY, "refused although there is room");
                            prop_assert_eq!((asked, told, capacity), (len as u64, used, CAPACITY));
                        }
                        Err(other) => return Err(TestCaseError::fail(other.to_string())),
                    }
                }
                Step::Free(which) if !live.is_empty() => {
                    let gone = live.swap_remove(which.index(live.len()));
                    prop_assert!(gone.is_intact(), "somebody wrote into {:?}", gone.block);
                    used -= gone.charge;
                }
                Step::Free(_) => {}
                Step::Trim => arena.trim(),
            }
            let stats = arena.stats();
            prop_assert_eq!((stats.used, stats.free), (used, CAPACITY - used));
            prop_assert_eq!(stats.blocks, live.len() as u64);
            prop_assert!(stats.reserved >= stats.kept + used - used / 64);
        }
        prop_assert!(live.iter().all(Live::is_intact));
        drop(live);
        arena.trim();
        let stats = arena.stats();
        prop_assert_eq!((stats.used, stats.segments, stats.reserved), (0, 0, 0), "all comes back");
    }
}

fn check_new(new: &Live, live: &[Live], align: usize, zeroed: bool) -> Result<(), TestCaseError> {
    let (segment, range) = new.range();
    let align = if new.block.len() >= 1 << 20 { 4096 } else { align.max(64) };
    prop_assert_eq!(new.block.as_ptr().align_offset(align), 0);
    prop_assert!(range.end <= new.block.segment().len() as u64);
    for other in live {
        let (other_segment, other_range) = other.range();
        let apart =
            other_segment != segment || other_range.end <= range.start || range.end <= other_range.start;
        prop_assert!(apart, "{:?} and {:?} overlap", new.block, other.block);
    }
    if zeroed {
        prop_assert!(new.block.to_vec().iter().all(|byte| *byte == 0), "not zero: {:?}", new.block);
    }
    Ok(())
}
