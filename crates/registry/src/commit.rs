//! The one place where changes become durable: puts them in order, chains their events, and merges those
//! that wait into one commit of the store.

mod recent;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{Instrument, Span};
use turnpike_domain::ports::Clock;
use turnpike_domain::{Error, Timestamp};

use crate::change::Change;
use crate::commit::recent::{Concern, Recent, read_lines};
use crate::event::{NO_HASH, Place, to_line};
use crate::fault;
use crate::hash::sha256_hex;
use crate::keys;
use crate::record::{decode, encode};
use crate::store::{self, IndexKey, Item, Key, Store, Write, check};

/// How many changes may wait before callers are told to come back later.
const WAITING_MAX: usize = 1024;
/// How often a commit is tried again when others are at it, or its outcome is unknown.
const TRIES: u32 = 8;

/// Why a change was not made.
#[derive(Debug)]
pub enum CommitError {
    /// What it leaned on has changed: read again and decide again.
    Conflict,
    /// Anything else.
    Failed(Error),
}

/// The end of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Sequence of the newest event; 0 if there is none.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
    /// Its time: the log's times never run backwards.
    pub time: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct HeadRecord {
    sequence: u64,
    hash: String,
    time: i64,
}

/// A change that waits for its turn.
struct Waiting {
    change: Change,
    /// Who waits: the commit is part of the trace of the first that shares it.
    span: Span,
    answer: oneshot::Sender<Result<u64, CommitError>>,
}

/// Hands changes to the one task that commits them. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Commits {
    queue: mpsc::Sender<Waiting>,
    head: watch::Receiver<u64>,
}

impl Commits {
    /// Reads the log's head and starts the task. It ends when the last clone is dropped.
    pub(crate) async fn start(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let head = read_head(store.as_ref()).await.map_err(unavailable)?;
        let (tell, told) = watch::channel(head.sequence);
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let recent = Recent::after(head.sequence);
        tokio::spawn(Committer { store, clock, head, recent, tell }.run(waiting));
        Ok(Self { queue, head: told })
    }

    /// Makes a change durable; answers with the sequence of its last event.
    pub(crate) async fn commit(&self, change: Change) -> Result<u64, CommitError> {
        let (answer, answered) = oneshot::channel();
        let span = tracing::info_span!(target: "turnpike::trace", "log", otel.name = "log");
        self.queue
            .try_send(Waiting { change, span: span.clone(), answer })
            .map_err(|_| failed("more changes wait than can be taken on"))?;
        answered.instrument(span).await.map_err(|_| failed("the committer stopped"))?
    }

    /// The newest sequence that this process committed or saw.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }
}

struct Committer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    head: Head,
    recent: Recent,
    tell: watch::Sender<u64>,
}

/// Changes that go into one commit, and the commit.
struct Batch {
    members: Vec<(Waiting, u64)>,
    writes: Vec<Write>,
    /// For each write, the members that asked for it; none for those of the log.
    askers: Vec<Vec<usize>>,
    places: HashMap<Key, usize>,
    head: Head,
    /// What its events are about, in order.
    concerns: Vec<Concern>,
    first_line: Option<(Key, Vec<u8>)>,
}

impl Committer {
    async fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        let mut left = Vec::new();
        loop {
            if left.is_empty() {
                let Some(first) = queue.recv().await else { return };
                left.push(first);
            }
            // Whatever waits by now shares the next commit, as far as it fits.
            while left.len() < 64
                && let Ok(next) = queue.try_recv()
            {
                left.push(next);
            }
            left = self.commit_some(left).await;
        }
    }

    /// Commits as many as fit together; gives back the rest, in order.
    async fn commit_some(&mut self, waiting: Vec<Waiting>) -> Vec<Waiting> {
        self.recall(&waiting).await;
        let (mut batch, mut rest) = self.gather(waiting);
        let mut tries = 0;
        while !batch.members.is_empty() {
            fault::reached("committing");
            let span = batch.members[0].0.span.clone();
            let Err(error) = self.store.commit(&batch.writes).instrument(span).await else {
                fault::reached("committed");
                self.done(batch);
                return rest;
            };
            tries += 1;
            match error {
                store::Error::Precondition(at) => {
                    let refused = batch.askers.get(at).cloned().unwrap_or_default();
                    let mut again = Vec::new();
                    for (n, (member, _)) in batch.members.into_iter().enumerate() {
                        if refused.contains(&n) {
                            // Whoever hung up is not told.
                            let _ = member.answer.send(Err(CommitError::Conflict));
                        } else {
                            again.push(member);
                        }
                    }
                    if refused.is_empty() {
                        // The log moved: another process wrote to it.
                        if let Err(error) = self.reload().await {
                            refuse_all(again, &error);
                            return rest;
                        }
                        self.recall(&again).await;
                    }
                    let (next, mut more) = self.gather(again);
                    batch = next;
                    more.append(&mut rest);
                    rest = more;
                }
                store::Error::Contended if tries < TRIES => pause(tries).await,
                store::Error::Unavailable(cause) => match self.happened(&batch).await {
                    Some(true) => {
                        self.done(batch);
                        return rest;
                    }
                    Some(false) if tries < TRIES => {
                        tracing::warn!(error = %cause, "log.commit_retry");
                        pause(tries).await;
                    }
                    _ => {
                        refuse_all(members(batch), &store::Error::Unavailable(cause));
                        return rest;
                    }
                },
                other => {
                    refuse_all(members(batch), &other);
                    return rest;
                }
            }
        }
        rest
    }

    /// Lays out a commit of the first changes that go together.
    fn gather(&self, waiting: Vec<Waiting>) -> (Batch, Vec<Waiting>) {
        let mut batch = Batch {
            members: Vec::new(),
            writes: Vec::new(),
            askers: Vec::new(),
            places: HashMap::new(),
            head: self.head.clone(),
            concerns: Vec::new(),
            first_line: None,
        };
        let mut rest = Vec::new();
        for member in waiting {
            if !rest.is_empty() || !batch.has_room(&member.change) {
                rest.push(member);
                continue;
            }
            if !self.stands(&member.change, &[]) {
                let _ = member.answer.send(Err(CommitError::Conflict));
                continue;
            }
            if !self.stands(&member.change, &batch.concerns) {
                // It may still be right once this batch turns out to fail.
                rest.push(member);
                continue;
            }
            // Times in the log never run backwards, whatever the clock does.
            let now = self.clock.now().max(batch.head.time);
            if let Err(member) = batch.add(member, now) {
                let (member, error) = *member;
                let _ = member.answer.send(Err(CommitError::Failed(error)));
            }
        }
        if !batch.members.is_empty()
            && let Err(error) = batch.seal(&self.head)
        {
            refuse_all(members(batch), &store::Error::Corrupt(Box::new(error)));
            return self.gather(rest);
        }
        (batch, rest)
    }

    /// Whether what was committed so far, and what comes before it now, leaves the change as it was decided.
    fn stands(&self, change: &Change, before: &[Concern]) -> bool {
        change.leans.iter().all(|lean| self.recent.bears(lean, before))
    }

    /// Makes sure that it is known what the events are about that these changes lean on: those of other processes are
    /// read. Where that fails the changes are decided anew.
    async fn recall(&mut self, waiting: &[Waiting]) {
        let leans = waiting.iter().flat_map(|waiting| &waiting.change.leans);
        let since = leans.filter(|lean| !self.recent.bears(lean, &[])).map(|lean| lean.since).min();
        if let Some(since) = since.filter(|since| *since < self.recent.after)
            && let Ok(lines) = read_lines(self.store.as_ref(), since + 1, self.head.sequence).await
        {
            self.recent.replace(since, self.head.sequence, &lines);
        }
    }

    fn done(&mut self, batch: Batch) {
        self.recent.extend(batch.concerns);
        self.head = batch.head;
        self.tell.send_replace(self.head.sequence);
        for (member, sequence) in batch.members {
            let _ = member.answer.send(Ok(sequence));
        }
    }

    async fn reload(&mut self) -> Result<(), store::Error> {
        self.head = read_head(self.store.as_ref()).await?;
        self.recent = Recent::after(self.head.sequence);
        self.tell.send_replace(self.head.sequence);
        Ok(())
    }

    /// Whether a commit whose answer was lost was made: the log tells. `None` if it does not answer either.
    async fn happened(&self, batch: &Batch) -> Option<bool> {
        let (key, line) = batch.first_line.as_ref()?;
        for tries in 1..=TRIES {
            match self.store.get(key).await {
                Ok(item) => return Some(item.is_some_and(|item| item.body == *line)),
                Err(_) => pause(tries).await,
            }
        }
        None
    }
}

impl Batch {
    /// Whether the change fits beside what is there: within a store's limits, and with no key written twice.
    fn has_room(&self, change: &Change) -> bool {
        let size = self.writes.len() + change.size() + 1;
        let clash = |write: &Write| {
            self.places.get(write.key()).is_some_and(|at| !same_check(&self.writes[*at], write))
        };
        let bytes = |writes: &[Write]| writes.iter().map(Write::bytes).sum::<usize>();
        self.members.is_empty()
            || (size <= check::COMMIT_WRITES
                && !change.writes.iter().any(clash)
                && bytes(&self.writes) + bytes(&change.writes) <= check::COMMIT_BYTES / 2)
    }

    fn add(&mut self, member: Waiting, now: Timestamp) -> Result<(), Box<(Waiting, Error)>> {
        let n = self.members.len();
        let mut head = self.head.clone();
        let mut events = Vec::new();
        for draft in &member.change.events {
            let place = Place {
                sequence: head.sequence + 1,
                time: now,
                actor: &member.change.actor,
                request_id: &member.change.origin.request_id,
                method: &member.change.origin.method,
                previous_hash: &head.hash,
            };
            let line = match to_line(draft, &place) {
                Ok(line) => line,
                Err(error) => return Err(Box::new((member, error))),
            };
            head = Head { sequence: place.sequence, hash: sha256_hex(line.as_bytes()), time: now };
            let at = keys::place(head.sequence);
            let client = draft.client_id.as_ref().map(keys::events_of_client);
            let server = draft.resource_server.as_ref().map(keys::events_of_resource_server);
            events.push(Item {
                key: keys::event(head.sequence),
                index1: client.map(|pk| IndexKey::new(pk, at.clone())),
                index2: server.map(|pk| IndexKey::new(pk, at)),
                version: 1,
                body: line.into_bytes(),
            });
        }
        for write in &member.change.writes {
            if let Some(at) = self.places.get(write.key()) {
                self.askers[*at].push(n);
            } else {
                self.places.insert(write.key().clone(), self.writes.len());
                self.writes.push(write.clone());
                self.askers.push(vec![n]);
            }
        }
        for item in events {
            self.first_line.get_or_insert_with(|| (item.key.clone(), item.body.clone()));
            self.writes.push(Write::insert(item));
            self.askers.push(Vec::new());
        }
        self.concerns.extend(member.change.events.iter().map(Concern::of));
        self.head = head;
        self.members.push((member, self.head.sequence));
        Ok(())
    }

    /// Adds the move of the head, from where the log is now.
    fn seal(&mut self, from: &Head) -> Result<(), Error> {
        let item = Item {
            key: keys::head(),
            index1: None,
            index2: None,
            version: self.head.sequence,
            body: encode(&HeadRecord {
                sequence: self.head.sequence,
                hash: self.head.hash.clone(),
                time: self.head.time.millis(),
            })?,
        };
        self.writes.push(match from.sequence {
            0 => Write::insert(item),
            at => Write::replace(item, at),
        });
        self.askers.push(Vec::new());
        Ok(())
    }
}

/// The log's end, as the store has it.
pub(crate) async fn read_head(store: &dyn Store) -> Result<Head, store::Error> {
    let empty = Head { sequence: 0, hash: NO_HASH.to_owned(), time: Timestamp::from_millis(0) };
    let Some(item) = store.get(&keys::head()).await? else { return Ok(empty) };
    let record: HeadRecord =
        decode(&item.body).map_err(|error| store::Error::Corrupt(Box::new(error)))?;
    Ok(Head {
        sequence: record.sequence,
        hash: record.hash,
        time: Timestamp::from_millis(record.time),
    })
}

/// What a failing store means to a caller.
pub(crate) fn unavailable(error: store::Error) -> Error {
    match error {
        store::Error::Contended | store::Error::Unavailable(_) => Error::Unavailable(error.into()),
        store::Error::Corrupt(_)
        | store::Error::Invalid(_)
        | store::Error::Precondition(_)
        | store::Error::TooLarge(_) => Error::internal(error),
    }
}

/// Two changes may lean on the same state; they may not both change it.
fn same_check(one: &Write, other: &Write) -> bool {
    match (one, other) {
        (Write::Check { .. }, Write::Check { .. }) => one.precondition() == other.precondition(),
        _ => false,
    }
}

fn members(batch: Batch) -> Vec<Waiting> {
    batch.members.into_iter().map(|(member, _)| member).collect()
}

fn refuse_all(members: Vec<Waiting>, error: &store::Error) {
    for member in members {
        let cause = error.to_string();
        let told = match error {
            store::Error::Contended | store::Error::Unavailable(_) => {
                Error::Unavailable(cause.into())
            }
            _ => Error::internal(cause),
        };
        let _ = member.answer.send(Err(CommitError::Failed(told)));
    }
}

fn failed(why: &'static str) -> CommitError {
    CommitError::Failed(Error::Unavailable(why.into()))
}

/// Waits a little longer each time: 2 ms to a quarter of a second, spread so that replicas do not march
/// in step.
async fn pause(tries: u32) {
    let spread = u64::from(std::process::id() % 7);
    let millis = (1u64 << tries.min(8)) + spread;
    tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
}
