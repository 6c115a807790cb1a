//! How long it takes until one process knows what another revoked.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use turnpike_proto::v1 as pb;
use turnpike_tests::{Caller, Http, report};

use super::World;
use crate::support;

/// How many revoke at once, and how often each: one token, and all of a client.
const AT_ONCE: usize = 5;
const TOKENS: usize = 100;
const CLIENTS: usize = 20;

/// The orders API as one that asks one of the processes directly.
struct Asker {
    http: Http,
    authorization: String,
}

impl Asker {
    async fn is_active(&self, token: &str) -> bool {
        let headers = [("authorization", self.authorization.as_str())];
        let answer = self.http.form("/oauth2/introspect", &headers, &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["active"].as_bool().unwrap()
    }

    /// Waits until a token is good here, or no more.
    async fn see(&self, token: &str, active: bool) -> Duration {
        let since = Instant::now();
        while self.is_active(token).await != active {
            assert!(since.elapsed() < Duration::from_secs(30), "it is not known here");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        since.elapsed()
    }
}

/// Gets tokens of one client and revokes them, one way, at one process; how long each was good at the other.
async fn revoke(
    world: &World,
    client: (String, String),
    here: &Caller,
    there: &Asker,
    way: Way,
) -> Vec<Duration> {
    let (http, mut old, mut all) = (world.plane.http(), String::new(), Vec::new());
    let times = if way == Way::Token { TOKENS } else { CLIENTS };
    for _ in 0..times {
        let token = support::another_token(&http, &client, &old).await;
        there.see(&token, true).await;
        match way {
            Way::Token => {
                let request = pb::RevokeTokenRequest { token: token.clone(), ..Default::default() };
                here.introspection().revoke_token(request).await.unwrap();
            }
            Way::AllOfClient => {
                let client_id = client.0.clone();
                let request = pb::RevokeClientTokensRequest { client_id, ..Default::default() };
                world.pavel.clients().revoke_client_tokens(request).await.unwrap();
            }
        }
        all.push(there.see(&token, false).await);
        old = token;
    }
    all
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// One token, at a process of introspection.
    Token,
    /// All that the client has, at a process of clients.
    AllOfClient,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_revokes_another_knows_within_a_second() {
    let world = World::start().await;
    let (server, secret) = support::orders_api(&world.olga).await;
    let mut clients = Vec::new();
    for n in 0..AT_ONCE {
        clients.push(world.client(&format!("Client {n}")).await);
    }
    let authorization = support::basic(&server.identifier, &secret);
    let urls = world.plane.urls_of("turnpike-introspection");
    // A program: of a person only a gateway vouches.
    let names = ["registry.read", "registry.write"];
    let token = support::program(&world.plane, &world.pavel, &world.ada, &names).await;
    let metadata = vec![("authorization".to_owned(), format!("Bearer {token}"))];
    let here = Caller::with_metadata(&urls[0], metadata).await;
    let there = Asker { http: Http::new(&urls[1]), authorization };

    let mut text =
        String::from("| revoked | times | median | p99 | longest |\n|---|---|---|---|---|\n");
    for (way, words) in [(Way::Token, "one token"), (Way::AllOfClient, "all of a client")] {
        let all = clients.iter().map(|client| revoke(&world, client.clone(), &here, &there, way));
        let mut all: Vec<Duration> = join_all(all).await.into_iter().flatten().collect();
        all.sort();
        let (median, p99) = (all[all.len() / 2], all[all.len() * 99 / 100]);
        let longest = all[all.len() - 1];
        let _ = writeln!(
            text,
            "| {words} | {} | {} ms | {} ms | {} ms |",
            all.len(),
            median.as_millis(),
            p99.as_millis(),
            longest.as_millis(),
        );
    }
    report("From a revocation to the other process", &text);
}
