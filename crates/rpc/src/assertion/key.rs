//! The keys that assertions are signed with.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use turnpike_domain::Error;
use turnpike_domain::ports::Entropy;

use super::TYPE;

/// A signing key with its public half. It shows nothing of the first.
pub struct KeyPair {
    pub(super) pair: Ed25519KeyPair,
    pub(super) public: PublicKey,
    pub(super) header: String,
}

impl KeyPair {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the cryptographic library refuses it.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, Error> {
        let mut seed = Zeroizing::new([0u8; 32]);
        entropy.fill(seed.as_mut());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(Error::internal)?;
        let public = PublicKey::from_bytes(pair.public_key().as_ref())?;
        let header = public.header();
        Ok(Self { pair, public, header })
    }

    /// What verifiers need to know of it.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair(..)")
    }
}

/// The public half of a signing key.
#[derive(Clone)]
pub struct PublicKey {
    pub(super) id: String,
    bytes: Vec<u8>,
    pub(super) key: ParsedPublicKey,
}

impl PublicKey {
    /// From the 32 bytes of an Ed25519 public key (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if they are not a key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let key = ParsedPublicKey::new(&ED25519, bytes).map_err(Error::internal)?;
        let hash = digest::digest(&digest::SHA256, bytes);
        let id = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]);
        Ok(Self { id, bytes: bytes.to_vec(), key })
    }

    /// Its name: derived from itself.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What [`PublicKey::from_bytes`] takes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The one header segment that assertions of this key have.
    pub(super) fn header(&self) -> String {
        URL_SAFE_NO_PAD
            .encode(format!(r#"{{"alg":"EdDSA","typ":"{TYPE}","kid":"{}"}}"#, self.id).as_bytes())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("id", &self.id).finish_non_exhaustive()
    }
}
