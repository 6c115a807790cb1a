//! Where the records come from that decide about a token: the store. While it does not answer, and only
//! where tokens are kept, the policy that this process follows will do for those that were issued before.

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::id::{ClientId, TokenId};
use turnpike_domain::{Client, Error};
use turnpike_registry::{Policy, Registry};

/// Reads records.
#[derive(Debug)]
pub(crate) struct Records {
    registry: Registry,
    fallback: Option<Fallback>,
}

/// What is asked when the store does not answer.
#[derive(Debug)]
pub(crate) struct Fallback {
    /// It says by itself when it is too old to decide.
    pub(crate) policy: Arc<Policy>,
    /// How long the store may take.
    pub(crate) patience: Duration,
}

/// Where a record came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The policy, as of a while ago: good for tokens that were issued before, and for nothing new.
    Memory,
    /// The store, as of now.
    Store,
}

impl Records {
    pub(crate) const fn new(registry: Registry, fallback: Option<Fallback>) -> Self {
        Self { registry, fallback }
    }

    /// A client.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub(crate) async fn client(&self, id: &ClientId) -> Result<(Option<Client>, Source), Error> {
        let read = async { Ok(self.registry.client(id).await?.map(|client| client.value)) };
        self.read(read, |policy| policy.client(id.as_str()).map(Arc::unwrap_or_clone)).await
    }

    /// Whether a token was revoked by itself. `source` is where its client came from: a store that did not
    /// answer then is not asked again.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub(crate) async fn is_revoked(&self, token_id: &str, source: Source) -> Result<bool, Error> {
        let known = |policy: &Policy| policy.is_revoked(token_id);
        if let (Source::Memory, Some(fallback)) = (source, &self.fallback) {
            return Ok(known(&fallback.policy));
        }
        let id = TokenId::parse(token_id).map_err(Error::internal)?;
        let read = async { Ok(self.registry.revoked_token(&id).await?.is_some()) };
        self.read(read, known).await.map(|(revoked, _)| revoked)
    }

    async fn read<T>(
        &self,
        store: impl Future<Output = Result<T, Error>>,
        memory: impl FnOnce(&Policy) -> T,
    ) -> Result<(T, Source), Error> {
        let Some(Fallback { policy, patience }) = &self.fallback else {
            return store.await.map(|found| (found, Source::Store));
        };
        let failed = match tokio::time::timeout(*patience, store).await {
            Ok(Ok(found)) => return Ok((found, Source::Store)),
            Ok(Err(error @ Error::Unavailable(_))) => error,
            Ok(Err(error)) => return Err(error),
            Err(_) => Error::Unavailable("the store did not answer in time".into()),
        };
        if policy.is_stale() {
            return Err(failed);
        }
        Ok((memory(policy), Source::Memory))
    }
}
