//! Clients: proto to domain and back.

use turnpike_domain::error::Error;
use turnpike_domain::event::{self, Value};
use turnpike_domain::id::{ClientId, SecretId, TeamId};
use turnpike_domain::text::{ClientName, Description, Reason};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Client, Grant, Problem, Timestamp, Violations};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Once, Versioned};

use super::grants::{Wanted, parse_wanted, to_grant};
use super::mask::{self, Fields};
use super::{MadeSecret, Paging, SecretUses, etag, parse_etag, team_filter};
use super::{to_new_secret, to_secrets, to_time};
use crate::once::{Named, sorted};

/// A client to be.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// What people call it.
    pub display_name: ClientName,
    /// What it is for.
    pub description: Description,
    /// Its owner.
    pub team: TeamId,
    /// How long its tokens live.
    pub token_lifetime: TokenLifetime,
    /// What it wants, by resource server, and why.
    pub wanted: Option<(Vec<Wanted>, Reason)>,
    /// The request, if it is to be answered once.
    pub once: Option<Once>,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// What is to change of a client; `None` stays.
#[derive(Clone, Debug)]
pub struct ClientUpdate {
    /// Which one.
    pub client_id: ClientId,
    /// The revision it was decided on.
    pub version: u64,
    /// What people call it.
    pub display_name: Option<ClientName>,
    /// What it is for.
    pub description: Option<Description>,
    /// Its owner.
    pub team: Option<TeamId>,
    /// How long its tokens live.
    pub token_lifetime: Option<TokenLifetime>,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A client to delete.
#[derive(Clone, Debug)]
pub struct ClientDeletion {
    /// Which one.
    pub client_id: ClientId,
    /// The revision it was decided on.
    pub version: u64,
    /// Whether the caller only asks.
    pub validate_only: bool,
    /// Whether its grants may end.
    pub force: bool,
}

/// A client to stop, to start, or whose tokens to revoke.
#[derive(Clone, Debug)]
pub struct ClientSwitch {
    /// Which one.
    pub client_id: ClientId,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A secret of a client to make.
#[derive(Clone, Debug)]
pub struct NewClientSecret {
    /// Whose.
    pub client_id: ClientId,
    /// The request, if it is to be answered once.
    pub once: Option<Once>,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A secret of a client to end.
#[derive(Clone, Debug)]
pub struct ClientSecretRemoval {
    /// Whose.
    pub client_id: ClientId,
    /// Which.
    pub secret_id: SecretId,
    /// Whether the tokens issued so far end too.
    pub revoke_tokens: bool,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A page of clients.
#[derive(Clone, Debug)]
pub struct ClientList {
    /// How many at most.
    pub page_size: usize,
    /// Of this team.
    pub team: Option<TeamId>,
    /// Enabled, or disabled.
    pub enabled: Option<bool>,
    /// In which this lower-case text occurs.
    pub text: String,
}

impl NewClient {
    /// What is asked for.
    fn fields(&self) -> event::Fields {
        let Self {
            display_name,
            description,
            team,
            token_lifetime,
            wanted,
            once: _,
            validate_only: _,
        } = self;
        let (wanted, reason) = match wanted {
            Some((wanted, reason)) => (&wanted[..], reason.as_str()),
            None => (&[][..], ""),
        };
        let scopes = wanted.iter().flat_map(|wanted| wanted.scopes.list());
        vec![
            ("display_name", display_name.as_str().into()),
            ("description", description.as_str().into()),
            ("team", team.as_str().into()),
            ("token_lifetime_seconds", Value::Number(token_lifetime.seconds())),
            ("scopes", sorted(scopes.map(ToString::to_string))),
            ("reason", reason.into()),
        ]
    }
}

/// `once` is what [`crate::Op::once`] made of its request id.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_create(
    message: &pb::CreateClientRequest,
    once: Result<Option<Named>, Problem>,
) -> Result<NewClient, Error> {
    let mut v = Violations::new();
    let once = v.take("request_id", once);
    let wanted = parse_wanted(&mut v, &message.scopes);
    // Without scopes nothing is asked for, and nobody reads why.
    let reason = match (message.scopes.is_empty(), message.reason.as_str()) {
        (true, "") => Some(None),
        (_, reason) => v.take("reason", Reason::parse(reason)).map(Some),
    };
    let Some(given) = &message.client else {
        v.add("client", Problem::Required);
        return v.finish(None);
    };
    let path = |field: &str| format!("client.{field}");
    let display_name = v.take(path("display_name"), ClientName::parse(&given.display_name));
    let description = v.take(path("description"), Description::parse(&given.description));
    let team = v.take(path("team"), TeamId::parse(&given.team));
    let lifetime = parse_lifetime(given.token_lifetime.as_ref());
    let token_lifetime = v.take(path("token_lifetime"), lifetime);
    let built = || {
        Some(NewClient {
            display_name: display_name?,
            description: description?,
            team: team?,
            token_lifetime: token_lifetime?,
            wanted: Some(wanted?).filter(|wanted| !wanted.is_empty()).zip(reason?),
            once: None,
            validate_only: message.validate_only,
        })
    };
    let mut new = v.finish(built())?;
    new.once = once.flatten().map(|once| once.asking(&new.fields()));
    Ok(new)
}

/// The client that a request names.
///
/// # Errors
///
/// [`Error::Invalid`].
pub fn parse_get(message: &pb::GetClientRequest) -> Result<ClientId, Error> {
    let mut v = Violations::new();
    let client_id = v.take("client_id", ClientId::parse(&message.client_id));
    v.finish(client_id)
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_list(message: &pb::ListClientsRequest) -> Result<ClientList, Error> {
    let mut v = Violations::new();
    let Paging { page_size, text } = Paging::take(&mut v, message.page_size, &message.text);
    let team = v.take("team", team_filter(&message.team));
    let enabled = match pb::ClientState::try_from(message.state) {
        Ok(pb::ClientState::Unspecified) => Some(None),
        Ok(pb::ClientState::Enabled) => Some(Some(true)),
        Ok(pb::ClientState::Disabled) => Some(Some(false)),
        Err(_) => {
            v.add("state", Problem::Malformed("a state that exists"));
            None
        }
    };
    let built =
        || Some(ClientList { page_size: page_size?, team: team?, enabled: enabled?, text: text? });
    v.finish(built())
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_update(message: &pb::UpdateClientRequest) -> Result<ClientUpdate, Error> {
    let mut v = Violations::new();
    let Some(given) = &message.client else {
        v.add("client", Problem::Required);
        return v.finish(None);
    };
    let path = |field: &str| format!("client.{field}");
    let client_id = v.take(path("client_id"), ClientId::parse(&given.client_id));
    let version = v.take(path("etag"), parse_etag(&given.etag));
    let changes = named(&mut v, message.update_mask.as_ref(), given);
    let has = |field: &str| changes.contains(&field);

    let mut display_name = None;
    if has("display_name") {
        display_name = v.take(path("display_name"), ClientName::parse(&given.display_name));
    }
    let mut description = None;
    if has("description") {
        description = v.take(path("description"), Description::parse(&given.description));
    }
    let mut team = None;
    if has("team") {
        team = v.take(path("team"), TeamId::parse(&given.team));
    }
    let mut token_lifetime = None;
    if has("token_lifetime") {
        let lifetime = parse_lifetime(given.token_lifetime.as_ref());
        token_lifetime = v.take(path("token_lifetime"), lifetime);
    }
    let built = || {
        Some(ClientUpdate {
            client_id: client_id?,
            version: version?,
            display_name,
            description,
            team,
            token_lifetime,
            validate_only: message.validate_only,
        })
    };
    v.finish(built())
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_delete(message: &pb::DeleteClientRequest) -> Result<ClientDeletion, Error> {
    let mut v = Violations::new();
    let client_id = v.take("client_id", ClientId::parse(&message.client_id));
    let version = v.take("etag", parse_etag(&message.etag));
    let pb::DeleteClientRequest { validate_only, force, .. } = *message;
    let built = client_id.zip(version).map(|(client_id, version)| ClientDeletion {
        client_id,
        version,
        validate_only,
        force,
    });
    v.finish(built)
}

/// # Errors
///
/// [`Error::Invalid`].
pub fn parse_disable(message: &pb::DisableClientRequest) -> Result<ClientSwitch, Error> {
    parse_switch(&message.client_id, message.validate_only)
}

/// # Errors
///
/// [`Error::Invalid`].
pub fn parse_enable(message: &pb::EnableClientRequest) -> Result<ClientSwitch, Error> {
    parse_switch(&message.client_id, message.validate_only)
}

/// # Errors
///
/// [`Error::Invalid`].
pub fn parse_revoke_tokens(message: &pb::RevokeClientTokensRequest) -> Result<ClientSwitch, Error> {
    parse_switch(&message.client_id, message.validate_only)
}

/// `once` is what [`crate::Op::once`] made of its request id.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_add_secret(
    message: &pb::AddClientSecretRequest,
    once: Result<Option<Named>, Problem>,
) -> Result<NewClientSecret, Error> {
    let mut v = Violations::new();
    let client_id = v.take("client_id", ClientId::parse(&message.client_id));
    let once = v.take("request_id", once);
    let validate_only = message.validate_only;
    let built = client_id.zip(once).map(|(client_id, once)| NewClientSecret {
        once: once.map(|once| once.asking(&[("client_id", client_id.as_str().into())])),
        client_id,
        validate_only,
    });
    v.finish(built)
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_remove_secret(
    message: &pb::RemoveClientSecretRequest,
) -> Result<ClientSecretRemoval, Error> {
    let mut v = Violations::new();
    let client_id = v.take("client_id", ClientId::parse(&message.client_id));
    let secret_id = v.take("secret_id", SecretId::parse(&message.secret_id));
    let pb::RemoveClientSecretRequest { revoke_tokens, validate_only, .. } = *message;
    let built = client_id.zip(secret_id).map(|(client_id, secret_id)| ClientSecretRemoval {
        client_id,
        secret_id,
        revoke_tokens,
        validate_only,
    });
    v.finish(built)
}

/// A client on the wire, with the scopes it holds at `now`. One that is not kept yet has no key.
pub fn to_client(client: &Versioned<Client>, uses: &SecretUses, now: Timestamp) -> pb::Client {
    let kept = client.version > 0;
    let lifetime = client.value.token_lifetime.seconds();
    let Client {
        client_id,
        display_name,
        description,
        team,
        token_lifetime: _,
        enabled,
        secrets,
        grants: _,
        tokens_revoked,
        scope_cuts: _,
        create_time,
        update_time,
    } = &client.value;
    let state = if *enabled { pb::ClientState::Enabled } else { pb::ClientState::Disabled };
    let revoked = tokens_revoked.map(|cut| to_time(Timestamp::from_seconds(cut.seconds())));
    pb::Client {
        client_id: if kept { client_id.to_string() } else { String::new() },
        display_name: display_name.to_string(),
        description: description.to_string(),
        team: team.to_string(),
        token_lifetime: Some(prost_types::Duration { seconds: lifetime, nanos: 0 }),
        state: state.into(),
        secrets: to_secrets(secrets, uses),
        scopes: client.value.scopes_at(Some(now)).iter().map(ToString::to_string).collect(),
        tokens_revoked_time: revoked,
        create_time: Some(to_time(*create_time)),
        update_time: Some(to_time(*update_time)),
        etag: etag(client.version),
    }
}

/// The answer to a creation, or to a question what it would make.
pub fn to_created(
    client: &Versioned<Client>,
    secret: &MadeSecret,
    grants: &[Versioned<Grant>],
    now: Timestamp,
) -> pb::CreateClientResponse {
    let shown = to_client(client, &SecretUses::new(), now);
    let grant = |grant: &Versioned<Grant>| pb::Grant {
        client_id: shown.client_id.clone(),
        ..to_grant(grant, Some(&client.value), now)
    };
    pb::CreateClientResponse {
        grants: grants.iter().map(grant).collect(),
        secret: Some(to_new_secret(secret)),
        client: Some(shown),
    }
}

fn parse_switch(client_id: &str, validate_only: bool) -> Result<ClientSwitch, Error> {
    let mut v = Violations::new();
    let client_id = v.take("client_id", ClientId::parse(client_id));
    v.finish(client_id.map(|client_id| ClientSwitch { client_id, validate_only }))
}

/// A lifetime in whole seconds; the default if absent.
fn parse_lifetime(lifetime: Option<&prost_types::Duration>) -> Result<TokenLifetime, Problem> {
    match lifetime {
        None => Ok(TokenLifetime::DEFAULT),
        Some(lifetime) if lifetime.nanos != 0 => {
            Err(Problem::Malformed("a whole number of seconds"))
        }
        Some(lifetime) => TokenLifetime::from_seconds(lifetime.seconds),
    }
}

/// The fields that an update names.
fn named(
    violations: &mut Violations,
    mask: Option<&prost_types::FieldMask>,
    given: &pb::Client,
) -> Vec<&'static str> {
    let filled = [
        ("display_name", !given.display_name.is_empty()),
        ("description", !given.description.is_empty()),
        ("team", !given.team.is_empty()),
        ("token_lifetime", given.token_lifetime.is_some()),
    ];
    let filled: Vec<_> = filled.iter().filter(|(_, is)| *is).map(|(field, _)| *field).collect();
    let of = Fields {
        changeable: &["display_name", "description", "team", "token_lifetime"],
        fixed: &[
            "client_id",
            "state",
            "secrets",
            "scopes",
            "tokens_revoked_time",
            "create_time",
            "update_time",
            "etag",
        ],
        filled: &filled,
        one_of: "one of `display_name`, `description`, `team`, `token_lifetime`, `*`",
    };
    mask::fields(violations, mask, &of)
}
