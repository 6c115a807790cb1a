//! The pool's keys: kept while there are no newer ones, fetched when there may be.

use turnpike_domain::Scope;
use turnpike_domain::authorization_server::{AuthorizationServer as _, TokenRequest};
use turnpike_domain::error::ErrorCode;
use turnpike_domain::ports::Clock as _;
use turnpike_fake_cognito::{Fault, FaultKind};

use crate::issue::register;
use crate::world::World;

/// How often the keys were fetched.
fn fetched(world: &World) -> usize {
    world.fake.calls().iter().filter(|call| call.operation == "Jwks").count()
}

fn key_ids(jwks: &str) -> Vec<String> {
    let set: serde_json::Value = serde_json::from_str(jwks).unwrap();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn keys_are_fetched_once_and_shared() {
    let world = World::new().await;
    let cognito = world.cognito();
    let mut changed = cognito.keys_changed();
    assert_eq!(&**changed.borrow_and_update(), r#"{"keys":[]}"#);
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let cognito = cognito.clone();
        readers.spawn(async move { cognito.keys().await.unwrap() });
    }
    let sets = readers.join_all().await;
    assert!(sets.iter().all(|set| *set == sets[0]));
    assert_eq!(fetched(&world), 1);
    assert_eq!(key_ids(&sets[0].jwks).len(), 2, "one signs access tokens, one ID tokens");
    assert!(changed.has_changed().unwrap());
    assert_eq!(*changed.borrow_and_update(), sets[0].jwks);

    assert!(!cognito.refresh_keys().await.unwrap(), "the same keys");
    assert!(!changed.has_changed().unwrap());
}

#[tokio::test]
async fn the_last_good_keys_outlive_a_server_that_is_down() {
    let world = World::new().await;
    world.make_keys().await;
    let cognito = world.impatient();
    for kind in [FaultKind::Unavailable, FaultKind::Garbage, FaultKind::HangBefore] {
        world.fake.inject(Fault::once("Jwks", kind.clone()));
        let error = cognito.keys().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable, "{kind:?}");
    }
    let good = cognito.keys().await.unwrap();
    for kind in [FaultKind::Unavailable, FaultKind::Garbage, FaultKind::ResetBefore] {
        world.fake.inject(Fault::once("Jwks", kind));
        assert!(cognito.refresh_keys().await.is_err());
        assert_eq!(cognito.keys().await.unwrap(), good);
        assert_eq!(*cognito.keys_changed().borrow(), good.jwks);
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_a_made_up_one_seldom() {
    let world = World::new().await;
    let cognito = world.cognito();
    let before = key_ids(&cognito.keys().await.unwrap().jwks);
    assert!(cognito.want_key(&before[0]).await);
    assert_eq!(fetched(&world), 1);

    world.fake.rotate_keys().unwrap();
    let elsewhere = world.cognito();
    let after = key_ids(&elsewhere.keys().await.unwrap().jwks);
    let new = after.iter().find(|id| !before.contains(id)).unwrap();
    world.fake.forget_calls();
    assert!(cognito.want_key(new).await);
    assert_eq!(key_ids(&cognito.keys().await.unwrap().jwks), after, "the old ones are still there");
    for made_up in 0..50 {
        assert!(!cognito.want_key(&format!("made-up-{made_up}")).await);
    }
    assert_eq!(fetched(&world), 1);
}

#[tokio::test]
async fn the_key_of_a_token_is_known_before_the_token_is_passed_on() {
    let world = World::new().await;
    let cognito = world.cognito();
    let scope = [Scope::parse("orders/read").unwrap()];
    let whom = register(&cognito, 300, &scope).await;
    let before = key_ids(&cognito.keys().await.unwrap().jwks);
    world.fake.rotate_keys().unwrap();
    let now = world.clock.now();
    let request = TokenRequest { client: &whom.client, scopes: &scope, secret: &whom.secret, now };
    cognito.issue(&request).await.unwrap();
    assert_eq!(key_ids(&cognito.keys_changed().borrow()).len(), 2 * before.len());
}
