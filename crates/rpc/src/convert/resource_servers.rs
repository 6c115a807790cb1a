//! Resource servers: proto to domain and back.

use turnpike_domain::error::Error;
use turnpike_domain::event::{self, Value};
use turnpike_domain::id::{SecretId, TeamId};
use turnpike_domain::resource_server::{OfferedScope, OfferedScopes};
use turnpike_domain::text::{Description, ResourceServerName, ScopeDescription};
use turnpike_domain::{Identifier, Problem, ResourceServer, ScopeName, Violations};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Once, ResourceServerFilter, Versioned};

use super::mask::{self, Fields};
use super::{Paging, SecretUses, etag, parse_etag, team_filter, to_secrets, to_time};
use crate::once::{Named, sorted};

/// A resource server to be.
#[derive(Clone, Debug)]
pub struct NewResourceServer {
    /// Its key.
    pub identifier: Identifier,
    /// What people call it.
    pub display_name: ResourceServerName,
    /// What it is for.
    pub description: Description,
    /// Its owner.
    pub team: TeamId,
    /// What it offers.
    pub scopes: OfferedScopes,
    /// Whether it gets a secret.
    pub add_secret: bool,
    /// The request, if it is to be answered once.
    pub once: Option<Once>,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// What is to change of a resource server; `None` stays.
#[derive(Clone, Debug)]
pub struct ResourceServerUpdate {
    /// Which one.
    pub identifier: Identifier,
    /// The revision it was decided on.
    pub version: u64,
    /// What people call it.
    pub display_name: Option<ResourceServerName>,
    /// What it is for.
    pub description: Option<Description>,
    /// Its owner.
    pub team: Option<TeamId>,
    /// What it offers.
    pub scopes: Option<OfferedScopes>,
    /// Whether the caller only asks.
    pub validate_only: bool,
    /// Whether grants may end.
    pub force: bool,
}

/// A resource server to delete.
#[derive(Clone, Debug)]
pub struct ResourceServerDeletion {
    /// Which one.
    pub identifier: Identifier,
    /// The revision it was decided on.
    pub version: u64,
    /// Whether the caller only asks.
    pub validate_only: bool,
    /// Whether grants may end.
    pub force: bool,
}

/// A secret of a resource server to make.
#[derive(Clone, Debug)]
pub struct NewResourceServerSecret {
    /// Whose.
    pub identifier: Identifier,
    /// The request, if it is to be answered once.
    pub once: Option<Once>,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A secret of a resource server to end.
#[derive(Clone, Debug)]
pub struct ResourceServerSecretRemoval {
    /// Whose.
    pub identifier: Identifier,
    /// Which.
    pub secret_id: SecretId,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A page of resource servers.
#[derive(Clone, Debug)]
pub struct ResourceServerList {
    /// How many at most.
    pub page_size: usize,
    /// Which.
    pub filter: ResourceServerFilter,
}

impl NewResourceServer {
    /// What is asked for.
    fn fields(&self) -> event::Fields {
        let Self {
            identifier,
            display_name,
            description,
            team,
            scopes,
            add_secret,
            once: _,
            validate_only: _,
        } = self;
        // A scope's name has no space.
        let scopes = scopes.list().iter().map(|s| format!("{} {}", s.name, s.description));
        vec![
            ("identifier", identifier.as_str().into()),
            ("display_name", display_name.as_str().into()),
            ("description", description.as_str().into()),
            ("team", team.as_str().into()),
            ("scopes", sorted(scopes)),
            ("add_secret", Value::Bool(*add_secret)),
        ]
    }
}

/// `once` is what [`crate::Op::once`] made of its request id.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_create(
    message: &pb::CreateResourceServerRequest,
    once: Result<Option<Named>, Problem>,
) -> Result<NewResourceServer, Error> {
    let mut v = Violations::new();
    let once = v.take("request_id", once);
    let Some(given) = &message.resource_server else {
        v.add("resource_server", Problem::Required);
        return v.finish(None);
    };
    let path = |field: &str| format!("resource_server.{field}");
    let identifier = v.take(path("identifier"), Identifier::parse(&given.identifier));
    let display_name = v.take(path("display_name"), ResourceServerName::parse(&given.display_name));
    let description = v.take(path("description"), Description::parse(&given.description));
    let team = v.take(path("team"), TeamId::parse(&given.team));
    let scopes = parse_scopes(&mut v, identifier.as_ref(), &given.scopes);
    let built = || {
        Some(NewResourceServer {
            identifier: identifier?,
            display_name: display_name?,
            description: description?,
            team: team?,
            scopes: scopes?,
            add_secret: message.add_secret,
            once: None,
            validate_only: message.validate_only,
        })
    };
    let mut new = v.finish(built())?;
    new.once = once.flatten().map(|once| once.asking(&new.fields()));
    Ok(new)
}

/// The identifier that a request names.
///
/// # Errors
///
/// [`Error::Invalid`].
pub fn parse_get(message: &pb::GetResourceServerRequest) -> Result<Identifier, Error> {
    let mut v = Violations::new();
    let identifier = v.take("identifier", Identifier::parse(&message.identifier));
    v.finish(identifier)
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_list(message: &pb::ListResourceServersRequest) -> Result<ResourceServerList, Error> {
    let mut v = Violations::new();
    let Paging { page_size, text } = Paging::take(&mut v, message.page_size, &message.text);
    let team = v.take("team", team_filter(&message.team));
    let built = || {
        let filter = ResourceServerFilter { team: team?, text: text? };
        Some(ResourceServerList { page_size: page_size?, filter })
    };
    v.finish(built())
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_update(
    message: &pb::UpdateResourceServerRequest,
) -> Result<ResourceServerUpdate, Error> {
    let mut v = Violations::new();
    let Some(given) = &message.resource_server else {
        v.add("resource_server", Problem::Required);
        return v.finish(None);
    };
    let path = |field: &str| format!("resource_server.{field}");
    let identifier = v.take(path("identifier"), Identifier::parse(&given.identifier));
    let version = v.take(path("etag"), parse_etag(&given.etag));
    let changes = named(&mut v, message.update_mask.as_ref(), given);
    let has = |field: &str| changes.contains(&field);

    let mut display_name = None;
    if has("display_name") {
        let parsed = ResourceServerName::parse(&given.display_name);
        display_name = v.take(path("display_name"), parsed);
    }
    let mut description = None;
    if has("description") {
        description = v.take(path("description"), Description::parse(&given.description));
    }
    let mut team = None;
    if has("team") {
        team = v.take(path("team"), TeamId::parse(&given.team));
    }
    let mut scopes = None;
    if has("scopes") {
        scopes = parse_scopes(&mut v, identifier.as_ref(), &given.scopes);
    }
    let built = || {
        Some(ResourceServerUpdate {
            identifier: identifier?,
            version: version?,
            display_name,
            description,
            team,
            scopes,
            validate_only: message.validate_only,
            force: message.force,
        })
    };
    v.finish(built())
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_delete(
    message: &pb::DeleteResourceServerRequest,
) -> Result<ResourceServerDeletion, Error> {
    let mut v = Violations::new();
    let identifier = v.take("identifier", Identifier::parse(&message.identifier));
    let version = v.take("etag", parse_etag(&message.etag));
    let pb::DeleteResourceServerRequest { validate_only, force, .. } = *message;
    let built = identifier.zip(version).map(|(identifier, version)| ResourceServerDeletion {
        identifier,
        version,
        validate_only,
        force,
    });
    v.finish(built)
}

/// `once` is what [`crate::Op::once`] made of its request id.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_add_secret(
    message: &pb::AddResourceServerSecretRequest,
    once: Result<Option<Named>, Problem>,
) -> Result<NewResourceServerSecret, Error> {
    let mut v = Violations::new();
    let identifier = v.take("identifier", Identifier::parse(&message.identifier));
    let once = v.take("request_id", once);
    let validate_only = message.validate_only;
    let built = identifier.zip(once).map(|(identifier, once)| NewResourceServerSecret {
        once: once.map(|once| once.asking(&[("identifier", identifier.as_str().into())])),
        identifier,
        validate_only,
    });
    v.finish(built)
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_remove_secret(
    message: &pb::RemoveResourceServerSecretRequest,
) -> Result<ResourceServerSecretRemoval, Error> {
    let mut v = Violations::new();
    let identifier = v.take("identifier", Identifier::parse(&message.identifier));
    let secret_id = v.take("secret_id", SecretId::parse(&message.secret_id));
    let validate_only = message.validate_only;
    let built = identifier.zip(secret_id).map(|(identifier, secret_id)| {
        ResourceServerSecretRemoval { identifier, secret_id, validate_only }
    });
    v.finish(built)
}

/// A resource server on the wire. `secrets` is when its secrets were last used, or `None` for those who may not
/// see them.
pub fn to_resource_server(
    server: &Versioned<ResourceServer>,
    secrets: Option<&SecretUses>,
) -> pb::ResourceServer {
    let ResourceServer {
        identifier,
        display_name,
        description,
        team,
        scopes,
        secrets: kept,
        create_time,
        update_time,
    } = &server.value;
    let scope = |scope: &OfferedScope| pb::Scope {
        name: scope.name.to_string(),
        description: scope.description.to_string(),
    };
    pb::ResourceServer {
        identifier: identifier.to_string(),
        display_name: display_name.to_string(),
        description: description.to_string(),
        team: team.to_string(),
        scopes: scopes.list().iter().map(scope).collect(),
        secrets: secrets.map(|uses| to_secrets(kept, uses)).unwrap_or_default(),
        create_time: Some(to_time(*create_time)),
        update_time: Some(to_time(*update_time)),
        etag: etag(server.version),
        built_in: identifier.is_built_in(),
    }
}

/// The fields that an update names.
fn named(
    violations: &mut Violations,
    mask: Option<&prost_types::FieldMask>,
    given: &pb::ResourceServer,
) -> Vec<&'static str> {
    let filled = [
        ("display_name", !given.display_name.is_empty()),
        ("description", !given.description.is_empty()),
        ("team", !given.team.is_empty()),
        ("scopes", !given.scopes.is_empty()),
    ];
    let filled: Vec<_> = filled.iter().filter(|(_, is)| *is).map(|(field, _)| *field).collect();
    let of = Fields {
        changeable: &["display_name", "description", "team", "scopes"],
        fixed: &["identifier", "secrets", "create_time", "update_time", "etag", "built_in"],
        filled: &filled,
        one_of: "one of `display_name`, `description`, `team`, `scopes`, `*`",
    };
    mask::fields(violations, mask, &of)
}

fn parse_scopes(
    violations: &mut Violations,
    identifier: Option<&Identifier>,
    given: &[pb::Scope],
) -> Option<OfferedScopes> {
    let list = "resource_server.scopes";
    if given.len() > OfferedScopes::MAX {
        let problem = Problem::TooLong { max: OfferedScopes::MAX, unit: "entries" };
        violations.add(list, problem);
        return None;
    }
    let mut places = Vec::new();
    let mut scopes = Vec::new();
    for (at, scope) in given.iter().enumerate() {
        let field = |name: &str| format!("{list}[{at}].{name}");
        let name = violations.take(field("name"), ScopeName::parse(&scope.name));
        let description = ScopeDescription::parse(&scope.description);
        let description = violations.take(field("description"), description);
        if let Some((name, description)) = name.zip(description) {
            places.push(at);
            scopes.push(OfferedScope { name, description });
        }
    }
    match OfferedScopes::new(identifier?, scopes) {
        Ok(scopes) => Some(scopes),
        Err(problems) => {
            for (at, problem) in problems {
                match at.and_then(|at| places.get(at)) {
                    Some(at) => violations.add(format!("{list}[{at}].name"), problem),
                    None => violations.add(list, problem),
                }
            }
            None
        }
    }
}
