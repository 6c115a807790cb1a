//! The seam of tokens and keys.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use turnpike_domain::authorization_server::{
    AuthorizationServer, GRANT_REFUSED, IssuedToken, PublishedKeys, SCOPE_REFUSED, TokenRequest,
    pool,
};
use turnpike_domain::id::ClientId;
use turnpike_domain::{Client, Error};
use zeroize::Zeroizing;

use crate::Cognito;
use crate::budget::Bucket;
use crate::operation::Operation;
use crate::settings::SecretsFrom;
use crate::token::{Had, Refused};

/// How long a token waits for its turn: a caller who hears of it at once waits by itself.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Cognito {
    /// Fetches the keys; says whether they are other ones than before. To be called every few minutes by each
    /// process that publishes keys or verifies tokens.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]; the keys that were known stay in use.
    pub async fn refresh_keys(&self) -> Result<bool, Error> {
        self.inner.keys.refresh().await
    }

    /// A token names this key: whether it is one of the pool's. Fetches the keys if it is not known,
    /// but not more often than every ten seconds.
    pub async fn want_key(&self, key_id: &str) -> bool {
        self.inner.keys.want(key_id).await
    }

    /// The published JWK set; changes when it does, and is empty until it was first fetched. For
    /// verifiers in the same process.
    pub fn keys_changed(&self) -> watch::Receiver<Arc<str>> {
        self.inner.keys.changed()
    }

    /// With Cognito's own secret. It may have become another one: then it is read again, once.
    async fn issue_in_stead(&self, request: &TokenRequest<'_>) -> Result<Had, Error> {
        let id = &request.client.client_id;
        let known = self.inner.own_secrets.get(id);
        if let Some(secret) = known {
            match self.inner.tokens.ask(id, &secret, request.scopes).await {
                Err(Refused::OAuth(error)) if error == "invalid_client" => {
                    self.inner.own_secrets.forget(id);
                }
                answer => return answer.map_err(|why| refused(why, request.client)),
            }
        }
        let secret = self.read_secret(id).await?;
        match self.inner.tokens.ask(id, &secret, request.scopes).await {
            Ok(had) => {
                self.inner.own_secrets.put(id, secret);
                Ok(had)
            }
            // Not the caller's fault: it has shown its own secret, and that was right.
            Err(Refused::OAuth(error)) if error == "invalid_client" => {
                Err(Error::Unavailable("the user pool does not take its own secret".into()))
            }
            Err(other) => Err(refused(other, request.client)),
        }
    }

    async fn read_secret(&self, id: &ClientId) -> Result<Arc<Zeroizing<String>>, Error> {
        let described = self.call(Operation::DescribeUserPoolClient, self.deadline(), || {
            let request = self.sdk().describe_user_pool_client();
            request.user_pool_id(self.pool_id()).client_id(id.as_str()).send()
        });
        let described = match described.await {
            Ok(described) => described,
            // It is registered, so the pool has yet to be told.
            Err(failure) if failure.is_not_found() => {
                return Err(Error::Unavailable("the user pool does not have the client".into()));
            }
            Err(failure) => return Err(pool::Error::into_error(failure.into_error())),
        };
        let secret = described.user_pool_client().and_then(|client| client.client_secret());
        let secret = secret.ok_or_else(|| Error::internal("the client has no secret there"))?;
        Ok(Arc::new(Zeroizing::new(secret.to_owned())))
    }
}

#[async_trait]
impl AuthorizationServer for Cognito {
    fn issuer(&self) -> &str {
        self.inner.settings.issuer.as_str()
    }

    async fn issue(&self, request: &TokenRequest<'_>) -> Result<IssuedToken, Error> {
        if request.scopes.is_empty() {
            // Cognito would give all that the client may have.
            return Err(Error::internal("a token without scopes opens nothing"));
        }
        self.inner.token_turns.wait().await?;
        let Had { token, key_id } = match self.inner.settings.secrets {
            SecretsFrom::Cognito => self.issue_in_stead(request).await?,
            SecretsFrom::Turnpike => {
                let id = &request.client.client_id;
                let answer = self.inner.tokens.ask(id, request.secret, request.scopes).await;
                answer.map_err(|why| refused(why, request.client))?
            }
        };
        // Keys change without notice, and whoever verifies the token may ask us for them.
        if !self.inner.keys.want(&key_id).await {
            tracing::warn!("cognito.signed_with_an_unpublished_key");
        }
        Ok(token)
    }

    async fn keys(&self) -> Result<PublishedKeys, Error> {
        Ok(PublishedKeys { jwks: self.inner.keys.fresh().await?, algorithms: vec!["RS256"] })
    }

    fn proves_secrets(&self) -> bool {
        self.inner.settings.secrets == SecretsFrom::Turnpike
    }
}

/// Turns at the token endpoint, in order of arrival.
pub(crate) struct TokenTurns(Mutex<Bucket>);

impl TokenTurns {
    pub(crate) fn new(rate: f64) -> Self {
        Self(Mutex::new(Bucket::new(rate, Instant::now())))
    }

    async fn wait(&self) -> Result<(), Error> {
        let turn = {
            let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let turn = bucket.earliest(now);
            if turn > now + LONGEST_WAIT {
                let wait = u64::try_from((turn - now).as_millis()).unwrap_or(u64::MAX);
                return Err(Error::RateLimited { retry_after_ms: wait });
            }
            bucket.take(turn);
            turn
        };
        sleep_until(turn).await;
        Ok(())
    }
}

fn refused(why: Refused, client: &Client) -> Error {
    let blocked = |kind, words: &str| Error::blocked(kind, client.subject(), words);
    match &why {
        Refused::NoAnswer(_) | Refused::Failing(403 | 429 | 500..=599) => {
            Error::Unavailable(why.into())
        }
        Refused::LacksScopes => {
            blocked(SCOPE_REFUSED, "the user pool does not offer every scope at the moment")
        }
        Refused::OAuth(error) => match error.as_str() {
            "invalid_client" => {
                Error::Unauthenticated("the authorization server does not take the client's secret")
            }
            // An emulator's word for a scope that is there, and not the client's.
            "invalid_grant" | "invalid_scope" => {
                blocked(SCOPE_REFUSED, "the user pool does not give the client every scope")
            }
            "unauthorized_client" => {
                blocked(GRANT_REFUSED, "the user pool gives the client no tokens")
            }
            _ => Error::Internal(why.into()),
        },
        Refused::Failing(_) | Refused::Unusable(_) => Error::Internal(why.into()),
    }
}
