//! A trail as bytes: the format of its files.
//!
//! All integers are little-endian, all texts UTF-8. Nothing is aligned, nothing is compressed.
//!
//! # A trail
//!
//! A trail `trail.theus` is one file or several: when the newest is large enough the next begins, named `trail.theus.2`,
//! `trail.theus.3` and so on. Together they hold one sequence of **frames**, numbered from 1 without a gap. The trail ends
//! before the first index whose file is missing; a file with a higher index is a finding. A file is
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 16 | magic: the text `theus audit 1`, a line feed, two zero bytes |
//! | 16 | | frames, one after the other, to the end of the file; the first is a *file* frame, and no other is |
//!
//! # A frame
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | `length` of the whole frame, this field and the checksum included: 41 to 1,048,576 |
//! | 4 | 1 | `kind`: 1 file, 2 attempt, 3 checkpoint, 4 opened |
//! | 5 | 8 | `number`: 1 for the first frame of the trail, then always one more |
//! | 13 | 8 | `time`: nanoseconds since 1970-01-01 00:00 UTC; never less than that of the frame before |
//! | 21 | 16 | `link`: the first 16 bytes of the leaf hash of the frame before; zeros in frame 1 |
//! | 37 | `length` - 41 | payload |
//! | `length` - 4 | 4 | CRC-32C (Castagnoli) of all bytes of the frame before it |
//!
//! The checksum finds what a crash tears. The tree finds what people change: the **leaf hash** of a frame is SHA-256 of a
//! zero byte and the frame without its checksum, and the frames' leaf hashes are the leaves of a Merkle tree as in RFC 6962
//! section 2.1. The digest of a record is its leaf hash. The link names the very frame that was changed, unless all links
//! after it were made anew too.
//!
//! # Payloads
//!
//! **file** (1): the first frame of each file.
//!
//! | size | field |
//! |---|---|
//! | 16 | id of the trail: random, the same in all its files |
//! | 4 | which file of the trail this is, from 1 |
//! | 1 | count of hashes |
//! | 32 each | the roots of the largest complete subtrees of all frames before this one, the largest first: as many as `number` - 1 has bits that are 1 |
//! | 1 | 1 if a public key follows, else 0 |
//! | 32 | the Ed25519 public key that signs checkpoints, if there is one |
//! | 2 | length of the origin in bytes |
//! | that | origin: the name under which checkpoints are signed; 1 to 255 bytes without white space, control characters (Unicode's Cc) and `+` |
//!
//! **attempt** (2): one attempt at a task.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | outcome: 0 committed, 1 conflict, 2 contract, 3 schema, 4 audit, 5 failed, 6 crashed, 7 timeout, 8 cancelled, 9 refused, 10 reset |
//! | 1 | 1 | which fields are present: 1 version, 2 signal, 4 worker, 8 error, 16 inputs, 32 update, 64 requester, 128 reason |
//! | 2 | 8 | task |
//! | 10 | 4 | attempt, from 1 |
//! | 14 | 8 | version that was read |
//! | 22 | 8 | version that was made, 0 if absent |
//! | 30 | 4 | signal, signed, 0 if absent |
//! | 34 | 4 | process id of the worker, 0 if absent |
//! | 38 | 8 | duration in nanoseconds |
//! | 46 | 4 | length of the process's name |
//! | 50 | 4 | length of the error, 0 if absent |
//! | 54 | 4 | length of the requester, 0 if absent |
//! | 58 | 4 | length of the reason, 0 if absent |
//! | 62 | 4 | count of paths that follow |
//! | 66 | 4 | count of changed paths that were left out because there are too many |
//! | 70 | 32 | SHA-256 of the inputs, only if present |
//! | | 32 | SHA-256 of the update, only if present |
//! | | | process, error, requester, reason |
//! | | | each path: 4 bytes length, the text, 32 bytes hash of its new value (zeros: removed) |
//!
//! A field drawn as 0 if absent must be 0 then; a text that is present may be empty.
//!
//! **checkpoint** (3): says what the first `size` frames were; they were on the disk before it was written.
//!
//! | size | field |
//! |---|---|
//! | 8 | `size`: at least 1, less than the frame's own number, and more than that of the checkpoint before |
//! | 32 | root of the tree of the first `size` leaves |
//! | 4 | length of the note |
//! | that | the note: the lines origin, size and root (standard base64) and an empty line; then one signature line by the key if there is one, else none (C2SP tlog-checkpoint and signed-note; no extension lines and no other signatures, which those allow) |
//!
//! **opened** (4): the trail was opened again.
//!
//! | size | field |
//! |---|---|
//! | 4 | process id of who opened it |
//! | 8 | bytes of a torn end that were cut; 0: none |
//! | 8 | offset in the file at which they were cut; 0 if none were |
//! | 32 | SHA-256 of the bytes that were cut; zeros if none were |
//!
//! What it says was cut cannot be checked any more. Offset 0 with bytes that were cut: a file that was never begun was removed,
//! or, the first one, begun anew.
//!
//! # What a reader checks
//!
//! In this order, frame by frame: enough bytes for a frame; length and kind in range; checksum; number; link; time; the
//! payload as drawn above, to its last byte; a file frame first in each file and nowhere else (a file that ends after its
//! magic lacks it), with the next file's index, the subtrees that the frames before it give, and the same id, key and origin;
//! a checkpoint's size, root and note against the frames themselves, and the signature by the key of the first file frame.
//! Signatures are checked strictly: a key or an R of small order is refused, and so is a key that is not written as RFC 8032
//! writes it (in the file frame already), and an s that is not below the order of the group.
//!
//! A link that does not fit means that this frame or the one before was changed. If the frame after both, in the same file
//! and with the next number, links to this one, it was the one before; if it does not, this one; where there is no such frame
//! only both can be named. In frame 1 the fault is its own. A checkpoint with another root, or a file frame with other
//! subtrees, names no single frame: one from after the last checkpoint to this one was changed.
//!
//! Only frames that no checkpoint covers can be torn by a crash. An end of the newest file that is no frame is a finding too,
//! which names the frame that should be there. It is cut when the trail is opened, if no whole checkpoint in it, at whatever
//! byte that begins, covers a frame that would be cut; then an *opened* frame tells of it. (A checkpoint that covers only
//! frames before the end may lie in it: the frames between were not on the disk yet.)

pub(crate) mod frame;
pub(crate) mod marks;
pub(crate) mod reader;
pub(crate) mod scan;

pub use frame::{Frame, FrameError, Kind, MAGIC, MAX_FRAME, MIN_FRAME};
pub use scan::Flaw;
