//! How clients are kept.

use serde::{Deserialize, Serialize};
use turnpike_domain::client::{ClientGrant, Cut};
use turnpike_domain::id::{ClientId, GrantId, TeamId};
use turnpike_domain::text::{ClientName, Description};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Client, Error, Identifier, Scope, Timestamp};

use super::{SecretRecord, Versioned, decode, encode, kept, secrets_from, secrets_to};
use crate::keys;
use crate::store::{IndexKey, Item};

#[derive(Serialize, Deserialize)]
struct Record {
    client_id: String,
    display_name: String,
    description: String,
    team: String,
    token_lifetime: i64,
    enabled: bool,
    secrets: Vec<SecretRecord>,
    grants: Vec<GrantRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_revoked: Option<i64>,
    scope_cuts: Vec<(String, i64)>,
    create_time: i64,
    update_time: i64,
}

#[derive(Serialize, Deserialize)]
struct GrantRecord {
    grant_id: String,
    resource_server: String,
    scopes: Vec<String>,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expire_time: Option<i64>,
}

/// The item that keeps this client as its next revision.
pub(crate) fn to_item(client: &Versioned<Client>) -> Result<Item, Error> {
    let Client {
        client_id,
        display_name,
        description,
        team,
        token_lifetime,
        enabled,
        secrets,
        grants,
        tokens_revoked,
        scope_cuts,
        create_time,
        update_time,
    } = &client.value;
    let record = Record {
        client_id: client_id.to_string(),
        display_name: display_name.to_string(),
        description: description.to_string(),
        team: team.to_string(),
        token_lifetime: token_lifetime.seconds(),
        enabled: *enabled,
        secrets: secrets_to(secrets),
        grants: grants.iter().map(GrantRecord::of).collect(),
        tokens_revoked: tokens_revoked.map(Cut::seconds),
        scope_cuts: scope_cuts.iter().map(|(s, cut)| (s.to_string(), cut.seconds())).collect(),
        create_time: create_time.millis(),
        update_time: update_time.millis(),
    };
    let place = keys::client_place(display_name.as_str(), client_id);
    Ok(Item {
        key: keys::client(client_id),
        index1: Some(IndexKey::new(keys::clients_of(team), place.clone())),
        index2: Some(IndexKey::new(keys::CLIENTS, place)),
        version: client.version + 1,
        body: encode(&record)?,
    })
}

/// The client that an item keeps.
pub(crate) fn from_item(item: &Item) -> Result<Versioned<Client>, Error> {
    let record: Record = decode(&item.body)?;
    let cut = |(scope, second): (String, i64)| {
        Ok((kept("scope", Scope::parse(&scope))?, Cut::from_seconds(second)))
    };
    let value = Client {
        client_id: kept("client_id", ClientId::parse(&record.client_id))?,
        display_name: kept("display_name", ClientName::parse(&record.display_name))?,
        description: kept("description", Description::parse(&record.description))?,
        team: kept("team", TeamId::parse(&record.team))?,
        token_lifetime: kept("lifetime", TokenLifetime::from_seconds(record.token_lifetime))?,
        enabled: record.enabled,
        secrets: secrets_from(record.secrets)?,
        grants: record
            .grants
            .into_iter()
            .map(GrantRecord::into_grant)
            .collect::<Result<_, Error>>()?,
        tokens_revoked: record.tokens_revoked.map(Cut::from_seconds),
        scope_cuts: record.scope_cuts.into_iter().map(cut).collect::<Result<_, Error>>()?,
        create_time: Timestamp::from_millis(record.create_time),
        update_time: Timestamp::from_millis(record.update_time),
    };
    Ok(Versioned { value, version: item.version })
}

impl GrantRecord {
    fn of(grant: &ClientGrant) -> Self {
        Self {
            grant_id: grant.grant_id.to_string(),
            resource_server: grant.resource_server.to_string(),
            scopes: grant.scopes.iter().map(ToString::to_string).collect(),
            active: grant.active,
            expire_time: grant.expire_time.map(Timestamp::millis),
        }
    }

    fn into_grant(self) -> Result<ClientGrant, Error> {
        Ok(ClientGrant {
            grant_id: kept("grant_id", GrantId::parse(&self.grant_id))?,
            resource_server: kept("identifier", Identifier::parse(&self.resource_server))?,
            scopes: self
                .scopes
                .iter()
                .map(|scope| kept("scope", Scope::parse(scope)))
                .collect::<Result<_, Error>>()?,
            active: self.active,
            expire_time: self.expire_time.map(Timestamp::from_millis),
        })
    }
}
