//! Keys: who signs checkpoints (Ed25519, RFC 8032) and who can check that.
//!
//! What not: where a key is kept. Whoever can read the private text can rewrite a trail from the last exported checkpoint on.
//!
//! The texts are those that C2SP `signed-note` and Go's `golang.org/x/mod/sumdb/note` use.
//! Invariant: no `Debug` output, error or message has a private key in it. The key in memory is wiped when it is dropped.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::check_origin;

/// The byte that stands for Ed25519 in texts of keys and in key ids.
const ED25519: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";

/// Signs checkpoints. Its name is the origin of the trail.
pub struct Signer {
    name: String,
    key: SigningKey,
}

/// Checks signatures on checkpoints. Its name is the origin of the trail.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    key: VerifyingKey,
}

/// Why a text or bytes are no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name is none.
    #[error("a key's name has 1 to 255 bytes and no white space, control characters or +")]
    Name,
    /// The text is no public key.
    #[error("this is not a public key: such a text is a name, +, eight hexadecimal digits, +, base64")]
    NotPublic,
    /// The text is no private key.
    #[error("this is not a private key: such a text begins with {PRIVATE}")]
    NotPrivate,
    /// The text is a private key, where a public one is asked for.
    #[error("this is the private key; give the public one, and keep this one to yourself")]
    Secret,
    /// The digits are not those of the name and the key.
    #[error("the key's digits are not those of its name and bytes: a letter of the text is wrong")]
    Id,
    /// The bytes are no Ed25519 key.
    #[error("these 32 bytes are not an Ed25519 public key")]
    Bytes,
}

impl Signer {
    /// The signer whose secret is `seed`, which must come from a random source that is fit for keys.
    ///
    /// # Errors
    /// When `name` cannot be the origin of a trail.
    pub fn from_seed(name: impl Into<String>, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let name = name.into();
        check_origin(&name).map_err(|_| KeyError::Name)?;
        Ok(Signer { name, key: SigningKey::from_bytes(seed) })
    }

    /// Reads the private text; white space around it does no harm.
    ///
    /// # Errors
    /// When it is no such text. The error does not repeat it.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let rest = text.trim().strip_prefix(PRIVATE).ok_or(KeyError::NotPrivate)?;
        let (name, id, seed) = parts(rest).ok_or(KeyError::NotPrivate)?;
        let signer = Signer::from_seed(name, &seed)?;
        if signer.public_key().id() != id {
            return Err(KeyError::Id);
        }
        Ok(signer)
    }

    /// The private text, on one line without its end. Whoever reads it can sign.
    pub fn private_text(&self) -> String {
        format!("{PRIVATE}{}", text(&self.name, self.public_key().id(), self.key.as_bytes()))
    }

    /// The key that checks what this one signs.
    pub fn public_key(&self) -> PublicKey {
        PublicKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The name: the origin of the trail.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id and the signature of the bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        [&self.public_key().id()[..], &self.key.sign(bytes).to_bytes()].concat()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PublicKey {
    /// The key of these bytes.
    ///
    /// # Errors
    /// When `name` cannot be the origin of a trail, or the bytes are no point of the curve, one of the few weak ones, or not
    /// the encoding that RFC 8032 gives the point.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let name = name.into();
        check_origin(&name).map_err(|_| KeyError::Name)?;
        let key = VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak());
        // The library takes encodings that are not reduced; two texts for one key would be two names for it.
        let canonical = |key: &VerifyingKey| key.to_edwards().compress().as_bytes() == bytes;
        let key = key.filter(canonical).ok_or(KeyError::Bytes)?;
        Ok(PublicKey { name, key })
    }

    /// Reads the public text; white space around it does no harm.
    ///
    /// ```
    /// use theus_audit::PublicKey;
    ///
    /// let key = PublicKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")?;
    /// assert_eq!(key.name(), "PeterNeumann");
    /// # Ok::<(), theus_audit::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// When it is no such text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with(PRIVATE) {
            return Err(KeyError::Secret);
        }
        let (name, id, bytes) = parts(text).ok_or(KeyError::NotPublic)?;
        let key = PublicKey::from_bytes(name, &bytes)?;
        if key.id() == id { Ok(key) } else { Err(KeyError::Id) }
    }

    /// The name: the origin of the trail.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The first four bytes of a hash of name and key: which key made a signature.
    pub fn id(&self) -> [u8; 4] {
        let hash =
            Sha256::new().chain_update(&self.name).chain_update([b'\n', ED25519]).chain_update(self.bytes());
        let hash: [u8; 32] = hash.finalize().into();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    pub(super) fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(bytes, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(&self.name, self.id(), self.key.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

fn text(name: &str, id: [u8; 4], key: &[u8; 32]) -> String {
    let mut bytes = [ED25519; 33];
    bytes[1..].copy_from_slice(key);
    format!("{name}+{:08x}+{}", u32::from_be_bytes(id), STANDARD.encode(bytes))
}

/// Name, id and 32 bytes of a text; the base64 itself may hold a plus.
fn parts(text: &str) -> Option<(&str, [u8; 4], [u8; 32])> {
    let mut parts = text.splitn(3, '+');
    let (name, id, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = id.len() == 8 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    let id = u32::from_str_radix(id, 16).ok().filter(|_| digits)?.to_be_bytes();
    let bytes = <[u8; 33]>::try_from(STANDARD.decode(encoded).ok()?).ok()?;
    let key = bytes.strip_prefix(&[ED25519])?.try_into().ok()?;
    Some((name, id, key))
}
