//! The gateway's half: signs.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use turnpike_domain::Error;
use turnpike_domain::actor::Staff;
use turnpike_domain::ports::{Clock, Entropy};

use super::claims::Claims;
use super::key::{KeyPair, PublicKey};

/// Signs assertions: what a gateway holds. It shows nothing of its key. Clones share it.
#[derive(Clone)]
pub struct AssertionSigner(Arc<Signing>);

struct Signing {
    key: RwLock<Arc<KeyPair>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl AssertionSigner {
    /// Signs with this key, until it is [replaced](AssertionSigner::replace).
    pub fn new(key: KeyPair, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self(Arc::new(Signing { key: RwLock::new(Arc::new(key)), clock, entropy }))
    }

    /// An assertion that `staff` calls `method`, the path of the RPC
    /// (`/turnpike.v1.ClientService/GetClient`). It ends after
    /// [`LIFETIME_SECONDS`](super::LIFETIME_SECONDS), or with the session if that is sooner.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the claims cannot be written or signed.
    pub fn sign(&self, staff: &Staff, method: &str) -> Result<String, Error> {
        let Signing { key: _, clock, entropy } = self.0.as_ref();
        let KeyPair { pair, public: _, header } = &*self.key();
        let claims = Claims::of(staff, method, clock.now(), entropy.as_ref());
        let claims = serde_json::to_vec(&claims).map_err(Error::internal)?;
        let mut jws = String::with_capacity(header.len() + claims.len() * 4 / 3 + 96);
        jws.push_str(header);
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(&claims, &mut jws);
        let signature = pair.try_sign(jws.as_bytes()).map_err(Error::internal)?;
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut jws);
        Ok(jws)
    }

    /// Signs with another key from now on.
    pub fn replace(&self, key: KeyPair) {
        *self.0.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }

    /// What verifiers need to know of the key.
    pub fn public_key(&self) -> PublicKey {
        self.key().public.clone()
    }

    pub(super) fn key(&self) -> Arc<KeyPair> {
        self.0.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for AssertionSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AssertionSigner(..)")
    }
}
