//! What the kernel promises about a memory file from now on, for everybody and for good.
//!
//! Not here: adding or reading them (`linux`).

use std::fmt;
use std::ops::BitOr;

/// A set of seals of a memory file.
///
/// ```
/// use theus_shm::Seals;
/// assert!(Seals::FROZEN.contains(Seals::WRITE | Seals::SHRINK));
/// assert_eq!((Seals::SHRINK | Seals::GROW).to_string(), "shrink|grow");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seals(i32);

impl Seals {
    /// No more seals can be added.
    pub const SEAL: Self = Self(libc::F_SEAL_SEAL);
    /// The file cannot get shorter.
    pub const SHRINK: Self = Self(libc::F_SEAL_SHRINK);
    /// The file cannot get longer.
    pub const GROW: Self = Self(libc::F_SEAL_GROW);
    /// Nobody can write any more.
    pub const WRITE: Self = Self(libc::F_SEAL_WRITE);
    /// Nobody can write any more, except through mappings that exist already.
    pub const FUTURE_WRITE: Self = Self(libc::F_SEAL_FUTURE_WRITE);

    /// Of a segment: one writer (its maker), fixed size.
    pub const SEGMENT: Self = Self(Self::SIZED.0 | Self::FUTURE_WRITE.0);
    /// Of a sealed buffer: content and size are final.
    pub const FROZEN: Self = Self(Self::SIZED.0 | Self::WRITE.0);
    /// Of a channel: fixed size, writable by whoever holds it.
    pub const SIZED: Self = Self(Self::SEAL.0 | Self::SHRINK.0 | Self::GROW.0);

    /// Whether all of `other` are in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn bits(self) -> i32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: i32) -> Self {
        Self(bits)
    }
}

impl BitOr for Seals {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::SEAL, "seal"),
            (Self::SHRINK, "shrink"),
            (Self::GROW, "grow"),
            (Self::WRITE, "write"),
            (Self::FUTURE_WRITE, "future-write"),
        ];
        let mut separator = "";
        for (seal, name) in names {
            if self.contains(seal) {
                write!(f, "{separator}{name}")?;
                separator = "|";
            }
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}
