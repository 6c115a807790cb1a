//! Has the authorization server check the secret of an adopted client, which Turnpike does not know: by
//! asking for a token. The first that it takes is learned, and from then on compared here.

use std::net::IpAddr;

use turnpike_domain::Error;
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::SecretHash;
use turnpike_registry::Origin;
use turnpike_rpc::status::causes;

use crate::broker::buy::{Secret, Wish, defect};
use crate::broker::failure::Failure;
use crate::broker::key::Key;
use crate::broker::{Broker, Inner};

impl Broker {
    /// Proves a secret, with all others who show the same now, and learns it: the caller is to be
    /// authenticated again.
    ///
    /// # Errors
    ///
    /// [`Failure::SecretRefused`] if it is wrong; [`Failure::Guesses`] if too many were tried, right or
    /// wrong: what costs a call cannot be compared first.
    pub(crate) async fn prove(
        &self,
        wish: Wish,
        peer: Option<IpAddr>,
        origin: Origin,
    ) -> Result<(), Failure> {
        let hash = SecretHash::of(&wish.secret);
        let key = (wish.client.client_id.clone(), *hash.as_bytes());
        let flight = self.0.proofs.join(key, || {
            self.0.may_ask(&wish.client)?;
            let (id, now) = (wish.client.client_id.as_str(), self.0.registry.now());
            self.0
                .guesses
                .admit(id, peer, now)
                .map_err(|retry_after_ms| Failure::Guesses { retry_after_ms })?;
            let inner = self.0.clone();
            Ok(async move { inner.prove(&wish, hash, &origin).await })
        })?;
        flight.outcome().await.unwrap_or(Err(Failure::Defect))
    }
}

impl Inner {
    async fn prove(&self, wish: &Wish, hash: SecretHash, origin: &Origin) -> Result<(), Failure> {
        let id = &wish.client.client_id;
        match self.registry.secret_unknown(id).await {
            Ok(true) => {}
            // It was learned since the caller looked: it is compared here now.
            Ok(false) => return Ok(()),
            Err(error) => return Err(not_learned(id, &error)),
        }
        let (token, claims) = self.buy(wish, Secret::ToBeProved).await?;
        let secret_id = match self.registry.learn_secret(id, hash, origin).await {
            Ok(secret_id) => secret_id,
            Err(Error::Stale(_)) => {
                // The authorization server has two secrets of it, and the other was shown first.
                tracing::warn!(client_id = %id, "broker.second_secret_not_learned");
                return Err(Failure::SecretRefused);
            }
            Err(Error::NotFound(_)) => return Err(Failure::SecretRefused),
            Err(error) => return Err(not_learned(id, &error)),
        };
        let key = Key::new(&wish.client, secret_id, &wish.scopes);
        self.keep(&key, &wish.secret, &token, claims).map_err(|error| defect(&error))?;
        Ok(())
    }
}

fn not_learned(id: &ClientId, error: &Error) -> Failure {
    tracing::warn!(client_id = %id, error = causes(error), "broker.not_learned");
    Failure::Unlearned
}
