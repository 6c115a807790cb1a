//! Page tokens: sealed, so that they show nothing and cannot be made up; bound to the query and the caller
//! they were given to (AIP-158).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use turnpike_domain::{Error, Problem};
use turnpike_registry::{Place, sha256_hex};

use crate::op::Op;

/// The longest token that is looked at.
const LENGTH_MAX: usize = 8 * 1024;
const NONCE: usize = 12;

/// Seals and opens page tokens.
pub struct PageTokens(RandomizedNonceKey);

impl PageTokens {
    /// With a key of this installation.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the cryptographic library refuses the key.
    pub fn new(key: &[u8; 32]) -> Result<Self, Error> {
        RandomizedNonceKey::new(&AES_256_GCM, key).map(Self).map_err(Error::internal)
    }

    /// The token for the page that starts there; empty if there is none. `query` is the request without
    /// its page size and token.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`].
    pub fn seal<Q: prost::Message>(
        &self,
        op: &Op,
        query: &Q,
        next: Option<Place>,
    ) -> Result<String, Error> {
        let Some(place) = next else { return Ok(String::new()) };
        let mut sealed = serde_json::to_vec(&place).map_err(Error::internal)?;
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(bound_to(op, query)), &mut sealed)
            .map_err(Error::internal)?;
        let mut token = nonce.as_ref().to_vec();
        token.append(&mut sealed);
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// Where the page starts that a token asks for; `None` for the first page.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a token that is not one of ours, or was given for another query or caller.
    pub fn open<Q: prost::Message>(
        &self,
        op: &Op,
        query: &Q,
        token: &str,
    ) -> Result<Option<Place>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        self.unseal(&bound_to(op, query), token).map(Some).ok_or_else(|| {
            Error::invalid(
                "page_token",
                Problem::Malformed("the next_page_token of the same query by the same caller"),
            )
        })
    }

    fn unseal(&self, bound_to: &[u8], token: &str) -> Option<Place> {
        if token.len() > LENGTH_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(bound_to), &mut sealed).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

impl fmt::Debug for PageTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageTokens(..)")
    }
}

fn bound_to<Q: prost::Message>(op: &Op, query: &Q) -> Vec<u8> {
    let caller = op.actor().principal();
    let query = sha256_hex(&query.encode_to_vec());
    format!("{}\n{}\n{}\n{query}", op.origin().method, caller.kind.as_str(), caller.id).into_bytes()
}
