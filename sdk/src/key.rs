//! One public key of an issuer: parsed once, and bound to one algorithm.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};

/// The algorithms (RFC 7518 section 3.1) that a key may be for. There is no other: no `none`, no
/// HMAC, and no RSA or EC key is ever used with an algorithm that its token asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: what Cognito signs with, and the embedded issuer's default.
    Rs256,
}

impl Algorithm {
    /// The name in a token's header, which is compared byte for byte.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// Why a key of a key set is of no use to a verifier. Other keys of the set stay usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// Two different keys have this key id: which one signed cannot be told.
    #[error("another key has the same key id")]
    AmbiguousKeyId,
    /// Not what RFC 7518 section 6 says a key of this type looks like.
    #[error("not a well-formed key of its type")]
    Malformed,
    /// A token names its key, so a key without a key id is never found.
    #[error("no key id, or one that is too long")]
    NoKeyId,
    /// The set publishes a private or a symmetric key. Whoever read it can sign.
    #[error("private or symmetric key material is published")]
    Private,
    /// For another use or algorithm, or of a type that we do not know.
    #[error("for another use, type or algorithm")]
    Unsupported,
    /// An RSA key below 2048 or above 8192 bits, or with an exponent below 65537.
    #[error("outside of the accepted key sizes")]
    Weak,
}

/// A parsed key.
pub(crate) struct PublicKey {
    algorithm: Algorithm,
    id: Arc<str>,
    /// What the key set said (n and e, x and y), to tell a changed key from the same one.
    material: (Box<[u8]>, Box<[u8]>),
    parsed: ParsedPublicKey,
}

impl PublicKey {
    /// `modulus` and `exponent` are big-endian (RFC 7518 section 6.3.1).
    pub(crate) fn rsa(id: &str, modulus: &[u8], exponent: &[u8]) -> Result<Self, Unusable> {
        // Some issuers write a sign byte that the RFC does not allow. It changes no value.
        let n = strip_zeros(modulus);
        let e = strip_zeros(exponent);
        let bits = bit_length(n);
        if !(2048..=8192).contains(&bits) {
            return Err(Unusable::Weak);
        }
        // FIPS 186-5 section 5.1: odd and above 2^16. Four bytes are more than anyone uses.
        if e.len() > 4 || bit_length(e) < 17 {
            return Err(Unusable::Weak);
        }
        let odd = |value: &[u8]| value.last().is_some_and(|byte| byte & 1 == 1);
        if !odd(n) || !odd(e) {
            return Err(Unusable::Malformed);
        }
        let parsed = PublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| Unusable::Malformed)?;
        let material = (n.into(), e.into());
        Ok(Self { algorithm: Algorithm::Rs256, id: id.into(), material, parsed })
    }

    /// `x` and `y` are big-endian and as long as the field, 32 bytes (RFC 7518 section 6.2.1).
    pub(crate) fn p256(id: &str, x: &[u8], y: &[u8]) -> Result<Self, Unusable> {
        if x.len() != 32 || y.len() != 32 {
            return Err(Unusable::Malformed);
        }
        let point = [&[0x04], x, y].concat();
        // Refuses a point that is not on the curve.
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
            .map_err(|_| Unusable::Malformed)?;
        let material = (x.into(), y.into());
        Ok(Self { algorithm: Algorithm::Es256, id: id.into(), material, parsed })
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` is this key's over `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.algorithm == other.algorithm && self.material == other.material
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn strip_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Of a number without leading zero bytes.
fn bit_length(bytes: &[u8]) -> usize {
    bytes.first().map_or(0, |first| bytes.len() * 8 - first.leading_zeros() as usize)
}
