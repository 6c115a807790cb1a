//! What the log says of a change.

use sha2::{Digest, Sha256};

use crate::client::Client;
use crate::grant::Grant;
use crate::id::{ClientId, TeamId};
use crate::resource_server::ResourceServer;
use crate::scope::Identifier;
use crate::session::Session;
use crate::team::Team;

/// What a use case knows of an event; the log adds place, time, actor, request and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// What was done.
    pub action: EventAction,
    /// The object, as `kind/key`.
    pub subject: String,
    /// The team on whose behalf: the owner of what was changed. `None` for a refusal that concerns none.
    pub team: Option<TeamId>,
    /// Another team concerned, such as the owner of the resource server of a client's grant.
    pub other_team: Option<TeamId>,
    /// The client concerned.
    pub client_id: Option<ClientId>,
    /// The resource server concerned.
    pub resource_server: Option<Identifier>,
    /// The fields that changed.
    pub changes: Vec<FieldChange>,
    /// Why, as the actor said; empty if they did not.
    pub reason: String,
    /// For [`EventAction::CallRefused`]: the stable code of the error.
    pub refusal: Option<&'static str>,
}

/// What became of an object.
#[derive(Debug)]
pub enum Became<'a, T> {
    /// It is new.
    New(&'a T),
    /// It is gone.
    Gone(&'a T),
    /// It changed from the first to the second.
    Other(&'a T, &'a T),
}

impl EventDraft {
    /// What the log says of a client. A change of its team concerns both.
    pub fn of_client(action: EventAction, became: Became<'_, Client>) -> Self {
        let (client, changes) = became.split(Client::fields);
        Self {
            client_id: Some(client.client_id.clone()),
            other_team: Some(became.before(client).team.clone()).filter(|t| *t != client.team),
            ..Self::new(action, client.subject(), Some(client.team.clone()), changes)
        }
    }

    /// What the log says of a resource server. A change of its team concerns both.
    pub fn of_resource_server(action: EventAction, became: Became<'_, ResourceServer>) -> Self {
        let (server, changes) = became.split(ResourceServer::fields);
        Self {
            resource_server: Some(server.identifier.clone()),
            other_team: Some(became.before(server).team.clone()).filter(|t| *t != server.team),
            ..Self::new(action, server.subject(), Some(server.team.clone()), changes)
        }
    }

    /// What the log says of a grant, on behalf of the team that owns its client. `reason` is why, as the actor
    /// said.
    pub fn of_grant(action: EventAction, became: Became<'_, Grant>, reason: &str) -> Self {
        let (grant, changes) = became.split(Grant::fields);
        Self {
            other_team: Some(grant.resource_server_team.clone()),
            client_id: Some(grant.client_id.clone()),
            resource_server: Some(grant.resource_server.clone()),
            reason: reason.to_owned(),
            ..Self::new(action, grant.subject(), Some(grant.client_team.clone()), changes)
        }
    }

    /// What the log says of a pool that was told again of an object.
    pub fn of_pool(subject: String, team: TeamId, differed: Vec<String>) -> Self {
        let change =
            FieldChange { field: "pool", before: Some(Value::List(differed)), after: None };
        Self::new(EventAction::PoolReverted, subject, Some(team), vec![change])
    }

    /// What the log says of a session that was ended by another than the one who signed out.
    pub fn of_session(action: EventAction, became: Became<'_, Session>) -> Self {
        let (session, changes) = became.split(Session::fields);
        Self::new(action, session.subject(), None, changes)
    }

    /// What the log says of a team.
    pub fn of_team(action: EventAction, became: Became<'_, Team>) -> Self {
        let (team, changes) = became.split(Team::fields);
        Self::new(action, team.subject(), Some(team.team.clone()), changes)
    }

    fn new(
        action: EventAction,
        subject: String,
        team: Option<TeamId>,
        changes: Vec<FieldChange>,
    ) -> Self {
        Self {
            action,
            subject,
            team,
            other_team: None,
            client_id: None,
            resource_server: None,
            changes,
            reason: String::new(),
            refusal: None,
        }
    }
}

impl<'a, T> Became<'a, T> {
    /// The object as it is now, or was last, and what changed of it.
    fn split(&self, fields: impl Fn(&T) -> Fields) -> (&'a T, Vec<FieldChange>) {
        match self {
            Self::New(after) => (after, diff(None, Some(fields(after)))),
            Self::Gone(before) => (before, diff(Some(fields(before)), None)),
            Self::Other(before, after) => (after, diff(Some(fields(before)), Some(fields(after)))),
        }
    }

    /// The object as it was, or `now` if it was not or is no more.
    const fn before(&self, now: &'a T) -> &'a T {
        match self {
            Self::New(_) | Self::Gone(_) => now,
            Self::Other(before, _) => before,
        }
    }
}

/// A field before and after. Never of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its path.
    pub field: &'static str,
    /// Before; `None` if there was nothing.
    pub before: Option<Value>,
    /// After; `None` if there is nothing.
    pub after: Option<Value>,
}

/// A field's value, in the few kinds there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// Texts in order.
    List(Vec<String>),
    /// A whole number; times in milliseconds since the epoch.
    Number(i64),
    /// A text.
    Text(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A long text as an event has it: how it begins, and a fingerprint, so that two which begin alike are told apart. An event
/// is kept for good, so nobody shall make large ones.
pub fn brief(text: &str) -> String {
    const BEGINNING: usize = 60;
    if text.chars().nth(BEGINNING).is_none() {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(BEGINNING - 12).collect();
    let hash = Sha256::digest(text.as_bytes());
    let fingerprint: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{beginning}… ({fingerprint})")
}

/// An object's fields in order, for [`diff`].
pub type Fields = Vec<(&'static str, Value)>;

/// The changes between two states of an object; `None` is the object that is not there.
pub fn diff(before: Option<Fields>, after: Option<Fields>) -> Vec<FieldChange> {
    let before = before.unwrap_or_default();
    let after = after.unwrap_or_default();
    let value = |fields: &Fields, name: &str| {
        fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
    };
    let mut names: Vec<&'static str> = after.iter().map(|(name, _)| *name).collect();
    names.extend(before.iter().map(|(name, _)| *name).filter(|n| value(&after, n).is_none()));
    names
        .into_iter()
        .map(|field| (field, value(&before, field), value(&after, field)))
        .filter(|(_, before, after)| before != after)
        .map(|(field, before, after)| {
            let (before, after) = of_lists(before, after);
            FieldChange { field, before, after }
        })
        .collect()
}

/// Of a list that changed, the entries that went and those that came: an event does not repeat what stayed.
fn of_lists(before: Option<Value>, after: Option<Value>) -> (Option<Value>, Option<Value>) {
    match (before, after) {
        (Some(Value::List(before)), Some(Value::List(after))) => {
            let only = |those: &[String], not: &[String]| {
                Some(Value::List(those.iter().filter(|t| !not.contains(t)).cloned().collect()))
            };
            (only(&before, &after), only(&after, &before))
        }
        other => other,
    }
}

/// Declares the actions with the form in which the log keeps them.
macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What can happen, as `object.verb`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum EventAction {
            $($(#[$doc])* $variant,)*
        }

        impl EventAction {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As it is kept in the log.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

actions! {
    /// A changing call by a known caller was refused.
    CallRefused = "call.refused",
    /// A client of the pool was registered, or took the pool's values.
    ClientAdopted = "client.adopted",
    /// A client was registered.
    ClientCreated = "client.created",
    /// A client was deleted.
    ClientDeleted = "client.deleted",
    /// A client was stopped.
    ClientDisabled = "client.disabled",
    /// A stopped client may work again.
    ClientEnabled = "client.enabled",
    /// A client got a second secret.
    ClientSecretAdded = "client.secret_added",
    /// The secret of an adopted client became known: it was shown, and the authorization server took it.
    ClientSecretLearned = "client.secret_learned",
    /// A secret of a client ended.
    ClientSecretRemoved = "client.secret_removed",
    /// All tokens of a client issued so far were revoked.
    ClientTokensRevoked = "client.tokens_revoked",
    /// A client's name, description, team or token lifetime changed.
    ClientUpdated = "client.updated",
    /// A grant was approved.
    GrantApproved = "grant.approved",
    /// A grant was denied.
    GrantDenied = "grant.denied",
    /// A grant ended at its time.
    GrantExpired = "grant.expired",
    /// A grant was asked for.
    GrantRequested = "grant.requested",
    /// A grant was ended, or withdrawn.
    GrantRevoked = "grant.revoked",
    /// A grant lost scopes that no longer exist.
    GrantShrunk = "grant.shrunk",
    /// The pool of the authorization server was told again what the registry says.
    PoolReverted = "pool.reverted",
    /// A resource server of the pool was registered, or took the pool's values.
    ResourceServerAdopted = "resource_server.adopted",
    /// A resource server was registered.
    ResourceServerCreated = "resource_server.created",
    /// A resource server was deleted.
    ResourceServerDeleted = "resource_server.deleted",
    /// A resource server got a secret.
    ResourceServerSecretAdded = "resource_server.secret_added",
    /// A secret of a resource server ended.
    ResourceServerSecretRemoved = "resource_server.secret_removed",
    /// A resource server's name, description, team or scopes changed.
    ResourceServerUpdated = "resource_server.updated",
    /// A session was ended from elsewhere.
    SessionEnded = "session.ended",
    /// The authorization server's keys changed.
    SigningKeyRotated = "signing_key.rotated",
    /// A team was made.
    TeamCreated = "team.created",
    /// A team was deleted.
    TeamDeleted = "team.deleted",
    /// A team's name, contact, groups or app roles changed.
    TeamUpdated = "team.updated",
    /// One token was revoked.
    TokenRevoked = "token.revoked",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_still_told_from_others() {
        let short = "x".repeat(60);
        assert_eq!(brief(&short), short);
        let long = "東".repeat(255);
        let (one, other) = (brief(&format!("{long}a")), brief(&format!("{long}b")));
        assert_eq!(one.chars().count(), 60);
        assert_ne!(one, other);
    }
}
