//! How services learn of a gateway's key: the gateway publishes it in the registry's store, and moves its end on as
//! long as it lives. The key of a gateway that is gone is good for an hour more, and nobody has it.

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::Error;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_registry::{AssertionKey, Registry};

use super::key::{KeyPair, PublicKey};
use super::signer::AssertionSigner;

/// How long a published key is good if nobody moves its end on, in seconds.
const LIFE_SECONDS: i64 = 3600;
/// How often its end is moved on. A store that does not answer for most of its life does no harm.
const RENEW_PAUSE: Duration = Duration::from_secs(600);
/// How long a key signs, in seconds.
const ROTATE_SECONDS: i64 = 24 * 3600;
/// How long a key is published before it signs: long enough for every service to have read it.
const AHEAD: Duration = Duration::from_secs(30);

impl AssertionSigner {
    /// Makes a key, publishes it, and keeps it up as long as the process lives: its end moves on, and each day
    /// there is another. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if it cannot be published; [`Error::Internal`].
    pub async fn publish(
        registry: Registry,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Error> {
        let pair = KeyPair::generate(entropy.as_ref())?;
        put(&registry, pair.public_key()).await?;
        let signer = Self::new(pair, clock, entropy.clone());
        tokio::spawn(keep_up(signer.clone(), registry, entropy));
        Ok(signer)
    }
}

async fn keep_up(signer: AssertionSigner, registry: Registry, entropy: Arc<dyn Entropy>) {
    let mut made = registry.now();
    loop {
        tokio::time::sleep(RENEW_PAUSE).await;
        let old = registry.now() >= made.plus_seconds(ROTATE_SECONDS);
        let kept_up = if old {
            change(&signer, &registry, entropy.as_ref()).await
        } else {
            put(&registry, &signer.public_key()).await
        };
        match kept_up {
            Ok(()) if old => made = registry.now(),
            Ok(()) => {}
            Err(error) => {
                let error = crate::status::causes(&error);
                tracing::warn!(error, "assertion_key.not_published");
            }
        }
    }
}

/// Publishes another key, and signs with it once every service knows it.
async fn change(
    signer: &AssertionSigner,
    registry: &Registry,
    entropy: &dyn Entropy,
) -> Result<(), Error> {
    put(registry, &signer.public_key()).await?;
    let next = KeyPair::generate(entropy)?;
    put(registry, next.public_key()).await?;
    tokio::time::sleep(AHEAD).await;
    signer.replace(next);
    Ok(())
}

async fn put(registry: &Registry, key: &PublicKey) -> Result<(), Error> {
    let key = AssertionKey {
        key_id: key.id().to_owned(),
        public_key: key.bytes().to_vec(),
        expire_time: registry.now().plus_seconds(LIFE_SECONDS),
    };
    registry.put_assertion_key(&key).await
}
