//! What opening cuts, and what it refuses without changing anything.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use theus_audit::{Kind, OpenError, Signer, Trail, TrailOptions};

use super::fake::{FakeDisk, Image};
use super::{Place, assert_whole, entry, frames, quiet, tasks};

fn refused(path: &Path, options: TrailOptions) -> OpenError {
    match Trail::open(path, options) {
        Ok(trail) => panic!("{trail:?} was opened"),
        Err(error) => error,
    }
}

/// A trail with records 1 to 4, a checkpoint after the second.
fn written(place: &Place) -> Vec<u8> {
    let trail = Trail::open(&place.trail(), quiet()).unwrap();
    for task in 1..=4 {
        trail.append(entry(task));
        if task == 2 {
            trail.checkpoint().unwrap();
        }
    }
    let bytes = fs::read(place.trail()).unwrap();
    drop(trail);
    bytes
}

#[test]
fn two_writers_on_one_trail_are_refused_by_name() {
    let place = Place::new();
    let trail = Trail::open(&place.trail(), quiet()).unwrap();
    let error = refused(&place.trail(), quiet());
    assert!(matches!(&error, OpenError::InUse { path } if *path == place.trail()), "{error}");
    drop(trail);
    drop(Trail::open(&place.trail(), quiet()).unwrap());
}

#[test]
fn an_end_torn_at_any_byte_is_cut_and_told_of() {
    let place = Place::new();
    let bytes = written(&place);
    let (frames, end) = frames(&bytes);
    assert_eq!(end, bytes.len());
    // Whatever comes after the checkpoint may be torn.
    let checkpoint = frames.iter().position(|(_, frame)| frame.kind == Kind::Checkpoint).unwrap();
    for cut in frames[checkpoint + 1].0..=end {
        let disk = FakeDisk::of(&Image::from([(place.trail(), bytes[..cut].to_vec())]));
        let whole = frames.iter().rfind(|(at, frame)| at + frame.length() <= cut).unwrap();
        let good = whole.0 + whole.1.length();
        let trail = Trail::open_on(Arc::new(disk), &place.trail(), quiet()).unwrap();
        let opened = trail.opened().unwrap();
        let torn = (cut - good) as u64;
        assert_eq!((opened.cut_bytes, opened.cut_at), (torn, if torn > 0 { good as u64 } else { 0 }));
        assert_eq!(trail.append(entry(9)), whole.1.number + 2);
        let report = trail.verify();
        assert!(report.ok(), "{report:?}");
        assert_eq!(report.records, opened.records + 1);
    }
}

#[test]
fn a_crash_while_the_cut_is_told_of_is_told_of_too() {
    let place = Place::new();
    let bytes = written(&place);
    let (frames, end) = frames(&bytes);
    let last = frames[frames.len() - 1].0;
    // The frame that tells of the cut stands, and what it told of is still behind it.
    fs::write(place.trail(), &bytes[..end - 1]).unwrap();
    drop(Trail::open(&place.trail(), quiet()).unwrap());
    let told = fs::read(place.trail()).unwrap();
    let (after, _) = super::frames(&told);
    let opened = after.iter().find(|(at, _)| *at == last).unwrap();
    assert_eq!(opened.1.kind, Kind::Opened);
    let mut crashed = told[..last + opened.1.length()].to_vec();
    crashed.extend([0; 4]);
    crashed.extend(&bytes[last..]);
    fs::write(place.trail(), &crashed).unwrap();
    let trail = Trail::open(&place.trail(), quiet()).unwrap();
    assert!(trail.opened().unwrap().cut_bytes > 4);
    drop(trail);
    assert_whole(&place.trail());
    assert_eq!(tasks(&place.trail()), [1, 2, 3]);
}

#[test]
fn a_changed_byte_before_a_checkpoint_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let bytes = written(&place);
    let (frames, _) = frames(&bytes);
    let checkpoint = frames.iter().find(|(_, frame)| frame.kind == Kind::Checkpoint).unwrap();
    // A longer trail's first file frame can say less than that nothing has begun, so begin behind it.
    for at in (frames[1].0..checkpoint.0).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(place.trail(), &changed).unwrap();
        let error = refused(&place.trail(), quiet());
        assert!(
            matches!(&error, OpenError::Damaged { finding, .. } if finding.first_bad.is_some()),
            "{at}: {error}"
        );
        assert_eq!(fs::read(place.trail()).unwrap(), changed, "it is left as it is");
    }
    let mut changed = bytes.clone();
    changed[20] ^= 1;
    fs::write(place.trail(), &changed).unwrap();
    assert!(matches!(refused(&place.trail(), quiet()), OpenError::Damaged { .. }));
}

#[test]
fn a_whole_frame_in_the_wrong_place_is_refused() {
    let place = Place::new();
    let bytes = written(&place);
    let (frames, end) = frames(&bytes);
    let last = &bytes[frames[frames.len() - 1].0..end];
    let twice = [&bytes, last].concat();
    fs::write(place.trail(), &twice).unwrap();
    let error = refused(&place.trail(), quiet());
    assert!(
        matches!(&error, OpenError::Damaged { finding, .. } if finding.first_bad == Some(frames.len() as u64 + 1)),
        "{error}"
    );
}

#[test]
fn what_is_no_trail_is_left_as_it_is() {
    let place = Place::new();
    for content in [&b"hello"[..], &[b'x'; 5_000], b"theus audit 2\n\0\0 and more"] {
        fs::write(place.trail(), content).unwrap();
        assert!(matches!(refused(&place.trail(), quiet()), OpenError::NotATrail { .. }));
        assert_eq!(fs::read(place.trail()).unwrap(), content);
    }
    fs::remove_file(place.trail()).unwrap();
    fs::create_dir(place.trail()).unwrap();
    assert!(matches!(refused(&place.trail(), quiet()), OpenError::NotATrail { .. }));
    let nowhere = place.file("no folder").join("trail.theus");
    assert!(matches!(refused(&nowhere, quiet()), OpenError::Io { .. }));
}

#[test]
fn a_trail_whose_beginning_was_torn_is_begun_anew() {
    let place = Place::new();
    drop(Trail::open(&place.trail(), quiet()).unwrap());
    let bytes = fs::read(place.trail()).unwrap();
    for cut in 0..bytes.len() {
        fs::write(place.trail(), &bytes[..cut]).unwrap();
        let trail = Trail::open(&place.trail(), quiet()).unwrap();
        assert_eq!(trail.opened().unwrap().cut_bytes, cut as u64);
        drop(trail);
        assert_whole(&place.trail());
    }
    fs::write(place.trail(), vec![0; bytes.len()]).unwrap();
    drop(Trail::open(&place.trail(), quiet()).unwrap());
    assert_whole(&place.trail());
}

#[test]
fn a_newest_file_that_was_never_begun_is_removed() {
    let place = Place::new();
    let options = || TrailOptions { max_file: 600, ..quiet() };
    let trail = Trail::open(&place.trail(), options()).unwrap();
    let mut task = 0;
    while !place.file("trail.theus.2").exists() {
        task += 1;
        trail.append(entry(task));
    }
    let (first, next) = (fs::read(place.trail()).unwrap(), fs::read(place.file("trail.theus.2")).unwrap());
    drop(trail);
    let (begun, _) = frames(&next);
    for cut in 0..begun[0].1.length() + 16 {
        let files = [(place.trail(), first.clone()), (place.file("trail.theus.2"), next[..cut].to_vec())];
        let disk = FakeDisk::of(&Image::from(files));
        let trail = Trail::open_on(Arc::new(disk.clone()), &place.trail(), options()).unwrap();
        let opened = trail.opened().unwrap();
        assert_eq!((opened.records, opened.cut_bytes), (task - 1, cut as u64));
        assert_eq!(disk.image().len(), 1);
        trail.append(entry(task));
        assert!(trail.verify().ok(), "{:?}", trail.verify());
    }
}

/// Small files, so that a trail has several.
fn options() -> TrailOptions {
    TrailOptions { max_file: 600, ..quiet() }
}

/// A trail of several files, closed.
fn in_several_files(place: &Place) {
    let trail = Trail::open(&place.trail(), options()).unwrap();
    (1..=20).for_each(|task| {
        trail.append(entry(task));
    });
}

#[test]
fn a_missing_file_is_refused() {
    let place = Place::new();
    in_several_files(&place);
    fs::remove_file(place.file("trail.theus.2")).unwrap();
    let error = refused(&place.trail(), options());
    assert!(
        matches!(&error, OpenError::Damaged { path, .. } if *path == place.file("trail.theus.2")),
        "{error}"
    );
    fs::remove_file(place.trail()).unwrap();
    assert!(matches!(refused(&place.trail(), options()), OpenError::Damaged { .. }));
}

#[test]
fn a_torn_file_that_another_follows_is_refused() {
    let place = Place::new();
    in_several_files(&place);
    let bytes = fs::read(place.trail()).unwrap();
    fs::write(place.trail(), &bytes[..bytes.len() - 1]).unwrap();
    let error = refused(&place.trail(), options());
    assert!(matches!(&error, OpenError::Damaged { path, .. } if *path == place.trail()), "{error}");
}

#[test]
fn another_key_or_name_is_refused() {
    let place = Place::new();
    let signed = |seed| TrailOptions {
        signer: Some(Signer::from_seed("example.com/a", &[seed; 32]).unwrap()),
        ..quiet()
    };
    drop(Trail::open(&place.trail(), signed(1)).unwrap());
    for options in [signed(2), quiet()] {
        let error = refused(&place.trail(), options);
        assert!(matches!(error, OpenError::Signer { .. }), "{error}");
    }
    let named = || TrailOptions { origin: Some("example.com/b".to_owned()), ..signed(1) };
    assert!(matches!(refused(&place.trail(), named()), OpenError::Origin { .. }));
    drop(Trail::open(&place.trail(), signed(1)).unwrap());

    drop(Trail::open(&place.file("unsigned"), quiet()).unwrap());
    assert!(matches!(refused(&place.file("unsigned"), signed(1)), OpenError::Signer { .. }));
    let named = TrailOptions { origin: Some("example.com/b".to_owned()), ..quiet() };
    assert!(matches!(refused(&place.file("unsigned"), named), OpenError::Origin { .. }));
    let unfit = TrailOptions { origin: Some("two words".to_owned()), ..quiet() };
    assert!(matches!(refused(&place.file("new"), unfit), OpenError::Origin { .. }));
    assert!(!place.file("new").exists());
}

#[test]
fn a_frame_of_a_later_release_is_no_torn_end() {
    let place = Place::new();
    let mut bytes = written(&place);
    let (frames, end) = frames(&bytes);
    let mut frame = bytes[frames[frames.len() - 1].0..end - 4].to_vec();
    frame[4] = 5;
    frame.extend(crc32c::crc32c(&frame).to_le_bytes());
    bytes.extend(frame);
    fs::write(place.trail(), &bytes).unwrap();
    let error = refused(&place.trail(), quiet());
    assert!(error.to_string().contains("kind 5"), "{error}");
    assert_eq!(fs::read(place.trail()).unwrap(), bytes);
}
