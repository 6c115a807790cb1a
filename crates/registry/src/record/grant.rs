//! How grants are kept. The owning teams are not: they are read from the client and the resource server,
//! which may change hands.

use serde::{Deserialize, Serialize};
use turnpike_domain::grant::{Decision, End, GrantScopes, GrantState};
use turnpike_domain::id::{ClientId, GrantId, TeamId};
use turnpike_domain::text::{Description, Reason};
use turnpike_domain::{Error, Grant, Identifier, Scope, Timestamp};

use super::{PrincipalRecord, Versioned, damaged, decode, encode, kept};
use crate::keys;
use crate::store::{IndexKey, Item};

#[derive(Serialize, Deserialize)]
struct Record {
    grant_id: String,
    client_id: String,
    resource_server: String,
    scopes: Vec<String>,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expire_time: Option<i64>,
    state: String,
    requester: PrincipalRecord,
    request_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<DecisionRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<EndRecord>,
    /// The owners when it was last written, for grants whose client or resource server is gone.
    client_team: String,
    resource_server_team: String,
}

#[derive(Serialize, Deserialize)]
struct DecisionRecord {
    decider: PrincipalRecord,
    time: i64,
    note: String,
}

#[derive(Serialize, Deserialize)]
struct EndRecord {
    time: i64,
    reason: String,
}

/// The item that keeps this grant as its next revision.
pub(crate) fn to_item(grant: &Versioned<Grant>) -> Result<Item, Error> {
    let Grant {
        grant_id,
        client_id,
        client_team,
        resource_server,
        resource_server_team,
        scopes,
        reason,
        expire_time,
        state,
        requester,
        request_time,
        decision,
        end,
    } = &grant.value;
    let record = Record {
        grant_id: grant_id.to_string(),
        client_id: client_id.to_string(),
        resource_server: resource_server.to_string(),
        scopes: scopes.list().iter().map(ToString::to_string).collect(),
        reason: reason.to_string(),
        expire_time: expire_time.map(Timestamp::millis),
        state: state.as_str().to_owned(),
        requester: PrincipalRecord::of(requester),
        request_time: request_time.millis(),
        decision: decision.as_ref().map(|decision| DecisionRecord {
            decider: PrincipalRecord::of(&decision.decider),
            time: decision.time.millis(),
            note: decision.note.to_string(),
        }),
        end: end
            .as_ref()
            .map(|end| EndRecord { time: end.time.millis(), reason: end.reason.clone() }),
        client_team: client_team.to_string(),
        resource_server_team: resource_server_team.to_string(),
    };
    let place = keys::at(*request_time, grant_id.as_str());
    Ok(Item {
        key: keys::grant(grant_id),
        index1: Some(IndexKey::new(keys::grants_of_client(client_id), place.clone())),
        index2: Some(IndexKey::new(keys::grants_of_resource_server(resource_server), place)),
        version: grant.version + 1,
        body: encode(&record)?,
    })
}

/// The grant that an item keeps.
pub(crate) fn from_item(item: &Item) -> Result<Versioned<Grant>, Error> {
    let record: Record = decode(&item.body)?;
    let resource_server = kept("identifier", Identifier::parse(&record.resource_server))?;
    let scopes = record
        .scopes
        .iter()
        .map(|scope| kept("scope", Scope::parse(scope)))
        .collect::<Result<Vec<_>, Error>>()?;
    let decision = |record: DecisionRecord| {
        Ok::<_, Error>(Decision {
            decider: record.decider.into_principal()?,
            time: Timestamp::from_millis(record.time),
            note: kept("note", Description::parse(&record.note))?,
        })
    };
    let value = Grant {
        grant_id: kept("grant_id", GrantId::parse(&record.grant_id))?,
        client_id: kept("client_id", ClientId::parse(&record.client_id))?,
        client_team: kept("team", TeamId::parse(&record.client_team))?,
        scopes: GrantScopes::new(&resource_server, scopes)
            .map_err(|problems| damaged(format!("kept scopes: {problems:?}")))?,
        resource_server,
        resource_server_team: kept("team", TeamId::parse(&record.resource_server_team))?,
        reason: kept("reason", Reason::parse(&record.reason))?,
        expire_time: record.expire_time.map(Timestamp::from_millis),
        state: GrantState::from_name(&record.state)
            .ok_or_else(|| damaged("kept state of grant is unknown"))?,
        requester: record.requester.into_principal()?,
        request_time: Timestamp::from_millis(record.request_time),
        decision: record.decision.map(decision).transpose()?,
        end: record
            .end
            .map(|end| End { time: Timestamp::from_millis(end.time), reason: end.reason }),
    };
    Ok(Versioned { value, version: item.version })
}
