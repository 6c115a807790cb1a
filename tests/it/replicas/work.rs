//! Who changes the same things at once, and what they count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::Rng;
use rand::seq::IndexedRandom;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use turnpike_proto::v1 as pb;
use turnpike_tests::Caller;
use uuid::Uuid;

use super::World;
use crate::support::all_clients;

/// How many count on the same clients, switch them, ask for grants, and create.
const COUNTERS: usize = 4;
const SWITCHERS: usize = 2;
const ASKERS: usize = 2;
const CREATORS: usize = 2;

/// What all work on, and what was acknowledged.
pub(super) struct Shared {
    clients: Vec<String>,
    /// Of each client the numbers that were acknowledged, and how many changes were not answered.
    counted: Mutex<BTreeMap<String, Counted>>,
    /// Names of clients that were created, with whether they were deleted since.
    created: Mutex<BTreeMap<String, Fate>>,
    switched: AtomicUsize,
    granted: AtomicUsize,
    unanswered: AtomicUsize,
}

#[derive(Default)]
struct Counted {
    numbers: BTreeSet<u64>,
    unanswered: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Deleted,
    /// A deletion was sent and not answered.
    Open,
}

/// Those who work, until they are told to stop.
pub(super) struct Workers(JoinSet<()>);

impl Workers {
    pub(super) fn start(world: &World, shared: &Arc<Shared>, stop: &Arc<AtomicBool>) -> Self {
        let mut set = JoinSet::new();
        for _ in 0..COUNTERS {
            set.spawn(repeat(stop, shared, &[&world.pavel], count));
        }
        for _ in 0..SWITCHERS {
            set.spawn(repeat(stop, shared, &[&world.pavel], switch));
        }
        for _ in 0..ASKERS {
            set.spawn(repeat(stop, shared, &[&world.pavel, &world.olga], ask));
        }
        for _ in 0..CREATORS {
            set.spawn(repeat(stop, shared, &[&world.pavel], create));
        }
        Self(set)
    }

    pub(super) async fn end(mut self) {
        while let Some(ended) = self.0.join_next().await {
            ended.unwrap();
        }
    }
}

/// One who works: what they do fails as it may while processes die, and is done again.
fn repeat<F>(
    stop: &Arc<AtomicBool>,
    shared: &Arc<Shared>,
    people: &[&Caller],
    work: impl Fn(Arc<Shared>, Vec<Caller>) -> F + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static
where
    F: Future<Output = Result<(), Status>> + Send,
{
    let (stop, shared) = (stop.clone(), shared.clone());
    let people: Vec<Caller> = people.iter().map(|person| (*person).clone()).collect();
    async move {
        while !stop.load(Ordering::Relaxed) {
            if let Err(status) = work(shared.clone(), people.clone()).await {
                assert!(may_be(&status), "{status:?}");
                let pause = rand::rng().random_range(5..50);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        }
    }
}

/// Whether it is right to be told this when others change the same and processes die.
fn may_be(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Aborted
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::ResourceExhausted
    ) || was_unanswered(status)
}

/// Whether it may have been done or not. A connection that breaks off in an answer is `UNKNOWN` or `INTERNAL` to tonic's
/// client, without details; what Turnpike says has some.
fn was_unanswered(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => true,
        Code::Unknown | Code::Internal => status.details().is_empty(),
        _ => false,
    }
}

/// Adds one to the number in the description of a client.
async fn count(shared: Arc<Shared>, people: Vec<Caller>) -> Result<(), Status> {
    let client_id = shared.any();
    let mut clients = people[0].clients();
    let get = pb::GetClientRequest { client_id: client_id.clone() };
    let client = clients.get_client(get).await?.into_inner().client.unwrap();
    let next = number(&client.description) + 1;
    let client = pb::Client {
        client_id: client_id.clone(),
        etag: client.etag,
        description: next.to_string(),
        ..Default::default()
    };
    let update = pb::UpdateClientRequest { client: Some(client), ..Default::default() };
    let answer = clients.update_client(update).await;
    let mut counted = shared.counted.lock().unwrap();
    let counted = counted.entry(client_id).or_default();
    match answer {
        Ok(_) => assert!(counted.numbers.insert(next), "{next} was acknowledged twice"),
        Err(status) if was_unanswered(&status) => {
            counted.unanswered += 1;
            shared.unanswered.fetch_add(1, Ordering::Relaxed);
            return Err(status);
        }
        Err(status) => return Err(status),
    }
    Ok(())
}

fn number(description: &str) -> u64 {
    if description.is_empty() { 0 } else { description.parse().unwrap() }
}

/// Disables a client and enables it again.
async fn switch(shared: Arc<Shared>, people: Vec<Caller>) -> Result<(), Status> {
    let client_id = shared.any();
    let mut clients = people[0].clients();
    let off = pb::DisableClientRequest { client_id: client_id.clone(), validate_only: false };
    clients.disable_client(off).await?;
    let on = pb::EnableClientRequest { client_id, validate_only: false };
    clients.enable_client(on).await?;
    shared.switched.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Asks for access for a client, gets it, and gives it back.
async fn ask(shared: Arc<Shared>, people: Vec<Caller>) -> Result<(), Status> {
    let wish = pb::RequestGrantRequest {
        client_id: shared.any(),
        resource_server: "lj-health-food".to_owned(),
        scopes: vec!["lj-health-food/list-orders".to_owned()],
        reason: "the shop lists orders".to_owned(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let asked = people[0].grants().request_grant(wish).await?.into_inner().grant.unwrap();
    let pb::Grant { grant_id, etag, .. } = asked;
    let approve = pb::ApproveGrantRequest { grant_id, etag, ..Default::default() };
    let given = people[1].grants().approve_grant(approve).await?.into_inner().grant.unwrap();
    let pb::Grant { grant_id, etag, .. } = given;
    let reason = "over".to_owned();
    let revoke = pb::RevokeGrantRequest { grant_id, etag, reason, ..Default::default() };
    people[1].grants().revoke_grant(revoke).await?;
    shared.granted.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Creates a client, however often it has to be asked for, and deletes every other one.
async fn create(shared: Arc<Shared>, people: Vec<Caller>) -> Result<(), Status> {
    let mut clients = people[0].clients();
    let name = format!("Made {}", Uuid::new_v4().simple());
    let wish = pb::CreateClientRequest {
        client: Some(pb::Client {
            display_name: name.clone(),
            team: "partners".to_owned(),
            ..Default::default()
        }),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let client = loop {
        match clients.create_client(wish.clone()).await {
            Ok(answer) => break answer.into_inner().client.unwrap(),
            Err(status) => {
                assert!(may_be(&status), "{status:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    shared.created.lock().unwrap().insert(name.clone(), Fate::Kept);
    if rand::rng().random_bool(0.5) {
        return Ok(());
    }
    shared.created.lock().unwrap().insert(name.clone(), Fate::Open);
    let pb::Client { client_id, etag, .. } = client;
    let delete = pb::DeleteClientRequest { client_id, etag, ..Default::default() };
    clients.delete_client(delete).await?;
    shared.created.lock().unwrap().insert(name, Fate::Deleted);
    Ok(())
}

impl Shared {
    pub(super) fn new(clients: Vec<String>) -> Arc<Self> {
        Arc::new(Self {
            clients,
            counted: Mutex::default(),
            created: Mutex::default(),
            switched: AtomicUsize::new(0),
            granted: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
        })
    }

    fn any(&self) -> String {
        self.clients.choose(&mut rand::rng()).unwrap().clone()
    }

    /// Nothing that was acknowledged is lost, and nothing was done twice; answers with what there was, in words.
    pub(super) async fn check(&self, admin: &Caller) -> String {
        let there = all_clients(admin).await;
        let counted = self.counted.lock().unwrap();
        let mut updates = 0;
        for (client_id, counted) in counted.iter() {
            let last = number(&there[client_id].description);
            let acknowledged = counted.numbers.len() as u64;
            updates += acknowledged;
            assert!(counted.numbers.last().is_none_or(|number| *number <= last), "{client_id}");
            // Each number was given once: those that nobody was told of make up for the rest.
            assert!(
                acknowledged <= last && last <= acknowledged + counted.unanswered,
                "{client_id}: {acknowledged} were acknowledged, {} not answered, and it stands at {last}",
                counted.unanswered
            );
        }
        let created = self.created.lock().unwrap();
        for (name, fate) in created.iter() {
            let found = there.values().filter(|client| client.display_name == *name).count();
            let right = match fate {
                Fate::Kept => found == 1,
                Fate::Deleted => found == 0,
                Fate::Open => found <= 1,
            };
            assert!(right, "{name} is there {found} times");
        }
        let shared = self.clients.len();
        assert_eq!(
            there.values().filter(|client| client.display_name.starts_with("Client ")).count(),
            shared
        );
        assert!(updates > 20 && created.len() > 10, "{updates} updates, {} clients", created.len());
        format!(
            "| acknowledged | |\n|---|---|\n| updates of {shared} clients, each of the number before | {updates} |\n\
             | clients created, each exactly once | {} |\n| clients disabled and enabled again | {} |\n\
             | grants asked for, approved and revoked | {} |\n| updates without an answer | {} |\n",
            created.len(),
            self.switched.load(Ordering::Relaxed),
            self.granted.load(Ordering::Relaxed),
            self.unanswered.load(Ordering::Relaxed),
        )
    }
}
