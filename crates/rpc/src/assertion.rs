//! The identity assertion: how the gateway tells a service, call by call, which person is calling.
//!
//! A compact JWS (RFC 7515 section 3.1) signed with Ed25519 (RFC 8037), valid for 30 seconds and for
//! one method. There is one producer, so the header has one spelling for each key: a verifier looks the
//! header segment up as it stands and never parses what a stranger wrote before its signature is good.
//! The JWS is made with aws-lc-rs and a key parsed once; tests hold it against jsonwebtoken.
//!
//! Each gateway has a key of its own that no file holds. It publishes the public half in the registry's
//! store, under an end that it moves on as long as it lives, and changes the key each day; services read
//! there which keys are good.

mod claims;
mod key;
mod published;
mod signer;
mod verifier;

pub use key::{KeyPair, PublicKey};
pub use signer::AssertionSigner;
pub use verifier::{AssertionVerifier, Refusal};

use std::sync::Arc;

use turnpike_domain::Error;
use turnpike_domain::ports::{Clock, Entropy};

/// The metadata key that carries an assertion. The gateway removes it from what comes from outside.
pub const METADATA_KEY: &str = "x-turnpike-identity";

/// Seconds from signing to the end of an assertion.
pub const LIFETIME_SECONDS: i64 = 30;

/// Seconds by which the clocks of two of our machines may differ.
pub const LEEWAY_SECONDS: i64 = 5;

const AUDIENCE: &str = "turnpike-services";
const TYPE: &str = "turnpike-identity+jwt";

/// Makes the keys of one gateway whose services are in the same process.
#[derive(Debug)]
pub struct AssertionKeys;

impl AssertionKeys {
    /// A new key pair: the half that signs, and a verifier that knows the other half only.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the cryptographic library refuses the key.
    pub fn generate(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(AssertionSigner, AssertionVerifier), Error> {
        let pair = KeyPair::generate(entropy.as_ref())?;
        let verifier = AssertionVerifier::new([pair.public_key().clone()], Arc::clone(&clock));
        Ok((AssertionSigner::new(pair, clock, entropy), verifier))
    }
}

#[cfg(test)]
mod tests;
