//! Sealed text: what a browser keeps for us, and can neither read nor change.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use turnpike_domain::Error;
use turnpike_domain::ports::Entropy;
use turnpike_registry::Registry;

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;
const HEAD_LEN: usize = 1 + KEY_ID_LEN;
/// How long a key seals: far longer than sessions live, so that the one before it opens all that are left.
const PERIOD_SECONDS: i64 = 7 * 24 * 3600;
/// How often it is looked whether it is time for the next.
const READ_PAUSE: Duration = Duration::from_secs(600);
/// Far above what we seal into cookies; browsers keep about 4096 bytes of one.
const COOKIE_MAX: usize = 4096;
/// The same for what we seal into the store.
const KEPT_MAX: usize = 256 * 1024;

/// A secret of 32 random bytes that session cookies are sealed with. It shows nothing of itself.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

impl SealKey {
    /// These bytes. They must come from a cryptographically secure generator.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(..)")
    }
}

/// The keys of a gateway: what it seals, it seals with the first, and opens with each. That is how keys rotate.
/// Clones share them.
#[derive(Clone)]
pub struct SealKeys(Arc<RwLock<Arc<Vec<Sealing>>>>);

impl SealKeys {
    /// These keys, the one to seal with first.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] without any key, or if the cryptographic library refuses one.
    pub fn new(keys: &[SealKey]) -> Result<Self, Error> {
        Ok(Self(Arc::new(RwLock::new(Arc::new(derive(keys)?)))))
    }

    /// These keys instead, from now on.
    ///
    /// # Errors
    ///
    /// As for [`SealKeys::new`]; the keys that were there stay.
    pub fn replace(&self, keys: &[SealKey]) -> Result<(), Error> {
        let keys = Arc::new(derive(keys)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The keys that all gateways of an installation share, kept up as long as the process lives. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn follow(registry: Registry) -> Result<Self, Error> {
        let keys = Self::new(&read(&registry).await?)?;
        let kept = keys.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(READ_PAUSE).await;
                if let Err(error) = read(&registry).await.and_then(|keys| kept.replace(&keys)) {
                    let error = turnpike_rpc::status::causes(&error);
                    tracing::warn!(error, "session_seal.not_read");
                }
            }
        });
        Ok(keys)
    }

    fn now(&self) -> Arc<Vec<Sealing>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKeys({})", self.now().len())
    }
}

async fn read(registry: &Registry) -> Result<Vec<SealKey>, Error> {
    let keys = registry.period_keys("session-seal", PERIOD_SECONDS).await?;
    Ok(keys.into_iter().map(SealKey::new).collect())
}

fn derive(keys: &[SealKey]) -> Result<Vec<Sealing>, Error> {
    if keys.is_empty() {
        return Err(Error::internal("no key to seal sessions with"));
    }
    keys.iter().map(Sealing::derive).collect()
}

/// Seals for one purpose.
pub(crate) struct Sealer {
    keys: SealKeys,
    /// What the text is for, so that one sealed for another purpose does not open.
    purpose: String,
    /// The longest text that is looked at.
    longest: usize,
}

struct Sealing {
    id: [u8; KEY_ID_LEN],
    key: LessSafeKey,
}

impl Sealer {
    /// For cookies.
    pub(crate) const fn new(keys: SealKeys, purpose: String) -> Self {
        Self { keys, purpose, longest: COOKIE_MAX }
    }

    /// For what is kept in the store.
    pub(crate) const fn large(keys: SealKeys, purpose: String) -> Self {
        Self { keys, purpose, longest: KEPT_MAX }
    }

    /// `plain` as text fit for a cookie: base64url of version, key id, nonce and ciphertext.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the cryptographic library refuses.
    pub(crate) fn seal(&self, plain: &[u8], entropy: &dyn Entropy) -> Result<String, Error> {
        let keys = self.keys.now();
        let sealing = keys.first().ok_or_else(|| Error::internal("no key"))?;
        let mut nonce = [0u8; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut head = vec![VERSION];
        head.extend_from_slice(&sealing.id);
        let mut body = plain.to_vec();
        sealing
            .key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                self.aad(&head),
                &mut body,
            )
            .map_err(Error::internal)?;
        head.extend_from_slice(&nonce);
        head.append(&mut body);
        Ok(URL_SAFE_NO_PAD.encode(head))
    }

    /// What was sealed, if it was sealed here, for this purpose, and not changed since.
    pub(crate) fn open(&self, text: &str) -> Option<Vec<u8>> {
        if text.len() > self.longest {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (head, rest) = bytes.split_at_checked(HEAD_LEN)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN)?;
        let keys = self.keys.now();
        let sealing = keys.iter().find(|k| head[0] == VERSION && head[1..] == k.id)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let plain = sealing.key.open_in_place(nonce, self.aad(head), &mut body).ok()?;
        Some(plain.to_vec())
    }

    fn aad(&self, head: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([head, self.purpose.as_bytes()].concat())
    }
}

impl Sealing {
    /// The key proper is derived (RFC 5869), so that the same secret may serve another purpose too.
    fn derive(key: &SealKey) -> Result<Self, Error> {
        let okm = Salt::new(HKDF_SHA256, &[]).extract(key.0.as_ref());
        let okm = okm.expand(&[b"turnpike gateway session"], &AES_256_GCM);
        let key_bytes: UnboundKey = okm.map_err(Error::internal)?.into();
        let hash = digest::digest(&digest::SHA256, key.0.as_ref());
        let mut id = [0u8; KEY_ID_LEN];
        id.copy_from_slice(&hash.as_ref()[..KEY_ID_LEN]);
        Ok(Self { id, key: LessSafeKey::new(key_bytes) })
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::FakeEntropy;

    fn sealer(keys: &[u8], purpose: &str) -> Sealer {
        let keys: Vec<SealKey> = keys.iter().map(|n| SealKey::new([*n; 32])).collect();
        Sealer::new(SealKeys::new(&keys).unwrap(), purpose.to_owned())
    }

    #[test]
    fn what_was_sealed_opens() {
        let s = sealer(&[1], "a");
        let text = s.seal(b"plain", &FakeEntropy::default()).unwrap();
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_eq!(s.open(&text).unwrap(), b"plain");
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let (s, entropy) = (sealer(&[1], "a"), FakeEntropy::default());
        assert_ne!(s.seal(b"plain", &entropy).unwrap(), s.seal(b"plain", &entropy).unwrap());
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let s = sealer(&[1], "a");
        let text = s.seal(b"plain", &FakeEntropy::default()).unwrap();
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(s.open(std::str::from_utf8(&changed).unwrap()), None, "{at}");
        }
        for cut in 0..text.len() {
            assert_eq!(s.open(&text[..cut]), None, "{cut}");
        }
        assert_eq!(s.open(&format!("{text}=")), None);
        assert_eq!(s.open(&format!("{text}A")), None);
        assert_eq!(s.open(&"A".repeat(COOKIE_MAX + 1)), None);
    }

    #[test]
    fn keys_rotate_and_purposes_differ() {
        let (old, both, new) = (sealer(&[1], "a"), sealer(&[2, 1], "a"), sealer(&[2], "a"));
        let entropy = FakeEntropy::default();
        let before = old.seal(b"x", &entropy).unwrap();
        assert!(both.open(&before).is_some());
        assert!(new.open(&before).is_none());
        assert!(old.open(&both.seal(b"x", &entropy).unwrap()).is_none());
        assert!(sealer(&[1], "b").open(&before).is_none());
        // The same, while it is in use.
        old.keys.replace(&[SealKey::new([2; 32]), SealKey::new([1; 32])]).unwrap();
        assert!(old.open(&before).is_some());
        assert!(new.open(&old.seal(b"x", &entropy).unwrap()).is_some());
        assert!(old.keys.replace(&[]).is_err());
        assert!(old.open(&before).is_some());
    }

    #[test]
    fn no_key_is_refused_and_none_is_shown() {
        assert!(SealKeys::new(&[]).is_err());
        let key = SealKey::new([7; 32]);
        assert_eq!(format!("{key:?}"), "SealKey(..)");
        assert_eq!(format!("{:?}", SealKeys::new(&[key]).unwrap()), "SealKeys(1)");
    }
}
