//! Operations on app clients.

use serde_json::{Map, Value, json};

use crate::client_settings;
use crate::error::ApiError;
use crate::input::{Input, Text};
use crate::page;
use crate::pattern::{NAME, WORD_PLUS};
use crate::resource_servers::POOL;
use crate::secrets;
use crate::world::{AppClient, World, random, time};

pub(crate) const CLIENT_ID: Text = Text { min: 1, max: 128, pattern: WORD_PLUS };
const CLIENT_NAME: Text = Text { min: 1, max: 128, pattern: NAME };
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

pub(crate) fn create(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let name = input.required("ClientName", CLIENT_NAME)?;
    let generate = input.boolean("GenerateSecret")?.unwrap_or(false);
    let chosen = input.text("ClientSecret", secrets::VALUE)?;
    let now = world.now();
    let quota = world.quotas.clients;
    if generate && chosen.is_some() {
        let words = "ClientSecret cannot be provided when GenerateSecret is true.";
        return Err(ApiError::parameter(words));
    }
    let pool = world.pool(&pool_id)?;
    let has_secret = generate || chosen.is_some();
    let mut settings = client_settings::read(&mut input, has_secret, pool)?;
    input.finish()?;
    if pool.clients.len() >= quota {
        return Err(ApiError::limit("Maximum number of clients has been reached."));
    }
    settings.insert("ClientName".to_owned(), Value::String(name));
    let id = random(LOWER, 26)?;
    let mut client = AppClient {
        create_time: now,
        change_time: now,
        secrets: Vec::new(),
        last_secret: 0,
        settings,
    };
    match chosen {
        Some(value) => secrets::add(&id, &mut client, value, now),
        None if generate => secrets::add(&id, &mut client, secrets::generate()?, now),
        None => {}
    }
    let shown = show(&pool_id, &id, &client);
    pool.clients.insert(id, client);
    Ok(json!({ "UserPoolClient": shown }))
}

/// Sets every member that is not sent to its default; the name alone stays.
pub(crate) fn update(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let id = input.required("ClientId", CLIENT_ID)?;
    let name = input.text("ClientName", CLIENT_NAME)?;
    let now = world.now();
    let pool = world.pool(&pool_id)?;
    let client = pool.client(&id)?;
    let has_secret = !client.secrets.is_empty();
    let known_name = client.settings.get("ClientName").cloned();
    let mut settings = client_settings::read(&mut input, has_secret, pool)?;
    input.finish()?;
    let name = name.map(Value::String).or(known_name);
    settings.extend(name.map(|name| ("ClientName".to_owned(), name)));
    let client = pool.client(&id)?;
    client.settings = settings;
    client.change_time = now;
    Ok(json!({ "UserPoolClient": show(&pool_id, &id, client) }))
}

pub(crate) fn delete(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let id = input.required("ClientId", CLIENT_ID)?;
    input.finish()?;
    let pool = world.pool(&pool_id)?;
    pool.client(&id)?;
    pool.clients.remove(&id);
    Ok(json!({}))
}

/// Whoever may describe may read the secret.
pub(crate) fn describe(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let id = input.required("ClientId", CLIENT_ID)?;
    input.finish()?;
    let client = world.pool(&pool_id)?.client(&id)?;
    Ok(json!({ "UserPoolClient": show(&pool_id, &id, client) }))
}

pub(crate) fn list(world: &mut World, mut input: Input) -> Result<Value, ApiError> {
    let pool_id = input.required("UserPoolId", POOL)?;
    let request = page::Request::read(&mut input, "ListUserPoolClients", &pool_id, 60)?;
    input.finish()?;
    let pool = world.pool(&pool_id)?;
    let (page, next) = request.page(&pool.clients);
    let clients = page.iter().map(|(id, client)| {
        json!({ "ClientId": id, "UserPoolId": pool_id, "ClientName": client.settings["ClientName"] })
    });
    Ok(page::answer("UserPoolClients", clients.collect(), next))
}

fn show(pool_id: &str, id: &str, client: &AppClient) -> Value {
    let mut shown: Map<String, Value> = client.settings.clone();
    shown.insert("UserPoolId".to_owned(), json!(pool_id));
    shown.insert("ClientId".to_owned(), json!(id));
    shown.insert("CreationDate".to_owned(), time(client.create_time));
    shown.insert("LastModifiedDate".to_owned(), time(client.change_time));
    // Which of two is not documented: the older one.
    let secret = client.secrets.first();
    shown.extend(secret.map(|secret| ("ClientSecret".to_owned(), json!(secret.value))));
    Value::Object(shown)
}
