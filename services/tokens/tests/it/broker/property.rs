//! The law of the broker: whatever happens, it gives no token that the policy refuses.
//!
//! All changes are made by another process, and the policy of the broker's own hears of none of them until
//! just before an outage of the store: it is the record that decides.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::id::ClientId;
use turnpike_domain::ports::Clock as _;
use turnpike_domain::time::TokenLifetime;
use turnpike_registry::{Follower, Origin, Registry};
use turnpike_rpc::oauth::{TokenVerifiers, revoke};
use turnpike_sdk::Require;
use turnpike_testkit::registered::{Registered, admin};
use turnpike_tokens::BrokerSettings;

use crate::paid::{Answer, throttled};
use crate::world::{Setup, World, part};

const CLIENTS: [&str; 2] = ["c1", "c2"];
const SCOPES: [&str; 3] = ["shop/list", "shop/order", "other/x"];
const ASKS: [&str; 4] = ["", "&scope=shop/order", "&scope=shop/list+shop/order", "&scope=other/x"];

#[derive(Clone, Debug)]
enum Step {
    Ask { client: usize, secret: usize, scopes: usize },
    Advance(u64),
    Issuer { down: bool },
    Throttled,
    Store { down: bool },
    RevokeTokens(usize),
    RevokeLast(usize),
    Enabled(usize, bool),
    AddSecret(usize),
    RemoveSecret(usize),
    Grant { client: usize, scope: usize, seconds: Option<i64> },
    EndGrants(usize),
    Lifetime(usize, i64),
    Delete(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS.len();
    prop_oneof![
        30 => (client.clone(), 0..2usize, 0..ASKS.len())
            .prop_map(|(client, secret, scopes)| Step::Ask { client, secret, scopes }),
        8 => prop_oneof![1..5u64, 100..400u64, 1000..3000u64].prop_map(Step::Advance),
        3 => any::<bool>().prop_map(|down| Step::Issuer { down }),
        1 => Just(Step::Throttled),
        3 => any::<bool>().prop_map(|down| Step::Store { down }),
        2 => client.clone().prop_map(Step::RevokeTokens),
        2 => client.clone().prop_map(Step::RevokeLast),
        3 => (client.clone(), any::<bool>()).prop_map(|(c, enabled)| Step::Enabled(c, enabled)),
        1 => client.clone().prop_map(Step::AddSecret),
        1 => client.clone().prop_map(Step::RemoveSecret),
        3 => (client.clone(), 0..SCOPES.len(), proptest::option::of(50..2000i64))
            .prop_map(|(client, scope, seconds)| Step::Grant { client, scope, seconds }),
        1 => client.clone().prop_map(Step::EndGrants),
        1 => (client.clone(), 300..4000i64).prop_map(|(c, seconds)| Step::Lifetime(c, seconds)),
        1 => client.prop_map(Step::Delete),
    ]
}

/// Everything beside the broker.
struct Play {
    world: World,
    /// Where changes are made.
    elsewhere: Registry,
    registered: Registered,
    /// Knows of every change, and judges.
    judge: Follower,
    verifiers: TokenVerifiers,
    /// Secrets of each client, also those that are over.
    secrets: HashMap<&'static str, Vec<String>>,
    last: HashMap<&'static str, String>,
    store_down: bool,
}

impl Play {
    async fn new() -> Self {
        let world = World::of(Setup {
            broker: Some(BrokerSettings::default()),
            follows: false,
            ..Setup::default()
        });
        let world = world.await;
        let elsewhere = world.replica().await;
        let registered = Registered::new(elsewhere.clone());
        let judge = Follower::start(world.replica().await).await.unwrap();
        let (policy, clock) = (judge.policy(), world.clock.clone());
        let issuer = turnpike_domain::authorization_server::AuthorizationServer::issuer(
            world.issuer.as_ref(),
        );
        let verifiers = TokenVerifiers::new(issuer, &world.keys, policy, clock).unwrap();
        let mut secrets = HashMap::new();
        for id in CLIENTS {
            let secret = registered.client(id, &SCOPES[..2]).await;
            secrets.insert(id, vec![secret.expose().to_owned()]);
        }
        let (last, store_down) = (HashMap::new(), false);
        Self { world, elsewhere, registered, judge, verifiers, secrets, last, store_down }
    }

    async fn step(&mut self, step: Step, seen: &Seen) {
        match step {
            Step::Ask { client, secret, scopes } => {
                self.ask(CLIENTS[client], secret, ASKS[scopes], seen).await;
            }
            Step::Advance(seconds) => self.world.clock.advance(Duration::from_secs(seconds)),
            Step::Issuer { down } => self.world.paid.set_down(down),
            Step::Throttled => self.world.paid.on_calls([Answer::Error(throttled(500))]),
            Step::Store { down } => {
                if down && !self.store_down {
                    // Within a tenth of a second, in earnest.
                    self.world.follower.as_ref().unwrap().catch_up().await.unwrap();
                }
                self.store_down = down;
                self.world.store.set_down(down);
            }
            change if !self.store_down => self.change(change).await,
            _ => {}
        }
    }

    /// One change, by another process. The second of a revocation passes: waiting is another test's subject.
    async fn change(&mut self, change: Step) {
        let now = self.world.clock.now();
        let (Step::RevokeTokens(client)
        | Step::RevokeLast(client)
        | Step::Enabled(client, _)
        | Step::AddSecret(client)
        | Step::RemoveSecret(client)
        | Step::Grant { client, .. }
        | Step::EndGrants(client)
        | Step::Lifetime(client, _)
        | Step::Delete(client)) = change
        else {
            return;
        };
        let id = CLIENTS[client];
        let key = ClientId::parse(id).unwrap();
        let Some(there) = self.elsewhere.client(&key).await.unwrap() else { return };
        match change {
            Step::RevokeTokens(_) => {
                self.registered.change_client(id, |c| c.revoke_tokens(now)).await;
            }
            Step::RevokeLast(_) => {
                let Some(last) = self.last.get(id) else { return };
                let Ok(token) = self.verifiers.reads().verify(last, &Require::any_token()) else {
                    return;
                };
                let resource = Resource::Token { client_id: &key, team: &there.value.team };
                let permit = decide(&admin(), Action::RevokeToken, &resource).unwrap();
                let origin = Origin { request_id: "r".to_owned(), method: String::new() };
                revoke(&self.elsewhere, &permit, &origin, &there.value, &token, "").await.unwrap();
            }
            Step::Enabled(_, enabled) => {
                self.registered.change_client(id, |c| c.enabled = enabled).await;
            }
            Step::AddSecret(_) if there.value.secrets.list().len() < 2 => {
                let secret = self.registered.add_secret(id).await;
                self.secrets.get_mut(id).unwrap().push(secret.expose().to_owned());
            }
            Step::RemoveSecret(_) => {
                let remove = |client: &mut turnpike_domain::Client| {
                    let first = client.secrets.list().first().map(|s| s.secret_id.clone());
                    first.map(|secret_id| client.secrets.remove(&secret_id));
                };
                self.registered.change_client(id, remove).await;
            }
            Step::Grant { scope, seconds, .. } => {
                let end = seconds.map(|seconds| now.plus_seconds(seconds));
                self.registered.grant(id, &[SCOPES[scope]], end).await;
            }
            Step::EndGrants(_) => self.registered.end_grants(id).await,
            Step::Lifetime(_, seconds) => {
                let lifetime = TokenLifetime::from_seconds(seconds).unwrap();
                self.registered.change_client(id, |c| c.token_lifetime = lifetime).await;
            }
            Step::Delete(_) => self.registered.delete_client(id).await,
            _ => {}
        }
        self.world.clock.advance(Duration::from_secs(2));
    }

    async fn ask(&mut self, id: &'static str, secret: usize, scopes: &str, seen: &Seen) {
        let secrets = &self.secrets[id];
        // The newest, or the one before it, which may be over.
        let secret = secrets[secrets.len().saturating_sub(1 + secret)].clone();
        let reply = self.world.token(id, &secret, scopes).await;
        if reply.status != 200 {
            assert!(reply.status.as_u16() < 500 || reply.status == 503, "{reply:?}");
            seen.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let token = reply.token();
        if !self.store_down {
            self.judge.catch_up().await.unwrap();
        }
        let given = reply.json()["scope"].as_str().unwrap().to_owned();
        let require = Require::all_of(given.split(' ')).unwrap();
        let verdict = self.verifiers.decides().verify(&token, &require);
        assert!(verdict.is_ok(), "the policy refuses what was given: {verdict:?}");
        assert_eq!(verdict.unwrap().client_id(), id);
        assert_eq!(part(&token, 1)["scope"], given);
        let left = part(&token, 1)["exp"].as_i64().unwrap() - self.world.clock.now().seconds();
        assert_eq!(reply.json()["expires_in"], left);
        assert!(left >= 60, "{left}");
        self.last.insert(id, token);
    }
}

/// What was seen over all cases: a law about nothing holds too.
#[derive(Default)]
struct Seen {
    refused: AtomicUsize,
    served: [AtomicUsize; 4],
}

const SERVED: [&str; 4] = ["bridge", "cache", "issuer", "outage"];

#[test]
fn no_token_is_given_that_the_policy_refuses() {
    let runtime = Arc::new(tokio::runtime::Runtime::new().unwrap());
    let seen = Seen::default();
    let config = Config { cases: 64, max_shrink_iters: 200, ..Config::default() };
    let steps = proptest::collection::vec(step(), 20..80);
    let law = |steps: Vec<Step>| {
        runtime.block_on(async {
            let mut play = Play::new().await;
            for step in steps {
                play.step(step, &seen).await;
            }
            for (from, count) in SERVED.iter().zip(&seen.served) {
                let name = format!(r#"turnpike_broker_served_total{{from="{from}"}}"#);
                let served = usize::try_from(play.world.counted(&name)).unwrap();
                count.fetch_add(served, Ordering::Relaxed);
            }
        });
        Ok(())
    };
    TestRunner::new(config).run(&steps, law).unwrap();
    for (from, count) in SERVED.iter().zip(&seen.served) {
        assert!(count.load(Ordering::Relaxed) > 0, "no token came from {from}");
    }
    assert!(seen.refused.load(Ordering::Relaxed) > 0);
}
