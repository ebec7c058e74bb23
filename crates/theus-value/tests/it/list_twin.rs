//! The list against a slow obvious twin: a vector.

use proptest::prelude::*;
use theus_value::{List, Value};

proptest! {
    #[test]
    fn does_what_a_vector_does(
        start in prop_oneof![0usize..80, 250usize..290],
        steps in proptest::collection::vec((any::<prop::sample::Index>(), any::<i64>(), 0u8..5), 0..120),
    ) {
        let mut twin: Vec<Value> = (0..start as i64).map(Value::from).collect();
        let mut list = List::from(twin.clone());
        let mut kept = Vec::new();
        for (at, n, what) in steps {
            match what {
                0 | 2 if !twin.is_empty() => {
                    // Every other change is at the same few places, over and over.
                    let at = if what == 0 { at.index(twin.len()) } else { at.index(twin.len().min(3)) };
                    *list.get_mut(at).unwrap() = Value::from(n);
                    twin[at] = Value::from(n);
                }
                1 => kept.push((list.clone(), twin.clone())),
                _ => {
                    list.push(Value::from(n));
                    twin.push(Value::from(n));
                }
            }
        }
        kept.push((list, twin));
        for (mut list, twin) in kept {
            prop_assert_eq!(list.len(), twin.len());
            prop_assert_eq!(list.iter().len(), twin.len());
            prop_assert!(list.iter().eq(twin.iter()));
            prop_assert!((0..=twin.len()).all(|at| list.get(at) == twin.get(at)));
            prop_assert!(list.get_mut(twin.len()).is_none());
            prop_assert_eq!(&list, &twin.into_iter().collect::<List>());
        }
    }
}

#[test]
fn an_index_past_the_end_copies_nothing() {
    for size in [0_i64, 1, 32, 33, 1000] {
        let old: List = (0..size).map(Value::from).collect();
        let mut new = old.clone();
        assert!(new.get_mut(old.len()).is_none() && new.get_mut(usize::MAX).is_none());
        assert!(new.ptr_eq(&old), "{size}");
    }
}
