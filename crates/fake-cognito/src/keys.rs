//! Signing keys of a pool: one for access tokens and one for ID tokens, as the real ones have.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::error::ApiError;

/// The keys, made when they are first needed: RSA takes its time.
#[derive(Clone, Default)]
pub(crate) struct PoolKeys(Arc<OnceLock<Result<Keys, ApiError>>>);

struct Keys {
    access: Key,
    id: Key,
    /// Those that sign no more, newest first.
    former: Vec<Value>,
}

struct Key {
    id: String,
    pair: KeyPair,
}

impl PoolKeys {
    /// The published set.
    pub(crate) fn jwks(&self) -> Result<Value, ApiError> {
        let keys = self.keys()?;
        // The order says nothing: that of the real ones is not documented either.
        let mut all = vec![keys.id.jwk(), keys.access.jwk()];
        all.extend(keys.former.iter().cloned());
        Ok(json!({ "keys": all }))
    }

    /// An access token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, ApiError> {
        let key = &self.keys()?.access;
        let header = json!({ "kid": key.id, "alg": "RS256" });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; key.pair.public_modulus_len()];
        key.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| ApiError::internal())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// New keys; the old ones are still published.
    pub(crate) fn rotated(&self) -> Result<Self, ApiError> {
        let old = self.keys()?;
        let mut keys = Keys::generate()?;
        keys.former = vec![old.access.jwk(), old.id.jwk()];
        keys.former.extend(old.former.iter().cloned());
        let rotated = Self::default();
        // Nobody else has it yet, so it is empty.
        let _ = rotated.0.set(Ok(keys));
        Ok(rotated)
    }

    fn keys(&self) -> Result<&Keys, ApiError> {
        self.0.get_or_init(Keys::generate).as_ref().map_err(Clone::clone)
    }
}

impl Keys {
    fn generate() -> Result<Self, ApiError> {
        Ok(Self { access: Key::generate()?, id: Key::generate()?, former: Vec::new() })
    }
}

impl Key {
    fn generate() -> Result<Self, ApiError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| ApiError::internal())?;
        let mut id = [0; 32];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| ApiError::internal())?;
        // Real key ids are base64 of 32 bytes, padding, `+` and `/` included.
        Ok(Self { id: STANDARD.encode(id), pair })
    }

    fn jwk(&self) -> Value {
        let key = self.pair.public_key();
        json!({
            "alg": "RS256",
            "e": URL_SAFE_NO_PAD.encode(key.exponent().big_endian_without_leading_zero()),
            "kid": self.id,
            "kty": "RSA",
            "n": URL_SAFE_NO_PAD.encode(key.modulus().big_endian_without_leading_zero()),
            "use": "sig",
        })
    }
}
