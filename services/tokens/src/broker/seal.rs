//! Tokens in memory, readable only with the secret of their client: what shows the memory of this process
//! gives no token away.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use turnpike_domain::Error;
use turnpike_domain::authorization_server::AccessToken;
use turnpike_domain::ports::Entropy;
use zeroize::Zeroizing;

/// What the derived keys are for (RFC 5869 `info`).
const PURPOSE: &[u8] = b"turnpike: a token that is kept";

/// Seals and opens tokens under secrets. Its salt lasts as long as the process: what another has sealed is
/// of no use here, and the other way round.
pub(crate) struct Sealer(Salt);

/// A token that nobody can read without the secret it was sealed under.
pub(crate) struct Sealed {
    nonce: [u8; 12],
    bytes: Box<[u8]>,
}

impl Sealer {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let mut salt = [0u8; 32];
        entropy.fill(&mut salt);
        Self(Salt::new(HKDF_SHA256, &salt))
    }

    /// Seals a token for whoever shows `secret`, for the purpose `bound_to`.
    pub(crate) fn seal(
        &self,
        secret: &str,
        bound_to: &[u8],
        token: &AccessToken,
    ) -> Result<Sealed, Error> {
        let key = self.key(secret).map_err(Error::internal)?;
        // Wiped when dropped: growing for the tag could leave the text behind.
        let text = token.expose().as_bytes();
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + AES_256_GCM.tag_len()));
        bytes.extend_from_slice(text);
        let nonce = key
            .seal_in_place_append_tag(Aad::from(bound_to), &mut *bytes)
            .map_err(Error::internal)?;
        Ok(Sealed { nonce: *nonce.as_ref(), bytes: bytes.as_slice().into() })
    }

    /// The token, for whoever shows the same secret for the same purpose.
    pub(crate) fn open(
        &self,
        secret: &str,
        bound_to: &[u8],
        sealed: &Sealed,
    ) -> Option<AccessToken> {
        let key = self.key(secret).ok()?;
        let mut bytes = Zeroizing::new(sealed.bytes.to_vec());
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let text = key.open_in_place(nonce, Aad::from(bound_to), &mut bytes).ok()?;
        std::str::from_utf8(text).ok().map(|text| AccessToken::new(text.to_owned()))
    }

    /// The key of a secret. Secrets are random, so nothing slow is needed.
    fn key(&self, secret: &str) -> Result<RandomizedNonceKey, Unspecified> {
        let mut key = Zeroizing::new([0u8; 32]);
        let extracted = self.0.extract(secret.as_bytes());
        extracted.expand(&[PURPOSE], &AES_256_GCM)?.fill(key.as_mut())?;
        RandomizedNonceKey::new(&AES_256_GCM, key.as_ref())
    }
}

impl Sealed {
    /// What it takes in memory, and all that it is.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

#[cfg(test)]
mod tests {
    use turnpike_testkit::clock::SeededEntropy;

    use super::*;

    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjMSJ9.c2lnbmF0dXJl";

    fn sealed(sealer: &Sealer) -> Sealed {
        sealer.seal("secret", b"c1", &AccessToken::new(TOKEN.to_owned())).unwrap()
    }

    #[test]
    fn only_the_same_secret_opens_it_for_the_same_purpose() {
        let sealer = Sealer::new(&SeededEntropy::new(1));
        let kept = sealed(&sealer);
        assert_eq!(sealer.open("secret", b"c1", &kept).unwrap().expose(), TOKEN);
        assert!(sealer.open("secreT", b"c1", &kept).is_none());
        assert!(sealer.open("", b"c1", &kept).is_none());
        assert!(sealer.open("secret", b"c2", &kept).is_none());
        let other_process = Sealer::new(&SeededEntropy::new(2));
        assert!(other_process.open("secret", b"c1", &kept).is_none());
    }

    #[test]
    fn what_was_touched_does_not_open() {
        let sealer = Sealer::new(&SeededEntropy::new(1));
        for at in [0, 20, TOKEN.len(), TOKEN.len() + 15] {
            let mut kept = sealed(&sealer);
            kept.bytes[at] ^= 1;
            assert!(sealer.open("secret", b"c1", &kept).is_none(), "{at}");
        }
    }

    #[test]
    fn it_shows_nothing_of_the_token_and_never_looks_the_same() {
        let sealer = Sealer::new(&SeededEntropy::new(1));
        let (one, two) = (sealed(&sealer), sealed(&sealer));
        assert_ne!(one.bytes(), two.bytes());
        for piece in TOKEN.as_bytes().windows(6) {
            assert!(!one.bytes().windows(6).any(|window| window == piece));
        }
        assert_eq!(format!("{one:?} {sealer:?}"), "Sealed(..) Sealer(..)");
    }
}
