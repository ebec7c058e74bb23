//! Power cuts: at any moment, with any of the writes that were not synced done, in any order, whole or torn.
//!
//! Whatever is left opens, and is a beginning of what was written that has everything the trail has promised. The number
//! of random cuts is THEUS_IMAGES; that of the orders follows from the script.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use theus_audit::{Frame, Kind, OpenError, Trail, TrailOptions};
use theus_testkit::crash::Dice;

use super::fake::{Event, FakeDisk, Image, write};
use super::{entry, frames, quiet};

const TRAIL: &str = "/disk/trail.theus";
const KEPT: &str = "/kept/notes";
/// Some frames to a file.
const MAX_FILE: u64 = 1_000;
/// Most writes that every order is tried of.
const MOST_ORDERED: usize = 6;

fn open(disk: &FakeDisk, max_file: u64) -> Result<Trail, OpenError> {
    let options = TrailOptions { max_file, checkpoint_file: Some(KEPT.into()), ..quiet() };
    Trail::open_on(Arc::new(disk.clone()), Path::new(TRAIL), options)
}

/// What happened on a disk that began empty or as an image, and what all of it amounts to.
struct Story {
    start: Image,
    journal: Vec<Event>,
    /// All frames, in order.
    frames: Vec<Vec<u8>>,
}

impl Story {
    /// A few openings, each with rounds of records, syncs, checkpoints and files that follow one another.
    fn tell(max_file: u64, openings: u64, rounds: u64, most_records: u64) -> Self {
        let disk = FakeDisk::default();
        for opening in 0..openings {
            let trail = open(&disk, max_file).expect("a trail that nobody has touched");
            disk.promise(trail.len());
            for round in 0..rounds {
                (0..1 + round % most_records).for_each(|task| {
                    trail.append(
                        entry(opening * 100 + round * 10 + task)
                            .error("e".repeat((round * 41 % 90) as usize)),
                    );
                });
                match round % 4 {
                    1 => trail.sync().unwrap(),
                    3 => drop(trail.checkpoint().unwrap()),
                    _ => continue,
                }
                // What a checkpoint covers is on the disk; the checkpoint itself is not yet.
                let own = u64::from(round % 4 == 3);
                disk.promise(trail.len() - own);
            }
        }
        Story { start: Image::new(), journal: disk.journal(), frames: frames_of(&disk.image()) }
    }
}

fn frames_of(image: &Image) -> Vec<Vec<u8>> {
    let files = (1..).map_while(|index: u32| {
        let path = if index == 1 { PathBuf::from(TRAIL) } else { PathBuf::from(format!("{TRAIL}.{index}")) };
        image.get(&path)
    });
    files.flat_map(|bytes| frames(bytes).0.into_iter().map(|(_, frame)| frame.entry.to_vec())).collect()
}

/// The disk at the moment of the cut: what is surely on it, and what may be.
#[derive(Clone)]
struct Cut {
    names: BTreeMap<PathBuf, usize>,
    files: BTreeMap<usize, Vec<u8>>,
    pending: Vec<Event>,
    promised: u64,
}

impl Cut {
    fn at(story: &Story, moment: usize) -> Self {
        let names = story.start.keys().cloned().zip(0..).collect();
        let files = (0..).zip(story.start.values().cloned()).collect();
        let mut cut = Cut { names, files, pending: Vec::new(), promised: 0 };
        for event in &story.journal[..moment] {
            match event {
                Event::Promise { number } => cut.promised = cut.promised.max(*number),
                Event::Sync { file } => cut.settle(|event| file_of(event) == Some(*file)),
                Event::SyncName { path } => {
                    let folder = path.parent();
                    cut.settle(|event| name_of(event).is_some_and(|path| path.parent() == folder));
                }
                pending => cut.pending.push(pending.clone()),
            }
        }
        cut
    }

    /// These are on the disk from now on.
    fn settle(&mut self, which: impl Fn(&Event) -> bool) {
        let (settled, pending) = std::mem::take(&mut self.pending).into_iter().partition(which);
        self.pending = pending;
        settled.iter().for_each(|event: &Event| self.apply(event));
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Create { path, file } => {
                self.names.insert(path.clone(), *file);
            }
            Event::Remove { path } => {
                self.names.remove(path);
            }
            Event::Write { file, at, bytes } => write(self.files.entry(*file).or_default(), *at, bytes),
            Event::SetLength { file, length } => {
                self.files.entry(*file).or_default().resize(*length as usize, 0)
            }
            Event::Sync { .. } | Event::SyncName { .. } | Event::Promise { .. } => {}
        }
    }

    /// The disk if these were done, in this order.
    fn image<'a>(&self, done: impl IntoIterator<Item = &'a Event>) -> Image {
        let mut cut = self.clone();
        done.into_iter().for_each(|event| cut.apply(event));
        let content = |file: &usize| cut.files.get(file).cloned().unwrap_or_default();
        cut.names.iter().map(|(path, file)| (path.clone(), content(file))).collect()
    }

    /// A random choice of them, in a random order, some torn.
    fn random_image(&self, dice: &mut Dice) -> Image {
        let mut done: Vec<Event> = self.pending.iter().filter(|_| dice.below(3) > 0).cloned().collect();
        if dice.below(2) == 0 {
            (1..done.len()).for_each(|place| done.swap(place, dice.below(place as u64 + 1) as usize));
        }
        let torn: Vec<Event> = done.iter().flat_map(|event| tear(event, dice)).collect();
        self.image(&torn)
    }
}

/// What a power cut leaves of one write: all of it, its beginning, or some of its blocks.
fn tear(event: &Event, dice: &mut Dice) -> Vec<Event> {
    let Event::Write { file, at, bytes } = event else {
        return vec![event.clone()];
    };
    let part = |at: u64, bytes: &[u8]| Event::Write { file: *file, at, bytes: bytes.to_vec() };
    match dice.below(3) {
        0 => vec![part(*at, bytes)],
        1 => vec![part(*at, &bytes[..dice.below(bytes.len() as u64 + 1) as usize])],
        _ => {
            let size = *dice.pick(&[8, 32, 64]);
            let blocks = bytes.chunks(size).zip((*at..).step_by(size));
            blocks.filter(|_| dice.below(2) == 0).map(|(bytes, at)| part(at, bytes)).collect()
        }
    }
}

fn file_of(event: &Event) -> Option<usize> {
    match event {
        Event::Write { file, .. } | Event::SetLength { file, .. } => Some(*file),
        _ => None,
    }
}

fn name_of(event: &Event) -> Option<&Path> {
    match event {
        Event::Create { path, .. } | Event::Remove { path } => Some(path),
        _ => None,
    }
}

/// Opens what was left. Gives the disk after it, or what is wrong.
fn recover(image: &Image, story: &Story, promised: u64) -> Result<FakeDisk, String> {
    let disk = FakeDisk::of(image);
    let trail = open(&disk, MAX_FILE).map_err(|error| error.to_string())?;
    let report = trail.verify();
    if let Some(finding) = report.finding {
        return Err(format!("after it was opened: {finding}"));
    }
    let found = frames_of(&disk.image());
    let kept = found.iter().zip(&story.frames).take_while(|(found, written)| found == written).count();
    if (kept as u64) < promised {
        return Err(format!("{promised} frames were promised, and {kept} are there"));
    }
    let is_news = |entry: &Vec<u8>| {
        let mut frame = entry.clone();
        frame.extend(crc32c::crc32c(entry).to_le_bytes());
        Frame::parse(&frame).is_ok_and(|frame| frame.kind != Kind::Attempt)
    };
    if !found[kept..].iter().all(is_news) {
        return Err(format!("behind frame {kept} there is something that was never written there"));
    }
    Ok(disk)
}

/// All choices of these, in all orders.
fn orders<'a>(events: &'a [Event], chosen: &mut Vec<&'a Event>, visit: &mut impl FnMut(&[&'a Event])) {
    visit(chosen);
    for event in events {
        if !chosen.iter().any(|other| std::ptr::eq(*other, event)) {
            chosen.push(event);
            orders(events, chosen, visit);
            chosen.pop();
        }
    }
}

/// Random cuts; every fourth is followed by one while what it left is opened. Gives the first thing that went wrong.
fn cuts(story: &Story, count: u64, dice: &mut Dice) -> Result<(), String> {
    for round in 0..count {
        let moment = dice.below(story.journal.len() as u64 + 1) as usize;
        let cut = Cut::at(story, moment);
        let image = cut.random_image(dice);
        let told = |error| format!("cut {round}, after event {moment}: {error}");
        let disk = recover(&image, story, cut.promised).map_err(told)?;
        if round % 4 == 0 {
            let again = Story { start: image, journal: disk.journal(), frames: Vec::new() };
            let moment = dice.below(again.journal.len() as u64 + 1) as usize;
            let image = Cut::at(&again, moment).random_image(dice);
            let told = |error| format!("cut {round}, and again after event {moment} of the opening: {error}");
            recover(&image, story, cut.promised).map_err(told)?;
        }
    }
    Ok(())
}

#[test]
fn every_order_of_a_few_unsynced_writes_is_survived() {
    let story = Story::tell(MAX_FILE, 1, 18, 6);
    let (mut moments, mut images) = (0, 0);
    for moment in 0..=story.journal.len() {
        let cut = Cut::at(&story, moment);
        if cut.pending.len() > MOST_ORDERED {
            continue;
        }
        moments += 1;
        orders(&cut.pending, &mut Vec::new(), &mut |done| {
            images += 1;
            if let Err(error) = recover(&cut.image(done.iter().copied()), &story, cut.promised) {
                panic!("after event {moment}, with {done:?} done: {error}");
            }
        });
    }
    println!("{images} images after {moments} of {} events", story.journal.len());
    assert!(images >= 5_000, "{images} images of {moments} moments");
}

#[test]
fn random_tears_are_survived() {
    let count = env::var("THEUS_IMAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000);
    let mut dice = Dice::of_this_run();
    let story = Story::tell(MAX_FILE, 3, 12, 3);
    if let Err(error) = cuts(&story, count, &mut dice) {
        panic!("THEUS_KILL_SEED={}: {error}", dice.seed());
    }
}

/// A trail of one file whose records are never synced, though its beginning is.
fn unsynced() -> Story {
    let mut story = Story::tell(u64::MAX, 1, 24, 3);
    let open = story.journal.iter().position(|event| matches!(event, Event::Promise { .. })).unwrap();
    let mut place = 0;
    story.journal.retain(|event| {
        place += 1;
        place <= open || !matches!(event, Event::Sync { file: 1 })
    });
    story
}

#[test]
fn planted_a_sync_that_is_left_out_is_found() {
    let error = cuts(&unsynced(), 200, &mut Dice::new(1)).expect_err("nobody keeps the promises");
    println!("{error}");
}

#[test]
fn planted_a_checkpoint_before_its_sync_is_found() {
    // Nothing was promised, and nothing is kept elsewhere: only the checkpoint shows that what it covers is missing.
    let mut story = unsynced();
    story.journal.retain(|event| !matches!(event, Event::Promise { .. } | Event::Write { file: 0, .. }));
    let error = cuts(&story, 200, &mut Dice::new(1)).expect_err("a checkpoint of what is not there");
    assert!(error.contains("no crash explains it"), "{error}");
}
