//! Requests that are answered once.

use std::time::Duration;

use turnpike_domain::error::ErrorCode;
use turnpike_domain::id::RequestId;
use turnpike_domain::{Principal, PrincipalKind};
use turnpike_registry::{CommitError, Once, Seen};

use crate::plane::{Plane, admin, change};

fn once(content: &str) -> Once {
    Once {
        request_id: RequestId::parse("00000000-0000-4000-8000-00000000000a").unwrap(),
        method: "turnpike.v1.Test/Test".to_owned(),
        fingerprint: content.to_owned(),
    }
}

async fn answer(plane: &Plane, key: &str, replaces: Option<u64>) -> Result<u64, CommitError> {
    let answered = once("content").answered(vec![key.to_owned()], plane.registry.now(), replaces);
    let mut change = change();
    change.remember(Some(&answered)).unwrap();
    plane.registry.commit(change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_remembered_for_a_day() {
    let plane = Plane::new().await;
    plane.client("Shop", "partners").await;
    let (caller, request) = (admin().principal(), once("content"));
    let seen = || plane.registry.seen(&caller, Some(&request));
    assert_eq!(seen().await.unwrap(), Seen::Never(None));
    answer(&plane, "first", None).await.unwrap();
    assert_eq!(seen().await.unwrap(), Seen::Before(vec!["first".to_owned()]));
    assert!(matches!(answer(&plane, "second", None).await, Err(CommitError::Conflict)));

    plane.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert_eq!(seen().await.unwrap(), Seen::Before(vec!["first".to_owned()]));
    plane.clock.advance(Duration::from_secs(1));
    // Not swept yet: the record is there, and is replaced at the revision it was read at.
    let Seen::Never(Some(revision)) = seen().await.unwrap() else { panic!("remembered too long") };
    answer(&plane, "later", Some(revision)).await.unwrap();
    assert_eq!(seen().await.unwrap(), Seen::Before(vec!["later".to_owned()]));
    assert!(matches!(answer(&plane, "x", Some(revision)).await, Err(CommitError::Conflict)));

    plane.clock.advance(Duration::from_secs(24 * 60 * 60 + 1));
    plane.registry.sweep().await.unwrap();
    assert_eq!(seen().await.unwrap(), Seen::Never(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_belongs_to_one_content_and_one_caller() {
    let plane = Plane::new().await;
    plane.client("Shop", "partners").await;
    answer(&plane, "first", None).await.unwrap();
    let caller = admin().principal();
    let other_content = plane.registry.seen(&caller, Some(&once("other"))).await.unwrap_err();
    assert_eq!(other_content.code(), ErrorCode::Invalid);
    let other_method = Once { method: "turnpike.v1.Test/Other".to_owned(), ..once("content") };
    assert!(plane.registry.seen(&caller, Some(&other_method)).await.is_err());
    let someone = Principal { kind: PrincipalKind::Client, ..caller };
    let seen = plane.registry.seen(&someone, Some(&once("content"))).await.unwrap();
    assert_eq!(seen, Seen::Never(None));
}
