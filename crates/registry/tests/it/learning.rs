//! The secret of an adopted client becomes known when it is shown.

use turnpike_domain::Error;
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::SecretHash;
use turnpike_registry::store::{Key, Store as _};
use turnpike_registry::{EventFilter, Origin, Registry, Subject};
use turnpike_testkit::registered::Registered;

use crate::plane::Plane;

fn origin() -> Origin {
    Origin { request_id: "r1".to_owned(), method: "/oauth2/token".to_owned() }
}

async fn adopted(plane: &Plane) -> ClientId {
    Registered::new(plane.registry.clone()).adopted_client("c1", &["shop/order"]).await;
    ClientId::parse("c1").unwrap()
}

async fn learned_events(registry: &Registry) -> Vec<turnpike_registry::Event> {
    let filter =
        EventFilter { action: "client.secret_learned".to_owned(), ..EventFilter::default() };
    registry.list_events(&filter, 100, None, |_| true).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learned_secret_is_like_any_other() {
    let plane = Plane::new().await;
    let id = adopted(&plane).await;
    let registry = plane.registry.clone().mirrored(None);
    assert!(registry.secret_unknown(&id).await.unwrap());
    assert!(!registry.is_pending(&Subject::Client(id.clone())).await.unwrap());

    let secret_id = registry.learn_secret(&id, SecretHash::of("shown"), &origin()).await.unwrap();
    assert!(!registry.secret_unknown(&id).await.unwrap());
    let client = registry.client(&id).await.unwrap().unwrap().value;
    assert_eq!(client.secrets.find("shown").unwrap().secret_id, secret_id);
    assert!(client.secrets.find("other").is_none());
    // What the pool calls it is kept, so that it ends there when it ends here.
    let item = plane.store.inner().get(&Key::new("CLIENT#c1", "POOL")).await.unwrap().unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&item.body).unwrap();
    assert_eq!(entry["secrets"][secret_id.as_str()], "c1--1");
    assert_eq!(entry["unknown_secret"], serde_json::Value::Null);
    // The pool is told as of any change.
    assert!(registry.is_pending(&Subject::Client(id)).await.unwrap());

    let events = learned_events(&registry).await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].subject.as_str(), events[0].actor.id.as_str()),
        ("clients/c1", "turnpike")
    );
    assert_eq!(events[0].method, "/oauth2/token");
    let line = format!("{:?}", events[0]);
    assert!(line.contains(secret_id.as_str()) && !line.contains("shown"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_learned_once_however_many_show_it() {
    let plane = Plane::new().await;
    let id = adopted(&plane).await;
    let other = plane.replica(2).await;
    let learn = async |registry: &Registry| {
        registry.learn_secret(&id, SecretHash::of("shown"), &origin()).await
    };
    let (one, two, three) =
        tokio::join!(learn(&plane.registry), learn(&other), learn(&plane.registry));
    let one = one.unwrap();
    assert_eq!((two.unwrap(), three.unwrap()), (one.clone(), one));
    assert_eq!(learned_events(&plane.registry).await.len(), 1);
    let client = plane.registry.client(&id).await.unwrap().unwrap().value;
    assert_eq!(client.secrets.list().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_learned_of_a_client_whose_secret_is_known_or_that_is_gone() {
    let plane = Plane::new().await;
    let id = adopted(&plane).await;
    let registry = &plane.registry;
    registry.learn_secret(&id, SecretHash::of("shown"), &origin()).await.unwrap();
    let again = registry.learn_secret(&id, SecretHash::of("another"), &origin()).await;
    assert!(matches!(again, Err(Error::Stale(_))), "{again:?}");

    let registered = Registered::new(registry.clone());
    registered.client("c2", &["shop/order"]).await;
    let made_here = ClientId::parse("c2").unwrap();
    let again = registry.learn_secret(&made_here, SecretHash::of("another"), &origin()).await;
    assert!(matches!(again, Err(Error::Stale(_))), "{again:?}");

    let nobody = ClientId::parse("nobody").unwrap();
    let gone = registry.learn_secret(&nobody, SecretHash::of("shown"), &origin()).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
    assert!(!registry.secret_unknown(&nobody).await.unwrap());
}
