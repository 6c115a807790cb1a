//! One entry of the log as it is kept: a line of JSON whose SHA-256 the next entry carries.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use turnpike_domain::event::{EventDraft, FieldChange, Value};
use turnpike_domain::{Error, Principal, Timestamp};

use crate::hash::sha256_hex;
use crate::record::{PrincipalRecord, damaged};

/// The `previous_hash` of the first event.
pub const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Place in the log, from 1.
    pub sequence: u64,
    /// When it was committed.
    pub time: Timestamp,
    /// `object.verb`.
    pub action: String,
    /// Who did it.
    pub actor: Principal,
    /// On behalf of which team; empty if none.
    pub team: String,
    /// Another team concerned; empty if none.
    pub other_team: String,
    /// `kind/key`.
    pub subject: String,
    /// The client concerned; empty if none.
    pub client_id: String,
    /// The resource server concerned; empty if none.
    pub resource_server: String,
    /// Field, before, after; the values are JSON, empty if there was nothing.
    pub changes: Vec<(String, String, String)>,
    /// Why, as the actor said.
    pub reason: String,
    /// The request that did it.
    pub request_id: String,
    /// The method that was called; empty if Turnpike itself did it.
    pub method: String,
    /// For a refusal, its stable code; else empty.
    pub refusal: String,
    /// SHA-256 of the event before.
    pub previous_hash: String,
    /// SHA-256 of this one.
    pub hash: String,
    /// This one, exactly as it is kept.
    pub line: String,
}

/// What the log adds to a draft.
pub(crate) struct Place<'a> {
    pub(crate) sequence: u64,
    pub(crate) time: Timestamp,
    pub(crate) actor: &'a Principal,
    pub(crate) request_id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) previous_hash: &'a str,
}

/// The order of members is the order in which they are kept; they may be added to, at the end but one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sequence: u64,
    time: String,
    action: String,
    actor: PrincipalRecord,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    team: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    other_team: String,
    subject: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    client_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    resource_server: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    request_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    method: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    refusal: String,
    previous_hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<serde_json::Value>,
}

/// The line that keeps a draft at a place.
pub(crate) fn to_line(draft: &EventDraft, place: &Place<'_>) -> Result<String, Error> {
    let text = |id: Option<&str>| id.unwrap_or_default().to_owned();
    let line = Line {
        sequence: place.sequence,
        time: rfc3339(place.time)?,
        action: draft.action.as_str().to_owned(),
        actor: PrincipalRecord::of(place.actor),
        team: text(draft.team.as_ref().map(|t| t.as_str())),
        other_team: text(draft.other_team.as_ref().map(|t| t.as_str())),
        subject: draft.subject.clone(),
        client_id: text(draft.client_id.as_ref().map(|c| c.as_str())),
        resource_server: text(draft.resource_server.as_ref().map(|r| r.as_str())),
        changes: draft.changes.iter().map(Change::of).collect(),
        reason: draft.reason.clone(),
        request_id: place.request_id.to_owned(),
        method: place.method.to_owned(),
        refusal: draft.refusal.unwrap_or_default().to_owned(),
        previous_hash: place.previous_hash.to_owned(),
    };
    serde_json::to_string(&line).map_err(Error::internal)
}

impl Event {
    /// The event that a line keeps.
    ///
    /// # Errors
    ///
    /// What is wrong with the line, for the log and for the person who verifies an export.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let parsed: Line =
            serde_json::from_str(line).map_err(|e| damaged(format!("not an event: {e}")))?;
        let json = |value: Option<serde_json::Value>| value.map(|v| v.to_string());
        Ok(Self {
            sequence: parsed.sequence,
            time: from_rfc3339(&parsed.time)?,
            action: parsed.action,
            actor: parsed.actor.into_principal()?,
            team: parsed.team,
            other_team: parsed.other_team,
            subject: parsed.subject,
            client_id: parsed.client_id,
            resource_server: parsed.resource_server,
            changes: parsed
                .changes
                .into_iter()
                .map(|c| {
                    let before = json(c.before).unwrap_or_default();
                    (c.field, before, json(c.after).unwrap_or_default())
                })
                .collect(),
            reason: parsed.reason,
            request_id: parsed.request_id,
            method: parsed.method,
            refusal: parsed.refusal,
            previous_hash: parsed.previous_hash,
            hash: sha256_hex(line.as_bytes()),
            line: line.to_owned(),
        })
    }
}

impl Change {
    fn of(change: &FieldChange) -> Self {
        Self {
            field: change.field.to_owned(),
            before: change.before.as_ref().map(json),
            after: change.after.as_ref().map(json),
        }
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(yes) => (*yes).into(),
        Value::List(texts) => texts.clone().into(),
        Value::Number(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
    }
}

fn rfc3339(time: Timestamp) -> Result<String, Error> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.millis()) * 1_000_000)
        .map_err(Error::internal)?
        .format(&Rfc3339)
        .map_err(Error::internal)
}

fn from_rfc3339(text: &str) -> Result<Timestamp, Error> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(Error::internal)?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000)
        .map(Timestamp::from_millis)
        .map_err(Error::internal)
}
