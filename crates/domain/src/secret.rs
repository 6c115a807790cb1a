//! Secrets: made here, shown once, kept as hashes.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::id::SecretId;
use crate::ports::{Entropy, draw};
use crate::time::Timestamp;

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A value that is shown once and never logged: no `Debug`, no `Display`, wiped when dropped.
#[derive(Clone)]
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// A new one: `tp_`, 32 random base62 characters, and 6 that are their CRC-32 in base62, so that a
    /// scanner can tell a leaked secret from chance without asking. Fits Cognito's `ClientSecretType`
    /// (24 to 64 of `[\w+]`).
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let body = draw(entropy, BASE62, 32);
        Self(Zeroizing::new(format!("tp_{body}{}", checksum(&body))))
    }

    /// Whether `text` has the form of a secret of ours, checksum included.
    pub fn looks_like_one(text: &str) -> bool {
        text.strip_prefix("tp_")
            .filter(|rest| rest.len() == 38 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
            .is_some_and(|rest| checksum(&rest[..32]) == rest[32..])
    }

    /// The value, to be sent to its owner and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.expose())
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(..)")
    }
}

/// SHA-256 of a secret. Secrets are random, so a slow password hash would add nothing.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a presented value.
    pub fn of(value: &str) -> Self {
        Self(Sha256::digest(value.as_bytes()).into())
    }

    /// The hash as it is kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `value` is the secret, in time that does not tell how nearly.
    pub fn matches(&self, value: &str) -> bool {
        self.0.ct_eq(&Self::of(value).0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

/// What is kept of one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretEntry {
    /// Its key.
    pub secret_id: SecretId,
    /// Its hash.
    pub hash: SecretHash,
    /// When it was made.
    pub create_time: Timestamp,
}

impl SecretEntry {
    /// A new secret, and what is kept of it.
    pub fn generate(entropy: &dyn Entropy, now: Timestamp) -> (Self, SecretValue) {
        let value = SecretValue::generate(entropy);
        let entry =
            Self { secret_id: SecretId::generate(entropy), hash: value.hash(), create_time: now };
        (entry, value)
    }
}

/// The live secrets of one owner: at most two, so that one can replace the other without an outage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets(Vec<SecretEntry>);

impl Secrets {
    /// How many may live at a time (Cognito: two per app client).
    pub const MAX: usize = 2;

    /// Secrets as they were kept.
    pub fn from_entries(entries: Vec<SecretEntry>) -> Self {
        Self(entries)
    }

    /// Oldest first.
    pub fn list(&self) -> &[SecretEntry] {
        &self.0
    }

    /// Whether one more may live.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `TOO_MANY_SECRETS`.
    pub fn check_room(&self, owner: &str) -> Result<(), Error> {
        if self.0.len() < Self::MAX {
            return Ok(());
        }
        Err(Error::blocked(
            "TOO_MANY_SECRETS",
            owner,
            "two secrets live: remove one before you add another",
        ))
    }

    /// A new one, beside those that live. `owner` names whose they are in the refusal.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `TOO_MANY_SECRETS`.
    pub fn add(
        &mut self,
        entropy: &dyn Entropy,
        now: Timestamp,
        owner: &str,
    ) -> Result<(SecretEntry, SecretValue), Error> {
        let (entry, value) = SecretEntry::generate(entropy, now);
        self.put(entry.clone(), owner)?;
        Ok((entry, value))
    }

    /// One that was made before, beside those that live.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `TOO_MANY_SECRETS`.
    pub fn put(&mut self, entry: SecretEntry, owner: &str) -> Result<(), Error> {
        self.check_room(owner)?;
        self.0.push(entry);
        Ok(())
    }

    /// Ends one; `None` if there is none of that key.
    pub fn remove(&mut self, secret_id: &SecretId) -> Option<SecretEntry> {
        let at = self.0.iter().position(|entry| entry.secret_id == *secret_id)?;
        Some(self.0.remove(at))
    }

    /// The secret that `presented` is. Compares with every one, so that time does not tell which.
    pub fn find(&self, presented: &str) -> Option<&SecretEntry> {
        let hash = SecretHash::of(presented);
        self.0
            .iter()
            .fold(None, |found, entry| if entry.hash == hash { Some(entry) } else { found })
    }
}

/// CRC-32 of `body` as six base62 digits, most significant first.
fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % 62];
        rest /= 62;
    }
    digits.iter().map(|b| char::from(*b)).collect()
}
