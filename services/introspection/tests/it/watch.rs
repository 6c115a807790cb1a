//! IntrospectionService.WatchPolicy, by hand and by the sdk.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status, Streaming};
use turnpike_domain::ports::Clock as _;
use turnpike_domain::secret::{SecretValue as Secret, Secrets};
use turnpike_domain::{Identifier, Timestamp};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::introspection_service_client::IntrospectionServiceClient;
use turnpike_proto::v1::watch_policy_request::Message as Ask;
use turnpike_proto::v1::watch_policy_response::Message as Told;
use turnpike_sdk::feed::Feed;
use turnpike_sdk::{Refusal, Require, Verifier};

use crate::world::{ISSUER, World, basic};

/// A verifier by hand.
struct ByHand {
    ask: mpsc::Sender<pb::WatchPolicyRequest>,
    told: Streaming<pb::WatchPolicyResponse>,
}

impl ByHand {
    async fn connect(address: &str, id: &str, secret: &str, first: Ask) -> Result<Self, Status> {
        let (ask, asked) = mpsc::channel(8);
        ask.send(pb::WatchPolicyRequest { message: Some(first) }).await.unwrap();
        let mut request = Request::new(ReceiverStream::new(asked));
        request.metadata_mut().insert("authorization", basic(id, secret).parse().unwrap());
        let channel = Endpoint::from_shared(address.to_owned()).unwrap().connect().await.unwrap();
        let mut client = IntrospectionServiceClient::new(channel);
        let told = client.watch_policy(request).await?.into_inner();
        Ok(Self { ask, told })
    }

    async fn hello(address: &str, secret: &Secret, resume: &str) -> Self {
        let hello = pb::VerifierHello { resume: resume.to_owned(), ..hello("by hand") };
        Self::connect(address, "shop", secret.expose(), Ask::Hello(hello)).await.unwrap()
    }

    async fn next(&mut self) -> Result<Told, Status> {
        let next = timeout(Duration::from_secs(20), self.told.message()).await.unwrap();
        next.map(|told| told.unwrap().message.unwrap())
    }

    async fn update(&mut self) -> pb::PolicyUpdate {
        match self.next().await.unwrap() {
            Told::Update(update) => update,
            Told::Pong(_) => panic!("not asked"),
        }
    }

    async fn ping(&self, number: i64, applied_sequence: i64) {
        let ping = pb::VerifierPing { number, applied_sequence };
        let message = pb::WatchPolicyRequest { message: Some(Ask::Ping(ping)) };
        self.ask.send(message).await.unwrap();
    }
}

fn hello(verifier: &str) -> pb::VerifierHello {
    pb::VerifierHello {
        verifier: verifier.to_owned(),
        software: "test/1".to_owned(),
        ..Default::default()
    }
}

async fn enable(world: &World, id: &str, enabled: bool) {
    world.registered.change_client(id, |client| client.enabled = enabled).await;
}

fn client(id: &str, scopes: &[&str]) -> pb::PolicyClient {
    let scope = |scope: &&str| pb::PolicyScope {
        scope: (*scope).to_owned(),
        held: true,
        held_until: 0,
        ended_through: 0,
    };
    pb::PolicyClient {
        client_id: id.to_owned(),
        enabled: true,
        revoked_through: 0,
        scopes: scopes.iter().map(scope).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_concerns_the_caller_is_told_and_nothing_else() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["list", "order"]).await;
    world.registered.resource_server("other", &["x"]).await;
    world.registered.client("c1", &["other/x", "shop/list", "shop/order"]).await;
    world.registered.client("c2", &["other/x"]).await;
    let (address, _serving) = world.listen().await;
    let mut stream = ByHand::hello(&address, &shop, "").await;
    let first = stream.update().await;
    assert!(first.reset && !first.more && first.gone_client_ids.is_empty());
    assert_eq!(first.clients, [client("c1", &["shop/list", "shop/order"])]);
    assert_eq!(first.issuer, ISSUER);
    assert_eq!(turnpike_sdk::KeySet::from_jwks(&first.jwks).unwrap(), *world.keys.current());

    stream.ping(1, first.sequence).await;
    let Told::Pong(pong) = stream.next().await.unwrap() else { panic!("no pong") };
    assert_eq!((pong.number, pong.sequence), (1, first.sequence));
    assert!((0..10_000).contains(&pong.age_millis), "{pong:?}");

    enable(&world, "c2", false).await;
    enable(&world, "c1", false).await;
    let change = stream.update().await;
    let disabled =
        pb::PolicyClient { enabled: false, ..client("c1", &["shop/list", "shop/order"]) };
    assert_eq!((change.reset, &*change.clients), (false, &[disabled.clone()][..]));
    assert!(change.jwks.is_empty() && change.issuer.is_empty());

    // Whoever comes back is told what has changed, if it means the same log.
    let mut back = ByHand::hello(&address, &shop, &change.resume).await;
    let nothing_new = back.update().await;
    assert!(!nothing_new.reset && nothing_new.clients.is_empty(), "only keys");
    let mut back = ByHand::hello(&address, &shop, &first.resume).await;
    assert_eq!(back.update().await.clients, [disabled]);
    for strange in
        ["", "x", "7", "7.", &format!("{}.strange", change.sequence), "99999999999999999999.x"]
    {
        let mut back = ByHand::hello(&address, &shop, strange).await;
        assert!(back.update().await.reset, "{strange}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_knows_less_than_the_verifier_sends_it_away() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    let (address, _serving) = world.listen().await;
    let mut stream = ByHand::hello(&address, &shop, "").await;
    let first = stream.update().await;
    let (_, history) = first.resume.split_once('.').unwrap();
    let mut ahead =
        ByHand::hello(&address, &shop, &format!("{}.{history}", first.sequence + 1)).await;
    assert_eq!(ahead.next().await.unwrap_err().code(), Code::Unavailable);
    // One that is only a moment behind catches up.
    let next = format!("{}.{history}", first.sequence + 1);
    let mut ahead = ByHand::hello(&address, &shop, &next).await;
    world.registered.client("c1", &["shop/order"]).await;
    let update = ahead.update().await;
    assert!(!update.reset && update.sequence > first.sequence);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_resource_server_follows_and_says_hello_first() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    let c1 = world.registered.client("c1", &["shop/order"]).await;
    let (address, _serving) = world.listen().await;
    for (id, secret, code) in [
        ("c1", c1.expose(), Code::PermissionDenied),
        ("shop", "tp_wrong", Code::Unauthenticated),
        ("other", shop.expose(), Code::Unauthenticated),
    ] {
        let answer = ByHand::connect(&address, id, secret, Ask::Hello(hello("x"))).await;
        assert_eq!(answer.err().map(|status| status.code()), Some(code), "{id}");
    }
    let long = pb::VerifierHello { software: "x".repeat(129), ..hello("x") };
    for first in
        [Ask::Ping(pb::VerifierPing::default()), Ask::Hello(hello("a\nb")), Ask::Hello(long)]
    {
        let stream = ByHand::connect(&address, "shop", shop.expose(), first.clone()).await;
        let status = stream.unwrap().next().await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{first:?}");
    }
    let mut stream = ByHand::hello(&address, &shop, "").await;
    stream.update().await;
    let again = pb::WatchPolicyRequest { message: Some(Ask::Hello(hello("x"))) };
    stream.ask.send(again).await.unwrap();
    assert_eq!(stream.next().await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_removed_ends_its_streams() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    let (address, _serving) = world.listen().await;
    let mut stream = ByHand::hello(&address, &shop, "").await;
    stream.update().await;
    world.registered.change_resource_server("shop", |s| s.secrets = Secrets::default()).await;
    assert_eq!(stream.next().await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_come_in_parts_that_belong_together() {
    let world = World::new().await;
    let shop = world.registered.resource_server("shop", &["order"]).await;
    for n in 0..250 {
        world.registered.client(&format!("c{n}"), &["shop/order"]).await;
    }
    let (address, _serving) = world.listen().await;
    let mut stream = ByHand::hello(&address, &shop, "").await;
    let mut parts = vec![stream.update().await];
    while parts.last().unwrap().more {
        parts.push(stream.update().await);
    }
    assert_eq!(parts.iter().map(|part| part.clients.len()).sum::<usize>(), 250);
    assert_eq!(parts.iter().map(|part| part.reset).collect::<Vec<_>>(), [true, false, false]);
    let ends = parts.iter().map(|part| part.sequence > 0 && !part.jwks.is_empty());
    assert_eq!(ends.collect::<Vec<_>>(), [false, false, true]);
}

async fn until(verifier: &Verifier, token: &str, expected: Result<(), Refusal>) {
    let require = Require::all_of(["shop/order"]).unwrap();
    let comes = async {
        while verifier.verify(token, &require).map(|_| ()) != expected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), comes).await.unwrap_or_else(|_| {
        panic!("{:?}, not {expected:?}", verifier.verify(token, &require).map(|_| ()))
    });
}

fn feed(address: &str, secret: &Secret) -> Feed {
    Feed::builder(address, "shop", secret.expose())
        .name("pod-1")
        .stale_after(Duration::from_secs(2))
        .start()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_follows_decides_as_introspection_does_a_moment_later() {
    let world = World::new().await;
    world.clock.set(now());
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let (address, _serving) = world.listen().await;
    let feed = feed(&address, &shop);
    let verifier = feed.verifier().build().unwrap();
    let token = world.draft("c1", "shop/order").token();
    feed.ready().await;
    assert_eq!(verifier.issuer(), ISSUER);
    until(&verifier, &token, Ok(())).await;
    enable(&world, "c1", false).await;
    until(&verifier, &token, Err(Refusal::ClientDisabled)).await;
    enable(&world, "c1", true).await;
    until(&verifier, &token, Ok(())).await;
    let revoke = pb::RevokeTokenRequest { token: token.clone(), ..Default::default() };
    world.revoke("partners", &[], revoke).await.unwrap();
    until(&verifier, &token, Err(Refusal::TokenRevoked)).await;
    let stranger = world.draft("c9", "shop/order").token();
    until(&verifier, &stranger, Err(Refusal::ClientUnknown)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_a_verifier_soon_refuses_and_then_goes_on() {
    let world = World::new().await;
    world.clock.set(now());
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let (address, serving) = world.listen().await;
    let feed = feed(&address, &shop);
    let verifier = feed.verifier().build().unwrap();
    let token = world.draft("c1", "shop/order").token();
    let lenient = Require::all_of(["shop/order"]).unwrap().even_if_stale();
    // Before anything is known nobody gets in, however lenient.
    assert_eq!(verifier.verify(&token, &lenient), Err(Refusal::KeysUnavailable));
    until(&verifier, &token, Ok(())).await;
    serving.abort();
    // Connections that are served go on without their listener.
    let kept = world.registry.resource_server(&Identifier::parse("shop").unwrap()).await;
    let kept = kept.unwrap().unwrap().value.secrets;
    world.registered.change_resource_server("shop", |s| s.secrets = Secrets::default()).await;
    until(&verifier, &token, Err(Refusal::StalePolicy)).await;
    assert!(feed.status().stale && !feed.status().connected && feed.status().error.is_some());
    assert!(verifier.verify(&token, &lenient).is_ok());
    enable(&world, "c1", false).await;
    world.registered.change_resource_server("shop", |s| s.secrets = kept.clone()).await;
    let (_, _serving) = world.listen_at(address.strip_prefix("http://").unwrap()).await;
    until(&verifier, &token, Err(Refusal::ClientDisabled)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verifiers_are_listed_with_what_they_know() {
    let world = World::new().await;
    world.clock.set(now());
    let shop = world.registered.resource_server("shop", &["order"]).await;
    world.registered.client("c1", &["shop/order"]).await;
    let (address, _serving) = world.listen().await;
    let follows = feed(&address, &shop);
    let list = pb::ListVerifiersRequest { identifier: "shop".to_owned(), ..Default::default() };
    let listed = |list: pb::ListVerifiersRequest| world.list_verifiers("orders", list);
    let up_to_date = async |total: i32| {
        loop {
            let answer = listed(list.clone()).await.unwrap();
            if (answer.total, answer.up_to_date) == (total, total) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let before = timeout(Duration::from_secs(20), up_to_date(1)).await.unwrap();
    assert_eq!(before.verifiers[0].name, "pod-1");
    assert!(before.verifiers[0].software.starts_with("turnpike-sdk/"));

    // One by hand that does not say what it has applied.
    let mut stream = ByHand::hello(&address, &shop, "").await;
    stream.update().await;
    enable(&world, "c1", false).await;
    let event = world.registry.head().await.unwrap().sequence.cast_signed();
    let one_of_two = async {
        loop {
            let answer = listed(list.clone()).await.unwrap();
            if (answer.total, answer.up_to_date, answer.changed_sequence) == (2, 1, event) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let answer = timeout(Duration::from_secs(20), one_of_two).await.unwrap();
    let names: Vec<_> = answer.verifiers.iter().map(|v| (v.name.as_str(), v.up_to_date)).collect();
    assert_eq!(names, [("by hand", false), ("pod-1", true)]);
    let page = pb::ListVerifiersRequest { page_size: 1, ..list.clone() };
    let first = listed(page.clone()).await.unwrap();
    let second = pb::ListVerifiersRequest { page_token: first.next_page_token, ..page };
    let second = listed(second).await.unwrap();
    assert_eq!((&*first.verifiers[0].name, &*second.verifiers[0].name), ("by hand", "pod-1"));
    assert!(second.next_page_token.is_empty());

    stream.ping(1, event).await;
    timeout(Duration::from_secs(20), up_to_date(2)).await.unwrap();
    // Others learn how many there are, and not which.
    let answer = world.list_verifiers("partners", list.clone()).await.unwrap();
    assert_eq!((answer.total, answer.up_to_date, answer.verifiers.len()), (2, 2, 0));
    drop((stream, follows));
    timeout(Duration::from_secs(20), up_to_date(0)).await.unwrap();
    let unknown = pb::ListVerifiersRequest { identifier: "nothing".to_owned(), ..list };
    assert_eq!(listed(unknown).await.unwrap_err().code(), Code::NotFound);
}

pub(crate) fn now() -> Timestamp {
    turnpike_runtime::clock::SystemClock.now()
}
