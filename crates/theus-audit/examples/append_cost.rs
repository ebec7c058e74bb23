//! Measures what one append costs: `cargo run --release -p theus-audit --example append_cost [folder]`.
//!
//! The rows on disk are written into the folder (the system's temporary one unless told otherwise) and removed again.
#![expect(clippy::print_stdout, reason = "a measurement is for reading")]

use std::env;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::id;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use theus_audit::{ChangedPath, Durability, Entry, Outcome, Signer, Trail, TrailOptions};

const APPENDS: u64 = 200_000;
const SYNCED: u64 = 500;
const THREADS: u64 = 8;
const ROUNDS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let process: Arc<str> = "feature_of_tile".into();
    let folder = env::args_os().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("append-cost-{}", id()));
    fs::create_dir(&folder)?;
    println!("{:<66} {:>12}", "record", "median, ns");
    let bare = || Entry::new(Arc::clone(&process), 7, Outcome::Committed).version(8);
    let path = ChangedPath::written("domain.tiles.17", b"value");
    let one = || bare().paths(vec![path.clone()]);
    let failed = || Entry::new(Arc::clone(&process), 7, Outcome::Failed).error("ValueError: a tile is empty");
    row("no paths", || in_memory(&bare));
    row("one path (building the entry included)", || in_memory(&one));
    row("an error text (building the entry included)", || in_memory(&failed));
    let batched = || TrailOptions::new([1; 16], id());
    row("on disk, one path, until all is synced", || on_disk(&folder, batched(), &one));
    let signed = Signer::from_seed("example.com/trail", &[1; 32])?.private_text();
    let signed = || TrailOptions { signer: Signer::parse(&signed).ok(), ..batched() };
    row("on disk, one path, signed checkpoints, until all is synced", || on_disk(&folder, signed(), &one));
    let each = || TrailOptions { durability: Durability::Each, ..batched() };
    row("on disk, each record waited for", || waited_for(&folder, each(), 1, &one));
    row("on disk, each record waited for, 8 threads", || waited_for(&folder, each(), THREADS, &one));
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The median of some rounds, each of which gives the time for one append.
fn row(name: &str, mut round: impl FnMut() -> Duration) {
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_unstable();
    println!("{name:<66} {:>12}", rounds[ROUNDS / 2].as_nanos());
}

fn in_memory(entry: &dyn Fn() -> Entry) -> Duration {
    let trail = Trail::default();
    let start = Instant::now();
    (0..APPENDS).for_each(|_| {
        black_box(trail.append(entry()));
    });
    start.elapsed() / APPENDS as u32
}

fn on_disk(folder: &Path, options: TrailOptions, entry: &dyn Fn() -> Entry) -> Duration {
    with_trail(folder, options, |trail| {
        let start = Instant::now();
        for _ in 0..APPENDS {
            black_box(trail.try_append(entry()))?;
        }
        trail.sync()?;
        Ok(start.elapsed() / APPENDS as u32)
    })
}

fn waited_for(
    folder: &Path,
    options: TrailOptions,
    threads: u64,
    entry: &(dyn Fn() -> Entry + Sync),
) -> Duration {
    with_trail(folder, options, |trail| {
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    (0..SYNCED).for_each(|_| {
                        let synced = trail.wait_durable(trail.append(entry()));
                        assert!(synced.is_ok(), "{synced:?}");
                    });
                });
            }
        });
        Ok(start.elapsed() / (SYNCED * threads) as u32)
    })
}

/// A new trail for each round, removed behind it. What fails ends the program: a measurement is all or nothing.
fn with_trail(
    folder: &Path,
    options: TrailOptions,
    measure: impl FnOnce(&Trail) -> Result<Duration, Box<dyn Error>>,
) -> Duration {
    let folder = folder.join("round");
    let time = (|| {
        fs::create_dir(&folder)?;
        let trail = Trail::open(&folder.join("trail.theus"), options)?;
        let time = measure(&trail)?;
        drop(trail);
        fs::remove_dir_all(&folder)?;
        Ok::<Duration, Box<dyn Error>>(time)
    })();
    match time {
        Ok(time) => time,
        Err(error) => panic!("{}: {error}", folder.display()),
    }
}
