//! The trail against its slow, obvious twin: a list that forgets nothing.

use proptest::prelude::*;
use theus_audit::{Entry, Filter, Outcome, Trail};

const PROCESSES: [&str; 3] = ["alpha", "beta", "gamma"];

#[derive(Clone, Debug)]
enum Step {
    Append { process: usize, outcome: usize, error: Option<String> },
    Read { process: Option<usize>, since: Option<u64> },
}

fn step() -> impl Strategy<Value = Step> {
    let append = (0..PROCESSES.len(), 0..Outcome::ALL.len(), proptest::option::of("[a-zé]{0,20}"))
        .prop_map(|(process, outcome, error)| Step::Append { process, outcome, error });
    let read = (proptest::option::of(0..PROCESSES.len()), proptest::option::of(0..40u64))
        .prop_map(|(process, since)| Step::Read { process, since });
    prop_oneof![3 => append, 1 => read]
}

proptest! {
    #[test]
    fn the_trail_does_what_a_list_does(capacity in 0..12usize, steps in proptest::collection::vec(step(), 0..60)) {
        let trail = Trail::new(capacity);
        let mut twin: Vec<Entry> = Vec::new();
        for step in steps {
            match step {
                Step::Append { process, outcome, error } => {
                    let mut entry = Entry::new(PROCESSES[process], twin.len() as u64, Outcome::ALL[outcome]);
                    entry.error = error;
                    twin.push(entry.clone());
                    prop_assert_eq!(trail.append(entry), twin.len() as u64);
                }
                Step::Read { process, since } => {
                    let process = process.map(|index| PROCESSES[index]);
                    let expected: Vec<(u64, Entry)> = (1..)
                        .zip(twin.iter().cloned())
                        .skip(twin.len().saturating_sub(capacity))
                        .filter(|(number, entry)| {
                            process.is_none_or(|process| *entry.process == *process)
                                && since.is_none_or(|since| *number >= since)
                        })
                        .collect();
                    let records = trail.records(Filter { process, since });
                    prop_assert!(records.iter().all(|record| record.is_intact()));
                    let seen: Vec<(u64, Entry)> = records
                        .iter()
                        .map(|record| {
                            let mut entry = Entry::new(record.process.clone(), record.task, record.outcome);
                            entry.error.clone_from(&record.error);
                            (record.number, entry)
                        })
                        .collect();
                    prop_assert_eq!(seen, expected);
                }
            }
            prop_assert_eq!(trail.len(), twin.len() as u64);
            for (outcome, count) in trail.counts().iter() {
                prop_assert_eq!(count, twin.iter().filter(|entry| entry.outcome == outcome).count() as u64);
            }
        }
    }
}
