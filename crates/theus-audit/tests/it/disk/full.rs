//! A full disk: what is refused, what waits, and that nothing is missing when there is room again.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use theus_audit::{OnFull, Trail, TrailError, TrailOptions};

use super::fake::FakeDisk;
use super::{Place, assert_whole, entry, quiet, tasks};

const PATH: &str = "/disk/trail.theus";

fn open(disk: &FakeDisk, on_full: OnFull) -> Trail {
    Trail::open_on(Arc::new(disk.clone()), Path::new(PATH), TrailOptions { on_full, ..quiet() }).unwrap()
}

/// How many records a trail is found to have, after it was checked.
fn found(disk: &FakeDisk) -> u64 {
    let trail = open(disk, OnFull::Block);
    assert!(trail.verify().ok(), "{:?}", trail.verify());
    trail.opened().unwrap().records
}

#[test]
fn block_refuses_what_cannot_be_written_and_loses_nothing() {
    // Room for nothing, for a part of a record, for one and a part.
    for room in [0, 1, 36, 60, 150, 180] {
        let disk = FakeDisk::default();
        let trail = open(&disk, OnFull::Block);
        disk.set_room(Some(room));
        let refusal = (1..9).find_map(|task| trail.try_append(entry(task)).err()).expect("a refusal");
        let taken = trail.len();
        assert_eq!((refusal.waiting, refusal.broken), (0, false));
        assert!(refusal.to_string().contains(PATH), "{refusal}");
        // Nothing waits, so work may begin: whether the next record fits is seen when it comes.
        trail.check_writable().unwrap();
        assert!(trail.verify().ok());
        assert_eq!(trail.try_append(entry(9)).unwrap_err().waiting, 0);
        assert_eq!(trail.len(), taken, "nothing was appended");
        disk.set_room(None);
        assert_eq!(trail.try_append(entry(9)).unwrap().number, taken + 1);
        drop(trail);
        assert_eq!(found(&disk), taken, "all records but the file frame's number");
    }
}

#[test]
fn what_has_happened_waits_in_order_and_is_written_when_there_is_room() {
    let disk = FakeDisk::default();
    let trail = open(&disk, OnFull::Block);
    disk.set_room(Some(100));
    let numbers: Vec<u64> = (1..=50).map(|task| trail.append(entry(task))).collect();
    assert_eq!(numbers, (2..=51).collect::<Vec<u64>>());
    let refusal = trail.check_writable().unwrap_err();
    assert!(refusal.waiting >= 49, "{refusal}");
    assert!(trail.try_append(entry(99)).is_err());
    assert!(matches!(trail.sync(), Err(TrailError::Unwritten(_))));
    assert!(trail.checkpoint().is_err());
    // Some room: some are written, the rest waits on.
    disk.set_room(Some(1_000));
    let refusal = trail.check_writable().unwrap_err();
    assert!((1..49).contains(&refusal.waiting), "{refusal}");
    disk.set_room(None);
    trail.check_writable().unwrap();
    assert_eq!(trail.try_append(entry(51)).unwrap().number, 52);
    trail.sync().unwrap();
    drop(trail);
    assert_eq!(found(&disk), 51);
}

#[test]
fn pass_goes_on_and_catches_up() {
    let disk = FakeDisk::default();
    let trail = open(&disk, OnFull::Pass);
    disk.set_room(Some(200));
    for task in 1..=50 {
        trail.check_writable().unwrap();
        assert_eq!(trail.try_append(entry(task)).unwrap().number, task + 1);
    }
    assert!(trail.sync().is_err());
    disk.set_room(None);
    trail.sync().unwrap();
    drop(trail);
    assert_eq!(found(&disk), 50);
}

#[test]
fn even_pass_has_a_bound() {
    let disk = FakeDisk::default();
    let trail = open(&disk, OnFull::Pass);
    disk.set_room(Some(0));
    let large = || entry(1).error("e".repeat(64 << 10)).reason("r".repeat(64 << 10));
    let refused = (0..1_000).position(|_| {
        trail.append(large());
        trail.check_writable().is_err()
    });
    let refused = refused.expect("a bound") as u64;
    assert!((500..520).contains(&refused), "128 KiB each, 64 MiB at most: {refused}");
    assert!(trail.try_append(entry(2)).is_err());
    disk.set_room(None);
    trail.check_writable().unwrap();
}

#[test]
fn a_disk_that_has_no_room_for_the_next_file_goes_on_in_this_one() {
    let disk = FakeDisk::default();
    let options = TrailOptions { max_file: 400, ..quiet() };
    let trail = Trail::open_on(Arc::new(disk.clone()), Path::new(PATH), options).unwrap();
    let mut task = 0;
    while disk.image().len() < 2 {
        task += 1;
        trail.try_append(entry(task)).unwrap();
        // Enough for a record, and not for the beginning of a file.
        let full = disk.image().values().map(Vec::len).sum::<usize>() >= 400 && task < 20;
        disk.set_room(full.then_some(125));
    }
    assert!(task >= 20, "the next file was begun at record {task}");
    drop(trail);
    assert_eq!(found(&disk), task);
}

/// The same on a real file system of 256 KiB.
#[test]
fn a_full_file_system_is_survived() {
    const INSIDE: &str = "THEUS_TEST_FULL_DISK";
    if let Some(folder) = env::var_os(INSIDE) {
        return on_a_full_file_system(Path::new(&folder));
    }
    let place = Place::new();
    let folder = place.file("small");
    fs::create_dir(&folder).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=256k tmpfs '{0}' && {INSIDE}='{0}' '{1}' --exact disk::full::a_full_file_system_is_survived",
        folder.display(),
        env::current_exe().unwrap().display()
    );
    let mount = Command::new("unshare").args(["-rm", "true"]).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: this system lets nobody mount a small file system (unshare -rm)");
        return;
    }
    let output = Command::new("unshare").args(["-rm", "sh", "-c", &script]).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn on_a_full_file_system(folder: &Path) {
    for on_full in [OnFull::Block, OnFull::Pass] {
        let path = folder.join(format!("{on_full:?}.theus"));
        let filler = folder.join("filler");
        let trail = Trail::open(&path, TrailOptions { on_full, max_file: 20_000, ..quiet() }).unwrap();
        fs::write(&filler, vec![1; 150 << 10]).unwrap();
        let mut taken = 0;
        let refusal = (1..5_000).find_map(|task| match trail.try_append(entry(task)) {
            Ok(_) => {
                taken = task;
                None
            }
            Err(refusal) => Some(refusal),
        });
        assert_eq!(refusal.is_some(), on_full == OnFull::Block);
        trail.append(entry(taken + 1));
        assert!(trail.sync().is_err(), "there is room yet");
        fs::remove_file(&filler).unwrap();
        // Pass has more waiting than the whole file system takes, if it were not cut here.
        if on_full == OnFull::Block {
            assert_eq!(trail.try_append(entry(taken + 2)).unwrap().task, taken + 2);
            trail.sync().unwrap();
            drop(trail);
            assert_whole(&path);
            assert_eq!(tasks(&path), (1..=taken + 2).collect::<Vec<u64>>());
            for index in 1..100 {
                let next = folder.join(format!("{on_full:?}.theus.{index}"));
                let _gone = fs::remove_file(next);
            }
            fs::remove_file(&path).unwrap();
        } else {
            trail.check_writable().unwrap();
            drop(trail);
            let read = tasks(&path);
            assert_eq!(read, (1..=read.len() as u64).collect::<Vec<u64>>(), "no gap");
        }
    }
}
