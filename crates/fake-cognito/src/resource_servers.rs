//! Operations on resource servers.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::input::{Input, Text};
use crate::page;
use crate::pattern::{ANY, IDENTIFIER, NAME, POOL_ID, SCOPE_NAME};
use crate::world::{Pool, ResourceServer, World};

pub(crate) const POOL: Text = Text { min: 1, max: 55, pattern: POOL_ID };
const IDENTIFIER_RULE: Text = Text { min: 1, max: 256, pattern: IDENTIFIER };
const NAME_RULE: Text = Text { min: 1, max: 256, pattern: NAME };
const SCOPE_RULE: Text = Text { min: 1, max: 256, pattern: SCOPE_NAME };
const DESCRIPTION_RULE: Text = Text { min: 1, max: 256, pattern: ANY };

pub(crate) fn create(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let (identifier, server) = read(&mut input)?;
    input.finish()?;
    let quota = world.quotas.resource_servers;
    let pool = world.pool(&pool_id)?;
    if pool.resource_servers.contains_key(&identifier) {
        let words = format!("{identifier} already exists in user pool {pool_id}.");
        return Err(ApiError::parameter(words));
    }
    if pool.resource_servers.len() >= quota {
        return Err(ApiError::limit("Maximum number of resource servers has been reached."));
    }
    pool.resource_servers.insert(identifier.clone(), server.clone());
    Ok(json!({ "ResourceServer": show(&pool_id, &identifier, &server) }))
}

/// Sets what is not sent to its default: scopes that are not sent are gone.
pub(crate) fn update(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let (identifier, server) = read(&mut input)?;
    input.finish()?;
    *found(world.pool(&pool_id)?, &identifier)? = server.clone();
    Ok(json!({ "ResourceServer": show(&pool_id, &identifier, &server) }))
}

/// Clients keep the scopes, which then open nothing.
pub(crate) fn delete(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let identifier = input.required("Identifier", IDENTIFIER_RULE)?;
    input.finish()?;
    let pool = world.pool(&pool_id)?;
    found(pool, &identifier)?;
    pool.resource_servers.remove(&identifier);
    Ok(json!({}))
}

pub(crate) fn describe(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let identifier = input.required("Identifier", IDENTIFIER_RULE)?;
    input.finish()?;
    let server = found(world.pool(&pool_id)?, &identifier)?;
    Ok(json!({ "ResourceServer": show(&pool_id, &identifier, server) }))
}

pub(crate) fn list(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let request = page::Request::read(&mut input, "ListResourceServers", &pool_id, 50)?;
    input.finish()?;
    let pool = world.pool(&pool_id)?;
    let (page, next) = request.page(&pool.resource_servers);
    let servers: Vec<Value> = page.iter().map(|(id, server)| show(&pool_id, id, server)).collect();
    Ok(page::answer("ResourceServers", servers, next))
}

fn read(input: &mut Input) -> Result<(String, ResourceServer), ApiError> {
    let identifier = input.required("Identifier", IDENTIFIER_RULE)?;
    let name = input.required("Name", NAME_RULE)?;
    let mut scopes: Vec<(String, String)> = Vec::new();
    for mut scope in input.structures("Scopes", 100)?.unwrap_or_default() {
        let name = scope.required("ScopeName", SCOPE_RULE)?;
        let description = scope.required("ScopeDescription", DESCRIPTION_RULE)?;
        scope.finish()?;
        if scopes.iter().any(|(known, _)| *known == name) {
            return Err(ApiError::parameter(format!("Duplicate scope {name}.")));
        }
        scopes.push((name, description));
    }
    Ok((identifier, ResourceServer { name, scopes }))
}

fn found<'a>(pool: &'a mut Pool, identifier: &str) -> Result<&'a mut ResourceServer, ApiError> {
    let server = pool.resource_servers.get_mut(identifier);
    server
        .ok_or_else(|| ApiError::not_found(format!("Resource server {identifier} does not exist.")))
}

fn show(pool_id: &str, identifier: &str, server: &ResourceServer) -> Value {
    let scopes = server.scopes.iter();
    let scopes = scopes.map(|(n, d)| json!({ "ScopeName": n, "ScopeDescription": d }));
    json!({
        "UserPoolId": pool_id,
        "Identifier": identifier,
        "Name": server.name,
        "Scopes": scopes.collect::<Vec<_>>(),
    })
}
