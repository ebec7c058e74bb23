//! Writes inputs that chance would take long to make into a folder: `cargo run --example seeds -- FOLDER`.
//!
//! What: encodings on both sides of each border of the format, texts with every piece of a path and of a glob, and
//! each message of a session.
//! What not: random. Every run writes the same files, to be thinned out before they are committed.

use std::path::Path;
use std::time::Duration;
use std::{env, fs, io};
use theus::Handle;
use theus_audit::{
    ChangedPath, Entry, Outcome, Signer, Trail, TrailOptions, Which, prove_consistency, prove_record,
    trail_files,
};
use theus_shm::session::Address;
use theus_shm::session::frame::{Place, Reason, Reply, Request};
use theus_value::{BlockId, Heavy, Key, List, MAX_DEPTH, Map, Object, Set, Value, encode};

const TEXTS: [&str; 24] = [
    "domain.user['name'][0]\ndomain.user.name.0.x",
    "domain.user_*\ndomain.user_1.name",
    "domain.*.x\ndomain.a.b.x",
    "domain.user_[0-9]\ndomain.user_7",
    "domain.user_[!0-9]\ndomain.user_x",
    "domain.[]]\ndomain[']']",
    "domain.*['a*b']\ndomain.x['a*b'].y",
    "a[\"b\\\"c\"]\na['b\"c']",
    "a['']\na['']['']",
    "a?\na['']",
    "*\nx",
    "?.?\na.b.c",
    "**a**b\nxaxxb",
    "[a-]\n-",
    "[!]a]x\nbx",
    "[z-a]\nq",
    "a[0]*\na.01",
    "a[12].b*\na.12.bb",
    "a[\na]",
    "a['\na['b",
    "a..b\na.",
    ".a\n[]",
    "\n\n\n",
    "é.日本['語.']\né*",
];

/// One step away from an encoding, each in its own way.
const DAMAGED: [&[u8]; 12] = [
    // A set with an item twice.
    b"\x01\x1a\x03\x01\x03\x01\x02\x02",
    // A set out of order.
    b"\x01\x1a\x03\x02\x03\x01\x02\x02",
    // A map with a key twice.
    b"\x01\x19\x61\x03\x01\x61\x03\x02\x01\x03\x04\x02",
    // An integer with a byte to spare.
    b"\x01\x03\x01\x00",
    // A table wider than needed.
    b"\x01\x29\x61\x03\x01\x01\x00\x01\x00",
    // A start past the end.
    b"\x01\x17\x00\x00\x05\x02",
    // Two items at one place.
    b"\x01\x17\x00\x00\x00\x02",
    // A table of no known width.
    b"\x01\x5a\x00\x01",
    // Another version.
    b"\x02\x00",
    // An unknown tag.
    b"\x01\x0d",
    // Half a float.
    b"\x01\x04\x00\x00\x00\x00",
    // No UTF-8.
    b"\x01\x05\xff",
];

/// States and two updates, in the bytes of the grammar.
const UPDATES: [&[u8]; 5] = [
    // A map merged into a map, then overwritten from an old base.
    b"\x01\x00\x0d\x01\x01\x02\x05\x01\x03\x00\x01\x00\x0d\x01\x02\x02\x06\x01\x00\x01\x00\x02\x07",
    // A list that grows, and its item written from an old base.
    b"\x01\x00\x09\x01\x02\x05\x01\x05\x01\x00\x01\x02\x06\x01\x00\x02\x00\x04\x02\x07",
    // A key that is deleted and comes back at the end.
    b"\x01\x00\x0d\x02\x01\x02\x05\x02\x02\x05\x02\x06\x02\x00\x01\x00\x02\x00\x01\x02\x08\x01\x05\x01\x03\x01\x02\x01",
    // Two items of a list, each with a map that is merged.
    b"\x01\x00\x09\x02\x0d\x01\x01\x02\x05\x0d\x01\x01\x02\x05\x01\x03\x02\x00\x04\x01\x02\x02\x06\x01\x03\x02\x00\x05\x01\x02\x02\x06",
    // A list that a merge replaces, and its item written from an old base.
    b"\x01\x00\x09\x01\x00\x01\x03\x01\x00\x01\x01\x00\x01\x00\x02\x00\x04\x00",
];

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).ok_or_else(|| io::Error::other("name a folder"))?;
    let folder = Path::new(&folder);
    for (at, value) in values().iter().enumerate() {
        write(&folder.join("decode"), at, &encode(value))?;
    }
    for (at, bytes) in DAMAGED.iter().enumerate() {
        write(&folder.join("decode"), values().len() + at, bytes)?;
    }
    for (at, bytes) in UPDATES.iter().enumerate() {
        write(&folder.join("apply"), at, bytes)?;
    }
    for (at, bytes) in messages().iter().enumerate() {
        write(&folder.join("session"), at, bytes)?;
    }
    for (at, text) in TEXTS.iter().enumerate() {
        write(&folder.join("path"), at, text.as_bytes())?;
    }
    trails(folder)
}

/// Trails of one and of several files, signed and not, and proofs about them.
fn trails(folder: &Path) -> io::Result<()> {
    for (at, (signed, max_file)) in [(true, 1 << 20), (false, 1 << 20), (true, 700)].into_iter().enumerate() {
        let files = folder.join(format!("files-{at}"));
        fs::create_dir_all(&files)?;
        let path = files.join("trail.theus");
        let signer = signed.then(|| Signer::from_seed("fuzz.example", &[7; 32])).transpose();
        let options = TrailOptions {
            now: || 1_000,
            origin: Some("fuzz.example".into()),
            signer: signer.map_err(io::Error::other)?,
            checkpoint_every: Duration::from_secs(1_000_000),
            max_file,
            ..TrailOptions::new([1; 16], 1)
        };
        let trail = Trail::open(&path, options).map_err(io::Error::other)?;
        for task in 0..6 {
            let outcome = Outcome::ALL[task as usize % Outcome::ALL.len()];
            let entry = Entry::new("thumbnail", task, outcome).error("e");
            trail.append(Entry {
                paths: vec![ChangedPath::removed("domain.x")],
                requester: Some("me".into()),
                inputs: Some([2; 32]),
                ..entry
            });
            if task % 3 == 2 {
                trail.checkpoint().map_err(io::Error::other)?;
            }
        }
        drop(trail);
        let mut bytes = Vec::new();
        for (_, file) in trail_files(&path)? {
            bytes.extend(fs::read(file)?);
        }
        write(&folder.join("trail"), at, &bytes)?;
        let included = prove_record(&path, 3, Which::Newest).map_err(io::Error::other)?;
        write(&folder.join("proof"), 2 * at, included.to_string().as_bytes())?;
        let grown = prove_consistency(&path, Which::Size(4), Which::Newest);
        if let Ok(grown) = grown {
            write(&folder.join("proof"), 2 * at + 1, grown.to_string().as_bytes())?;
        }
        fs::remove_dir_all(files)?;
    }
    Ok(())
}

fn write(folder: &Path, at: usize, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("seed-{at:02}")), bytes)
}

/// One of each message of a session, and handles that fit a block of 256 bytes, or just do not.
fn messages() -> Vec<Vec<u8>> {
    let place = Place { segment: 3, segment_len: 4096, offset: 64, len: 256, serial: 9 };
    let requests = [
        Request::List { after: String::new() },
        Request::List { after: "deep.left".into() },
        Request::ByName { name: "é".into() },
        Request::BySerial { serial: 9 },
        Request::Keep { seen: 2, serials: vec![] },
        Request::Keep { seen: 2, serials: vec![1, 9, u64::MAX] },
    ];
    let replies = [
        Reply::Welcome,
        Reply::Names(vec![]),
        Reply::Names(vec!["a".into(), String::new(), "deep.left".into()]),
        Reply::Block { place, metadata: b"words".to_vec() },
        Reply::Missing,
        Reply::Refused(Reason::Connections),
        Reply::Refused(Reason::Leases),
    ];
    let address = Address::parse("theus-7-00112233445566778899aabbccddeeff").expect("it is an address");
    let handle = |offset, shape: &[u64], strides: &[i64]| {
        let (shape, strides) = (shape.into(), strides.into());
        Handle { address: address.clone(), serial: 9, offset, dtype: "<f4".into(), shape, strides }
    };
    let handles = [
        handle(0, &[], &[]),
        handle(0, &[8, 8], &[32, 4]),
        handle(252, &[64], &[-4]),
        handle(253, &[1], &[4]),
        handle(0, &[0, 1 << 40], &[1 << 50, 4]),
        handle(4, &[2, 1 << 40], &[4, 0]),
        handle(0, &[3, 2], &[100, i64::MIN]),
        handle(8, &[1; 32], &[i64::MAX; 32]),
    ];
    let mut all: Vec<Vec<u8>> = requests.iter().map(Request::encode).collect();
    all.extend(replies.iter().map(Reply::encode));
    all.extend(handles.iter().filter_map(Handle::encode));
    // One step away from a message each: another version, serials out of order, a block outside of its segment.
    all.push(vec![2, 1, 0, 0]);
    all.push(Request::Keep { seen: 0, serials: vec![2, 1] }.encode());
    all.push(Reply::Block { place: Place { offset: u64::MAX, ..place }, metadata: vec![] }.encode());
    all
}

fn values() -> Vec<Value> {
    let block = BlockId { segment: 1, offset: 2, length: 3, serial: 4 };
    let heavy = |shape: &[u64]| Heavy { block, dtype: "<f8".into(), shape: shape.into(), lease: None };
    let mut values = vec![
        Value::Null,
        Value::from(true),
        Value::from(false),
        Value::Float(-0.0),
        Value::Float(f64::NAN),
        Value::from("text: é, 日本語"),
        Value::from(vec![0u8, 255, 128]),
        Value::from(heavy(&[])),
        Value::from(heavy(&[2, 3])),
        Value::from(Object { codec: "pickle".into(), bytes: (*b"\x80\x05.").into() }),
        Value::Tuple([Value::Null, Value::from(1)].into()),
        Value::Set(Set::from_values((0..5).map(Value::from))),
    ];
    values.extend([0, -1, 127, 128, -128, -129, i64::MIN, i64::MAX].map(Value::Int));
    values.push(Value::integer_from_le_bytes(&[0, 0, 0, 0, 0, 0, 0, 0, 1]));
    values.push(Value::integer_from_le_bytes(&[255; 9].map(|b: u8| b >> 1)));
    // Both sides of the table that orders a map, and of a table's number of one byte.
    values.extend([0, 1, 8, 9, 20].map(|count| Value::Map(numbered(count))));
    values.extend(
        [0, 1, 127, 128, 200].map(|count| Value::List((0..count).map(Value::from).collect::<List>())),
    );
    values.push(Value::List(List::from(vec![Value::from("x".repeat(300))])));
    values.extend([MAX_DEPTH, MAX_DEPTH + 1].map(nested));
    values
}

fn numbered(count: i64) -> Map {
    // Not in the order of the keys.
    (0..count).map(|n| (Key::from(format!("k{}", n * 7 % 23)), Value::from(n))).collect()
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, level| match level % 3 {
        0 => Value::List(List::from(vec![inner])),
        1 => Value::Tuple([inner].into()),
        _ => Value::Map([(Key::from("a"), inner)].into_iter().collect()),
    })
}
