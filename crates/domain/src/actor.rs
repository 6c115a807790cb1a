//! Who acts.

use std::collections::BTreeSet;
use std::fmt;

use crate::id::{ClientId, TeamId};
use crate::scope::Identifier;
use crate::time::Timestamp;

/// The caller of an operation, as far as authentication could tell. Kinds are kept apart by type: a
/// client whose id looks like a person's is still a client (RFC 9700 section 4.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A client with its own secret. It may ask about its own tokens.
    Client(ClientId),
    /// A program with a token that carries scopes of the resource server `turnpike`.
    Program(Program),
    /// A resource server with its own secret. It may ask about tokens that carry its scopes.
    ResourceServer(Identifier),
    /// A person who signed in.
    Staff(Staff),
    /// Turnpike itself.
    System,
}

/// A person who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// Key of the person in the directory.
    pub id: String,
    /// What people call them; for display only.
    pub display_name: String,
    /// The teams they are in.
    pub teams: Teams,
    /// What they may do beyond their teams.
    pub roles: BTreeSet<Role>,
    /// When their session ends.
    pub session_expire_time: Timestamp,
}

/// The teams of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Teams {
    /// These and no others.
    Known(BTreeSet<TeamId>),
    /// At least these: the directory did not say which groups the person is in (group overage). What it said
    /// otherwise, by app roles, counts; of all others the person is treated as no member, and told so.
    Unknown(BTreeSet<TeamId>),
}

impl Teams {
    /// Those that are known.
    pub const fn known(&self) -> &BTreeSet<TeamId> {
        match self {
            Self::Known(teams) | Self::Unknown(teams) => teams,
        }
    }

    /// Whether these are all.
    pub const fn are_all(&self) -> bool {
        matches!(self, Self::Known(_))
    }
}

/// What a person may do beyond their teams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read everything, change nothing.
    Auditor,
    /// All that members of any team may do.
    PlatformAdmin,
}

/// A program with a Turnpike token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its client.
    pub client_id: ClientId,
    /// What people call that client.
    pub display_name: String,
    /// The team that owns the client; the program acts for it.
    pub team: TeamId,
    /// What its token lets it do.
    pub scopes: BTreeSet<ApiScope>,
}

/// The scopes of the built-in resource server `turnpike`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiScope {
    /// `turnpike/audit.read`
    AuditRead,
    /// `turnpike/grants.decide`
    GrantsDecide,
    /// `turnpike/registry.read`
    RegistryRead,
    /// `turnpike/registry.write`
    RegistryWrite,
}

impl ApiScope {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::AuditRead, Self::GrantsDecide, Self::RegistryRead, Self::RegistryWrite];

    /// Its name within the resource server `turnpike`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuditRead => "audit.read",
            Self::GrantsDecide => "grants.decide",
            Self::RegistryRead => "registry.read",
            Self::RegistryWrite => "registry.write",
        }
    }

    /// What it lets a program do, for the catalogue.
    pub const fn description(self) -> &'static str {
        match self {
            Self::AuditRead => "Read the events that concern the team",
            Self::GrantsDecide => "Approve and deny grants of the resource servers of the team",
            Self::RegistryRead => "Read the catalogue, and the clients and grants of the team",
            Self::RegistryWrite => "Change the resource servers, clients and grants of the team",
        }
    }
}

/// Who did something, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Kind of principal.
    pub kind: PrincipalKind,
    /// Key within its kind.
    pub id: String,
    /// What people called them then.
    pub display_name: String,
}

/// The kinds of principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalKind {
    /// A client, by token or by secret.
    Client,
    /// A resource server.
    ResourceServer,
    /// A person.
    Staff,
    /// Turnpike itself.
    System,
}

impl PrincipalKind {
    /// As it is kept in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ResourceServer => "resource-server",
            Self::Staff => "staff",
            Self::System => "system",
        }
    }

    /// From the form in the log.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Client, Self::ResourceServer, Self::Staff, Self::System]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

impl Principal {
    /// Turnpike itself.
    pub fn system() -> Self {
        Self {
            kind: PrincipalKind::System,
            id: "turnpike".to_owned(),
            display_name: "Turnpike".to_owned(),
        }
    }

    /// Whether both are the same principal, whatever their display names.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.id == other.id
    }
}

impl Actor {
    /// Who this is, for the log.
    pub fn principal(&self) -> Principal {
        let (kind, id, display_name) = match self {
            Self::Client(id) => (PrincipalKind::Client, id.to_string(), id.to_string()),
            Self::Program(p) => {
                (PrincipalKind::Client, p.client_id.to_string(), p.display_name.clone())
            }
            Self::ResourceServer(id) => {
                (PrincipalKind::ResourceServer, id.to_string(), id.to_string())
            }
            Self::Staff(s) => (PrincipalKind::Staff, s.id.clone(), s.display_name.clone()),
            Self::System => return Principal::system(),
        };
        Principal { kind, id, display_name }
    }

    /// Whether the actor acts for `team` as one of its members.
    pub fn is_in(&self, team: &TeamId) -> bool {
        match self {
            Self::Program(program) => program.team == *team,
            Self::Staff(staff) => staff.teams.known().contains(team),
            Self::Client(_) | Self::ResourceServer(_) | Self::System => false,
        }
    }

    /// Whether the actor is a person with `role`.
    pub fn has(&self, role: Role) -> bool {
        matches!(self, Self::Staff(staff) if staff.roles.contains(&role))
    }

    /// The teams the actor is a member of, in order.
    pub fn teams(&self) -> Vec<TeamId> {
        match self {
            Self::Program(program) => vec![program.team.clone()],
            Self::Staff(staff) => staff.teams.known().iter().cloned().collect(),
            Self::Client(_) | Self::ResourceServer(_) | Self::System => Vec::new(),
        }
    }

    /// Whether the actor reads everything: platform admins and auditors.
    pub fn reads_all(&self) -> bool {
        self.has(Role::PlatformAdmin) || self.has(Role::Auditor)
    }
}

/// `kind:key`, for the log.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Principal { kind, id, display_name: _ } = self.principal();
        write!(f, "{}:{id}", kind.as_str())
    }
}
