//! The link between the Brain and one worker: two rings and two bells in shared memory, and a control socket for
//! descriptors.
//!
//! What it is not: the meaning of frames; that is the supervisor's and the worker's.

mod attachment;
mod bell;
mod cells;
mod frame;
mod mailbox;
mod ring;
mod spin;

pub use attachment::{ATTACHMENTS, Attachment};
pub use bell::Bell;
pub use cells::Cells;
pub use frame::{Flags, Frame, HEADER, Header, Kind, PROTOCOL_VERSION};
pub use mailbox::{HELLO_LIMIT, INLINE_LIMIT, Mailbox};
pub use ring::{RingError, RingPlace, RingReader, RingWriter, Watch};
pub(crate) use spin::{Glances, Spin};
