//! What follows the log decides as the registry does.

use std::time::Duration;

use tokio::time::timeout;
use turnpike_domain::Identifier;
use turnpike_domain::client::Cut;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::TokenId;
use turnpike_registry::{Follower, Policy};

use crate::plane::{Plane, change, edit};

/// Waits until a follower has applied the event.
async fn applied(told: &mut tokio::sync::watch::Receiver<u64>, sequence: u64) {
    timeout(Duration::from_secs(20), told.wait_for(|at| *at >= sequence)).await.unwrap().unwrap();
}

fn enabled(policy: &Policy, id: &str) -> Option<bool> {
    policy.client(id).map(|client| client.enabled)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_what_its_own_process_commits() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read"]).await;
    let id = plane.client("Shop", "partners").await;
    let follower = Follower::start(plane.registry.clone()).await.unwrap();
    let (policy, mut told) = (follower.policy(), follower.applied());
    assert_eq!(enabled(&policy, id.as_str()), Some(true));
    assert!(policy.resource_server("api").is_some());
    assert_eq!(policy.sequence(), 2);
    let task = tokio::spawn(follower.run());

    edit(&plane.registry, &id, |client| client.enabled = false).await.unwrap();
    applied(&mut told, 3).await;
    assert_eq!(enabled(&policy, id.as_str()), Some(false));

    plane.grant(&id, &["api/read"], GrantState::Active, None).await;
    applied(&mut told, 4).await;
    assert!(policy.client(id.as_str()).unwrap().holds("api/read", plane.registry.now()));

    let client = plane.registry.client(&id).await.unwrap().unwrap();
    let mut deletion = change();
    deletion.delete_client(&client);
    let became = Became::Gone(&client.value);
    deletion.event(EventDraft::of_client(EventAction::ClientDeleted, became));
    plane.registry.commit(deletion).await.unwrap();
    applied(&mut told, 5).await;
    assert_eq!(enabled(&policy, id.as_str()), None);
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_what_another_process_commits() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let follower = Follower::start(plane.replica(2).await).await.unwrap();
    let (policy, mut told) = (follower.policy(), follower.applied());
    let task = tokio::spawn(follower.run());
    let now = plane.registry.now();
    edit(&plane.registry, &id, |client| client.revoke_tokens(now)).await.unwrap();
    applied(&mut told, 2).await;
    let seen = policy.client(id.as_str()).unwrap().tokens_revoked;
    assert_eq!(seen, Some(Cut::at(now)));
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_known_before_and_after_a_start() {
    let plane = Plane::new().await;
    let id = plane.client("Shop", "partners").await;
    let client = plane.client_now(&id).await;
    let follower = Follower::start(plane.registry.clone()).await.unwrap();
    let token = TokenId::parse("jti-1").unwrap();
    let end = plane.registry.now().plus_seconds(3600);
    let mut revocation = change();
    revocation.put_revoked_token(&token, &id, end);
    revocation.event(EventDraft {
        subject: format!("tokens/{token}"),
        ..EventDraft::of_client(EventAction::TokenRevoked, Became::New(&client))
    });
    plane.registry.commit(revocation).await.unwrap();
    follower.catch_up().await.unwrap();
    assert!(follower.policy().is_revoked("jti-1"));
    assert!(!follower.policy().is_revoked("jti-2"));
    assert_eq!(plane.registry.revoked_token(&token).await.unwrap(), Some(end));

    let later = Follower::start(plane.replica(2).await).await.unwrap();
    assert!(later.policy().is_revoked("jti-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_catches_up_over_many_events_at_once() {
    let plane = Plane::new().await;
    let follower = Follower::start(plane.registry.clone()).await.unwrap();
    assert_eq!(follower.policy().sequence(), 0);
    let mut ids = Vec::new();
    for n in 0..60 {
        ids.push(plane.client(&format!("Shop {n}"), "partners").await);
    }
    follower.catch_up().await.unwrap();
    assert_eq!(follower.policy().sequence(), 60);
    assert!(ids.iter().all(|id| enabled(&follower.policy(), id.as_str()) == Some(true)));
}

/// The clients that an API's verifiers are told of who know everything up to `since`, and which of them are gone.
fn news(policy: &Policy, api: &str, since: Option<u64>) -> (bool, Vec<(String, bool)>) {
    let news = policy.news(&Identifier::parse(api).unwrap(), since);
    let clients = news.clients.iter().map(|(id, client)| (id.to_string(), client.is_some()));
    (news.whole, clients.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn verifiers_are_told_of_the_clients_that_concern_them_and_of_no_other() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read"]).await;
    plane.server("billing", "orders", &["read"]).await;
    let shop = plane.client("Shop", "partners").await;
    let depot = plane.client("Depot", "partners").await;
    plane.grant(&shop, &["api/read"], GrantState::Active, None).await;
    plane.grant(&depot, &["api/read"], GrantState::Pending, None).await;
    let follower = Follower::start(plane.registry.clone()).await.unwrap();
    let policy = follower.policy();
    let changed = policy.watch(&Identifier::parse("api").unwrap());
    let known = (shop.to_string(), true);
    assert_eq!(news(&policy, "api", None), (true, vec![known.clone()]));
    assert_eq!(news(&policy, "billing", None), (true, vec![]));

    edit(&plane.registry, &depot, |client| client.enabled = false).await.unwrap();
    follower.catch_up().await.unwrap();
    let at = policy.sequence();
    assert_eq!(news(&policy, "api", Some(at - 1)), (false, vec![]));
    assert!(!changed.has_changed().unwrap());

    edit(&plane.registry, &shop, |client| client.enabled = false).await.unwrap();
    follower.catch_up().await.unwrap();
    assert_eq!(news(&policy, "api", Some(at)), (false, vec![known]));
    assert_eq!(news(&policy, "billing", Some(at)), (false, vec![]));
    assert!(changed.has_changed().unwrap());
    assert_eq!(news(&policy, "api", Some(at + 1)), (false, vec![]));

    let client = plane.registry.client(&shop).await.unwrap().unwrap();
    let mut deletion = change();
    deletion.delete_client(&client);
    let became = Became::Gone(&client.value);
    deletion.event(EventDraft::of_client(EventAction::ClientDeleted, became));
    plane.registry.commit(deletion).await.unwrap();
    follower.catch_up().await.unwrap();
    assert_eq!(news(&policy, "api", Some(at)), (false, vec![(shop.to_string(), false)]));
    assert_eq!(news(&policy, "api", None), (true, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_stays_revoked_for_an_api_that_its_client_concerns_later() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read"]).await;
    let id = plane.client("Shop", "partners").await;
    let client = plane.client_now(&id).await;
    let follower = Follower::start(plane.registry.clone()).await.unwrap();
    let mut revocation = change();
    let token = TokenId::parse("jti-1").unwrap();
    revocation.put_revoked_token(&token, &id, plane.registry.now().plus_seconds(3600));
    revocation.event(EventDraft {
        subject: format!("tokens/{token}"),
        ..EventDraft::of_client(EventAction::TokenRevoked, Became::New(&client))
    });
    plane.registry.commit(revocation).await.unwrap();
    follower.catch_up().await.unwrap();
    let (api, at) = (Identifier::parse("api").unwrap(), follower.policy().sequence());
    assert!(follower.policy().news(&api, None).revoked.is_empty());
    plane.grant(&id, &["api/read"], GrantState::Active, None).await;
    follower.catch_up().await.unwrap();
    let told = follower.policy().news(&api, Some(at)).revoked;
    assert_eq!(told.iter().map(|(id, _)| &**id).collect::<Vec<_>>(), ["jti-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_after_a_start_is_told_what_changed() {
    let plane = Plane::new().await;
    plane.server("api", "orders", &["read"]).await;
    let (shop, depot) = (plane.client("Shop", "x").await, plane.client("Depot", "x").await);
    plane.grant(&shop, &["api/read"], GrantState::Active, None).await;
    plane.grant(&depot, &["api/read"], GrantState::Active, None).await;
    let before = plane.registry.head().await.unwrap().sequence;
    edit(&plane.registry, &depot, |client| client.enabled = false).await.unwrap();
    let policy = Follower::start(plane.replica(2).await).await.unwrap().policy();
    assert_eq!(news(&policy, "api", Some(before)), (false, vec![(depot.to_string(), true)]));
}
