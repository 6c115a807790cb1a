//! An adopted client: the authorization server alone knows its secret, until it has taken it once.

use futures_util::future::join_all;
use turnpike_domain::id::ClientId;

use crate::broker::{BOTH, world};
use crate::world::{GRANT, World};

const SECRET: &str = "made_there_26_characters_x";

async fn adopted() -> World {
    let world = world().await;
    world.registered.adopted_client("c1", &BOTH).await;
    world.paid.knows("c1", SECRET);
    world.tell().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_success_is_learned_and_from_then_on_compared_here() {
    let world = adopted().await;
    let first = world.token("c1", SECRET, "&scope=shop/order").await;
    assert_eq!(first.json()["scope"], "shop/order");
    assert!(world.is_good(&first.token()));
    assert_eq!(world.paid.calls(), 1);
    assert_eq!(
        world.said("client.secret_learned").await,
        [("clients/c1".to_owned(), "turnpike".to_owned())]
    );
    let id = ClientId::parse("c1").unwrap();
    let client = world.registry.client(&id).await.unwrap().unwrap().value;
    assert!(client.secrets.find(SECRET).is_some());

    let again = world.token("c1", SECRET, "&scope=shop/order").await;
    assert_eq!(again.token(), first.token(), "what proved it is kept");
    world.token("c1", "wrong", "").await.is_error(401, "invalid_client");
    assert_eq!(world.paid.calls(), 1);
    world.token("c1", SECRET, "").await.token();
    // And it may now revoke.
    let form = format!("token={}", first.token());
    let reply = world.post("/oauth2/revoke", Some(("c1", SECRET)), &form).await;
    assert_eq!(reply.status, 200);
    assert!(!world.is_good(&first.token()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_refused_there_and_few_are_tried() {
    let world = adopted().await;
    let ask = async |peer: &str, secret: &str| {
        world.post_from(peer, "/oauth2/token", Some(("c1", secret)), GRANT).await
    };
    for n in 0..5 {
        ask("192.0.2.1", &format!("wrong{n}")).await.is_error(401, "invalid_client");
    }
    assert_eq!(world.paid.calls(), 5);
    let reply = ask("192.0.2.1", "wrong").await;
    reply.is_error(429, "temporarily_unavailable");
    assert_eq!(reply.headers["retry-after"], "12");
    assert_eq!(world.paid.calls(), 5);
    // Nobody has learned anything, and another address is not kept out.
    assert!(world.said("client.secret_learned").await.is_empty());
    ask("192.0.2.2", SECRET).await.token();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_begin_at_once_share_the_proof() {
    let world = adopted().await;
    let replies = join_all((0..20).map(|n| {
        let scope = if n % 2 == 0 { "" } else { "&scope=shop/order" };
        world.token("c1", SECRET, scope)
    }));
    for reply in replies.await {
        assert!(world.is_good(&reply.token()));
    }
    assert_eq!(world.said("client.secret_learned").await.len(), 1);
    assert_eq!(world.paid.calls(), 2, "one for each set of scopes, and one of them is the proof");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_hears_nothing_of_scopes() {
    let world = adopted().await;
    for scope in ["&scope=other/x", "&scope=shop/order", "&scope=%22", ""] {
        let reply = world.token("c1", "wrong", scope).await;
        reply.is_error(401, "invalid_client");
    }
    world.token("c1", SECRET, "&scope=other/x").await.is_error(400, "invalid_scope");
    assert_eq!(world.said("client.secret_learned").await.len(), 1, "it was right all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_made_here_to_replace_it_does_not_end_it() {
    let world = adopted().await;
    let new = world.registered.add_secret("c1").await;
    world.tell().await;
    world.token("c1", SECRET, "").await.token();
    assert_eq!(world.said("client.secret_learned").await.len(), 1);
    world.paid.knows("c1", new.expose());
    world.token("c1", new.expose(), "").await.token();
    world.token("c1", "wrong", "").await.is_error(401, "invalid_client");
    assert_eq!(world.paid.calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_not_passed_on() {
    let world = adopted().await;
    // Made here, and without a secret; disabled; without a scope.
    world.registered.client("c2", &BOTH).await;
    world.registered.change_client("c2", |c| c.secrets = Default::default()).await;
    world.registered.adopted_client("c3", &BOTH).await;
    world.registered.change_client("c3", |c| c.enabled = false).await;
    world.registered.adopted_client("c4", &[]).await;
    for id in ["c2", "c3", "c4", "nobody"] {
        world.token(id, SECRET, "").await.is_error(401, "invalid_client");
    }
    // Revocation is not for who has no secret yet.
    let reply = world.post("/oauth2/revoke", Some(("c1", SECRET)), "token=x").await;
    reply.is_error(401, "invalid_client");
    assert_eq!(world.paid.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_any_secret_proves_none() {
    let world = adopted().await;
    world.paid.set_proves(false);
    world.token("c1", SECRET, "").await.is_error(401, "invalid_client");
    world.token("c1", "wrong", "").await.is_error(401, "invalid_client");
    assert_eq!(world.paid.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_at_that_moment_costs_a_token_and_nothing_else() {
    let world = adopted().await;
    world.paid.hold();
    let fails = async {
        world.paid.until_called(1).await;
        world.store.set_down(true);
        world.paid.let_through(1);
    };
    let (reply, ()) = tokio::join!(world.token("c1", SECRET, ""), fails);
    reply.is_error(503, "temporarily_unavailable");
    world.store.set_down(false);
    world.paid.let_through(10);
    world.token("c1", SECRET, "").await.token();
    assert_eq!(world.said("client.secret_learned").await.len(), 1);
}
