//! Deleting a client ends its grants.

use futures_util::future::join_all;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::EffectKind;

use super::plane::{Plane, ask, blockers, code, kinds, owner, partner};

fn deletion(client: &pb::Client, force: bool) -> pb::DeleteClientRequest {
    pb::DeleteClientRequest {
        client_id: client.client_id.clone(),
        etag: client.etag.clone(),
        force,
        validate_only: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_grants_is_just_gone() {
    let plane = Plane::new().await;
    let client = plane.shop(&[]).await.client.unwrap();
    let gone = plane.delete(&partner(), deletion(&client, false)).await.unwrap();
    assert_eq!(kinds(gone.impact), [EffectKind::ClientStops, EffectKind::TokensRefused]);
    let get = pb::GetClientRequest { client_id: client.client_id.clone() };
    assert_eq!(code(plane.get(&partner(), get).await), "NOT_FOUND");
    assert_eq!(code(plane.delete(&partner(), deletion(&client, false)).await), "NOT_FOUND");
    assert_eq!(plane.actions().await, ["client.created", "client.deleted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn live_grants_need_force() {
    let plane = Plane::new().await;
    let created = plane.shop(&["orders/read", "shop/read"]).await;
    let client = created.client.unwrap();
    for validate_only in [true, false] {
        let request = pb::DeleteClientRequest { validate_only, ..deletion(&client, false) };
        let in_use = blockers(plane.delete(&partner(), request).await);
        assert_eq!(in_use.len(), 2);
        assert!(in_use.iter().all(|blocker| blocker.kind == "GRANT_IN_USE"));
        let subject = format!("grants/{}", created.grants[0].grant_id);
        assert!(in_use.iter().any(|blocker| blocker.subject == subject));
    }
    let expected = [
        EffectKind::GrantRequestEnds,
        EffectKind::GrantEnds,
        EffectKind::ClientStops,
        EffectKind::TokensRefused,
    ];
    let asked = pb::DeleteClientRequest { validate_only: true, ..deletion(&client, true) };
    assert_eq!(kinds(plane.delete(&partner(), asked).await.unwrap().impact), expected);
    assert_eq!(plane.actions().await.len(), 3);

    let gone = plane.delete(&partner(), deletion(&client, true)).await.unwrap();
    assert_eq!(kinds(gone.impact), expected);
    for grant in &created.grants {
        let grant = plane.grant(&grant.grant_id).await;
        assert_eq!(grant.state(), pb::GrantState::Revoked);
        assert_eq!(
            (&grant.end_reason[..], &grant.client_team[..]),
            ("the client was deleted", "partners")
        );
        assert!(grant.client_display_name.is_empty());
    }
    let actions = plane.actions().await;
    assert_eq!(actions[3..], ["grant.revoked", "grant.revoked", "client.deleted"]);
    // The owner of the API still finds what it decided, and nothing waits for it.
    let listed = plane.list_grants(&owner(), pb::ListGrantsRequest::default()).await.unwrap();
    assert_eq!(listed.grants.len(), 1);
    let waiting = pb::ListGrantsRequest { waiting_for_me: true, ..Default::default() };
    assert!(plane.list_grants(&owner(), waiting).await.unwrap().grants.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_etag_deletes_nothing() {
    let plane = Plane::new().await;
    let client = plane.shop(&["orders/read"]).await.client.unwrap();
    let ask = ask(&client.client_id, "shop", &["shop/read"]);
    plane.request(&partner(), ask).await.unwrap();
    assert_eq!(code(plane.delete(&partner(), deletion(&client, true)).await), "STALE_ETAG");
    assert_eq!(plane.client(&client.client_id).await.scopes, ["shop/read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_grants_than_a_change_holds_end_in_several() {
    let plane = Plane::new().await;
    for n in 0..40 {
        plane.server(&format!("api{n}"), "partners", &["read"]).await;
    }
    let id = plane.shop(&[]).await.client.unwrap().client_id;
    for n in 0..40 {
        let ask = ask(&id, &format!("api{n}"), &[&format!("api{n}/read")]);
        plane.request(&partner(), ask).await.unwrap();
    }
    let client = plane.client(&id).await;
    assert_eq!(client.scopes.len(), 40);
    let gone = plane.delete(&partner(), deletion(&client, true)).await.unwrap();
    let kinds = kinds(gone.impact);
    assert_eq!(kinds.iter().filter(|kind| **kind == EffectKind::GrantEnds).count(), 40);
    let actions = plane.actions().await;
    assert_eq!(actions.iter().filter(|action| *action == "grant.revoked").count(), 40);
    assert_eq!(actions.last().unwrap(), "client.deleted");
    let list = pb::ListGrantsRequest { state: pb::GrantState::Active.into(), ..Default::default() };
    assert!(plane.list_grants(&partner(), list).await.unwrap().grants.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_while_it_is_deleted_does_not_outlive_it() {
    let plane = Plane::new().await;
    for round in 0..5 {
        let name = format!("shop{round}");
        plane.server(&name, "partners", &["a", "b", "c", "d"]).await;
        let client = plane.shop(&[]).await.client.unwrap();
        let who = partner();
        let asks = ["a", "b", "c", "d"].map(|scope| {
            plane.request(&who, ask(&client.client_id, &name, &[&format!("{name}/{scope}")]))
        });
        let delete = async {
            loop {
                let get = pb::GetClientRequest { client_id: client.client_id.clone() };
                let now = plane.get(&who, get).await.unwrap().client.unwrap();
                match plane.delete(&who, deletion(&now, true)).await {
                    Ok(_) => break,
                    Err(error) => assert_eq!(error.code().as_str(), "STALE_ETAG"),
                }
            }
        };
        let (asked, ()) = tokio::join!(join_all(asks), delete);
        for grant in asked.into_iter().flatten() {
            let grant = plane.grant(&grant.grant.unwrap().grant_id).await;
            assert_eq!(grant.state(), pb::GrantState::Revoked);
        }
    }
}
