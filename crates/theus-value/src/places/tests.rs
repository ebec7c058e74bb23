//! The tree against a slow obvious twin, with its invariants, also at places that no test can push its way to.

use super::*;
use crate::value::Value;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;

type Twin = BTreeMap<u64, Value>;

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    /// Change one of the live places; the same few again and again, so that they become hot.
    Change(u8, bool),
    ChangeAny(Index),
    Remove(Index),
    /// Remove all but a few, so that the tree folds up.
    Thin(usize),
    /// Leave out as many places as two to this power: as if so many had been there and were gone.
    Skip(u32),
    Keep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..70).prop_map(Step::Push),
        8 => (0_u8..12, any::<bool>()).prop_map(|(at, text)| Step::Change(at, text)),
        2 => any::<Index>().prop_map(Step::ChangeAny),
        4 => any::<Index>().prop_map(Step::Remove),
        1 => (2_usize..40).prop_map(Step::Thin),
        1 => (0_u32..60).prop_map(Step::Skip),
        2 => Just(Step::Keep),
    ]
}

fn nth(twin: &Twin, at: usize) -> Option<u64> {
    twin.keys().nth(at % twin.len().max(1)).copied()
}

/// As if all places up to the next multiple of [`WIDTH`], and then `gap` more, had been given out and emptied.
fn skip(places: &mut Places<Value>, twin: &mut Twin, gap: u64) {
    while places.next != places.tail_start() {
        twin.insert(places.push(Value::Null), Value::Null);
    }
    places.next = (places.next.saturating_add(gap) & !(WIDTH - 1)).min(!0xffff);
}

fn take(step: Step, places: &mut Places<Value>, twin: &mut Twin, clock: i64) {
    let change = |places: &mut Places<Value>, twin: &mut Twin, place: u64, value: Value| {
        assert_eq!(
            places.get_mut(place).map(|have| std::mem::replace(have, value.clone())),
            twin.insert(place, value)
        );
    };
    match step {
        Step::Push(count) => (0..count).for_each(|n| {
            let value = Value::from(clock * 100 + n as i64);
            twin.insert(places.push(value.clone()), value);
        }),
        Step::Change(at, text) => {
            let value = if text { Value::from(clock.to_string()) } else { Value::from(clock) };
            nth(twin, usize::from(at) * 7).into_iter().for_each(|at| change(places, twin, at, value.clone()));
        }
        Step::ChangeAny(at) => {
            nth(twin, at.index(1 << 20))
                .into_iter()
                .for_each(|at| change(places, twin, at, Value::from(clock)));
        }
        Step::Remove(at) => {
            let Some(place) = nth(twin, at.index(1 << 20)) else { return };
            assert_eq!(places.remove(place), twin.remove(&place));
            assert_eq!(places.remove(place), None);
        }
        Step::Thin(every) => {
            let doomed: Vec<u64> =
                twin.keys().enumerate().filter(|(n, _)| n % every != 0).map(|(_, at)| *at).collect();
            doomed.iter().for_each(|at| assert_eq!(places.remove(*at), twin.remove(at)));
        }
        Step::Skip(power) => skip(places, twin, 1 << power),
        Step::Keep => {}
    }
}

/// Everything that can be asked, and the invariants of the nodes.
fn check(places: &Places<Value>, twin: &Twin) {
    assert_eq!(places.len(), twin.len());
    assert!(places.iter().eq(twin.values()));
    assert!(twin.iter().all(|(at, value)| places.get(*at) == Some(value)));
    for absent in [0, 1, 15, 16, 17, 255, 4096, places.next, places.next.wrapping_sub(1), u64::MAX] {
        assert_eq!(places.get(absent), twin.get(&absent));
        assert_eq!(places.clone().get_mut(absent).cloned().as_ref(), twin.get(&absent));
    }
    if let Some(root) = &places.root {
        whole(root, u32::from(u8::MAX), 0);
    }
    for (place, _) in places.hot.sorted() {
        assert!(places.root.as_ref().is_some_and(|root| root.get(place).is_some()));
    }
}

/// Checks a node whose parent decides the four bits at `above` and the places of which begin at `low`.
fn whole<T>(node: &Node<T>, above: u32, low: u64) {
    let (mask, shift, base, count) = match node {
        Node::Branch { children, mask, shift, base } => (*mask, u32::from(*shift), *base, children.len()),
        Node::Leaf { items, mask, base } => (*mask, 0, *base, items.len()),
    };
    let is_leaf = matches!(node, Node::Leaf { .. });
    assert_eq!(mask.count_ones() as usize, count);
    assert!(count >= if is_leaf { 1 } else { 2 }, "a node that should not exist");
    assert!(shift < above && shift.is_multiple_of(4) && (is_leaf || shift >= 4));
    assert_eq!(base.checked_shr(shift + 4).unwrap_or(0) << 4 << shift, base, "own bits in the base");
    assert!(base >= low && (above > 63 || (base - low) >> above == 0), "a node in the wrong place");
    if let Node::Branch { children, mask, shift, base } = node {
        let slots = (0..16).filter(|slot| mask & (1 << slot) != 0);
        slots
            .zip(&**children)
            .for_each(|(slot, child)| whole(child, u32::from(*shift), base | slot << shift));
    }
}

proptest! {
    #[test]
    fn does_what_an_ordered_map_does(steps in proptest::collection::vec(step(), 0..60)) {
        let (mut places, mut twin) = (Places::default(), Twin::new());
        let mut kept = Vec::new();
        for (clock, step) in steps.into_iter().enumerate() {
            if matches!(step, Step::Keep) {
                kept.push((places.clone(), twin.clone()));
            }
            take(step, &mut places, &mut twin, clock as i64);
            check(&places, &twin);
        }
        for (places, twin) in &mut kept {
            check(places, twin);
            // An old version goes on by itself.
            (0..10).for_each(|n| take(Step::Change(n, n % 2 == 0), places, twin, -i64::from(n)));
            check(places, twin);
        }
    }
}

#[test]
fn the_newest_possible_places_work() {
    let (mut places, mut twin) = (Places::default(), Twin::new());
    take(Step::Push(40), &mut places, &mut twin, 1);
    for power in [4, 8, 20, 40, 63, 63] {
        skip(&mut places, &mut twin, 1 << power);
        take(Step::Push(33), &mut places, &mut twin, 2);
        check(&places, &twin);
    }
    assert!(places.next > u64::MAX - 0x1_0000);
    take(Step::Thin(9), &mut places, &mut twin, 3);
    check(&places, &twin);
}

#[test]
fn a_place_written_again_leaves_nothing_of_its_old_value_behind() {
    let text: Arc<str> = Arc::from("held");
    let mut places: Places<Value> = (0..1000).map(Value::from).collect();
    for n in 0..5 {
        let before = places.clone();
        *places.get_mut(7).unwrap() = Value::Str(Arc::clone(&text));
        drop(before);
        assert_eq!(Arc::strong_count(&text), 2, "after write {n}");
    }
    assert!(places.hot.get(7).is_some());
    let before = places.clone();
    assert_eq!(places.remove(7), Some(Value::Str(Arc::clone(&text))));
    drop(before);
    assert_eq!(Arc::strong_count(&text), 1);
}

#[test]
fn a_place_written_again_and_again_leaves_the_tree_alone() {
    let mut places: Places<Value> = (0..1000).map(Value::from).collect();
    let mut root_of = |place: u64| {
        places = places.clone();
        let _before = places.clone();
        *places.get_mut(place).unwrap() = Value::Null;
        let Some(Node::Branch { children, .. }) = &places.root else { panic!("many items make a branch") };
        Arc::clone(children)
    };
    let mut roots: Vec<_> = (0..3).map(|_| root_of(7)).collect();
    assert!(Arc::ptr_eq(&roots[1], &roots[2]) && Arc::ptr_eq(&roots[0], &roots[1]));
    // A sweep cools it down.
    roots.push(root_of(500));
    (0..20).for_each(|n| drop(root_of(n * 16)));
    roots.push(root_of(7));
    assert!(!Arc::ptr_eq(&roots[3], &roots[4]));
}

#[test]
fn what_cools_down_goes_back_into_the_tree() {
    let mut places: Places<Value> = (0..1000).map(Value::from).collect();
    let mut twin: Twin = (0..1000).map(|n| (n, Value::from(n as i64))).collect();
    for n in 0..60 {
        let _before = places.clone();
        // Three writes in a row make a place hot; the ones before it are pushed out after eight others.
        take(Step::Change((n / 3) as u8, n % 2 == 0), &mut places, &mut twin, n);
        check(&places, &twin);
    }
    assert_eq!(places.hot.sorted().len(), 8);
}
