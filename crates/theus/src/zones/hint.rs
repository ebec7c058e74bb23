//! What to do instead: one sentence for each zone and capability that it refuses.

use super::capabilities::{Authority, Capabilities};
use super::zone::Zone;

/// The way out of a refusal.
pub(super) fn hint(zone: Zone, needed: Capabilities, authority: &Authority) -> &'static str {
    match zone {
        Zone::Constant => "constants come with the initial data and never change: use another name",
        Zone::Private if *authority == Authority::Process => {
            "only maintenance may assign it: use another name"
        }
        Zone::Log | Zone::Signal if needed == Capabilities::DELETE => "what it holds stays: append to it",
        Zone::Log => "append to the end of its list",
        Zone::Signal => "append to its list",
        Zone::Meta | Zone::Heavy | Zone::Private | Zone::Data => "assign it a new value as a whole",
    }
}
