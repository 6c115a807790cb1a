//! The pool of the authorization server: what differs is found, adopted or reverted.

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::authorization_server::pool::{Pool as _, PoolClient, PoolResourceServer};
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::{SecretHash, SecretValue};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Identifier, Scope};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Origin, Walker, Worker};
use turnpike_testkit::memory_pool::{MemoryPool, PoolFault};

use super::plane::{
    Plane, REQUEST_ID, admin, auditor, blockers, code, new_client, owner, pairs, partner,
    violations,
};

const PAUSE: Duration = Duration::from_secs(600);

async fn world() -> (Plane, Arc<MemoryPool>) {
    let pool = Arc::new(MemoryPool::default());
    let plane = Plane::over(Some(pool.clone())).await;
    (plane, pool)
}

impl Plane {
    /// Walks now; answers with subjects and kinds.
    async fn walk(&self, pool: &Arc<MemoryPool>) -> Vec<(String, pb::DriftKind)> {
        self.start_walk(&admin()).await.unwrap();
        let walker = Walker::new(self.registry.clone(), pool.clone(), PAUSE);
        assert!(walker.walk_if_due().await.unwrap());
        assert!(!walker.walk_if_due().await.unwrap(), "not again so soon");
        self.clock.advance(Duration::from_secs(1));
        let found = self.drift(&auditor()).await.unwrap();
        assert!(found.has_pool && found.walk_end_time.is_some() && !found.walking);
        found.drifts.iter().map(|drift| (drift.subject.clone(), drift.kind())).collect()
    }
}

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

fn foreign(name: &str, scopes: &[&str]) -> PoolClient {
    PoolClient {
        name: name.to_owned(),
        token_lifetime: TokenLifetime::from_seconds(900).unwrap(),
        scopes: scopes.iter().map(|scope| Scope::parse(scope).unwrap()).collect(),
    }
}

fn foreign_server(id: &str, scopes: &[&str]) -> PoolResourceServer {
    PoolResourceServer {
        identifier: Identifier::parse(id).unwrap(),
        name: "Legacy".to_owned(),
        scopes: scopes.iter().map(|s| ((*s).to_owned(), "a scope".to_owned())).collect(),
    }
}

fn adoption(subject: &str, team: &str) -> pb::AdoptRequest {
    pb::AdoptRequest { subject: subject.to_owned(), team: team.to_owned(), validate_only: false }
}

fn reversion(subject: &str) -> pb::RevertRequest {
    pb::RevertRequest { subject: subject.to_owned(), validate_only: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_agrees_is_no_drift() {
    let (plane, pool) = world().await;
    plane.active(&["orders/read"]).await;
    assert_eq!(plane.walk(&pool).await, []);
    assert_eq!(plane.pending(&auditor()).await.unwrap().pending, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_client_is_adopted_with_its_secret_and_scopes() {
    let (plane, pool) = world().await;
    pool.put_foreign_server(foreign_server("legacy", &["use"]));
    pool.put_foreign(&id("old"), foreign("Old shop", &["legacy/use", "orders/read"]), "its secret");
    let unmanaged = pb::DriftKind::Unmanaged;
    let expected =
        [("clients/old".to_owned(), unmanaged), ("resource-servers/legacy".to_owned(), unmanaged)];
    assert_eq!(plane.walk(&pool).await, expected);

    // The resource server comes first.
    let early = plane.adopt(&admin(), adoption("clients/old", "partners")).await;
    assert_eq!(blockers(early)[0].kind, "UNKNOWN_SCOPES");
    plane.adopt(&admin(), adoption("resource-servers/legacy", "orders")).await.unwrap();

    let calls = pool.calls().len();
    let asked = pb::AdoptRequest { validate_only: true, ..adoption("clients/old", "partners") };
    let would = plane.adopt(&admin(), asked).await.unwrap();
    assert_eq!((would.grants.len(), would.client.unwrap().etag), (2, String::new()));
    let adopted = plane.adopt(&admin(), adoption("clients/old", "partners")).await.unwrap();
    let client = adopted.client.unwrap();
    assert_eq!((client.client_id.as_str(), client.team.as_str()), ("old", "partners"));
    assert_eq!(client.display_name, "Old shop");
    assert!(adopted.grants.iter().all(|grant| grant.state() == pb::GrantState::Active));

    // Nothing changed in the pool, and its secret still works.
    let changes: Vec<String> = pool.calls().split_off(calls);
    assert!(changes.iter().all(|call| call == "client" || call == "secrets"), "{changes:?}");
    assert!(pool.takes(&id("old"), "its secret"));
    assert_eq!(plane.walk(&pool).await, []);
    let actions = plane.actions().await;
    assert!(actions.contains(&"client.adopted".to_owned()), "{actions:?}");

    // From now on it is one like any other.
    let disable = pb::DisableClientRequest { client_id: "old".to_owned(), validate_only: false };
    plane.disable(&partner(), disable).await.unwrap();
    assert!(pool.has(&id("old")).unwrap().scopes.is_empty());
    assert_eq!(pool.has(&id("old")).unwrap().name, "Old shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_an_adopted_client_ends_there_when_it_ends_here() {
    let (plane, pool) = world().await;
    pool.put_foreign(&id("old"), foreign("Old shop", &["orders/read"]), "its secret");
    // Two of them: which one is shown later, nothing would tell.
    let two = SecretValue::generate(plane.registry.entropy());
    let name = pool.add_secret(&id("old"), &two).await.unwrap();
    for validate_only in [true, false] {
        let asked = pb::AdoptRequest { validate_only, ..adoption("clients/old", "partners") };
        assert_eq!(blockers(plane.adopt(&admin(), asked).await)[0].kind, "TWO_SECRETS");
    }
    assert!(pool.remove_secret(&id("old"), &name).await.unwrap());
    plane.adopt(&admin(), adoption("clients/old", "partners")).await.unwrap();

    let origin = Origin { request_id: "r".to_owned(), method: String::new() };
    let hash = SecretHash::of("its secret");
    let learned = plane.registry.learn_secret(&id("old"), hash, &origin).await.unwrap();
    let add = pb::AddClientSecretRequest { client_id: "old".to_owned(), ..Default::default() };
    let secret = plane.add_secret(&partner(), add).await.unwrap().secret.unwrap().value;
    let remove = pb::RemoveClientSecretRequest {
        client_id: "old".to_owned(),
        secret_id: learned.to_string(),
        ..Default::default()
    };
    plane.remove_secret(&partner(), remove).await.unwrap();
    assert!(!pool.takes(&id("old"), "its secret"));
    assert!(pool.takes(&id("old"), &secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_changed_is_reverted() {
    let (plane, pool) = world().await;
    let (client_id, _) = plane.active(&["orders/read"]).await;
    let kept = pool.has(&id(&client_id)).unwrap();
    let changed = PoolClient {
        scopes: vec![Scope::parse("shop/write").unwrap()],
        ..foreign(&kept.name, &[])
    };
    pool.change_foreign(&id(&client_id), changed);
    pool.put_foreign_server(foreign_server("orders", &["read"]));
    let subject = format!("clients/{client_id}");
    let different = pb::DriftKind::Different;
    let expected =
        [(subject.clone(), different), ("resource-servers/orders".to_owned(), different)];
    assert_eq!(plane.walk(&pool).await, expected);
    let found = plane.drift(&auditor()).await.unwrap().drifts.remove(0);
    let fields: Vec<_> = found.fields.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(fields, ["token_lifetime_seconds", "scopes"]);
    assert_eq!((&*found.fields[1].ours, &*found.fields[1].theirs), ("orders/read", "shop/write"));

    let asked = pb::RevertRequest { validate_only: true, ..reversion(&subject) };
    assert_eq!(plane.revert(&admin(), asked).await.unwrap().fields, found.fields);
    assert_ne!(pool.has(&id(&client_id)).unwrap(), kept);
    plane.revert(&admin(), reversion(&subject)).await.unwrap();
    assert_eq!(pool.has(&id(&client_id)).unwrap(), kept);
    plane.revert(&admin(), reversion("resource-servers/orders")).await.unwrap();
    assert_eq!(plane.drift(&auditor()).await.unwrap().drifts, []);
    assert_eq!(plane.walk(&pool).await, []);

    // What does not differ is not said.
    let events = plane.events().await.len();
    assert_eq!(plane.revert(&admin(), reversion(&subject)).await.unwrap().fields, []);
    assert_eq!(plane.events().await.len(), events);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_gave_is_adopted_and_what_they_took_is_not() {
    let (plane, pool) = world().await;
    let (client_id, _) = plane.active(&["orders/read"]).await;
    let subject = format!("clients/{client_id}");
    let kept = pool.has(&id(&client_id)).unwrap();
    let more =
        PoolClient { name: kept.name.clone(), ..foreign("", &["orders/read", "shop/write"]) };
    pool.change_foreign(&id(&client_id), more);
    let adopted = plane.adopt(&admin(), adoption(&subject, "")).await.unwrap();
    assert_eq!(adopted.client.unwrap().token_lifetime.unwrap().seconds, 900);
    assert_eq!(adopted.grants[0].scopes, ["shop/write"]);
    assert_eq!(plane.walk(&pool).await, []);

    let less = PoolClient { name: kept.name, ..foreign("", &["shop/write"]) };
    pool.change_foreign(&id(&client_id), less);
    let refused = plane.adopt(&admin(), adoption(&subject, "")).await;
    assert_eq!(blockers(refused)[0].kind, "CANNOT_ADOPT");
    plane.revert(&admin(), reversion(&subject)).await.unwrap();
    assert_eq!(plane.walk(&pool).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_client_does_not_come_back_and_a_lost_server_does() {
    let (plane, pool) = world().await;
    let (client_id, _) = plane.active(&["orders/read"]).await;
    let subject = format!("clients/{client_id}");
    pool.lose_client(&id(&client_id));
    pool.lose_server("orders");
    plane.clock.advance(Duration::from_secs(1));
    let missing = pb::DriftKind::Missing;
    let expected = [(subject.clone(), missing), ("resource-servers/orders".to_owned(), missing)];
    assert_eq!(plane.walk(&pool).await, expected);
    let refused = plane.revert(&admin(), reversion(&subject)).await;
    assert_eq!(blockers(refused)[0].kind, "LOST_CLIENT");
    assert_eq!(code(plane.adopt(&admin(), adoption(&subject, "")).await), "NOT_FOUND");
    plane.revert(&admin(), reversion("resource-servers/orders")).await.unwrap();
    assert!(pool.servers().contains_key("orders"));

    // A change of the lost client is told in vain, and not for ever.
    let disable = pb::DisableClientRequest { client_id, validate_only: false };
    plane.disable(&partner(), disable).await.unwrap();
    Worker::new(plane.registry.clone()).clear().await.unwrap();
    assert_eq!(plane.pending(&auditor()).await.unwrap().pending, []);
    assert_eq!(plane.walk(&pool).await, [(subject, missing)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_and_what_must_be_said() {
    let (plane, pool) = world().await;
    pool.put_foreign(&id("old"), foreign("Old shop", &[]), "its secret");
    plane.walk(&pool).await;
    for who in [owner(), partner(), auditor()] {
        let refused = plane.adopt(&who, adoption("clients/old", "partners")).await;
        assert_eq!(code(refused), "NOT_ALLOWED");
        assert_eq!(code(plane.revert(&who, reversion("clients/old")).await), "NOT_ALLOWED");
        assert_eq!(code(plane.start_walk(&who).await), "NOT_ALLOWED");
    }
    assert_eq!(code(plane.drift(&owner()).await), "NOT_ALLOWED");
    assert_eq!(code(plane.pending(&partner()).await), "NOT_ALLOWED");
    let nobody = violations(plane.adopt(&admin(), adoption("", "Not A Team")).await);
    assert_eq!(nobody, pairs(&[("subject", "REQUIRED"), ("team", "CHARACTERS")]));
    let ownerless = violations(plane.adopt(&admin(), adoption("clients/old", "")).await);
    assert_eq!(ownerless, pairs(&[("team", "REQUIRED")]));
    assert_eq!(code(plane.revert(&admin(), reversion("clients/old")).await), "NOT_FOUND");
    let built_in = adoption("resource-servers/turnpike", "orders");
    assert_eq!(blockers(plane.adopt(&admin(), built_in).await)[0].kind, "CANNOT_ADOPT");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_pool_there_is_nothing_to_reconcile() {
    let plane = Plane::new().await;
    let found = plane.drift(&admin()).await.unwrap();
    assert!(!found.has_pool && found.drifts.is_empty());
    let created = plane.create(&partner(), new_client("Shop", "partners", &[])).await.unwrap();
    let subject = format!("clients/{}", created.client.unwrap().client_id);
    let events = plane.events().await.len();
    assert_eq!(plane.revert(&admin(), reversion(&subject)).await.unwrap().fields, []);
    let adopted = plane.adopt(&admin(), adoption(&subject, "")).await.unwrap();
    assert_eq!(format!("clients/{}", adopted.client.unwrap().client_id), subject);
    assert_eq!(code(plane.adopt(&admin(), adoption("clients/x", "orders")).await), "NOT_FOUND");
    assert_eq!(plane.events().await.len(), events);
    assert_eq!(plane.pending(&admin()).await.unwrap().pending, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_client_that_is_adopted_loses_its_scopes_in_the_pool() {
    let (plane, pool) = world().await;
    let (client_id, _) = plane.active(&["orders/read"]).await;
    let disable = pb::DisableClientRequest { client_id: client_id.clone(), validate_only: false };
    plane.disable(&partner(), disable).await.unwrap();
    let name = pool.has(&id(&client_id)).unwrap().name;
    let enabled = PoolClient { name, ..foreign("", &["orders/read"]) };
    pool.change_foreign(&id(&client_id), enabled);
    plane.adopt(&admin(), adoption(&format!("clients/{client_id}"), "")).await.unwrap();
    assert!(pool.has(&id(&client_id)).unwrap().scopes.is_empty());
    assert_eq!(plane.walk(&pool).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_right_though_the_pool_did_not_answer_the_first_call() {
    let (plane, pool) = world().await;
    let client = plane.create(&partner(), new_client("Shop", "partners", &[])).await.unwrap();
    let client_id = client.client.unwrap().client_id;
    let add = || pb::AddClientSecretRequest {
        client_id: client_id.clone(),
        request_id: REQUEST_ID.to_owned(),
        ..Default::default()
    };
    pool.on_calls([PoolFault::Pass, PoolFault::LoseAnswer]);
    assert_eq!(code(plane.add_secret(&partner(), add()).await), "UNAVAILABLE");
    let added = plane.add_secret(&partner(), add()).await.unwrap();
    assert_eq!(added.client.unwrap().secrets.len(), 2);
    assert!(pool.takes(&id(&client_id), &added.secret.unwrap().value));
    assert_eq!(pool.secrets_of(&id(&client_id)), 2);
    let again = plane.add_secret(&partner(), add()).await.unwrap();
    assert_eq!((again.secret.unwrap().value, again.client.unwrap().secrets.len()), ("".into(), 2));
}
