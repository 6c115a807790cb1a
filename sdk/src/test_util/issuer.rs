//! A signing key that lives as long as a test.
#![expect(clippy::expect_used, reason = "a test stops where what it needs cannot be made")]

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};

use super::draft::{Draft, quote};
use crate::base64url;
use crate::clock::{Clock as _, SystemClock};
use crate::key::Algorithm;
use crate::keys::{KeySet, Keys};

/// An issuer of tokens of Cognito's shape, in memory.
pub struct Issuer {
    key_id: String,
    signer: Signer,
    url: String,
}

enum Signer {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl Issuer {
    /// An issuer with a new RSA key of 2048 bits. `url` is what it writes as `iss`.
    ///
    /// # Panics
    ///
    /// When the system has no randomness to give.
    #[must_use]
    pub fn rs256(url: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        Self::with_signer(url, &random_id(), Signer::Rs256(pair))
    }

    /// An issuer with a new P-256 key.
    ///
    /// # Panics
    ///
    /// When the system has no randomness to give.
    #[must_use]
    pub fn es256(url: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key");
        Self::with_signer(url, &random_id(), Signer::Es256(pair))
    }

    /// An issuer that signs with an RSA key made elsewhere, so that a test can forge tokens of a
    /// running one. The key is PKCS#8, in DER.
    ///
    /// # Panics
    ///
    /// When that is no RSA key.
    #[must_use]
    pub fn from_rsa_pkcs8(url: &str, key_id: &str, der: &[u8]) -> Self {
        let pair = RsaKeyPair::from_pkcs8(der).expect("a PKCS#8 RSA key");
        Self::with_signer(url, key_id, Signer::Rs256(pair))
    }

    fn with_signer(url: &str, key_id: &str, signer: Signer) -> Self {
        Self { key_id: key_id.into(), signer, url: url.into() }
    }

    /// Another name for the same key, as `kid`.
    #[must_use]
    pub fn with_key_id(mut self, key_id: &str) -> Self {
        self.key_id = key_id.into();
        self
    }

    /// What it writes as `iss`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it writes as `kid`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What it writes as `alg`.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.signer {
            Signer::Es256(_) => Algorithm::Es256,
            Signer::Rs256(_) => Algorithm::Rs256,
        }
    }

    /// Its public key as one entry of a JWK set.
    #[must_use]
    pub fn jwk(&self) -> String {
        let material = match &self.signer {
            Signer::Es256(pair) => {
                // 0x04, then x and y of 32 bytes each (SEC 1 section 2.3.3).
                let point = pair.public_key().as_ref();
                let (x, y) = (base64url::encode(&point[1..33]), base64url::encode(&point[33..]));
                format!(r#""kty":"EC","crv":"P-256","x":"{x}","y":"{y}""#)
            }
            Signer::Rs256(pair) => {
                let key = pair.public_key();
                let n = base64url::encode(key.modulus().big_endian_without_leading_zero());
                let e = base64url::encode(key.exponent().big_endian_without_leading_zero());
                format!(r#""kty":"RSA","n":"{n}","e":"{e}""#)
            }
        };
        let (id, algorithm) = (quote(&self.key_id), self.algorithm().name());
        format!(r#"{{"kid":{id},"use":"sig","alg":"{algorithm}",{material}}}"#)
    }

    /// Its JWK set.
    #[must_use]
    pub fn jwks(&self) -> String {
        format!(r#"{{"keys":[{}]}}"#, self.jwk())
    }

    /// Its keys, ready for a verifier.
    ///
    /// # Panics
    ///
    /// Never: its own key set is well formed.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys::new(KeySet::from_jwks(&self.jwks()).expect("a key set"))
    }

    /// A good token for an hour from now. `scope` is one scope or several, with a space between.
    #[must_use]
    pub fn token(&self, client_id: &str, scope: &str) -> String {
        self.draft(client_id, scope, SystemClock.now()).token()
    }

    /// A token to be, good for an hour from `now` (seconds since the Unix epoch) unless changed.
    #[must_use]
    pub fn draft(&self, client_id: &str, scope: &str, now: i64) -> Draft<'_> {
        Draft::new(self, client_id, scope, now)
    }

    /// Signs `header` and `claims` as they are, JSON or not.
    #[must_use]
    pub fn token_of(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", base64url::encode(header), base64url::encode(claims));
        let signature = base64url::encode(self.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }

    /// The signature of `message`, in the form of RFC 7518 section 3.
    ///
    /// # Panics
    ///
    /// When the system has no randomness to give.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.signer {
            Signer::Es256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).expect("a signature");
                signature.as_ref().to_vec()
            }
            Signer::Rs256(_) => self.sign_rsa(&RSA_PKCS1_SHA256, message),
        }
    }

    pub(super) fn sign_rsa(
        &self,
        padding: &'static dyn aws_lc_rs::signature::RsaEncoding,
        message: &[u8],
    ) -> Vec<u8> {
        let Signer::Rs256(pair) = &self.signer else { return Vec::new() };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), message, &mut signature).expect("a signature");
        signature
    }

    /// Its public key as X.509 SubjectPublicKeyInfo, in DER.
    pub(super) fn public_der(&self) -> Vec<u8> {
        match &self.signer {
            Signer::Es256(pair) => pair.public_key().as_ref().to_vec(),
            Signer::Rs256(pair) => {
                pair.public_key().as_der().expect("a public key").as_ref().to_vec()
            }
        }
    }

    /// Its RSA modulus, big-endian.
    pub(super) fn modulus(&self) -> Vec<u8> {
        match &self.signer {
            Signer::Es256(_) => Vec::new(),
            Signer::Rs256(pair) => {
                pair.public_key().modulus().big_endian_without_leading_zero().to_vec()
            }
        }
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn random_id() -> String {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    base64url::encode(bytes)
}
