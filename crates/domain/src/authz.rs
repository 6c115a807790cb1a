//! Who may do what to what: one pure function, whose whole answer is printed in
//! `tests/output/authz.txt`.
//!
//! - A team's members manage what the team owns.
//! - The owner of a resource server decides its grants; requester and decider are different, unless one
//!   team owns both sides.
//! - Platform admins do all; auditors read all; everyone signed in reads the catalogue.
//! - A program acts for the team that owns its client, within the scopes of its token.
//! - What a caller may not read does not exist for them.

use std::collections::BTreeSet;

use crate::actor::{Actor, ApiScope, Principal, Role};
use crate::error::{Error, Subject};
use crate::id::{ClientId, TeamId};

/// What is done. One variant for each thing that is decided differently or logged apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Approve or deny a grant.
    DecideGrant,
    /// End a session of a person.
    EndSession,
    /// End a grant at its time: Turnpike itself.
    ExpireGrant,
    /// Recompute and export the whole log.
    ExportLog,
    /// Ask whether a token is good.
    Introspect,
    /// Keep the hash of a secret that an adopted client has shown: Turnpike itself.
    LearnSecret,
    /// Create, change, delete, stop and start clients; their secrets and tokens.
    ManageClient,
    /// Create, change and delete resource servers; their secrets.
    ManageResourceServer,
    /// Create, change and delete teams, and say which groups and app roles make their members.
    ManageTeam,
    /// Register Turnpike's own resource server, and the teams of the configuration: Turnpike itself, when it starts.
    ProvideBuiltIn,
    /// Read the catalogue of resource servers and scopes.
    ReadCatalogue,
    /// Read a client.
    ReadClient,
    /// Read an event of the log.
    ReadEvent,
    /// Read a grant.
    ReadGrant,
    /// See where the pool of the authorization server differs.
    ReadPool,
    /// See which secrets a resource server has.
    ReadResourceServerSecrets,
    /// Ask who one is.
    ReadSession,
    /// See which sessions a person has.
    ReadSessions,
    /// Adopt what the pool of the authorization server says, or tell it again.
    Reconcile,
    /// See which groups and app roles make the members of a team.
    ReadTeamMapping,
    /// Ask for a grant.
    RequestGrant,
    /// End a grant, or withdraw it.
    RevokeGrant,
    /// End a token.
    RevokeToken,
    /// Change the keys of the embedded issuer: Turnpike itself.
    RotateKeys,
    /// Follow what decides about the tokens for a resource server.
    WatchPolicy,
}

/// What it is done to, as far as the decision needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// A client, existing or to be.
    Client {
        /// Its owner.
        team: &'a TeamId,
        /// The owners of the resource servers it holds or asks for.
        related: &'a [TeamId],
    },
    /// A secret to be of a client: whoever has it does all that the client may.
    ClientSecret {
        /// The owner of the client.
        team: &'a TeamId,
        /// As with [`Resource::Client`].
        related: &'a [TeamId],
        /// What the client may do with Turnpike itself.
        opens: &'a BTreeSet<ApiScope>,
    },
    /// An event of the log.
    Event {
        /// The teams it concerns.
        teams: &'a [TeamId],
    },
    /// A grant, existing or to be.
    Grant {
        /// The owner of the client.
        client_team: &'a TeamId,
        /// The owner of the resource server.
        resource_server_team: &'a TeamId,
        /// Who asked.
        requester: &'a Principal,
    },
    /// A resource server, existing or to be.
    ResourceServer {
        /// Its owner.
        team: &'a TeamId,
        /// Whether it is Turnpike's own.
        built_in: bool,
    },
    /// A session.
    Session {
        /// Who signed in.
        person: &'a Principal,
    },
    /// A token.
    Token {
        /// The client it was issued to.
        client_id: &'a ClientId,
        /// The owner of that client.
        team: &'a TeamId,
    },
    /// Nothing that belongs to a team.
    Whole,
}

/// The right to do one action as one principal. Only [`decide`] makes one, and every use case takes one.
#[derive(Debug)]
pub struct Permit {
    action: Action,
    principal: Principal,
}

impl Permit {
    /// What is permitted.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// To whom.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The caller may see it and may not do this.
    Denied(&'static str),
    /// The caller may not see it: it does not exist for them.
    Hidden,
}

impl Denial {
    /// The refusal on the wire, where hidden is absent.
    pub fn into_error(self, subject: Subject) -> Error {
        match self {
            Self::Denied(why) => Error::Denied(why),
            Self::Hidden => Error::NotFound(subject),
        }
    }
}

/// Whether `actor` may do `action` to `resource`.
///
/// # Errors
///
/// [`Denial::Hidden`] where the caller may not even read it, else [`Denial::Denied`] with the rule.
pub fn decide(actor: &Actor, action: Action, resource: &Resource<'_>) -> Result<Permit, Denial> {
    if may(actor, action, resource).is_ok() {
        return Ok(Permit { action, principal: actor.principal() });
    }
    match may(actor, reading(resource), resource) {
        Ok(()) => Err(Denial::Denied(may(actor, action, resource).err().unwrap_or("not allowed"))),
        Err(_) => Err(Denial::Hidden),
    }
}

/// The action that makes a resource visible.
const fn reading(resource: &Resource<'_>) -> Action {
    match resource {
        Resource::Client { .. } | Resource::ClientSecret { .. } | Resource::Token { .. } => {
            Action::ReadClient
        }
        Resource::Event { .. } => Action::ReadEvent,
        Resource::Grant { .. } => Action::ReadGrant,
        Resource::ResourceServer { .. } => Action::ReadCatalogue,
        Resource::Session { .. } => Action::ReadSessions,
        Resource::Whole => Action::ReadSession,
    }
}

/// The rules. An `Err` says which one forbids it, in words for the caller.
fn may(actor: &Actor, action: Action, resource: &Resource<'_>) -> Result<(), &'static str> {
    match actor {
        Actor::Client(id) if action == Action::RevokeToken => {
            let own = matches!(resource, Resource::Token { client_id, .. } if *client_id == id);
            return allow(own, "a client revokes its own tokens");
        }
        Actor::ResourceServer(_) if action == Action::WatchPolicy => return Ok(()),
        Actor::Client(_) | Actor::ResourceServer(_) => {
            return allow(
                action == Action::Introspect,
                "a secret of a client or resource server only asks about tokens",
            );
        }
        Actor::System => {
            return allow(
                matches!(
                    action,
                    Action::ExpireGrant
                        | Action::LearnSecret
                        | Action::ProvideBuiltIn
                        | Action::RotateKeys
                ),
                "only people and programs do this",
            );
        }
        Actor::Program(program) => match needed_scope(action) {
            Some(scope) if !program.scopes.contains(&scope) => {
                return Err(match scope {
                    ApiScope::AuditRead => "needs the scope `turnpike/audit.read`",
                    ApiScope::GrantsDecide => "needs the scope `turnpike/grants.decide`",
                    ApiScope::RegistryRead => "needs the scope `turnpike/registry.read`",
                    ApiScope::RegistryWrite => "needs the scope `turnpike/registry.write`",
                });
            }
            _ => {}
        },
        Actor::Staff(_) => {}
    }

    let admin = actor.has(Role::PlatformAdmin);
    match (action, resource) {
        (Action::ReadSession | Action::ReadCatalogue, _) => Ok(()),
        (Action::ExportLog | Action::ReadTeamMapping, _) => {
            allow(actor.reads_all(), "only auditors and platform admins do this")
        }
        (Action::ManageTeam, _) => allow(admin, "only platform admins do this"),

        (Action::EndSession, Resource::Session { person }) => allow(
            admin || actor.principal().is_same(person),
            "only whoever signed in and platform admins do this",
        ),
        (Action::ReadSessions, Resource::Session { person }) => allow(
            actor.reads_all() || actor.principal().is_same(person),
            "only whoever signed in sees this",
        ),

        (Action::ReadPool, Resource::Whole) => {
            allow(actor.reads_all(), "only auditors and platform admins see this")
        }
        (Action::Reconcile, Resource::Whole) => allow(admin, "only platform admins do this"),

        (Action::ManageResourceServer, Resource::ResourceServer { built_in: true, .. }) => {
            Err("the resource server `turnpike` is part of Turnpike")
        }
        (Action::ManageResourceServer, Resource::ResourceServer { team, .. }) => {
            allow(admin || actor.is_in(team), "only members of the owning team do this")
        }
        (Action::ReadResourceServerSecrets, Resource::ResourceServer { team, .. }) => allow(
            actor.reads_all() || actor.is_in(team),
            "only members of the owning team see this",
        ),

        (
            Action::ManageClient | Action::ReadClient,
            Resource::ClientSecret { team, related, opens },
        ) => {
            may(actor, action, &Resource::Client { team, related })?;
            let Actor::Program(program) = actor else { return Ok(()) };
            // Else a token would make itself, or another of its team, into more than was granted to it.
            allow(
                action != Action::ManageClient || opens.is_subset(&program.scopes),
                "a program makes no secret of a client that may do more with Turnpike than its token",
            )
        }
        (Action::ManageClient | Action::RequestGrant, Resource::Client { team, .. })
        | (Action::RevokeToken, Resource::Token { team, .. }) => {
            allow(admin || actor.is_in(team), "only members of the owning team do this")
        }
        (Action::ReadClient, Resource::Token { team, .. }) => {
            allow(actor.reads_all() || actor.is_in(team), "only the owning team sees this")
        }
        (Action::ReadClient, Resource::Client { team, related }) => allow(
            actor.reads_all() || actor.is_in(team) || related.iter().any(|t| actor.is_in(t)),
            "only teams it concerns see this",
        ),

        (Action::DecideGrant, Resource::Grant { client_team, resource_server_team, requester }) => {
            allow(
                admin || actor.is_in(resource_server_team),
                "only members of the team that owns the resource server decide",
            )?;
            allow(
                client_team == resource_server_team || !actor.principal().is_same(requester),
                "whoever asked does not decide: a colleague must",
            )
        }
        (Action::RevokeGrant, Resource::Grant { client_team, resource_server_team, .. }) => allow(
            admin || actor.is_in(client_team) || actor.is_in(resource_server_team),
            "only members of the two owning teams do this",
        ),
        (Action::ReadGrant, Resource::Grant { client_team, resource_server_team, .. }) => allow(
            actor.reads_all() || actor.is_in(client_team) || actor.is_in(resource_server_team),
            "only teams it concerns see this",
        ),

        (Action::ReadEvent, Resource::Event { teams }) => allow(
            actor.reads_all() || teams.iter().any(|team| actor.is_in(team)),
            "only teams it concerns see this",
        ),

        (Action::ReadClient | Action::ReadGrant | Action::ReadEvent, Resource::Whole) => Ok(()),
        _ => Err("nobody does this"),
    }
}

/// The scope a program's token must carry.
const fn needed_scope(action: Action) -> Option<ApiScope> {
    match action {
        Action::EndSession
        | Action::ReadPool
        | Action::ReadSession
        | Action::ReadSessions
        | Action::Reconcile => None,
        Action::ReadCatalogue
        | Action::ReadClient
        | Action::ReadGrant
        | Action::ReadResourceServerSecrets
        | Action::ReadTeamMapping => Some(ApiScope::RegistryRead),
        Action::ManageClient
        | Action::ManageResourceServer
        | Action::ManageTeam
        | Action::RequestGrant
        | Action::RevokeGrant
        | Action::RevokeToken => Some(ApiScope::RegistryWrite),
        Action::DecideGrant => Some(ApiScope::GrantsDecide),
        Action::ReadEvent | Action::ExportLog => Some(ApiScope::AuditRead),
        Action::ExpireGrant
        | Action::Introspect
        | Action::LearnSecret
        | Action::ProvideBuiltIn
        | Action::RotateKeys
        | Action::WatchPolicy => None,
    }
}

const fn allow(condition: bool, rule: &'static str) -> Result<(), &'static str> {
    if condition { Ok(()) } else { Err(rule) }
}
