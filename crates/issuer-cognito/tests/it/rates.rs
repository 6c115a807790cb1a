//! The rates of the API, kept by the adapter and refused by the fake.

use turnpike_domain::authorization_server::pool::{Error, Pool as _, PoolClient};
use turnpike_domain::secret::SecretValue;
use turnpike_domain::time::TokenLifetime;
use turnpike_fake_cognito::Rates as RealRates;
use turnpike_issuer_cognito::{Cognito, Rates};
use turnpike_testkit::clock::SeededEntropy;

use crate::world::{World, open};

async fn create(cognito: &Cognito, n: u64) -> Result<(), Error> {
    let client = PoolClient {
        name: format!("client {n}"),
        token_lifetime: TokenLifetime::DEFAULT,
        scopes: Vec::new(),
    };
    let secret = SecretValue::generate(&SeededEntropy::new(n));
    cognito.create_client(&client, &secret).await.map(|_| ())
}

fn throttled(world: &World) -> usize {
    let calls = world.fake.calls();
    calls.iter().filter(|call| call.outcome == "TooManyRequestsException").count()
}

async fn real() -> World {
    World::with(|settings| settings.rates = Some(RealRates::default())).await
}

#[tokio::test]
async fn many_at_once_are_never_throttled() {
    let world = real().await;
    let mut settings = world.settings();
    settings.rates = Rates::default();
    let cognito = open(settings);
    let mut creates = tokio::task::JoinSet::new();
    for n in 0..12 {
        let cognito = cognito.clone();
        creates.spawn(async move { create(&cognito, n).await });
    }
    assert!(creates.join_all().await.iter().all(Result::is_ok));
    assert_eq!(throttled(&world), 0);
}

#[tokio::test]
async fn who_is_throttled_by_others_comes_through_all_the_same() {
    let world = real().await;
    // As if this process knew nothing of the rates that others use up.
    let cognito = world.cognito();
    let mut creates = tokio::task::JoinSet::new();
    for n in 0..12 {
        let cognito = cognito.clone();
        creates.spawn(async move { create(&cognito, n).await });
    }
    assert!(creates.join_all().await.iter().all(Result::is_ok));
    assert!(throttled(&world) > 0);
}

#[tokio::test]
async fn too_many_at_once_are_told_when_to_come_again() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.rates = Rates { operation: 0.01, ..Rates::default() };
    let cognito = open(settings);
    create(&cognito, 0).await.unwrap();
    let answer = create(&cognito, 1).await;
    let Err(Error::Busy { retry_after_ms }) = answer else { unreachable!("{answer:?}") };
    assert!((60_000..=100_000).contains(&retry_after_ms), "{retry_after_ms}");
    assert_eq!(
        cognito.clients(None).await.unwrap().items.len(),
        1,
        "reads have a rate of their own"
    );
}
