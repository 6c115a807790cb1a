//! How resource servers are kept.

use serde::{Deserialize, Serialize};
use turnpike_domain::id::TeamId;
use turnpike_domain::resource_server::{OfferedScope, OfferedScopes};
use turnpike_domain::text::{Description, ResourceServerName, ScopeDescription};
use turnpike_domain::{Error, Identifier, ResourceServer, ScopeName, Timestamp};

use super::{SecretRecord, Versioned, damaged, decode, encode, kept, secrets_from, secrets_to};
use crate::keys;
use crate::store::{IndexKey, Item};

#[derive(Serialize, Deserialize)]
struct Record {
    identifier: String,
    display_name: String,
    description: String,
    team: String,
    scopes: Vec<ScopeRecord>,
    secrets: Vec<SecretRecord>,
    create_time: i64,
    update_time: i64,
}

#[derive(Serialize, Deserialize)]
struct ScopeRecord {
    name: String,
    description: String,
}

/// The item that keeps this resource server as its next revision. People choose identifiers, and may choose one
/// again that was deleted: the first revision is the moment of creation, so that what was decided on the
/// resource server of before does not hold for its successor.
pub(crate) fn to_item(server: &Versioned<ResourceServer>) -> Result<Item, Error> {
    let ResourceServer {
        identifier,
        display_name,
        description,
        team,
        scopes,
        secrets,
        create_time,
        update_time,
    } = &server.value;
    let scope = |scope: &OfferedScope| ScopeRecord {
        name: scope.name.to_string(),
        description: scope.description.to_string(),
    };
    let record = Record {
        identifier: identifier.to_string(),
        display_name: display_name.to_string(),
        description: description.to_string(),
        team: team.to_string(),
        scopes: scopes.list().iter().map(scope).collect(),
        secrets: secrets_to(secrets),
        create_time: create_time.millis(),
        update_time: update_time.millis(),
    };
    Ok(Item {
        key: keys::resource_server(identifier),
        index1: Some(IndexKey::new(keys::resource_servers_of(team), identifier.as_str())),
        index2: Some(IndexKey::new(keys::RESOURCE_SERVERS, identifier.as_str())),
        version: match server.version {
            0 => u64::try_from(create_time.millis()).unwrap_or(0).max(1),
            version => version + 1,
        },
        body: encode(&record)?,
    })
}

/// The resource server that an item keeps.
pub(crate) fn from_item(item: &Item) -> Result<Versioned<ResourceServer>, Error> {
    let record: Record = decode(&item.body)?;
    let identifier = kept("identifier", Identifier::parse(&record.identifier))?;
    let scopes = record
        .scopes
        .into_iter()
        .map(|scope| {
            Ok(OfferedScope {
                name: kept("scope name", ScopeName::parse(&scope.name))?,
                description: kept("scope text", ScopeDescription::parse(&scope.description))?,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let value = ResourceServer {
        display_name: kept("display_name", ResourceServerName::parse(&record.display_name))?,
        description: kept("description", Description::parse(&record.description))?,
        team: kept("team", TeamId::parse(&record.team))?,
        scopes: OfferedScopes::new(&identifier, scopes)
            .map_err(|problems| damaged(format!("kept scopes: {problems:?}")))?,
        identifier,
        secrets: secrets_from(record.secrets)?,
        create_time: Timestamp::from_millis(record.create_time),
        update_time: Timestamp::from_millis(record.update_time),
    };
    Ok(Versioned { value, version: item.version })
}
