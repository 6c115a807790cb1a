//! What a change does beyond the object it changes.

use crate::client::Client;
use crate::grant::{Grant, GrantState};
use crate::id::{ClientId, GrantId, SecretId, TeamId};
use crate::scope::Scope;

/// Everything that ends or stops working by a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// One entry for each thing.
    pub effects: Vec<Effect>,
}

/// One thing that ends or stops working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What happens.
    pub kind: EffectKind,
    /// The grant concerned.
    pub grant_id: Option<GrantId>,
    /// The client concerned.
    pub client: Option<EffectClient>,
    /// The scopes concerned.
    pub scopes: Vec<Scope>,
    /// The secret concerned.
    pub secret_id: Option<SecretId>,
}

/// The client that feels an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectClient {
    /// Its key.
    pub client_id: ClientId,
    /// What people call it.
    pub display_name: String,
    /// Its owner.
    pub team: TeamId,
}

/// What can happen to things beyond the object that is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectKind {
    /// A client gets no more tokens.
    ClientStops,
    /// An active grant ends.
    GrantEnds,
    /// A pending grant will never be decided.
    GrantRequestEnds,
    /// A grant goes on with fewer scopes.
    GrantShrinks,
    /// A secret no longer authenticates.
    SecretEnds,
    /// All tokens of a client issued so far are refused.
    TokensRefused,
}

impl Effect {
    /// Something that happens to a client.
    pub fn on_client(kind: EffectKind, client: &Client) -> Self {
        Self {
            kind,
            grant_id: None,
            client: Some(EffectClient::of(client)),
            scopes: client.scopes_at(None),
            secret_id: None,
        }
    }

    /// A secret of a client or resource server ends.
    pub fn on_secret(secret_id: SecretId, client: Option<&Client>) -> Self {
        Self {
            kind: EffectKind::SecretEnds,
            grant_id: None,
            client: client.map(EffectClient::of),
            scopes: Vec::new(),
            secret_id: Some(secret_id),
        }
    }

    /// A live grant loses `scopes`: all of them, or some.
    pub fn on_grant(grant: &Grant, client: Option<&Client>, scopes: Vec<Scope>) -> Self {
        let kind = match grant.state {
            _ if scopes.len() < grant.scopes.len() => EffectKind::GrantShrinks,
            GrantState::Pending => EffectKind::GrantRequestEnds,
            _ => EffectKind::GrantEnds,
        };
        let client = client.map(EffectClient::of);
        Self { kind, grant_id: Some(grant.grant_id.clone()), client, scopes, secret_id: None }
    }

    /// The same in words.
    pub fn describe(&self) -> String {
        let who = self.client.as_ref().map_or_else(
            || "its owner".to_owned(),
            // Quoted and escaped: a name must not say more than a name.
            |client| format!("{:?} of team `{}`", client.display_name, client.team),
        );
        let scopes = self.scopes.iter().map(|s| format!("`{s}`")).collect::<Vec<_>>().join(", ");
        match self.kind {
            EffectKind::ClientStops => format!("{who} gets no more tokens"),
            EffectKind::GrantEnds => format!("{who} loses {scopes}"),
            EffectKind::GrantRequestEnds => format!("the request of {who} for {scopes} ends"),
            EffectKind::GrantShrinks => format!("{who} loses {scopes} and keeps the rest"),
            EffectKind::SecretEnds => "the secret no longer authenticates".to_owned(),
            EffectKind::TokensRefused => format!("tokens of {who} issued so far are refused"),
        }
    }
}

impl EffectClient {
    fn of(client: &Client) -> Self {
        Self {
            client_id: client.client_id.clone(),
            display_name: client.display_name.to_string(),
            team: client.team.clone(),
        }
    }
}
