//! Where a session can be found: a name in the runtime folder, or an anonymous address.
//!
//! Not here: the folder (`folder`), connecting.
//!
//! Invariant: a [`SessionName`] is a plain file name, an [`Address`] fits a socket's address; so neither can lead elsewhere.

use std::fmt;

use super::error::SessionError;
use crate::linux::listen;

const LONGEST_NAME: usize = 64;

/// What each anonymous address begins with.
const PREFIX: &str = "theus-";

/// Hexadecimal digits of the random part of an anonymous address: 128 bits.
const RANDOM: usize = 32;

/// The name of a session: 1 to 64 of `[A-Za-z0-9._-]`, no dot at the front.
///
/// ```
/// use theus_shm::session::SessionName;
/// assert_eq!(SessionName::new("camera-2")?.to_string(), "camera-2");
/// assert!(SessionName::new("../camera").is_err());
/// # Ok::<(), theus_shm::session::SessionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionName(String);

impl SessionName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`SessionError::Name`].
    pub fn new(name: &str) -> Result<Self, SessionError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name =
            (1..=LONGEST_NAME).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(fits);
        if is_name { Ok(Self(name.into())) } else { Err(SessionError::Name { name: name.into() }) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An anonymous address: `theus-<process>-<32 hexadecimal digits>` in the kernel's abstract names of sockets.
///
/// It has no name in any file system and is gone with its listener. It holds within one network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address(String);

impl Address {
    /// One that nobody has had and nobody can guess.
    pub(crate) fn fresh() -> Result<Self, SessionError> {
        let random = listen::random().map_err(SessionError::system("drawing a random number"))?;
        let digits = u128::from_le_bytes(random);
        Ok(Self(format!("{PREFIX}{}-{digits:032x}", std::process::id())))
    }

    /// Reads an address as [`as_str`](Self::as_str) gives it; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (process, random) = text.strip_prefix(PREFIX)?.split_once('-')?;
        let is_number =
            (1..=10).contains(&process.len()) && process.bytes().all(|byte| byte.is_ascii_digit());
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_random = random.len() == RANDOM && random.bytes().all(is_hex);
        (is_number && is_random).then(|| Self(text.into()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As the kernel takes it.
    pub(crate) fn to_socket(&self) -> Vec<u8> {
        [b"\0", self.0.as_bytes()].concat()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
