//! Arrays for other programs: handles say exactly which bytes they mean, keep nothing alive, and sessions show the newest.

use proptest::prelude::*;
use std::sync::Arc;
use theus::{
    Block, Engine, Handle, HandleError, ListenError, MAX_HANDLE, Path, ReachError, Reached, Update, Value,
};
use theus::{allocate, heavy_value, item_size, lend, reach};
use theus_shm::session::{Address, Attached, Folder, OpenError, SessionError, SessionName};

/// A folder for one test, gone with this value.
struct Place(Folder);

impl Place {
    fn new(test: &str) -> Self {
        let name = format!("sharing-{}-{test}", std::process::id());
        Place(Folder::at(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.path());
    }
}

fn session(name: &str) -> SessionName {
    SessionName::new(name).unwrap()
}

fn numbers(engine: &Engine, numbers: &[u8]) -> Arc<Block> {
    let block = allocate(engine.arena(), "a", "|u1", &[numbers.len() as u64], true).unwrap();
    block.write_at(0, numbers).unwrap();
    block
}

fn publish(engine: &Engine, name: &str, block: &Arc<Block>) {
    let mut update = Update::new();
    let array = heavy_value(block, "|u1", &[block.len() as u64]);
    let dot = if name.starts_with('[') { "" } else { "." };
    update.set(Path::parse(&format!("heavy{dot}{name}")).unwrap(), Value::from(array));
    engine.compare_and_swap(engine.snapshot().version(), update).unwrap();
}

fn handles() -> impl Strategy<Value = Handle> {
    let dtype = prop::sample::select(vec!["|b1", "<u2", "<f4", "<f8", "<c16"]);
    let length = prop_oneof![0u64..6, any::<u64>()];
    let step = prop_oneof![-24i64..24, any::<i64>()];
    let dimensions = prop::collection::vec((length, step), 0..4);
    (any::<u128>(), any::<u64>(), prop_oneof![0u64..80, any::<u64>()], dtype, dimensions).prop_map(
        |(random, serial, offset, dtype, dimensions)| Handle {
            address: Address::parse(&format!("theus-{}-{random:032x}", random as u32)).unwrap(),
            serial,
            offset,
            dtype: dtype.into(),
            shape: dimensions.iter().map(|(length, _)| *length).collect(),
            strides: dimensions.iter().map(|(_, step)| *step).collect(),
        },
    )
}

/// The first byte of each element, in numbers that cannot overflow; None for more than are worth looking at.
fn elements(handle: &Handle) -> Option<Vec<i128>> {
    let mut starts = vec![i128::from(handle.offset)];
    for (length, step) in handle.shape.iter().zip(&handle.strides) {
        if *length > 6 {
            return None;
        }
        starts = (starts.iter())
            .flat_map(|start| (0..*length).map(move |at| start + i128::from(at) * i128::from(*step)))
            .collect();
    }
    Some(starts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_handle_survives_and_has_one_encoding(handle in handles()) {
        let bytes = handle.encode().unwrap();
        prop_assert!(bytes.len() <= MAX_HANDLE && MAX_HANDLE < 900, "with what pickle adds it stays below a kilobyte");
        let read = Handle::parse(&bytes);
        prop_assert_eq!(read.as_ref(), Ok(&handle));
        for len in 0..bytes.len() {
            prop_assert!(Handle::parse(&bytes[..len]).is_err());
        }
        prop_assert!(Handle::parse(&[bytes.as_slice(), b"x"].concat()).is_err());
    }

    #[test]
    fn it_fits_exactly_if_each_element_does(handle in handles(), len in 0u64..100) {
        let Some(starts) = elements(&handle) else { return Ok(()) };
        let item = i128::from(item_size(&handle.dtype).unwrap());
        let fits = handle.check(len).is_ok();
        if starts.is_empty() {
            prop_assert_eq!(fits, handle.offset <= len);
        } else {
            let inside = starts.iter().all(|start| *start >= 0 && start + item <= i128::from(len));
            prop_assert_eq!(fits, inside);
        }
    }

    #[test]
    fn any_bytes_as_a_handle(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(handle) = Handle::parse(&bytes) {
            prop_assert_eq!(handle.encode().unwrap(), bytes);
        }
    }
}

#[test]
fn the_farthest_handles_are_outside() {
    // Found by the fuzzer: the sum of two such ways fits no integer.
    let address = Address::parse("theus-1-00000000000000000000000000000000").unwrap();
    for step in [i64::MIN, i64::MAX] {
        let (shape, strides) = (vec![u64::MAX; 32], vec![step; 32]);
        let offset = u64::MAX;
        let handle =
            Handle { address: address.clone(), serial: 1, offset, dtype: "<f8".into(), shape, strides };
        assert_eq!(handle.check(u64::MAX), Err(HandleError::Outside { len: u64::MAX }));
        assert!(!handle.is_whole(u64::MAX));
    }
}

#[test]
fn a_handle_leads_to_its_block_and_keeps_it_no_longer_than_others_do() {
    let engine = Engine::builder().build();
    let block = numbers(&engine, &[1, 2, 3]);
    let handle = lend(&block, "|u1", &[3]).unwrap().unwrap();
    assert!(handle.is_whole(3));
    let Ok(Reached::Own(found)) = reach(&handle) else { panic!("it is this process's own") };
    assert!(Arc::ptr_eq(&found, &block));
    drop(found);

    let part = Handle { offset: 2, shape: vec![3], strides: vec![-1], ..handle.clone() };
    assert!(!part.is_whole(3) && reach(&part).is_ok(), "the same numbers from behind");
    assert!(matches!(
        reach(&Handle { offset: 1, ..handle.clone() }),
        Err(ReachError::Handle(HandleError::Outside { len: 3 }))
    ));

    drop(block);
    let freed = reach(&handle).unwrap_err();
    assert!(matches!(freed, ReachError::Freed { serial, .. } if serial == handle.serial), "{freed}");
    assert_eq!(engine.arena().stats().used, 0);
}

#[test]
fn a_handle_of_a_process_that_is_gone_says_so() {
    let engine = Engine::builder().build();
    let handle = lend(&numbers(&engine, &[1]), "|u1", &[1]).unwrap().unwrap();
    let address = Address::parse("theus-4294967295-00000000000000000000000000000000").unwrap();
    let gone = reach(&Handle { address, ..handle }).unwrap_err();
    assert!(matches!(gone, ReachError::Ended { process: u32::MAX }), "{gone}");
}

#[test]
fn a_session_shows_the_newest_arrays_until_the_engine_is_shut_down() {
    let place = Place::new("newest");
    let engine = Engine::builder().build();
    publish(&engine, "a", &numbers(&engine, b"old"));
    publish(&engine, "deep['odd.name']", &numbers(&engine, b"deep"));
    publish(&engine, "['top.level']", &numbers(&engine, b"top"));
    engine.listen(&place.0, &session("s")).unwrap();

    let attached = Attached::to_name(&place.0, &session("s")).unwrap();
    assert_eq!(attached.names().unwrap(), ["['top.level']", "a", "deep['odd.name']"]);
    let old = attached.open("a").unwrap();
    publish(&engine, "a", &numbers(&engine, b"new!"));
    let new = attached.open("a").unwrap();
    let read = |opened: &theus_shm::session::Opened| {
        let mut bytes = vec![0; opened.len()];
        opened.read_at(0, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!((read(&old), read(&new)), ("old".into(), "new!".into()), "each keeps its bytes");
    for (name, says) in [("deep['odd.name']", "deep"), ("['top.level']", "top")] {
        assert_eq!(read(&attached.open(name).unwrap()), says);
    }
    for missing in ["b", "deep", "", "domain", "a.b", "..", "a]["] {
        assert!(matches!(attached.open(missing), Err(OpenError::Missing { .. })), "{missing}");
    }
    let about = Handle::parse(new.metadata()).unwrap();
    assert!(about.is_whole(4) && about.dtype == "|u1" && about.serial == new.serial());

    let twice = engine.listen(&place.0, &session("s")).unwrap_err();
    assert!(matches!(twice, ListenError::Session(SessionError::InUse { .. })), "{twice}");
    engine.shutdown(std::time::Duration::ZERO);
    assert!(matches!(attached.names(), Err(OpenError::Gone { .. })));
    assert!(place.0.sessions().unwrap().is_empty());
    assert!(matches!(engine.listen(&place.0, &session("s")), Err(ListenError::Closed(_))));
}

#[test]
fn a_session_does_not_keep_its_engine() {
    let place = Place::new("dropped");
    let engine = Engine::builder().build();
    engine.listen(&place.0, &session("s")).unwrap();
    drop(engine);
    assert!(place.0.sessions().unwrap().is_empty());
}
