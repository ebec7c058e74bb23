//! [`Capabilities`]: what may be done with a place, as a set of bits; [`Authority`]: for whom.
//!
//! What not: which of them a change needs (see `physics`).
//! Invariant: [`Authority::capabilities`] is the table of the specification, and the only place that knows it.

use super::zone::Zone;
use std::fmt;
use std::ops::{BitAnd, BitOr};

/// A set of capabilities.
///
/// ```
/// use theus::Capabilities;
/// let both = Capabilities::READ | Capabilities::APPEND;
/// assert!(both.contains(Capabilities::APPEND) && !both.contains(Capabilities::UPDATE));
/// assert_eq!((both.bits(), both.to_string()), (3, "READ, APPEND".into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Capabilities(u8);

impl Capabilities {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// Look at it.
    pub const READ: Self = Self(1);
    /// Make a list longer.
    pub const APPEND: Self = Self(2);
    /// Put another value there, or a first one.
    pub const UPDATE: Self = Self(4);
    /// Take it away.
    pub const DELETE: Self = Self(8);
    /// Do it as maintenance.
    pub const ADMIN: Self = Self(16);

    const NAMED: [(Self, &'static str); 5] = [
        (Self::READ, "READ"),
        (Self::APPEND, "APPEND"),
        (Self::UPDATE, "UPDATE"),
        (Self::DELETE, "DELETE"),
        (Self::ADMIN, "ADMIN"),
    ];

    /// True when all of `others` are in this set.
    pub fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// The set as bits.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// True when it lets every change through.
    pub(super) fn allow_every_change(self) -> bool {
        self.contains(Self(Self::APPEND.0 | Self::UPDATE.0 | Self::DELETE.0))
    }
}

impl BitOr for Capabilities {
    type Output = Self;
    fn bitor(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

impl BitAnd for Capabilities {
    type Output = Self;
    fn bitand(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.write_str("nothing");
        }
        let names = Self::NAMED.iter().filter(|(bit, _)| self.contains(*bit));
        for (number, (_, name)) in names.enumerate() {
            write!(f, "{}{name}", if number == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// In whose name a change is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authority {
    /// A process, or a caller's ordinary compare-and-swap or transaction.
    #[default]
    Process,
    /// Maintenance: lifts all physics but that of constants.
    Admin {
        /// Why; stands in the audit record.
        reason: String,
    },
}

impl Authority {
    /// What it may do in a zone.
    ///
    /// ```
    /// use theus::{Authority, Zone};
    /// assert_eq!(Authority::Process.capabilities(Zone::Log).to_string(), "READ, APPEND");
    /// ```
    pub fn capabilities(&self, zone: Zone) -> Capabilities {
        use Capabilities as C;
        let changes = C::APPEND | C::UPDATE | C::DELETE;
        match (self, zone) {
            (_, Zone::Constant) => C::READ,
            (Authority::Process, Zone::Data) => C::READ | changes,
            (Authority::Process, Zone::Signal | Zone::Log) => C::READ | C::APPEND,
            (Authority::Process, Zone::Meta | Zone::Heavy) => C::READ | C::UPDATE,
            (Authority::Process, Zone::Private) => C::NONE,
            (Authority::Admin { .. }, Zone::Private) => C::READ | C::UPDATE,
            (Authority::Admin { .. }, _) => C::READ | changes | C::ADMIN,
        }
    }

    /// Who it is, in messages.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Authority::Process => "a process",
            Authority::Admin { .. } => "maintenance",
        }
    }
}
