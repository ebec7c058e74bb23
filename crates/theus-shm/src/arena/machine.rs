//! The machine that an arena's segments come from: asked what it has before it is asked to give.
//!
//! Not here: when a segment is needed, and what gives way to it (`stock`).

use std::path::Path;

#[cfg(theus_loom)]
use crate::cells::available;
use crate::error::ShmError;
#[cfg(not(theus_loom))]
use crate::linux::limits::available;
use crate::raw::Span;
use crate::segment::Segment;

/// What must stay available for everybody else when a segment is made.
const AIR: u64 = 4 << 20;

/// Makes a segment if the system has the memory for it.
///
/// The kernel grants pages up to its last one, and then ends a process of its choice. So it is asked what is
/// available before it is asked to give; that takes a tenth of the time that one MiB of fresh pages takes.
pub(super) fn make(len: usize, label: &str) -> Result<Span, ShmError> {
    let asked = len as u64;
    // Beside the pages themselves there are their page tables.
    let needed = asked.saturating_add(asked / 64).saturating_add(AIR);
    match available(Path::new("/")) {
        Some(available) if available < needed => return Err(ShmError::Shortage { asked, available }),
        _ => {}
    }
    let segment = Segment::create(len, label)?;
    match Span::whole(segment) {
        Ok(span) => Ok(span),
        Err(_) => unreachable!("nobody else has a segment that was just made"),
    }
}
