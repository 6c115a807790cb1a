//! Asks the authorization server for a new token, which it bills.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::authorization_server::{AccessToken, IssuedToken, TokenRequest};
use turnpike_domain::{Client, Error, Scope};
use turnpike_registry::Subject;
use turnpike_rpc::status::causes;
use zeroize::Zeroizing;

use crate::broker::cache::Kept;
use crate::broker::claims::{Claims, Unfit};
use crate::broker::failure::Failure;
use crate::broker::flights::Flight;
use crate::broker::key::Key;
use crate::broker::turns::NoTurn;
use crate::broker::{Broker, Inner};

/// What asking comes to: the token as it is kept.
pub(crate) type Outcome = Result<Arc<Kept>, Failure>;

/// How far the authorization server's clock may be ahead of ours.
const AHEAD_MAX_MILLIS: i64 = 2000;

/// What a token is wanted for.
pub(crate) struct Wish {
    pub(crate) client: Client,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) secret: Zeroizing<String>,
}

/// Whether the secret is known to be the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// Turnpike has compared it.
    Compared,
    /// The authorization server shall tell.
    ToBeProved,
}

impl Broker {
    /// Has a new token issued, with all others who want it now, instead of the one that the caller has seen.
    ///
    /// # Errors
    ///
    /// What speaks against asking; or a token after all, if one came in since the caller looked.
    pub(crate) fn renew(
        &self,
        key: &Key,
        wish: Wish,
        seen: Option<&Arc<Kept>>,
    ) -> Result<Flight<Outcome>, Outcome> {
        self.0.renewals.join(key.clone(), || {
            let kept = self.0.cache.find(key);
            if let Some(kept) =
                kept.filter(|kept| !seen.is_some_and(|seen| Arc::ptr_eq(seen, kept)))
            {
                return Err(Ok(kept));
            }
            self.0.may_ask(&wish.client).map_err(Err)?;
            let (inner, key) = (self.0.clone(), key.clone());
            Ok(async move {
                let (token, claims) = inner.buy(&wish, Secret::Compared).await?;
                inner.keep(&key, &wish.secret, &token, claims).map_err(|e| defect(&e))
            })
        })
    }
}

impl Inner {
    /// Whether the authorization server may be asked for a token of this client now.
    pub(crate) fn may_ask(&self, client: &Client) -> Result<(), Failure> {
        let now = self.registry.now();
        if let Some(retry_after_ms) = self.pauses.throttled(now) {
            return Err(Failure::Throttled { retry_after_ms });
        }
        match self.bought.wait(client.client_id.as_str(), now) {
            Some(retry_after_ms) => Err(Failure::ClientBudget { retry_after_ms }),
            None => Ok(()),
        }
    }

    /// Asks, and reads what is given.
    pub(crate) async fn buy(
        &self,
        wish: &Wish,
        secret: Secret,
    ) -> Result<(AccessToken, Claims), Failure> {
        self.turns.take(&wish.client.client_id).await.map_err(|NoTurn { retry_after }| {
            let retry_after_ms = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            Failure::Turns { retry_after_ms }
        })?;
        let refused = match self.ask(wish).await {
            Err(why) if why.contradicts() => why,
            other => return other,
        };
        if refused == Failure::SecretRefused && secret == Secret::ToBeProved {
            return Err(refused);
        }
        // It refused what the registry holds to be right. It may not have been told yet, or was told
        // between its answer and our look: then it is asked once more.
        if self.is_pending(wish).await {
            return Err(Failure::Pending);
        }
        match self.ask(wish).await {
            Err(why) if why.contradicts() && self.is_pending(wish).await => Err(Failure::Pending),
            other => other,
        }
    }

    async fn ask(&self, wish: &Wish) -> Result<(AccessToken, Claims), Failure> {
        let Wish { client, scopes, secret } = wish;
        let request = TokenRequest { client, scopes, secret, now: self.registry.now() };
        let asked = self.server.issue(&request);
        let answer = match tokio::time::timeout(self.settings.answer_time, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Unavailable("it did not answer in time".into())),
        };
        let now = self.registry.now();
        let IssuedToken { access_token, expires_in: _ } = answer.map_err(|error| {
            let failure = Failure::of(&error);
            tracing::warn!(
                client_id = %client.client_id,
                reason = failure.reason(),
                error = causes(&error),
                "broker.not_issued"
            );
            self.pauses.failed(failure, now);
            failure
        })?;
        self.pauses.answered();
        self.counts.paid();
        self.bought.charge(client.client_id.as_str(), now);
        let claims = Claims::read(&access_token, &request).map_err(|unfit| match unfit {
            Unfit::LacksScope => Failure::ScopeRefused,
            Unfit::Wrong(error) => defect(&error),
        })?;
        self.wait_until_issued(&claims).await;
        Ok((access_token, claims))
    }

    /// Whether the authorization server has yet to be told of the client, or of a resource server whose
    /// scopes are wanted. If that cannot be found out, it may.
    async fn is_pending(&self, wish: &Wish) -> bool {
        let servers: BTreeSet<_> = wish.scopes.iter().map(Scope::identifier).collect();
        let mut subjects = vec![Subject::Client(wish.client.client_id.clone())];
        subjects.extend(servers.into_iter().map(Subject::ResourceServer));
        for subject in subjects {
            if self.registry.is_pending(&subject).await.unwrap_or(true) {
                return true;
            }
        }
        false
    }

    /// Waits until the second in which the token says it was issued has come here too: the client's record
    /// is read after that, so that no revocation of before counts from an earlier second.
    async fn wait_until_issued(&self, claims: &Claims) {
        let ahead = claims.issued_at.saturating_mul(1000) - self.registry.now().millis();
        if ahead > AHEAD_MAX_MILLIS {
            tracing::warn!(ahead_ms = ahead, "broker.clocks_differ");
        }
        let wait = u64::try_from(ahead.min(AHEAD_MAX_MILLIS)).unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

/// Logs a defect.
pub(crate) fn defect(error: &Error) -> Failure {
    tracing::error!(error = causes(error), "broker.defect");
    Failure::Defect
}
