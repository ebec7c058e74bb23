//! The check of a trail, file by file, with a buffer of bounded size.
//!
//! What not: finding the files (see `files`), and what kept checkpoints say (see `evidence`).
//!
//! Invariant: after the first finding nothing more is looked at, so the finding is the first there is.

use std::io::{self, Read};

use super::evidence::Evidence;
use super::{Finding, Report, VerifyOptions};
use crate::log::frame::{Frame, FrameError, Kind, MIN_FRAME, link_to};
use crate::log::marks::OpenedMark;
use crate::log::reader::{Reader, Step};
use crate::log::scan::{Flaw, Scan};
use crate::tree::Frontier;

/// How many notes about openings a report has at most.
const MOST_OPENINGS: usize = 20;

/// Checks the files of a trail one after the other.
///
/// ```
/// use theus_audit::{Verifier, VerifyOptions};
///
/// let mut verifier = Verifier::new(&VerifyOptions::default());
/// verifier.file(&b"this is no file of a trail"[..])?;
/// let report = verifier.finish();
/// assert_eq!(report.finding.and_then(|finding| finding.first_bad), Some(1));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    scan: Scan,
    evidence: Evidence,
    records: u64,
    openings: Vec<String>,
    finding: Option<Finding>,
    /// The end that may be a torn one: only the newest file can have one.
    torn_bytes: u64,
}

impl Verifier {
    /// Begins with the first file.
    pub fn new(options: &VerifyOptions<'_>) -> Self {
        Verifier {
            scan: Scan::default(),
            evidence: Evidence::new(options),
            records: 0,
            openings: Vec::new(),
            finding: None,
            torn_bytes: 0,
        }
    }

    /// Checks the next file, from its first byte to its end or to the first finding.
    ///
    /// # Errors
    /// Those of the input only; what is wrong with the bytes is in the report.
    pub fn file(&mut self, input: impl Read) -> io::Result<()> {
        if self.torn_bytes > 0 {
            // What was taken for a torn end lies before another file, so no crash has made it.
            self.torn_bytes = 0;
            if let Some(finding) = &mut self.finding {
                finding.reason.push_str("; another file follows, so this is no torn end");
            }
        }
        if self.finding.is_some() {
            return Ok(());
        }
        let mut reader = Reader::new(input);
        self.scan.begin_file();
        loop {
            let flaw = match reader.next()? {
                Step::End if self.scan.in_file() => return Ok(()),
                Step::End => Flaw::Frame(FrameError::Cut { needed: MIN_FRAME, left: 0 }),
                Step::Flaw(flaw) => flaw,
                Step::Frame(frame) => match self.scan.admit(&frame) {
                    Ok(_) => {
                        self.note(&frame);
                        self.finding = self.evidence.compare(&mut self.scan);
                        if self.finding.is_some() {
                            return Ok(());
                        }
                        continue;
                    }
                    Err(Flaw::Link) => {
                        let after = link_to(&frame.leaf());
                        self.finding = Some(self.unlinked(after, reader.next()?));
                        return Ok(());
                    }
                    Err(flaw) => flaw,
                },
            };
            let number = self.scan.frames() + 1;
            if flaw.is_tear() {
                let offset = reader.offset();
                let rest = reader.rest(number)?;
                let finding = match rest.covering {
                    Some(checkpoint) => {
                        format!("{flaw}; checkpoint {checkpoint} behind it shows that a whole frame was here")
                    }
                    None => {
                        self.torn_bytes = rest.bytes;
                        format!(
                            "{flaw}; from byte {offset} of the file on, {} bytes are no part of the trail: a crash while \
                             they were written leaves such an end, and opening the trail cuts it",
                            rest.bytes
                        )
                    }
                };
                self.finding = Some(Finding::new(Some(number), finding));
            } else {
                self.finding = Some(self.judge(number, &flaw));
            }
            return Ok(());
        }
    }

    /// A file that should come next is not there, though later ones are.
    pub(super) fn missing_file(&mut self, name: &str) {
        let number = self.scan.frames() + 1;
        let reason = format!("the file {name} that begins here is missing, and later ones are there");
        self.finding.get_or_insert(Finding::new(Some(number), reason));
    }

    /// The tree of the frames that were found good so far.
    pub(crate) fn head(&mut self) -> &Frontier {
        self.scan.head()
    }

    /// What was found in all files.
    pub fn finish(mut self) -> Report {
        if self.finding.is_none() && self.scan.frames() == 0 {
            self.finding = Some(Finding::new(Some(1), "there is no file of a trail"));
        }
        let beyond = self.evidence.beyond(self.scan.frames());
        match (&mut self.finding, beyond) {
            (None, beyond) => self.finding = beyond,
            (Some(finding), Some(beyond)) if self.torn_bytes > 0 => {
                finding.reason = format!("{}; and {}", finding.reason, beyond.reason);
            }
            _ => {}
        }
        let notes = if self.finding.is_none() { self.notes() } else { std::mem::take(&mut self.openings) };
        Report {
            count: self.scan.frames(),
            finding: self.finding,
            files: self.scan.files(),
            records: self.records,
            checkpoints: self.scan.checkpoints(),
            signed: self.scan.checkpoints() > 0 && self.scan.key().is_some(),
            covered: self.scan.covered(),
            kept: self.evidence.agreed(),
            torn_bytes: self.torn_bytes,
            notes,
        }
    }

    fn note(&mut self, frame: &Frame<'_>) {
        self.records += u64::from(frame.kind == Kind::Attempt);
        if frame.kind != Kind::Opened || self.openings.len() >= MOST_OPENINGS {
            return;
        }
        if let Some(mark) = OpenedMark::read(frame.payload).filter(|mark| mark.cut_bytes > 0) {
            let text = format!(
                "frame {}: when the trail was opened, {} bytes of a torn end were cut at byte {}",
                frame.number, mark.cut_bytes, mark.cut_at
            );
            self.openings.push(text);
        }
    }

    /// Which of two frames that do not fit is the changed one: the frame after them vouches for one of them, or for none.
    fn unlinked(&self, link: [u8; 16], after: Step<'_>) -> Finding {
        let number = self.scan.frames() + 1;
        let before = number - 1;
        let text = "this frame is not the one that was written here: its neighbour links to another";
        match after {
            _ if before == 0 => Finding::new(Some(number), "the first frame of a trail links to none"),
            Step::Frame(after) if after.number == number + 1 && after.link == link => {
                Finding::new(Some(before), text)
            }
            Step::Frame(after) if after.number == number + 1 => Finding::new(Some(number), text),
            _ => Finding::within(
                before,
                number,
                "one of these was changed: their hashes do not fit, and no frame after them tells",
            ),
        }
    }

    fn judge(&self, number: u64, flaw: &Flaw) -> Finding {
        match flaw {
            Flaw::Root { covered, .. } => Finding::within(
                covered + 1,
                number,
                format!(
                    "{flaw}: a frame that it covers was changed and all links after it made anew, or the checkpoint itself was"
                ),
            ),
            Flaw::OtherFile { what } if *what == Flaw::TREE => Finding::within(
                self.scan.covered() + 1,
                number,
                format!(
                    "{flaw}: a frame before it was changed and all links after it made anew, or it is another trail's file"
                ),
            ),
            flaw => Finding::new(Some(number), flaw.to_string()),
        }
    }

    /// What a trail in which nothing was found does not show.
    fn notes(&self) -> Vec<String> {
        let (frames, covered) = (self.scan.frames(), self.scan.covered());
        let mut notes = self.openings.clone();
        if covered < frames {
            notes.push(format!(
                "frames {} to {frames} are covered by no checkpoint in the trail: if more followed them, nothing here would tell",
                covered + 1
            ));
        }
        if self.scan.key().is_none() {
            notes.push(
                "the checkpoints are not signed: whoever can write the files can make them anew".to_owned(),
            );
        }
        notes.extend(self.evidence.notes(frames));
        notes
    }
}
