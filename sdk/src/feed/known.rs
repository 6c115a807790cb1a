//! What is known of clients and tokens, and how an update changes it.

use std::collections::HashMap;

use turnpike_proto::v1 as pb;

use crate::policy::{GrantState, PolicyRefusal, TokenFacts};

/// How long after its end a token is remembered as revoked: longer than any two clocks are apart.
const LEEWAY: i64 = 24 * 3600;
/// Below this many revoked tokens none are looked for that could be forgotten.
const PURGE_MIN: usize = 1024;

/// What decides about tokens.
#[derive(Debug, Default)]
pub(super) struct Known {
    clients: HashMap<Box<str>, Client>,
    /// With the second at which each would have ended anyway.
    revoked: HashMap<Box<str>, i64>,
    purge_at: usize,
}

#[derive(Debug)]
struct Client {
    enabled: bool,
    revoked_through: i64,
    scopes: Box<[Scope]>,
}

#[derive(Debug)]
struct Scope {
    name: Box<str>,
    state: GrantState,
    ended_through: i64,
}

impl Known {
    /// Takes over the parts of an update. `now` in seconds since the Unix epoch.
    pub(super) fn apply(&mut self, parts: Vec<pb::PolicyUpdate>, now: i64) {
        for part in parts {
            if part.reset {
                *self = Self::default();
            }
            for client in part.clients {
                let pb::PolicyClient { client_id, enabled, revoked_through, scopes } = client;
                let scopes = scopes.into_iter().map(Scope::from).collect();
                self.clients.insert(client_id.into(), Client { enabled, revoked_through, scopes });
            }
            for gone in part.gone_client_ids {
                self.clients.remove(gone.as_str());
            }
            if !part.revoked_tokens.is_empty() && self.revoked.len() >= self.purge_at {
                self.revoked.retain(|_, end| now <= *end + LEEWAY);
                self.purge_at = (self.revoked.len() * 2).max(PURGE_MIN);
            }
            for token in part.revoked_tokens {
                self.revoked.insert(token.token_id.into(), token.expires_at);
            }
        }
    }

    pub(super) fn admits(&self, token: &TokenFacts<'_>) -> Result<(), PolicyRefusal> {
        let client = self.clients.get(token.client_id).ok_or(PolicyRefusal::ClientUnknown)?;
        if !client.enabled {
            return Err(PolicyRefusal::ClientDisabled);
        }
        if token.issued_at <= client.revoked_through || self.revoked.contains_key(token.jti) {
            return Err(PolicyRefusal::TokenRevoked);
        }
        Ok(())
    }

    pub(super) fn grants(&self, token: &TokenFacts<'_>, scope: &str) -> GrantState {
        let client = self.clients.get(token.client_id);
        let known = client.and_then(|client| client.scopes.iter().find(|s| *s.name == *scope));
        match known {
            Some(known) if token.issued_at > known.ended_through => known.state,
            _ => GrantState::Ended,
        }
    }
}

impl From<pb::PolicyScope> for Scope {
    fn from(scope: pb::PolicyScope) -> Self {
        let state = match (scope.held, scope.held_until) {
            (false, _) => GrantState::Ended,
            (true, 0) => GrantState::Active,
            (true, until) => GrantState::ActiveUntil(until),
        };
        Self { name: scope.scope.into(), state, ended_through: scope.ended_through }
    }
}
