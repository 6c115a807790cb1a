//! The broker before an authorization server that lives elsewhere: the issuer of the tests counts what it
//! issues, and fails as it is told.

mod budgets;
mod keeping;
mod learning;
mod outages;
mod property;
mod refusals;
mod revocations;
mod sharing;
mod store_outages;

use turnpike_tokens::BrokerSettings;

use crate::world::{Reply, World};

pub(crate) const ORDER: &str = "shop/order";
pub(crate) const BOTH: [&str; 2] = ["shop/list", "shop/order"];

pub(crate) async fn world() -> World {
    World::brokered(BrokerSettings::default()).await
}

/// A client that may order and list, and its secret.
pub(crate) async fn client(world: &World, id: &str) -> String {
    world.registered.client(id, &BOTH).await.expose().to_owned()
}

pub(crate) fn expires_in(reply: &Reply) -> i64 {
    reply.json()["expires_in"].as_i64().unwrap()
}
