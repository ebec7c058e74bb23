//! Zones and physics: what a name allows to be done with the place that it names.
//!
//! | [`Zone`] | Names | A process may | Maintenance may |
//! |---|---|---|---|
//! | data | all others | READ, APPEND, UPDATE, DELETE | all |
//! | signal | `sig_… cmd_…`, `signal sig cmd` | READ, APPEND | all |
//! | meta | `meta_…`, `meta` | READ, UPDATE | all |
//! | heavy | `heavy_…`, `heavy` | READ, UPDATE | all |
//! | log | `log_… audit_…`, `log` | READ, APPEND (at the end) | all |
//! | constant | `const_…` | READ | READ |
//! | private | `internal_…` | nothing | READ, UPDATE |
//!
//! **A path** allows what the zones of all its segments allow: the strictest wins, and a constant binds all below it.
//!
//! **What a change needs** follows from the values before and after the whole update, not from the way that it came:
//!
//! | Before → after | Needs |
//! |---|---|
//! | equal | nothing |
//! | something → nothing | DELETE |
//! | nothing or a list → a list with all old items in their order (in the log zone: in front) | APPEND; where a zone has UPDATE instead, an assigned list may use that |
//! | anything else, a new key too | UPDATE |
//!
//! So a process can begin a `log_` or `sig_` list and make it longer, and put nothing but a list there. Two operations need
//! what they are called for, besides: an append that changes its list needs APPEND, and deleting what is there needs DELETE
//! though the same update may put it back.
//!
//! **A datum** is what is judged as one: the value under a name with a prefix, or under any key below a bare word
//! (`heavy.m`, `meta.note`), since the word names the zone itself. Assigning to a datum of a zone with UPDATE may drop parts
//! of it; an operation on such a part needs what its own path needs. In zones with APPEND and without UPDATE a map is judged
//! entry by entry, so that its lists can grow whichever way.
//!
//! **A container** that is replaced, merged or deleted answers for every name with a zone inside it, in items of lists and
//! tuples too (there by position): each one that is added, changed or dropped needs its capability.
//!
//! Initial data is exempt. Reading is not judged here: private names are hidden by who shows the state.
//!
//! **Cost**: the names of the written paths; and, where a container is written or replaced, the value written and the one it
//! replaces, without the parts that both share. An append does not look through its list.

mod capabilities;
mod children;
mod growth;
mod guarded;
mod hint;
mod physics;
mod place;
mod zone;

pub use capabilities::{Authority, Capabilities};
pub(crate) use guarded::commit;
pub(crate) use physics::Physics;
pub use zone::Zone;
