//! Arrays whose elements come beside a worker's result: in the heavy zone the memory itself, elsewhere a copy, and
//! whatever does not fit together refused.

use crate::remote::{attempt, task};
use crate::stage::{engine, int, mapping, path, process, records, tuple};
use std::sync::Arc;
use theus::{AttachedArray, Block, EncodedArray, Engine, Process, TaskOutput, Value, block_of, encode};
use theus_pool::{Bytes, Delivery, Job, Lacking, Next, Outcome};
use theus_value::Set;

fn block(engine: &Engine, bytes: &[u8]) -> Arc<Block> {
    let mut block = engine.arena().alloc_uncounted(bytes.len()).unwrap();
    block.bytes_mut().copy_from_slice(bytes);
    Arc::new(block)
}

/// Ends a task of this process with a plain value and what is attached to it.
fn ends(
    engine: &Engine,
    process: &Process,
    value: Value,
    blocks: Vec<Result<Arc<Block>, Lacking>>,
) -> TaskOutput {
    let mut task = task(engine, process);
    let _request = task.start(attempt(1));
    let bytes = Bytes::Inline(encode(&tuple([int(0), value])));
    let next = task.finish(attempt(1), Outcome::Completed(Delivery::new(bytes, blocks)));
    let Next::Done(output) = next else { panic!("nothing here can conflict") };
    output
}

fn array(position: u32) -> Value {
    AttachedArray::encode("<u2", &[2], position)
}

#[test]
fn in_the_heavy_zone_it_is_the_memory_that_came_and_counts_from_then_on() {
    let engine = engine();
    let came = block(&engine, &[1, 0, 2, 0]);
    assert_eq!(engine.arena().stats().used, 0);
    ends(&engine, &process("p", &["heavy.m"]), array(0), vec![Ok(Arc::clone(&came))]).unwrap();
    let Some(Value::Heavy(stored)) = engine.snapshot().get(&path("heavy.m")).cloned() else {
        panic!("no array")
    };
    assert_eq!((&*stored.dtype, &*stored.shape), ("<u2", [2].as_slice()));
    assert!(Arc::ptr_eq(&block_of(&stored).unwrap(), &came));
    assert_eq!(engine.arena().stats().used, 64);
}

#[test]
fn elsewhere_it_is_a_copy_however_deep() {
    let engine = engine();
    let value = mapping([("x", tuple([int(1), Value::from(vec![array(1), array(0)])]))]);
    let blocks = vec![Ok(block(&engine, &[1, 0, 2, 0])), Ok(block(&engine, &[3, 0, 4, 0]))];
    let settled = ends(&engine, &process("p", &["domain.deep"]), value, blocks).unwrap();
    let copy = |data: [u8; 4]| EncodedArray::encode("<u2", &[2], &data);
    let expected =
        mapping([("x", tuple([int(1), Value::from(vec![copy([3, 0, 4, 0]), copy([1, 0, 2, 0])])]))]);
    assert_eq!(engine.snapshot().get(&path("domain.deep")), Some(&expected));
    assert_eq!(settled.attached.len(), 2, "the caller looks at the memory itself");
    drop(settled);
    assert_eq!((engine.arena().stats().used, engine.arena().stats().blocks), (0, 0));
}

#[test]
fn what_does_not_fit_together_is_refused_and_leaves_one_record() {
    let whole = |engine: &Engine| vec![Ok(block(engine, &[1, 0, 2, 0]))];
    let cases: [(&str, Value, Vec<usize>); 5] = [
        ("no memory came", array(0), vec![]),
        ("of another number", array(1), vec![4]),
        ("too long for its shape", array(0), vec![6]),
        ("of a type that cannot be", AttachedArray::encode("|O", &[1], 0), vec![8]),
        ("of a shape beyond all memory", AttachedArray::encode("<u2", &[1 << 62, 4], 0), vec![4]),
    ];
    for (what, value, lengths) in cases {
        for output in ["heavy.m", "domain.m"] {
            let engine = engine();
            let blocks = lengths.iter().map(|len| Ok(block(&engine, &vec![0; *len]))).collect();
            let version = engine.snapshot().version();
            let refused = ends(&engine, &process("p", &[output]), value.clone(), blocks).unwrap_err();
            assert!(refused.to_string().contains(output), "{what}: {refused}");
            assert_eq!((engine.snapshot().version(), records(&engine).len()), (version, 1), "{what}");
        }
    }
    // Sets hold no arrays, so nothing looks for one there.
    let engine = engine();
    for hidden in
        [Value::Set(Set::from_values([array(0)])), Value::Set(Set::from_values([tuple([array(0)])]))]
    {
        let refused = ends(&engine, &process("p", &["domain.m"]), hidden, whole(&engine)).unwrap_err();
        assert!(refused.to_string().contains("shared memory that is not the worker's"), "{refused}");
    }
}

#[test]
fn without_room_it_is_refused_by_the_capacity_and_named() {
    let engine = Engine::builder().heap_bytes(64).build();
    let held = theus::allocate(engine.arena(), "held", "<u1", &[64], true).unwrap();
    let blocks = || vec![Ok(block(&engine, &[1, 0, 2, 0]))];
    let refused = ends(&engine, &process("p", &["heavy.m"]), array(0), blocks()).unwrap_err().to_string();
    assert!(
        refused.contains("'heavy.m'") && refused.contains("4 bytes") && refused.contains("64 of 64"),
        "{refused}"
    );
    assert_eq!(engine.snapshot().version(), 0);
    drop(held);
    ends(&engine, &process("p", &["heavy.m"]), array(0), blocks()).unwrap();

    let lacking = engine.arena().alloc(1 << 30, false).unwrap_err();
    let refused =
        ends(&engine, &process("p", &["heavy.m"]), array(0), vec![Err(lacking.into())]).unwrap_err();
    assert!(refused.to_string().contains("result of p"), "{refused}");
}

#[test]
fn an_empty_array_stays_one_wherever_it_goes() {
    let engine = engine();
    for output in ["heavy.m", "domain.m"] {
        // As a leased block of an empty array is: it has a byte, and no element.
        let empty = AttachedArray::encode("<f4", &[0, 3], 0);
        ends(&engine, &process("p", &[output]), empty, vec![Ok(block(&engine, &[7]))]).unwrap();
    }
    let Some(Value::Object(stored)) = engine.snapshot().get(&path("domain.m")).cloned() else {
        panic!("no copy")
    };
    assert_eq!(EncodedArray::parse("domain.m", &stored.bytes).unwrap().shape, [0, 3]);
}

#[test]
fn what_cannot_be_copied_out_of_the_worker_fails_the_task_and_says_so() {
    let engine = engine();
    let lacking = Lacking::Unreadable { len: 4, source: std::io::Error::from_raw_os_error(14) };
    let refused = ends(&engine, &process("p", &["heavy.m"]), array(0), vec![Err(lacking)]).unwrap_err();
    assert!(refused.to_string().contains("cannot be copied"), "{refused}");
    assert_eq!(records(&engine).len(), 1);
}
