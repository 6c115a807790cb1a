//! The suite of the pool's seam.

use turnpike_fake_cognito::Quotas;
use turnpike_issuer_cognito::{Cognito, SecretsFrom};
use turnpike_testkit::pool::{PoolTrial, pool_conformance};

use crate::world::{MARK, World, open};

async fn conforms(pool: &Cognito) {
    let trial = PoolTrial {
        pool,
        mark: MARK,
        clients: 61,
        resource_servers: 51,
        knows_scopes: true,
        knows_rules: true,
    };
    pool_conformance(&trial).await;
}

async fn roomy() -> World {
    World::with(|settings| {
        settings.quotas = Quotas { resource_servers: 300, ..Quotas::default() };
    })
    .await
}

#[tokio::test]
async fn the_suite_with_secrets_of_ours() {
    conforms(&roomy().await.cognito()).await;
}

#[tokio::test]
async fn the_suite_with_secrets_of_cognitos() {
    let world = roomy().await;
    let mut settings = world.settings();
    settings.secrets = SecretsFrom::Cognito;
    conforms(&open(settings)).await;
}

#[tokio::test]
async fn the_suite_in_the_background() {
    conforms(&roomy().await.cognito().in_background()).await;
}
