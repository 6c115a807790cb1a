//! Grants: proto to domain and back.

use std::collections::BTreeMap;

use turnpike_domain::client::SCOPES_MAX;
use turnpike_domain::error::Error;
use turnpike_domain::event::{self, Value};
use turnpike_domain::grant::{GrantScopes, GrantState};
use turnpike_domain::id::{ClientId, GrantId, TeamId};
use turnpike_domain::text::{Description, Reason};
use turnpike_domain::{Client, Grant, Identifier, Problem, Scope, Timestamp, Violations};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Once, Versioned};

use super::{Paging, display_name, etag, optional, parse_etag, parse_time, team_filter};
use super::{to_principal, to_time};
use crate::once::{Named, sorted};

/// How many resource servers one call may ask scopes of: all grants are made in one change.
const RESOURCE_SERVERS_MAX: usize = 10;

/// Scopes of one resource server that are asked for, and where the request names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The resource server.
    pub resource_server: Identifier,
    /// The scopes.
    pub scopes: GrantScopes,
    places: BTreeMap<Scope, usize>,
}

/// A grant to ask for.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// For this client.
    pub client_id: ClientId,
    /// What it shall hold.
    pub wanted: Wanted,
    /// Why.
    pub reason: Reason,
    /// When it shall end by itself.
    pub expire_time: Option<Timestamp>,
    /// The request, if it is to be answered once.
    pub once: Option<Once>,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// What is decided of a grant that waits.
#[derive(Clone, Debug)]
pub struct GrantDecision {
    /// Which one.
    pub grant_id: GrantId,
    /// The revision it was decided on.
    pub version: u64,
    /// What the decider says.
    pub note: Description,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A grant to end.
#[derive(Clone, Debug)]
pub struct GrantRevocation {
    /// Which one.
    pub grant_id: GrantId,
    /// The revision it was decided on.
    pub version: u64,
    /// Why.
    pub reason: Reason,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A page of grants.
#[derive(Clone, Debug)]
pub struct GrantList {
    /// How many at most.
    pub page_size: usize,
    /// Of this client.
    pub client_id: Option<ClientId>,
    /// Of this resource server.
    pub resource_server: Option<Identifier>,
    /// In which this team owns a side.
    pub team: Option<TeamId>,
    /// In this state now.
    pub state: Option<GrantState>,
    /// Only those the caller may decide.
    pub waiting_for_me: bool,
    /// In which this lower-case text occurs.
    pub text: String,
}

impl NewGrant {
    /// What is asked for.
    fn fields(&self) -> event::Fields {
        let Self { client_id, wanted, reason, expire_time, once: _, validate_only: _ } = self;
        let Wanted { resource_server, scopes, places: _ } = wanted;
        let mut fields = vec![
            ("client_id", client_id.as_str().into()),
            ("resource_server", resource_server.as_str().into()),
            ("scopes", sorted(scopes.list().iter().map(ToString::to_string))),
            ("reason", reason.as_str().into()),
        ];
        fields.extend(expire_time.map(|time| ("expire_time", Value::Number(time.millis()))));
        fields
    }
}

impl Wanted {
    /// The field of the request that names a scope.
    pub fn field_of(&self, scope: &Scope) -> String {
        match self.places.get(scope) {
            Some(at) => format!("scopes[{at}]"),
            None => "scopes".to_owned(),
        }
    }
}

/// `once` is what [`crate::Op::once`] made of its request id; `now` is when the call began.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_request(
    message: &pb::RequestGrantRequest,
    once: Result<Option<Named>, Problem>,
    now: Timestamp,
) -> Result<NewGrant, Error> {
    let mut v = Violations::new();
    let client_id = v.take("client_id", ClientId::parse(&message.client_id));
    let server = v.take("resource_server", Identifier::parse(&message.resource_server));
    let parsed = parse_scopes(&mut v, &message.scopes);
    let wanted = server.zip(parsed).and_then(|(server, scopes)| want(&mut v, server, scopes));
    let reason = v.take("reason", Reason::parse(&message.reason));
    let future = parse_time(message.expire_time.as_ref()).and_then(|time| match time {
        Some(time) if time <= now => Err(Problem::OutOfRange("in the future")),
        time => Ok(time),
    });
    let expire_time = v.take("expire_time", future);
    let once = v.take("request_id", once);
    let built = || {
        Some(NewGrant {
            client_id: client_id?,
            wanted: wanted?,
            reason: reason?,
            expire_time: expire_time?,
            once: None,
            validate_only: message.validate_only,
        })
    };
    let mut new = v.finish(built())?;
    new.once = once.flatten().map(|once| once.asking(&new.fields()));
    Ok(new)
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_approve(message: &pb::ApproveGrantRequest) -> Result<GrantDecision, Error> {
    let note = Description::parse(&message.note);
    parse_decision(&message.grant_id, &message.etag, note, message.validate_only)
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_deny(message: &pb::DenyGrantRequest) -> Result<GrantDecision, Error> {
    // Whoever asked must learn why not.
    let note = Reason::parse(&message.note).and_then(|note| Description::parse(note.as_str()));
    parse_decision(&message.grant_id, &message.etag, note, message.validate_only)
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_revoke(message: &pb::RevokeGrantRequest) -> Result<GrantRevocation, Error> {
    let mut v = Violations::new();
    let grant_id = v.take("grant_id", GrantId::parse(&message.grant_id));
    let version = v.take("etag", parse_etag(&message.etag));
    let reason = v.take("reason", Reason::parse(&message.reason));
    let built = || {
        Some(GrantRevocation {
            grant_id: grant_id?,
            version: version?,
            reason: reason?,
            validate_only: message.validate_only,
        })
    };
    v.finish(built())
}

/// The grant that a request names.
///
/// # Errors
///
/// [`Error::Invalid`].
pub fn parse_get(message: &pb::GetGrantRequest) -> Result<GrantId, Error> {
    let mut v = Violations::new();
    let grant_id = v.take("grant_id", GrantId::parse(&message.grant_id));
    v.finish(grant_id)
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_list(message: &pb::ListGrantsRequest) -> Result<GrantList, Error> {
    let mut v = Violations::new();
    let Paging { page_size, text } = Paging::take(&mut v, message.page_size, &message.text);
    let client_id = v.take("client_id", optional(&message.client_id, ClientId::parse));
    let server = optional(&message.resource_server, Identifier::parse);
    let resource_server = v.take("resource_server", server);
    let team = v.take("team", team_filter(&message.team));
    let state = v.take("state", parse_state(message.state));
    let built = || {
        Some(GrantList {
            page_size: page_size?,
            client_id: client_id?,
            resource_server: resource_server?,
            team: team?,
            state: state?,
            waiting_for_me: message.waiting_for_me,
            text: text?,
        })
    };
    v.finish(built())
}

/// A grant on the wire, as it stands at `now`, with its client if that still exists. One that is not kept yet
/// has no key.
pub fn to_grant(grant: &Versioned<Grant>, client: Option<&Client>, now: Timestamp) -> pb::Grant {
    // An end that was reached counts before anyone wrote it down.
    let mut value = grant.value.clone();
    value.expire(now);
    let kept = grant.version > 0;
    let state = match value.state {
        GrantState::Active => pb::GrantState::Active,
        GrantState::Denied => pb::GrantState::Denied,
        GrantState::Expired => pb::GrantState::Expired,
        GrantState::Pending => pb::GrantState::Pending,
        GrantState::Revoked => pb::GrantState::Revoked,
    };
    let decision = value.decision.as_ref();
    pb::Grant {
        grant_id: if kept { value.grant_id.to_string() } else { String::new() },
        client_id: value.client_id.to_string(),
        resource_server: value.resource_server.to_string(),
        scopes: value.scopes.list().iter().map(ToString::to_string).collect(),
        reason: value.reason.to_string(),
        expire_time: value.expire_time.map(to_time),
        state: state.into(),
        requester: Some(to_principal(&value.requester)),
        request_time: Some(to_time(value.request_time)),
        decider: decision.map(|decision| to_principal(&decision.decider)),
        decide_time: decision.map(|decision| to_time(decision.time)),
        decision_note: decision.map(|decision| decision.note.to_string()).unwrap_or_default(),
        end_time: value.end.as_ref().map(|end| to_time(end.time)),
        end_reason: value.end.as_ref().map(|end| end.reason.clone()).unwrap_or_default(),
        etag: etag(grant.version),
        client_display_name: display_name(client),
        client_team: value.client_team.to_string(),
        resource_server_team: value.resource_server_team.to_string(),
    }
}

/// Scopes of any resource servers, one entry a resource server, in their order.
pub(super) fn parse_wanted(violations: &mut Violations, given: &[String]) -> Option<Vec<Wanted>> {
    let mut by_server: BTreeMap<Identifier, Vec<(usize, Scope)>> = BTreeMap::new();
    for (at, scope) in parse_scopes(violations, given)? {
        by_server.entry(scope.identifier()).or_default().push((at, scope));
    }
    if by_server.len() > RESOURCE_SERVERS_MAX {
        let problem = Problem::TooLong { max: RESOURCE_SERVERS_MAX, unit: "resource servers" };
        violations.add("scopes", problem);
        return None;
    }
    by_server.into_iter().map(|(server, scopes)| want(violations, server, scopes)).collect()
}

/// Each scope that parses, with its place.
fn parse_scopes(violations: &mut Violations, given: &[String]) -> Option<Vec<(usize, Scope)>> {
    if given.len() > SCOPES_MAX {
        violations.add("scopes", Problem::TooLong { max: SCOPES_MAX, unit: "entries" });
        return None;
    }
    let mut parsed = Vec::new();
    for (at, scope) in given.iter().enumerate() {
        let scope = violations.take(format!("scopes[{at}]"), Scope::parse(scope));
        parsed.extend(scope.map(|scope| (at, scope)));
    }
    // With none left there is nothing to say but what was said.
    (given.is_empty() || !parsed.is_empty()).then_some(parsed)
}

fn want(
    violations: &mut Violations,
    resource_server: Identifier,
    scopes: Vec<(usize, Scope)>,
) -> Option<Wanted> {
    let list = scopes.iter().map(|(_, scope)| scope.clone()).collect();
    match GrantScopes::new(&resource_server, list) {
        Ok(granted) => {
            let places = scopes.into_iter().map(|(at, scope)| (scope, at)).collect();
            Some(Wanted { resource_server, scopes: granted, places })
        }
        Err(problems) => {
            for (at, problem) in problems {
                match at.and_then(|at| scopes.get(at)) {
                    Some((at, _)) => violations.add(format!("scopes[{at}]"), problem),
                    None => violations.add("scopes", problem),
                }
            }
            None
        }
    }
}

fn parse_decision(
    grant_id: &str,
    etag: &str,
    note: Result<Description, Problem>,
    validate_only: bool,
) -> Result<GrantDecision, Error> {
    let mut v = Violations::new();
    let grant_id = v.take("grant_id", GrantId::parse(grant_id));
    let version = v.take("etag", parse_etag(etag));
    let note = v.take("note", note);
    let built = || {
        Some(GrantDecision { grant_id: grant_id?, version: version?, note: note?, validate_only })
    };
    v.finish(built())
}

fn parse_state(state: i32) -> Result<Option<GrantState>, Problem> {
    match pb::GrantState::try_from(state) {
        Ok(pb::GrantState::Unspecified) => Ok(None),
        Ok(pb::GrantState::Active) => Ok(Some(GrantState::Active)),
        Ok(pb::GrantState::Denied) => Ok(Some(GrantState::Denied)),
        Ok(pb::GrantState::Expired) => Ok(Some(GrantState::Expired)),
        Ok(pb::GrantState::Pending) => Ok(Some(GrantState::Pending)),
        Ok(pb::GrantState::Revoked) => Ok(Some(GrantState::Revoked)),
        Err(_) => Err(Problem::Malformed("a state that exists")),
    }
}
