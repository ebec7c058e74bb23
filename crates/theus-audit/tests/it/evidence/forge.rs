//! Makes files of trails by the drawing in `log`, with nothing of the code that writes them, so that they can be made wrong.

use theus_audit::{
    Checkpoint, CheckpointNote, Entry, Filter, Finding, Frontier, Hash, Outcome, Report, Signer, Trail,
    Verifier, VerifyOptions, leaf_hash,
};

pub(crate) const ORIGIN: &str = "test.example/trail";
pub(crate) const FILE: u8 = 1;
pub(crate) const ATTEMPT: u8 = 2;
pub(crate) const CHECKPOINT: u8 = 3;
pub(crate) const OPENED: u8 = 4;

/// A frame as its fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Forged {
    pub(crate) kind: u8,
    pub(crate) number: u64,
    pub(crate) time: u64,
    pub(crate) link: [u8; 16],
    pub(crate) payload: Vec<u8>,
}

impl Forged {
    /// What the leaf hash is of.
    pub(crate) fn entry(&self) -> Vec<u8> {
        let length = u32::try_from(41 + self.payload.len()).unwrap();
        [
            &length.to_le_bytes()[..],
            &[self.kind],
            &self.number.to_le_bytes(),
            &self.time.to_le_bytes(),
            &self.link,
            &self.payload,
        ]
        .concat()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.entry();
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    pub(crate) fn leaf(&self) -> Hash {
        leaf_hash(&self.entry())
    }
}

/// A trail as its frames.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) frames: Vec<Forged>,
    pub(crate) signer: Option<[u8; 32]>,
    pub(crate) id: u8,
}

/// What trail is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) records: u64,
    /// A file frame before each so many frames.
    pub(crate) per_file: u64,
    /// A checkpoint after each so many frames; 0: none.
    pub(crate) per_checkpoint: u64,
    pub(crate) signer: Option<[u8; 32]>,
    pub(crate) id: u8,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { records: 40, per_file: 1_000_000, per_checkpoint: 10, signer: Some([7; 32]), id: 1 }
    }
}

impl Plan {
    pub(crate) fn build(self) -> Log {
        let mut log = Log { frames: Vec::new(), signer: self.signer, id: self.id };
        let mut records = payloads(self.records, self.id).into_iter();
        let mut next = records.next();
        while next.is_some() {
            let number = log.frames.len() as u64 + 1;
            if (number - 1).is_multiple_of(self.per_file) {
                log.push(FILE, Vec::new());
            } else if self.per_checkpoint != 0 && number.is_multiple_of(self.per_checkpoint) {
                // One frame less than there are: a checkpoint is for what was synced, and more was appended meanwhile.
                log.push(CHECKPOINT, (number - 2).to_le_bytes().to_vec());
            } else if let Some(payload) = next.take() {
                log.push(ATTEMPT, payload);
                next = records.next();
            }
        }
        log.seal(1);
        log
    }
}

/// The payloads of some records, some long, as a trail in memory encodes them.
fn payloads(count: u64, seed: u8) -> Vec<Vec<u8>> {
    let trail = Trail::with_clock(usize::try_from(count).unwrap(), || 5);
    for task in 1..=count {
        let outcome = Outcome::ALL[(task % 10) as usize];
        let mut entry =
            Entry::new(["thumbnail", "merge"][(task % 2) as usize], task + u64::from(seed) * 1000, outcome);
        if task % 7 == 0 {
            entry = entry.error("something went wrong ".repeat((task % 5) as usize)).version(task);
        }
        trail.append(entry);
    }
    trail.records(Filter::default()).iter().map(|record| record.encode()[37..].to_vec()).collect()
}

impl Log {
    fn push(&mut self, kind: u8, payload: Vec<u8>) {
        self.frames.push(Forged { kind, number: 0, time: 1_000, link: [0; 16], payload });
    }

    /// The frame with this number.
    pub(crate) fn at(&mut self, number: u64) -> &mut Forged {
        &mut self.frames[number as usize - 1]
    }

    pub(crate) fn signer(&self) -> Option<Signer> {
        self.signer.map(|seed| Signer::from_seed(ORIGIN, &seed).unwrap())
    }

    /// The note of a checkpoint for the first frames as they are.
    pub(crate) fn note(&self, size: u64) -> CheckpointNote {
        let mut tree = Frontier::default();
        self.frames[..size as usize].iter().for_each(|frame| tree.push(frame.leaf()));
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: tree.root() };
        match self.signer() {
            Some(signer) => CheckpointNote::signed(checkpoint, &signer).unwrap(),
            None => CheckpointNote::unsigned(checkpoint),
        }
    }

    /// Makes numbers, links, file frames and checkpoints anew from this frame on, as who has the key can.
    pub(crate) fn seal(&mut self, from: u64) {
        self.relink(from, true);
    }

    /// The same; without `all`, file frames and checkpoints stay as they are but for numbers and links.
    pub(crate) fn relink(&mut self, from: u64, all: bool) {
        let mut tree = Frontier::default();
        let mut trees = vec![tree.clone()];
        let mut file = 0;
        for index in 0..self.frames.len() {
            let number = index as u64 + 1;
            file += u32::from(self.frames[index].kind == FILE);
            if number >= from {
                let before = index.checked_sub(1).map(|before| self.frames[before].leaf());
                let (id, signer) = (self.id, self.signer());
                let frame = &mut self.frames[index];
                frame.number = number;
                frame.link = before.map_or([0; 16], |leaf| leaf[..16].try_into().unwrap());
                if all && frame.kind == FILE {
                    frame.payload = file_payload(id, file, &tree, signer.as_ref());
                }
                if all && frame.kind == CHECKPOINT {
                    let size = u64::from_le_bytes(frame.payload[..8].try_into().unwrap());
                    frame.payload = checkpoint_payload(size, &trees[size as usize], signer.as_ref());
                }
            }
            tree.push(self.frames[index].leaf());
            trees.push(tree.clone());
        }
    }

    /// The bytes of the files.
    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        let mut files: Vec<Vec<u8>> = Vec::new();
        for frame in &self.frames {
            if frame.kind == FILE || files.is_empty() {
                files.push(theus_audit::MAGIC.to_vec());
            }
            files.last_mut().unwrap().extend(frame.bytes());
        }
        files
    }

    /// Where each frame begins in a trail of one file, and where the last ends.
    pub(crate) fn offsets(&self) -> Vec<usize> {
        let mut at = theus_audit::MAGIC.len();
        let mut offsets = vec![at];
        for frame in &self.frames {
            at += frame.bytes().len();
            offsets.push(at);
        }
        offsets
    }

    pub(crate) fn report(&self, kept: &[CheckpointNote]) -> Report {
        let key = self.signer().map(|signer| signer.public_key());
        let options = VerifyOptions { key: key.as_ref(), checkpoints: kept };
        report(&self.files(), &options)
    }
}

fn file_payload(id: u8, index: u32, tree: &Frontier, signer: Option<&Signer>) -> Vec<u8> {
    let mut payload = vec![id; 16];
    payload.extend(index.to_le_bytes());
    payload.push(tree.hashes().len() as u8);
    payload.extend(tree.hashes().iter().flatten());
    payload.push(u8::from(signer.is_some()));
    payload.extend(signer.iter().flat_map(|signer| signer.public_key().bytes()));
    payload.extend((ORIGIN.len() as u16).to_le_bytes());
    payload.extend(ORIGIN.as_bytes());
    payload
}

fn checkpoint_payload(size: u64, tree: &Frontier, signer: Option<&Signer>) -> Vec<u8> {
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root: tree.root() };
    let note = match signer {
        Some(signer) => CheckpointNote::signed(checkpoint, signer).unwrap(),
        None => CheckpointNote::unsigned(checkpoint),
    };
    raw_checkpoint(size, &tree.root(), &note.to_string())
}

pub(crate) fn raw_checkpoint(size: u64, root: &Hash, note: &str) -> Vec<u8> {
    let length = (note.len() as u32).to_le_bytes();
    [&size.to_le_bytes()[..], root, &length, note.as_bytes()].concat()
}

pub(crate) fn report(files: &[Vec<u8>], options: &VerifyOptions<'_>) -> Report {
    let mut verifier = Verifier::new(options);
    for file in files {
        verifier.file(&file[..]).unwrap();
    }
    verifier.finish()
}

/// Where a finding says the first bad frame is: the first and the last that it can be.
pub(crate) fn place(finding: &Finding) -> (u64, u64) {
    finding.first_bad.map(|number| (number, number)).or(finding.between).unwrap_or((0, u64::MAX))
}
