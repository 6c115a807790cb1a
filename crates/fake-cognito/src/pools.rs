//! Operations on pools: as many as a test needs to have one.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::input::{Input, Text};
use crate::pattern::{ANY, NAME};
use crate::resource_servers::POOL;
use crate::world::{Pool, World, random, time};

const POOL_NAME: Text = Text { min: 1, max: 128, pattern: NAME };
const DOMAIN: Text = Text { min: 1, max: 63, pattern: ANY };
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const PROTECTION: &[&str] = &["ACTIVE", "INACTIVE"];

pub(crate) fn create(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let name = input.required("PoolName", POOL_NAME)?;
    let protection = input.choice("DeletionProtection", PROTECTION)?;
    input.finish()?;
    let id = format!("eu-central-1_{}", random(ALPHANUMERIC, 9)?);
    let mut pool = Pool::new(&name, world.now());
    pool.deletion_protection = protection.as_deref() == Some("ACTIVE");
    let shown = show(&id, &pool);
    world.pools.insert(id, pool);
    Ok(json!({ "UserPool": shown }))
}

pub(crate) fn describe(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let id = input.required("UserPoolId", POOL)?;
    input.finish()?;
    Ok(json!({ "UserPool": show(&id, world.pool(&id)?) }))
}

pub(crate) fn update(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let id = input.required("UserPoolId", POOL)?;
    let protection = input.choice("DeletionProtection", PROTECTION)?;
    input.finish()?;
    world.pool(&id)?.deletion_protection = protection.as_deref() == Some("ACTIVE");
    Ok(json!({}))
}

pub(crate) fn delete(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let id = input.required("UserPoolId", POOL)?;
    input.finish()?;
    let pool = world.pool(&id)?;
    if pool.deletion_protection {
        return Err(ApiError::parameter(
            "The user pool cannot be deleted because deletion protection is activated.",
        ));
    }
    if pool.domain.is_some() {
        return Err(ApiError::parameter(
            "User pool cannot be deleted. It has a domain configured.",
        ));
    }
    world.pools.remove(&id);
    Ok(json!({}))
}

pub(crate) fn create_domain(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let id = input.required("UserPoolId", POOL)?;
    let domain = input.required("Domain", DOMAIN)?;
    input.finish()?;
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !domain.bytes().all(inner) || domain.starts_with('-') || domain.ends_with('-') {
        return Err(ApiError::parameter("Invalid domain."));
    }
    let taken = |pool: &Pool| pool.domain.as_deref() == Some(domain.as_str());
    if world.pools.values().any(taken) || world.pool(&id)?.domain.is_some() {
        return Err(ApiError::parameter("Domain already associated with another user pool."));
    }
    world.pool(&id)?.domain = Some(domain);
    Ok(json!({}))
}

pub(crate) fn delete_domain(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let id = input.required("UserPoolId", POOL)?;
    let domain = input.required("Domain", DOMAIN)?;
    input.finish()?;
    let pool = world.pool(&id)?;
    if pool.domain.as_deref() != Some(domain.as_str()) {
        return Err(ApiError::parameter("No such domain or user pool exists."));
    }
    pool.domain = None;
    Ok(json!({}))
}

fn show(id: &str, pool: &Pool) -> Value {
    let protection = if pool.deletion_protection { "ACTIVE" } else { "INACTIVE" };
    let mut shown = json!({
        "Id": id,
        "Name": pool.name,
        "DeletionProtection": protection,
        "CreationDate": time(pool.create_time),
    });
    if let Some(domain) = &pool.domain {
        shown["Domain"] = json!(domain);
    }
    shown
}
