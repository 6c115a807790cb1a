//! A process killed with SIGKILL at random moments under concurrent writes: nothing acknowledged is lost, nothing
//! is half done, the log holds, and the next start needs no hand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::Rng;
use turnpike_proto::v1 as pb;
use turnpike_tests::{Caller, Plane, Setup};
use uuid::Uuid;

use crate::support::all_clients;

/// Writers at once.
const WRITERS: usize = 8;

/// How many answers there are in a round, three times in four, before the process dies, where the store is a slow one: else a
/// busy machine kills it before anything is written.
const ANSWERS: usize = WRITERS;
/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was acknowledged: of each client the state last answered.
#[derive(Default)]
struct Acknowledged {
    clients: BTreeMap<String, Known>,
    answers: usize,
}

#[derive(Clone, Debug)]
struct Known {
    display_name: String,
    description: String,
    enabled: bool,
    /// A change was sent and not answered: both outcomes are right.
    open: Option<Open>,
}

#[derive(Clone, Debug)]
enum Open {
    Description(String),
    Enabled(bool),
}

/// One writer: creates clients and changes those it made, until its calls fail.
async fn write(caller: Caller, acknowledged: Arc<Mutex<Acknowledged>>, writer: usize) {
    let mut clients = caller.clients();
    let mut mine: Vec<(String, String)> = Vec::new();
    for n in 0.. {
        let display_name = format!("Client {writer} {n} {}", Uuid::new_v4().simple());
        if mine.is_empty() || n % 3 == 0 {
            let request = pb::CreateClientRequest {
                client: Some(pb::Client {
                    display_name: display_name.clone(),
                    team: "partners".to_owned(),
                    ..Default::default()
                }),
                request_id: Uuid::new_v4().to_string(),
                ..Default::default()
            };
            let Ok(answer) = clients.create_client(request).await else { return };
            let client = answer.into_inner().client.unwrap();
            mine.push((client.client_id.clone(), client.etag));
            let known =
                Known { display_name, description: String::new(), enabled: true, open: None };
            let mut acknowledged = acknowledged.lock().unwrap();
            acknowledged.clients.insert(client.client_id, known);
            acknowledged.answers += 1;
            continue;
        }
        let at = rand::rng().random_range(0..mine.len());
        let (client_id, etag) = mine[at].clone();
        let open = match n % 3 {
            1 => Open::Description(format!("Described {n}")),
            _ => Open::Enabled(!acknowledged.lock().unwrap().clients[&client_id].enabled),
        };
        acknowledged.lock().unwrap().clients.get_mut(&client_id).unwrap().open = Some(open.clone());
        let answer = match open.clone() {
            Open::Description(description) => {
                let client = pb::Client {
                    client_id: client_id.clone(),
                    description,
                    etag,
                    ..Default::default()
                };
                let request =
                    pb::UpdateClientRequest { client: Some(client), ..Default::default() };
                clients.update_client(request).await.map(|a| a.into_inner().client)
            }
            Open::Enabled(true) => {
                let request =
                    pb::EnableClientRequest { client_id: client_id.clone(), validate_only: false };
                clients.enable_client(request).await.map(|a| a.into_inner().client)
            }
            Open::Enabled(false) => {
                let request =
                    pb::DisableClientRequest { client_id: client_id.clone(), validate_only: false };
                clients.disable_client(request).await.map(|a| a.into_inner().client)
            }
        };
        let Ok(Some(client)) = answer else { return };
        mine[at].1 = client.etag;
        let mut acknowledged = acknowledged.lock().unwrap();
        acknowledged.answers += 1;
        let known = acknowledged.clients.get_mut(&client_id).unwrap();
        known.apply(open);
        known.open = None;
    }
}

impl Known {
    fn apply(&mut self, open: Open) {
        match open {
            Open::Description(description) => self.description = description,
            Open::Enabled(enabled) => self.enabled = enabled,
        }
    }

    /// Whether what is there now is what was acknowledged, or that and the change that was not answered.
    fn allows(&self, client: &pb::Client) -> bool {
        let is = |known: &Self| {
            client.display_name == known.display_name
                && client.description == known.description
                && (client.state() == pb::ClientState::Enabled) == known.enabled
        };
        let with_open = self.open.clone().is_some_and(|open| {
            let mut other = self.clone();
            other.apply(open);
            is(&other)
        });
        is(self) || with_open
    }
}

/// Waits until the writers have had some answers.
async fn until_answered(acknowledged: &Mutex<Acknowledged>) {
    let answers = || acknowledged.lock().unwrap().answers;
    let (before, until) = (answers(), Instant::now() + PATIENCE);
    while answers() < before + ANSWERS {
        assert!(Instant::now() < until, "{} answers in {PATIENCE:?}", answers() - before);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_a_kill() {
    let config = "[limits]\nchanges_per_second = 100000\nreads_per_second = 100000\ntokens_per_second = 1000\n\
                  [quotas]\nclients = 100000\n";
    let mut plane = Plane::start_with(config).await;
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let mut written = 0;
    let kills = Setup::current().kills();
    for kill in 0..kills {
        let caller = plane.caller("pavel").await;
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(write(caller.clone(), acknowledged.clone(), writer)))
            .collect();
        if kill % 4 > 0 {
            until_answered(&acknowledged).await;
        }
        let wait = rand::rng().random_range(0..60);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        plane.kill().await;
        for writer in writers {
            writer.await.unwrap();
        }

        plane = plane.restart().await;
        let auditor = plane.caller("aino").await;
        let verified = auditor.audit().verify_log(pb::VerifyLogRequest::default()).await.unwrap();
        let verified = verified.into_inner();
        assert!(verified.intact, "kill {kill}: {}", verified.problem);
        assert_eq!(verified.last_sequence, verified.head_sequence, "kill {kill}");

        let there = all_clients(&auditor).await;
        let mut known = acknowledged.lock().unwrap();
        written = known.clients.len();
        for (client_id, known) in &mut known.clients {
            let client =
                there.get(client_id).unwrap_or_else(|| panic!("kill {kill}: {client_id} is lost"));
            assert!(known.allows(client), "kill {kill}: {known:?} became {client:?}");
            // What is there now is what counts from now on.
            known.description.clone_from(&client.description);
            known.enabled = client.state() == pb::ClientState::Enabled;
            known.open = None;
        }
        // Whole clients only: each that is there has its event, unanswered ones included.
        let created = there.values().filter(|client| client.secrets.len() == 1).count();
        assert_eq!(created, there.len(), "kill {kill}: a client without its secret");
    }
    assert!(written > kills, "only {written} clients in {kills} rounds: the test wrote too little");
}
