//! The heavy zone by names: allocate, find, replace, take out; who keeps which bytes.

use crate::stage::{engine, path, records};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use theus::{Closed, Engine, HeavyError, HeavyZone, Isolation, Outcome, Refusal, Update, Value, block_of};
use theus_value::Heavy;

fn filled(zone: &HeavyZone, name: &str, byte: u8) -> Heavy {
    let array = zone.alloc(name, "|u1", &[1000]).unwrap();
    block_of(&array).unwrap().write_at(0, &[byte; 1000]).unwrap();
    array
}

fn publish(engine: &Engine, zone: &HeavyZone, name: &str, array: Heavy) {
    zone.publish(None, name, array, engine.snapshot().version()).unwrap();
}

fn bytes(array: &Heavy) -> Vec<u8> {
    block_of(array).unwrap().to_vec()
}

fn used(engine: &Engine) -> u64 {
    engine.arena().stats().used
}

#[test]
fn a_name_stands_for_an_array_without_keeping_it() {
    let engine = engine();
    let zone = HeavyZone::new(&engine);
    let array = filled(&zone, "m", 7);
    let found = zone.get("m").unwrap();
    assert!(!found.published && bytes(&found.array) == vec![7; 1000]);
    drop((array, found));
    assert_eq!(used(&engine), 0);
    assert!(matches!(zone.get("m"), Err(HeavyError::Unknown { .. })));
}

#[test]
fn what_is_published_comes_before_what_was_allocated() {
    let engine = engine();
    let zone = HeavyZone::new(&engine);
    publish(&engine, &zone, "m", filled(&zone, "m", 1));
    let _held = filled(&zone, "m", 2);
    let found = zone.get("m").unwrap();
    assert!(found.published && bytes(&found.array) == vec![1; 1000]);
}

#[test]
fn a_successor_leaves_older_snapshots_their_bytes() {
    let engine = engine();
    let zone = HeavyZone::new(&engine);
    publish(&engine, &zone, "m", filled(&zone, "m", 1));
    let old = zone.get("m").unwrap().array;
    let next = zone.successor("m", true).unwrap();
    assert_eq!(bytes(&next.array), vec![1; 1000]);
    block_of(&next.array).unwrap().write_at(0, &[2; 1000]).unwrap();
    assert_eq!(bytes(&zone.get("m").unwrap().array), vec![1; 1000], "private until it is published");
    assert_eq!(zone.publish(None, "m", next.array, next.base).unwrap(), next.base + 1);
    assert_eq!(bytes(&zone.get("m").unwrap().array), vec![2; 1000]);
    assert_eq!(bytes(&old), vec![1; 1000]);
    assert_eq!(bytes(&zone.successor("m", false).unwrap().array), vec![0; 1000]);
}

#[test]
fn a_successor_conflicts_with_another_version_of_the_same_array_only() {
    let engine = engine();
    let zone = HeavyZone::new(&engine);
    publish(&engine, &zone, "m", filled(&zone, "m", 1));
    publish(&engine, &zone, "n", filled(&zone, "n", 1));
    let (first, second) = (zone.successor("m", true).unwrap(), zone.successor("m", true).unwrap());
    publish(&engine, &zone, "n", filled(&zone, "n", 2));
    zone.publish(None, "m", first.array, first.base).unwrap();
    let used = used(&engine);
    let refused = zone.publish(None, "m", second.array.clone(), second.base).unwrap_err();
    assert!(matches!(refused, HeavyError::Refused(Refusal::Conflict { .. })), "{refused}");
    drop((second, refused));
    assert!(engine.arena().stats().used < used, "the refused one is freed");
    engine.set_isolation(Isolation::Strict);
    let third = zone.successor("m", true).unwrap();
    publish(&engine, &zone, "n", filled(&zone, "n", 3));
    assert!(zone.publish(None, "m", third.array, third.base).is_err(), "strict: any change refuses");
}

#[test]
fn only_what_is_published_has_a_successor() {
    let engine = engine();
    let zone = HeavyZone::new(&engine);
    let _held = filled(&zone, "m", 1);
    assert!(matches!(zone.successor("m", true), Err(HeavyError::Unpublished { .. })));
    let Err(error) = zone.successor("n", true) else { panic!("nothing has this name") };
    assert!(error.to_string().contains("'n'") && error.to_string().contains("known are: m"), "{error}");
    let mut update = Update::new();
    update.set(path("heavy.note"), Value::from("text"));
    engine.compare_and_swap(engine.snapshot().version(), update).unwrap();
    assert!(matches!(zone.get("note"), Err(HeavyError::NotAnArray { .. })));
}

#[test]
fn free_takes_the_name_and_leaves_holders_their_bytes() {
    let engine = engine();
    let zone = HeavyZone::new(&engine);
    publish(&engine, &zone, "m", filled(&zone, "m", 1));
    let held = zone.get("m").unwrap().array;
    zone.free(None, "m").unwrap();
    assert!(engine.snapshot().get(&path("heavy.m")).is_none());
    assert_eq!(bytes(&held), vec![1; 1000]);
    drop(held);
    assert_eq!(used(&engine), 0);
    assert!(matches!(zone.free(None, "m"), Err(HeavyError::Unknown { .. })));
    let records = records(&engine);
    let last = records.last().unwrap();
    assert_eq!(
        (last.outcome, &*last.process, last.reason.as_deref()),
        (Outcome::Committed, "heavy.free", Some("its owner freed it"))
    );
}

#[test]
fn a_block_that_was_replaced_frees_nothing() {
    let engine = engine();
    let zone = HeavyZone::new(&engine);
    let old = filled(&zone, "m", 1);
    let serial = old.block.serial;
    publish(&engine, &zone, "m", old.clone());
    publish(&engine, &zone, "m", filled(&zone, "other", 2));
    assert!(zone.free_block(None, serial).unwrap(), "it still had its name as an allocated one");
    assert!(!zone.free_block(None, serial).unwrap());
    assert_eq!(bytes(&zone.get("m").unwrap().array), vec![2; 1000]);
    let published = zone.get("m").unwrap().array.block.serial;
    assert_eq!(zone.name_of(published).as_deref(), Some("m"));
    assert!(zone.free_block(None, published).unwrap());
    assert!(zone.get("m").is_err());
}

#[test]
fn dots_lead_into_maps() {
    let engine = engine();
    let zone = HeavyZone::new(&engine);
    publish(&engine, &zone, "cameras.left", filled(&zone, "x", 1));
    assert!(engine.snapshot().get(&path("heavy.cameras.left")).is_some());
    let serial = zone.get("cameras.left").unwrap().array.block.serial;
    assert_eq!(zone.name_of(serial).as_deref(), Some("cameras.left"));
    for name in ["", ".", "a..b", "a."] {
        assert!(matches!(zone.get(name), Err(HeavyError::Name { .. })), "{name:?}");
        assert!(matches!(zone.alloc(name, "|u1", &[1]), Err(HeavyError::Name { .. })), "{name:?}");
    }
}

#[test]
fn a_refused_array_leaves_state_and_names_as_they_were() {
    let engine = Engine::builder().heap_bytes(1 << 20).build();
    let zone = HeavyZone::new(&engine);
    publish(&engine, &zone, "m", filled(&zone, "m", 1));
    let before = used(&engine);
    for (dtype, shape) in [("|u1", vec![2 << 20]), ("|O", vec![1]), ("<f4", vec![u64::MAX])] {
        assert!(matches!(zone.alloc("m", dtype, &shape), Err(HeavyError::Array(_))), "{dtype} {shape:?}");
    }
    let _rest = zone.alloc("rest", "|u1", &[(1 << 20) - 1500]).unwrap();
    assert!(matches!(zone.successor("m", true), Err(HeavyError::Array(_))));
    assert_eq!(engine.snapshot().version(), 1);
    assert_eq!(bytes(&zone.get("m").unwrap().array), vec![1; 1000]);
    drop(_rest);
    assert_eq!(used(&engine), before);
}

#[test]
fn after_shutdown_everything_but_cleanup_is_refused() {
    let engine = engine();
    let zone = HeavyZone::new(&engine);
    let held = filled(&zone, "m", 7);
    engine.shutdown(std::time::Duration::ZERO);
    let refused = [
        zone.alloc("n", "|u1", &[1]).err(),
        zone.get("m").err(),
        zone.successor("m", true).err(),
        zone.publish(None, "m", held.clone(), 0).err(),
        zone.free(None, "m").err(),
        zone.free_block(None, held.block.serial).err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(HeavyError::Closed(Closed::ShutDown))), "{error:?}");
    }
    zone.cleanup();
    assert_eq!(bytes(&held), vec![7; 1000]);
}

#[test]
fn readers_see_whole_versions_only() {
    let engine = engine();
    let zone = Arc::new(HeavyZone::new(&engine));
    publish(&engine, &zone, "m", filled(&zone, "m", 0));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seen = bytes(&zone.get("m").unwrap().array);
                    assert!(seen.iter().all(|byte| *byte == seen[0]), "half of each: {seen:?}");
                }
            });
        }
        for round in 1..=500_u32 {
            let next = zone.successor("m", round % 2 == 0).unwrap();
            let block = block_of(&next.array).unwrap();
            block.write_at(0, &[round as u8; 500]).unwrap();
            block.write_at(500, &[round as u8; 500]).unwrap();
            drop(block);
            zone.publish(None, "m", next.array, next.base).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(bytes(&zone.get("m").unwrap().array), vec![(500_u32 % 256) as u8; 1000]);
}
