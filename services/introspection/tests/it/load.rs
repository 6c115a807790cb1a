//! Many verifiers, many clients, and no end of revocations, while verifiers die, come back and are cut off: nobody is let
//! in for longer than promised after a revocation was answered. What was measured is printed (`--nocapture`), not asserted.
//! `TURNPIKE_LOAD=whole`, on a quiet machine and in release, plays it with 1,000 verifiers, 10,000 clients and a revocation
//! every 10 ms for 30 seconds; else it is a tenth of that, for a few seconds.
#![expect(
    clippy::disallowed_methods,
    reason = "how much load it is, is for whoever runs it to say"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use turnpike_domain::secret::SecretValue;
use turnpike_proto::v1 as pb;
use turnpike_sdk::feed::Feed;
use turnpike_sdk::{Refusal, Require, VerdictCache, Verifier};

use crate::watch::now;
use crate::world::World;

const APIS: usize = 20;
const STALE_AFTER: Duration = Duration::from_secs(4);
/// How many verifiers are asked about one revocation.
const ASKED: usize = 8;

/// How much there is of everything.
#[derive(Clone, Copy)]
struct Load {
    clients: usize,
    verifiers: usize,
    time: Duration,
    revocation_pause: Duration,
}

impl Load {
    fn of_environment() -> Self {
        let whole = std::env::var("TURNPIKE_LOAD").is_ok_and(|load| load == "whole");
        let tenths = if whole { 10 } else { 1 };
        Self {
            clients: 1_000 * tenths,
            verifiers: 100 * tenths,
            time: Duration::from_secs(if whole { 30 } else { 10 }),
            revocation_pause: Duration::from_millis(if whole { 10 } else { 100 }),
        }
    }
}

/// A process of an API: what it follows, and what it decides by.
#[derive(Clone)]
struct Process {
    verifier: Verifier,
    _feed: Feed,
}

/// All processes; the n-th is one of API `n % APIS`.
struct Company {
    slots: Vec<Mutex<Process>>,
    secrets: Vec<SecretValue>,
    /// Straight, and by way of a line that is cut now and then.
    addresses: [String; 2],
}

impl Company {
    fn start(&self, slot: usize) -> Process {
        process(&self.addresses[usize::from(is_cut(slot))], slot, &self.secrets)
    }
}

fn process(address: &str, slot: usize, secrets: &[SecretValue]) -> Process {
    let api = slot % APIS;
    let feed = Feed::builder(address, format!("api-{api}"), secrets[api].expose())
        .name(format!("verifier {slot}"))
        .stale_after(STALE_AFTER)
        .start()
        .unwrap();
    let verifier = feed.verifier().cache(VerdictCache::by_digest().entries(64)).build().unwrap();
    Process { verifier, _feed: feed }
}

/// Forwards connections to `to`, and nothing at all while it is told to hold.
async fn line(to: String, held: watch::Receiver<bool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let Ok((near, _)) = listener.accept().await else { return };
            let Ok(far) = TcpStream::connect(to.strip_prefix("http://").unwrap()).await else {
                continue;
            };
            let (from_near, to_near) = near.into_split();
            let (from_far, to_far) = far.into_split();
            tokio::spawn(carry(from_near, to_far, held.clone()));
            tokio::spawn(carry(from_far, to_near, held.clone()));
        }
    });
    address
}

async fn carry(
    from: tokio::net::tcp::OwnedReadHalf,
    to: tokio::net::tcp::OwnedWriteHalf,
    mut held: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        if from.readable().await.is_err() || held.wait_for(|held| !held).await.is_err() {
            return;
        }
        match from.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(mut left) => {
                let mut written = 0;
                while left > 0 {
                    if to.writable().await.is_err() {
                        return;
                    }
                    match to.try_write(&buffer[written..written + left]) {
                        Ok(count) => (written, left) = (written + count, left - count),
                        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                        Err(_) => return,
                    }
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

fn scope(api: usize) -> String {
    format!("api-{api}/read")
}

fn resident_mebibytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or_default() / 1024
}

async fn company(world: &World, load: Load, held: watch::Receiver<bool>) -> Arc<Company> {
    let mut secrets = Vec::new();
    for api in 0..APIS {
        secrets.push(world.registered.resource_server(&format!("api-{api}"), &["read"]).await);
    }
    let make = |n: usize| async move {
        world.registered.client(&format!("client{n}"), &[&scope(n % APIS)]).await;
    };
    stream::iter(0..load.clients).map(make).buffer_unordered(64).count().await;
    let (straight, _) = world.listen().await;
    let addresses = [straight.clone(), line(straight, held).await];
    let slots = (0..load.verifiers)
        .map(|slot| Mutex::new(process(&addresses[usize::from(is_cut(slot))], slot, &secrets)));
    let company = Company { slots: slots.collect(), secrets, addresses };
    for slot in &company.slots {
        let feed = slot.lock().await._feed.clone();
        feed.ready().await;
    }
    Arc::new(company)
}

/// One token of one client is revoked; answers with how long it took until each of those asked refused it that had
/// accepted it before.
async fn revoke(world: &World, company: &Company, load: Load, n: usize) -> Vec<Duration> {
    let (api, client) = (n % APIS, format!("client{}", n % load.clients));
    let require = Require::all_of([scope(api)]).unwrap();
    let jti = format!("\"token-{n}\"");
    let token = world.draft(&client, &scope(api)).claim("jti", &jti).token();
    let of_api = load.verifiers / APIS;
    let mut asked = Vec::new();
    for slot in (0..ASKED.min(of_api)).map(|k| api + APIS * ((n * 7 + k * 11) % of_api)) {
        let process = company.slots[slot].lock().await.clone();
        if process.verifier.verify(&token, &require).is_ok() {
            asked.push(slot);
        }
    }
    let message = pb::RevokeTokenRequest { token: token.clone(), ..Default::default() };
    world.revoke("partners", &[], message).await.unwrap();
    let answered = Instant::now();
    let refused = asked.iter().map(|slot| refused(company, *slot, &token, &require, answered));
    join_all(refused).await.into_iter().flatten().collect()
}

/// How long after the answer a process refused the token as revoked; `None` if it is behind the line that is cut, or
/// knew nothing for too long and refused everything.
async fn refused(
    company: &Company,
    slot: usize,
    token: &str,
    require: &Require,
    answered: Instant,
) -> Option<Duration> {
    loop {
        // Whoever holds the place now: it may have died and come back.
        let process = company.slots[slot].lock().await.clone();
        let late = answered.elapsed();
        match process.verifier.verify(token, require) {
            Err(Refusal::TokenRevoked) => return Some(late).filter(|_| !is_cut(slot)),
            Err(_) if late > STALE_AFTER => return None,
            Err(_) => {}
            Ok(_) => assert!(late <= STALE_AFTER, "verifier {slot} accepts {late:?} after"),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Whether a place is behind the line that is cut now and then.
const fn is_cut(slot: usize) -> bool {
    slot.is_multiple_of(7)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_for_longer_than_promised() {
    let world = Arc::new(World::new().await);
    world.clock.set(now());
    let (hold, held) = watch::channel(false);
    let load = Load::of_environment();
    let company = company(&world, load, held).await;
    let began = Instant::now();
    let memory = resident_mebibytes();

    let deaths = Arc::new(AtomicUsize::new(0));
    let dying = tokio::spawn({
        let (company, deaths) = (company.clone(), deaths.clone());
        async move {
            for n in 0.. {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let slot = (n * 37) % load.verifiers;
                *company.slots[slot].lock().await = company.start(slot);
                deaths.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let cutting = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(3)).await;
            hold.send_replace(true);
            tokio::time::sleep(STALE_AFTER * 2).await;
            hold.send_replace(false);
        }
    });

    let mut pace = tokio::time::interval(load.revocation_pause);
    let mut asked = tokio::task::JoinSet::new();
    let mut revocations = 0;
    while began.elapsed() < load.time {
        pace.tick().await;
        let (world, company, n) = (world.clone(), company.clone(), revocations);
        asked.spawn(async move { revoke(&world, &company, load, n).await });
        revocations += 1;
    }
    let mut took: Vec<Duration> = Vec::new();
    while let Some(of_one) = asked.join_next().await {
        took.extend(of_one.unwrap());
    }
    dying.abort();
    cutting.abort();
    took.sort_unstable();
    assert!(took.len() >= revocations, "hardly anybody had accepted anything");
    let Load { clients, verifiers, .. } = load;
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "{verifiers} verifiers, {clients} clients, {APIS} APIs: {revocations} revocations, {} deaths; refused by {} processes \
         on whole lines that had accepted, after {:?} (median), {:?} (p99), {:?} (longest); {memory} MiB resident before, {} MiB after",
        deaths.load(Ordering::Relaxed),
        took.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        resident_mebibytes(),
    );
}
