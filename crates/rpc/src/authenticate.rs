//! Who calls: the one place that turns what a request carries into an actor.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use turnpike_domain::actor::{ApiScope, Program};
use turnpike_domain::{Actor, Error, Identifier, Timestamp};
use turnpike_registry::Policy;
use turnpike_sdk::{Answer, Require, Verified, Verifier};

use crate::assertion::{AssertionVerifier, METADATA_KEY};
use crate::methods::{Callers, Row};
use crate::oauth::{Credentials, SecretHolders};

/// What whoever may call could have sent.
const SESSION_OR_TOKEN: &str =
    "open a session, or send a token with a scope of the resource server `turnpike` as `Bearer`";
const TOKEN: &str = "send a token with a scope of the resource server `turnpike` as `Bearer`";
const SECRET: &str = "send a secret as `Basic`";

/// Authenticates calls by the gateway's identity assertion (people), by a Turnpike token (programs), or
/// by a secret (resource servers and clients, where the row says so).
#[derive(Clone, Debug)]
pub struct Authenticator {
    assertions: AssertionVerifier,
    tokens: Verifier,
    policy: Arc<Policy>,
    secrets: SecretHolders,
    require: Require,
}

impl Authenticator {
    /// `tokens` is a verifier that asks `policy`.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the scopes of the built-in resource server are none.
    pub fn new(
        assertions: AssertionVerifier,
        tokens: Verifier,
        policy: Arc<Policy>,
        secrets: SecretHolders,
    ) -> Result<Self, Error> {
        let scopes = ApiScope::ALL.map(|s| format!("{}/{}", Identifier::BUILT_IN, s.name()));
        let require = Require::any_of(scopes).map_err(Error::internal)?;
        Ok(Self { assertions, tokens, policy, secrets, require })
    }

    /// The caller of one RPC, which came from the address `peer`, if that is known.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`], in words that help the caller and not a forger; [`Error::RateLimited`] after too
    /// many wrong secrets; [`Error::Unavailable`] while nothing can be decided.
    pub async fn authenticate(
        &self,
        row: &Row,
        metadata: &MetadataMap,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Actor, Error> {
        let mut assertions = metadata.get_all(METADATA_KEY).iter();
        let mut authorizations = metadata.get_all("authorization").iter();
        match (assertions.next(), authorizations.next()) {
            (None, None) if row.callers == Callers::Secret => Err(Error::Unauthenticated(SECRET)),
            (None, None) => Err(Error::Unauthenticated(SESSION_OR_TOKEN)),
            (Some(_), Some(_)) => {
                Err(Error::Unauthenticated("send a session or a token, not both"))
            }
            _ if assertions.next().is_some() || authorizations.next().is_some() => {
                Err(Error::Unauthenticated("send one credential"))
            }
            (Some(assertion), None) => self.signed_in(row, assertion).await,
            (None, Some(credentials)) => self.by_credentials(row, credentials, peer, now),
        }
    }

    /// A person, by the gateway's assertion.
    async fn signed_in(&self, row: &Row, assertion: &AsciiMetadataValue) -> Result<Actor, Error> {
        let text = assertion.to_str().map_err(|_| Error::Unauthenticated("the session is bad"))?;
        let verified = self.assertions.verify_or_learn(text, row.path).await;
        match (row.callers, verified) {
            (Callers::SignedIn, Ok(staff)) => Ok(Actor::Staff(staff)),
            (Callers::Secret, Ok(_)) => Err(Error::Denied("only secrets ask about tokens")),
            (_, Err(Error::Unauthenticated(_))) => {
                Err(Error::Unauthenticated("the session is bad or over: sign in again"))
            }
            (_, Err(error)) => Err(error),
        }
    }

    /// A program or somebody with a secret, by what stands in `authorization`.
    fn by_credentials(
        &self,
        row: &Row,
        credentials: &AsciiMetadataValue,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Actor, Error> {
        let credentials = credentials
            .to_str()
            .map_err(|_| Error::Unauthenticated("the credential is malformed"))?;
        match (row.callers, credentials.split_once(' ')) {
            (Callers::SignedIn, Some((scheme, token))) if scheme.eq_ignore_ascii_case("bearer") => {
                self.program(token.trim_start())
            }
            (Callers::Secret, Some((scheme, _))) if scheme.eq_ignore_ascii_case("basic") => {
                self.secret_holder(credentials, peer, now)
            }
            (Callers::SignedIn, _) => Err(Error::Unauthenticated(TOKEN)),
            (Callers::Secret, _) => Err(Error::Unauthenticated(SECRET)),
        }
    }

    /// A resource server or client, by its own secret.
    fn secret_holder(
        &self,
        credentials: &str,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Actor, Error> {
        let Credentials { id, secret, .. } = Credentials::from_basic(credentials)
            .ok_or(Error::Unauthenticated("the credential is not HTTP Basic"))?;
        if let Some(found) = self.secrets.find(&id, &secret, now)? {
            return Ok(found);
        }
        self.secrets.failed(&id, peer, now)?;
        Err(Error::Unauthenticated("the id or the secret is wrong"))
    }

    fn program(&self, token: &str) -> Result<Actor, Error> {
        let verified = self.tokens.verify(token, &self.require).map_err(|refusal| match refusal
            .answer()
        {
            Answer::Unavailable => Error::Unavailable(refusal.into()),
            _ => Error::Unauthenticated("the token is bad, over, or has no scope of `turnpike`"),
        })?;
        let client = self
            .policy
            .client(verified.client_id())
            .ok_or(Error::Unauthenticated("the client is gone"))?;
        Ok(Actor::Program(Program {
            client_id: client.client_id.clone(),
            display_name: client.display_name.to_string(),
            team: client.team.clone(),
            scopes: api_scopes(&verified),
        }))
    }
}

fn api_scopes(verified: &Verified) -> BTreeSet<ApiScope> {
    let has = |scope: &ApiScope| {
        verified.has_scope(&format!("{}/{}", Identifier::BUILT_IN, scope.name()))
    };
    ApiScope::ALL.into_iter().filter(has).collect()
}
