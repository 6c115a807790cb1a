//! The catalogue is open; secrets are not.

use std::time::Duration;

use turnpike_domain::actor::{Actor, ApiScope};
use turnpike_proto::v1 as pb;

use super::plane::{
    Plane, admin, auditor, code, new_server, owner, pairs, program, stranger, violations,
};

fn get(id: &str) -> pb::GetResourceServerRequest {
    pb::GetResourceServerRequest { identifier: id.to_owned() }
}

async fn ids(plane: &Plane, who: &Actor, request: pb::ListResourceServersRequest) -> Vec<String> {
    let mut ids = Vec::new();
    let mut request = request;
    loop {
        let page = plane.list(who, request.clone()).await.unwrap();
        ids.extend(page.resource_servers.into_iter().map(|server| server.identifier));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_signed_in_reads_and_some_see_secrets() {
    let plane = Plane::new().await;
    let mut request = new_server("orders", "orders", &["read"]);
    request.add_secret = true;
    let created = plane.create(&owner(), request).await.unwrap().resource_server.unwrap();
    let reads = |team: &str| program(team, &[ApiScope::RegistryRead]);
    for (who, sees) in [
        (owner(), true),
        (admin(), true),
        (auditor(), true),
        (reads("orders"), true),
        (stranger(), false),
        (reads("strangers"), false),
    ] {
        let got = plane.get(&who, get("orders")).await.unwrap().resource_server.unwrap();
        assert_eq!(!got.secrets.is_empty(), sees, "{who:?}");
        let bare =
            |server: &pb::ResourceServer| pb::ResourceServer { secrets: vec![], ..server.clone() };
        assert_eq!(bare(&got), bare(&created));
        let listed = plane.list(&who, Default::default()).await.unwrap().resource_servers;
        assert_eq!(listed, [got]);
    }
    let writes = program("orders", &[ApiScope::RegistryWrite]);
    assert_eq!(code(plane.get(&writes, get("orders")).await), "NOT_ALLOWED");
    assert_eq!(code(plane.list(&writes, Default::default()).await), "NOT_ALLOWED");
    assert_eq!(code(plane.get(&stranger(), get("nothing")).await), "NOT_FOUND");
    let wrong = violations(plane.get(&stranger(), get("a b")).await);
    assert_eq!(wrong, pairs(&[("identifier", "CHARACTERS")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_by_identifier_and_filters() {
    let plane = Plane::new().await;
    for (id, team) in [("d", "orders"), ("a", "orders"), ("c", "strangers"), ("b", "orders")] {
        plane.create(&admin(), new_server(id, team, &["read", "place-order"])).await.unwrap();
    }
    let list = || pb::ListResourceServersRequest { page_size: 2, ..Default::default() };
    assert_eq!(ids(&plane, &stranger(), list()).await, ["a", "b", "c", "d"]);
    // The catalogue is open: any team's may be listed by all.
    let of_orders = pb::ListResourceServersRequest { team: "orders".to_owned(), ..list() };
    assert_eq!(ids(&plane, &stranger(), of_orders).await, ["a", "b", "d"]);
    let text = pb::ListResourceServersRequest { text: "PLACE".to_owned(), ..list() };
    assert_eq!(ids(&plane, &stranger(), text).await.len(), 4);
    let bad = pb::ListResourceServersRequest {
        page_size: i32::MIN,
        team: "?".to_owned(),
        text: "\n".to_owned(),
        ..list()
    };
    let expected =
        pairs(&[("page_size", "OUT_OF_RANGE"), ("text", "CHARACTERS"), ("team", "CHARACTERS")]);
    assert_eq!(violations(plane.list(&owner(), bad).await), expected);

    let token = plane.list(&owner(), list()).await.unwrap().next_page_token;
    let refused = pairs(&[("page_token", "MALFORMED")]);
    let next = |team: &str| pb::ListResourceServersRequest {
        page_token: token.clone(),
        team: team.to_owned(),
        ..list()
    };
    assert_eq!(violations(plane.list(&owner(), next("orders")).await), refused);
    assert_eq!(violations(plane.list(&stranger(), next("")).await), refused);
    assert_eq!(plane.list(&owner(), next("")).await.unwrap().resource_servers.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_secret_is_told_where_one_is_read() {
    let plane = Plane::new().await;
    let mut request = new_server("orders", "orders", &["read"]);
    request.add_secret = true;
    plane.create(&owner(), request).await.unwrap();
    let id = super::plane::identifier("orders");
    let kept = plane.registry.resource_server(&id).await.unwrap().unwrap().value;
    let secret_id = kept.secrets.list()[0].secret_id.clone();
    plane.clock.advance(Duration::from_secs(119));
    let now = plane.registry.now();
    plane.registry.note_resource_server_secret_use(&id, &secret_id, now).await.unwrap();
    let got = plane.server("orders").await;
    assert_eq!(got.secrets[0].last_use_time.unwrap().seconds, 1_800_000_060);
    let listed = plane.list(&owner(), Default::default()).await.unwrap();
    assert!(listed.resource_servers[0].secrets[0].last_use_time.is_none());
}
