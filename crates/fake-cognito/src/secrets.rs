//! Operations on the secrets of an app client: at most two live, the last one stays.

use serde_json::{Value, json};
use turnpike_domain::Timestamp;

use crate::clients::CLIENT_ID;
use crate::error::ApiError;
use crate::input::{Input, Text};
use crate::pattern::{PAGINATION, SECRET_ID, WORD_PLUS};
use crate::resource_servers::POOL;
use crate::world::{AppClient, Secret, World, random, time};

pub(crate) const VALUE: Text = Text { min: 24, max: 64, pattern: WORD_PLUS };
const ID: Text = Text { min: 1, max: 128, pattern: SECRET_ID };
const TOKEN: Text = Text { min: 1, max: 131_072, pattern: PAGINATION };
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// How many may live.
const MOST: usize = 2;

/// The value is in the answer only if it was made here.
pub(crate) fn create(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let id = input.required("ClientId", CLIENT_ID)?;
    let chosen = input.text("ClientSecret", VALUE)?;
    input.finish()?;
    let now = world.now();
    let client = world.pool(&pool_id)?.client(&id)?;
    if client.secrets.is_empty() {
        return Err(ApiError::parameter("The client was created without a client secret."));
    }
    if client.secrets.len() >= MOST {
        return Err(ApiError::limit("Maximum number of client secrets has been reached."));
    }
    let generated = if chosen.is_none() { Some(generate()?) } else { None };
    add(&id, client, chosen.or_else(|| generated.clone()).unwrap_or_default(), now);
    let mut shown = client.secrets.last().map(show).unwrap_or_default();
    if let Some(value) = generated {
        shown["ClientSecretValue"] = Value::String(value);
    }
    Ok(json!({ "ClientSecretDescriptor": shown }))
}

pub(crate) fn delete(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let id = input.required("ClientId", CLIENT_ID)?;
    let secret_id = input.required("ClientSecretId", ID)?;
    input.finish()?;
    let client = world.pool(&pool_id)?.client(&id)?;
    let Some(at) = client.secrets.iter().position(|secret| secret.id == secret_id) else {
        let words = format!("Client secret {secret_id} does not exist.");
        return Err(ApiError::not_found(words));
    };
    if client.secrets.len() == 1 {
        return Err(ApiError::parameter("Cannot delete the last client secret."));
    }
    client.secrets.remove(at);
    Ok(json!({}))
}

pub(crate) fn list(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let id = input.required("ClientId", CLIENT_ID)?;
    if input.text("NextToken", TOKEN)?.is_some() {
        return Err(ApiError::parameter("Invalid pagination token given."));
    }
    input.finish()?;
    let client = world.pool(&pool_id)?.client(&id)?;
    let secrets: Vec<Value> = client.secrets.iter().map(show).collect();
    Ok(json!({ "ClientSecrets": secrets }))
}

/// A value as Cognito makes them.
pub(crate) fn generate() -> Result<String, ApiError> {
    random(LOWER, 51)
}

/// Adds a secret under a name that none of the client had.
pub(crate) fn add(client_id: &str, client: &mut AppClient, value: String, now: Timestamp) {
    client.last_secret = now.millis().max(client.last_secret + 1);
    let id = format!("{client_id}--{}", client.last_secret);
    client.secrets.push(Secret { id, value, create_time: now });
}

fn show(secret: &Secret) -> Value {
    json!({ "ClientSecretId": secret.id, "ClientSecretCreateDate": time(secret.create_time) })
}
