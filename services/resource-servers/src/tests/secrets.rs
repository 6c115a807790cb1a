//! A resource server's own secrets.

use turnpike_domain::secret::SecretValue;
use turnpike_proto::v1 as pb;

use super::plane::{
    Plane, REQUEST_ID, auditor, blockers, code, kinds, owner, pairs, stranger, violations,
};

fn add(request_id: &str, validate_only: bool) -> pb::AddResourceServerSecretRequest {
    pb::AddResourceServerSecretRequest {
        identifier: "orders".to_owned(),
        request_id: request_id.to_owned(),
        validate_only,
    }
}

fn remove(secret_id: &str, validate_only: bool) -> pb::RemoveResourceServerSecretRequest {
    pb::RemoveResourceServerSecretRequest {
        identifier: "orders".to_owned(),
        secret_id: secret_id.to_owned(),
        validate_only,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_live_at_a_time() {
    let plane = Plane::new().await;
    let before = plane.orders(&["read"]).await;
    let asked = plane.add_secret(&owner(), add("", true)).await.unwrap();
    assert!(asked.secret.unwrap().value.is_empty());
    assert_eq!(plane.server("orders").await, before);

    let first = plane.add_secret(&owner(), add(REQUEST_ID, false)).await.unwrap().secret.unwrap();
    assert!(SecretValue::looks_like_one(&first.value));
    let again = plane.add_secret(&owner(), add(REQUEST_ID, false)).await.unwrap().secret.unwrap();
    assert_eq!((again.secret, &again.value[..]), (first.secret.clone(), ""));
    let second = plane.add_secret(&owner(), add("", false)).await.unwrap();
    assert_eq!(second.resource_server.unwrap().secrets.len(), 2);
    for validate_only in [true, false] {
        let third = blockers(plane.add_secret(&owner(), add("", validate_only)).await);
        assert_eq!((third.len(), third[0].kind), (1, "TOO_MANY_SECRETS"));
    }

    let first = first.secret.unwrap().secret_id;
    let asked = plane.remove_secret(&owner(), remove(&first, true)).await.unwrap();
    assert_eq!(kinds(asked.impact), [pb::EffectKind::SecretEnds]);
    assert_eq!(plane.server("orders").await.secrets.len(), 2);
    let removed = plane.remove_secret(&owner(), remove(&first, false)).await.unwrap();
    assert_eq!(kinds(removed.impact), [pb::EffectKind::SecretEnds]);
    assert_eq!(removed.resource_server.unwrap().secrets.len(), 1);
    assert_eq!(code(plane.remove_secret(&owner(), remove(&first, false)).await), "NOT_FOUND");
    let actions = plane.actions().await;
    let added = "resource_server.secret_added";
    assert_eq!(actions[1..], [added, added, "resource_server.secret_removed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_do_not_touch_them() {
    let plane = Plane::new().await;
    plane.orders(&["read"]).await;
    let made = plane.add_secret(&owner(), add("", false)).await.unwrap();
    let secret_id = made.secret.unwrap().secret.unwrap().secret_id;
    for who in [stranger(), auditor()] {
        assert_eq!(code(plane.add_secret(&who, add("", false)).await), "NOT_ALLOWED");
        assert_eq!(code(plane.remove_secret(&who, remove(&secret_id, false)).await), "NOT_ALLOWED");
    }
    let wrong = violations(plane.remove_secret(&owner(), Default::default()).await);
    assert_eq!(wrong, pairs(&[("identifier", "REQUIRED"), ("secret_id", "REQUIRED")]));
    let wrong = violations(plane.add_secret(&owner(), add("x", false)).await);
    assert_eq!(wrong, pairs(&[("request_id", "MALFORMED")]));
}
