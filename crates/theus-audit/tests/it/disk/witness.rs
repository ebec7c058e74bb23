//! The second file: what a trail that was cut back or replaced looks like to it.

use std::fs;
use std::sync::Arc;

use theus_audit::{CheckpointNote, OpenError, Signer, Trail, TrailOptions};

use super::fake::{Event, FakeDisk, Image};
use super::{Place, assert_whole, entry, quiet};

fn options(place: &Place, signed: bool) -> TrailOptions {
    let signer = signed.then(|| Signer::from_seed("example.com/trail", &[3; 32]).unwrap());
    TrailOptions { checkpoint_file: Some(place.file("kept")), signer, ..quiet() }
}

fn notes(place: &Place) -> Vec<CheckpointNote> {
    CheckpointNote::parse_all(&fs::read_to_string(place.file("kept")).unwrap()).unwrap()
}

#[test]
fn each_checkpoint_is_in_the_second_file() {
    for signed in [false, true] {
        let place = Place::new();
        for round in 0..3 {
            let trail = Trail::open(&place.trail(), options(&place, signed)).unwrap();
            trail.append(entry(round));
            let note = trail.checkpoint().unwrap().unwrap();
            assert_eq!(notes(&place).last().unwrap().to_string(), note);
        }
        let sizes: Vec<u64> = notes(&place).iter().map(|note| note.checkpoint().size).collect();
        assert_eq!(sizes.len(), 3);
        assert!(sizes.is_sorted());
        assert_whole(&place.trail());
    }
}

#[test]
fn a_trail_that_was_cut_back_replaced_or_removed_does_not_open() {
    for signed in [false, true] {
        let place = Place::new();
        let trail = Trail::open(&place.trail(), options(&place, signed)).unwrap();
        trail.append(entry(1));
        trail.checkpoint().unwrap();
        let older = fs::read(place.trail()).unwrap();
        trail.append(entry(2));
        drop(trail);
        let whole = fs::read(place.trail()).unwrap();
        let refusal = || match Trail::open(&place.trail(), options(&place, signed)) {
            Err(OpenError::RolledBack { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        fs::write(place.trail(), &older).unwrap();
        assert!(refusal().contains("cut back"));
        fs::remove_file(place.trail()).unwrap();
        assert!(refusal().contains("gone"));
        assert!(!place.trail().exists());
        let other = TrailOptions { checkpoint_file: None, ..options(&place, signed) };
        let trail = Trail::open(&place.trail(), other).unwrap();
        (3..9).for_each(|task| {
            trail.append(entry(task));
        });
        drop(trail);
        assert!(refusal().contains("were others"));
        fs::write(place.trail(), &whole).unwrap();
        drop(Trail::open(&place.trail(), options(&place, signed)).unwrap());
    }
}

#[test]
fn a_note_torn_at_any_byte_is_cut_and_the_one_before_counts() {
    for signed in [false, true] {
        let place = Place::new();
        let trail = Trail::open(&place.trail(), options(&place, signed)).unwrap();
        trail.append(entry(1));
        let first = trail.checkpoint().unwrap().unwrap();
        trail.append(entry(2));
        trail.checkpoint().unwrap();
        drop(trail);
        let (whole, kept) = (fs::read(place.trail()).unwrap(), fs::read(place.file("kept")).unwrap());
        for cut in first.len()..kept.len() {
            let zeros = vec![0; kept.len() - cut];
            for torn in [kept[..cut].to_vec(), [&kept[..cut], &zeros].concat()] {
                let disk =
                    FakeDisk::of(&Image::from([(place.trail(), whole.clone()), (place.file("kept"), torn)]));
                let trail =
                    Trail::open_on(Arc::new(disk.clone()), &place.trail(), options(&place, signed)).unwrap();
                let note = trail.checkpoint().unwrap().expect("the opening is new");
                let now = &disk.image()[&place.file("kept")];
                assert_eq!(str::from_utf8(now).unwrap(), format!("{first}{note}"), "cut at {cut}");
            }
        }
    }
}

#[test]
fn half_a_note_is_gone_from_the_disk_before_the_next_is_written_there() {
    let place = Place::new();
    let trail = Trail::open(&place.trail(), options(&place, false)).unwrap();
    trail.append(entry(1));
    let note = trail.checkpoint().unwrap().unwrap();
    drop(trail);
    let torn = note.as_bytes()[..note.len() - 1].to_vec();
    let whole = fs::read(place.trail()).unwrap();
    let disk = FakeDisk::of(&Image::from([(place.trail(), whole), (place.file("kept"), torn)]));
    let trail = Trail::open_on(Arc::new(disk.clone()), &place.trail(), options(&place, false)).unwrap();
    trail.checkpoint().unwrap().expect("the opening is new");
    // The names come in order, so the second file is number 0. Without the sync in between the disk could hold the beginning of
    // one note and the end of the other: a well-formed note with a root that never was.
    let journal = disk.journal();
    let cut =
        journal.iter().position(|event| matches!(event, Event::SetLength { file: 0, length: 0 })).unwrap();
    let after = journal[cut + 1..]
        .iter()
        .filter(|event| matches!(event, Event::Sync { file: 0 } | Event::Write { file: 0, .. }));
    let synced: Vec<bool> = after.map(|event| matches!(event, Event::Sync { .. })).collect();
    assert_eq!(synced, [true, false, true]);
}

#[test]
fn what_is_no_file_of_notes_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let many = "a line of a diary\n".repeat(20);
    fs::write(place.file("kept"), &many).unwrap();
    let error = Trail::open(&place.trail(), options(&place, false)).unwrap_err();
    assert!(matches!(error, OpenError::RolledBack { .. }), "{error}");
    assert_eq!(fs::read_to_string(place.file("kept")).unwrap(), many);
    assert!(!place.trail().exists());
}

#[test]
fn a_second_file_of_another_trail_is_refused() {
    let place = Place::new();
    let other = TrailOptions { origin: Some("example.com/other".to_owned()), ..options(&place, false) };
    let trail = Trail::open(&place.file("other"), other).unwrap();
    trail.append(entry(1));
    drop(trail);
    drop(Trail::open(&place.trail(), quiet()).unwrap());
    let error = Trail::open(&place.trail(), options(&place, false)).unwrap_err();
    assert!(error.to_string().contains("example.com/other"), "{error}");
}

#[test]
fn the_second_file_is_for_one_trail_at_a_time_and_never_the_trail_itself() {
    let place = Place::new();
    let first = Trail::open(&place.trail(), options(&place, false)).unwrap();
    let refused = Trail::open(&place.file("other.theus"), options(&place, false)).unwrap_err();
    assert!(matches!(refused, OpenError::CheckpointsInUse { .. }), "{refused}");
    first.append(entry(1));
    let note = first.checkpoint().unwrap().unwrap();
    // A closed trail lets go of it, and writes nothing to it any more.
    first.close();
    let second = Trail::open(&place.trail(), options(&place, false)).unwrap();
    first.append(entry(2));
    assert_eq!(first.checkpoint().unwrap(), None);
    assert_eq!(notes(&place).last().unwrap().to_string(), note);
    drop((first, second));
    assert_whole(&place.trail());
    let own = TrailOptions { checkpoint_file: Some(place.trail()), ..quiet() };
    assert!(Trail::open(&place.trail(), own).is_err());
    assert_whole(&place.trail());
}

#[test]
fn half_a_note_that_a_full_disk_took_does_not_stay() {
    let (place, disk) = (Place::new(), FakeDisk::default());
    let trail = Trail::open_on(Arc::new(disk.clone()), &place.trail(), options(&place, true)).unwrap();
    let length = || disk.image()[&place.trail()].len() as u64;
    trail.append(entry(1));
    let before = length();
    let note = trail.checkpoint().unwrap().unwrap();
    let frame = length() - before;
    trail.append(entry(2));
    disk.set_room(Some(frame + note.len() as u64 - 1));
    assert!(trail.checkpoint().unwrap_err().to_string().contains("kept"));
    assert_eq!(disk.image()[&place.file("kept")], note.as_bytes());
    disk.set_room(None);
    trail.append(entry(3));
    let next = trail.checkpoint().unwrap().unwrap();
    assert_eq!(disk.image()[&place.file("kept")], (note + &next).into_bytes());
}
