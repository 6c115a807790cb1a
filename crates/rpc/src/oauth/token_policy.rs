//! The sdk's verifier asks the registry's policy.

use std::sync::Arc;

use turnpike_domain::client::ClientGrant;
use turnpike_domain::ports::Clock;
use turnpike_domain::{Client, Timestamp};
use turnpike_registry::Policy;
use turnpike_sdk::{GrantState, PolicyRefusal, TokenFacts};

/// The policy of the registry, as a verifier asks it.
#[derive(Clone, Debug)]
pub struct TokenPolicy(Arc<Policy>);

impl TokenPolicy {
    /// Answers from `policy`, which whoever made it keeps up to date.
    pub const fn new(policy: Arc<Policy>) -> Self {
        Self(policy)
    }
}

impl turnpike_sdk::Policy for TokenPolicy {
    fn epoch(&self, _now: i64) -> u64 {
        self.0.epoch()
    }

    fn admits(&self, token: &TokenFacts<'_>) -> Result<(), PolicyRefusal> {
        if self.0.is_stale() {
            return Err(PolicyRefusal::Stale);
        }
        let client = self.0.client(token.client_id).ok_or(PolicyRefusal::ClientUnknown)?;
        if !client.enabled {
            return Err(PolicyRefusal::ClientDisabled);
        }
        let cut = client.tokens_revoked.is_some_and(|cut| cut.refuses(token.issued_at));
        if cut || self.0.is_revoked(token.jti) {
            return Err(PolicyRefusal::TokenRevoked);
        }
        Ok(())
    }

    fn grants(&self, token: &TokenFacts<'_>, scope: &str) -> GrantState {
        let now = Timestamp::from_seconds(token.now);
        match self.0.client(token.client_id) {
            Some(client) if client.scope_lives(scope, token.issued_at, now) => {
                held_until(&client, scope)
            }
            _ => GrantState::Ended,
        }
    }
}

/// How long the active grants of a scope that is held last: as long as the one that lasts longest.
/// An end within a second counts from the second's start: a verifier counts whole ones, and must
/// not be late.
fn held_until(client: &Client, scope: &str) -> GrantState {
    let holds = |grant: &&ClientGrant| {
        grant.active && grant.scopes.iter().any(|held| held.as_str() == scope)
    };
    let ends = client.grants.iter().filter(holds).map(|grant| grant.expire_time);
    let last = ends.reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))).flatten();
    last.map_or(GrantState::Active, |end| GrantState::ActiveUntil(end.seconds()))
}

/// A clock of the domain, as a verifier reads it.
#[derive(Clone, Debug)]
pub struct VerifierClock(Arc<dyn Clock>);

impl VerifierClock {
    /// Shows what `clock` shows.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

impl turnpike_sdk::Clock for VerifierClock {
    fn now(&self) -> i64 {
        self.0.now().seconds()
    }
}
