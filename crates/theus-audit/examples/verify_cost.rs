//! How fast a trail is checked: `cargo run --release -p theus-audit --example verify_cost -- [RECORDS]`.
#![expect(clippy::print_stdout, reason = "a measurement is for reading")]

use std::hint::black_box;
use std::time::{Duration, Instant};
use std::{env, fs};

use theus_audit::{
    ChangedPath, Entry, Outcome, Signer, Trail, TrailOptions, VerifyOptions, leaf_hash, node_hash,
    records_of, trail_files, verify_files,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let records: u64 = env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = env::temp_dir().join(format!("theus-verify-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let path = folder.join("trail.theus");
    let options = TrailOptions {
        signer: Some(Signer::from_seed("example.com/cost", &[7; 32])?),
        capacity: 0,
        checkpoint_every: Duration::from_millis(10),
        ..TrailOptions::new([7; 16], std::process::id())
    };
    let trail = Trail::open(&path, options)?;
    for task in 1..=records {
        let paths = vec![ChangedPath::removed("domain.some.path"), ChangedPath::removed("domain.other")];
        trail.append(Entry::new("thumbnail", task, Outcome::Committed).version(task).paths(paths));
    }
    drop(trail);
    let mut bytes = 0;
    for (_, file) in trail_files(&path)? {
        bytes += fs::metadata(file)?.len();
    }
    let begin = Instant::now();
    let report = verify_files(&path, &VerifyOptions::default())?;
    let seconds = begin.elapsed().as_secs_f64();
    assert!(report.ok(), "{report:?}");
    let (rate, each) = (bytes as f64 / seconds / 1e6, seconds * 1e9 / report.count as f64);
    let (files, checkpoints) = (report.files, report.checkpoints);
    println!(
        "verify: {bytes} bytes in {files} files, {checkpoints} signed checkpoints: {rate:.0} MB/s, {each:.0} ns a frame"
    );
    let frame = vec![7; (bytes / report.count) as usize - 4];
    let begin = Instant::now();
    let mut hash = leaf_hash(&frame);
    for _ in 1..report.count {
        hash = node_hash(&hash, &leaf_hash(black_box(&frame)));
    }
    black_box(hash);
    let each = begin.elapsed().as_secs_f64() * 1e9 / report.count as f64;
    println!("hashing alone, a leaf and a node for each frame: {each:.0} ns a frame");
    let begin = Instant::now();
    let count = records_of(&path)?.filter(Result::is_ok).count();
    let each = begin.elapsed().as_secs_f64() * 1e9 / count as f64;
    println!("records: {count}, {each:.0} ns each");
    fs::remove_dir_all(folder)?;
    Ok(())
}
