//! The policy of a resource server in a stream, for verifiers that decide by themselves.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Status, Streaming};
use turnpike_domain::authz::{Action, Resource};
use turnpike_domain::error::ErrorCode;
use turnpike_domain::{Actor, Error, Identifier, Problem};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::watch_policy_request::Message as Asked;
use turnpike_proto::v1::watch_policy_response::Message as Told;
use turnpike_registry::Standing;
use turnpike_rpc::oauth::Credentials;
use turnpike_rpc::{Op, status};

use crate::Inner;
use crate::update;
use crate::verifiers::Joined;

/// How long a verifier may take to say who it is.
const HELLO_TIME: Duration = Duration::from_secs(10);
/// How long a replica may take to know what a verifier has heard of another, and how often it looks.
const REACH_TIME: Duration = Duration::from_secs(2);
const REACH_PAUSE: Duration = Duration::from_millis(20);
/// How often it is looked whether the secret is still one.
const SECRET_PAUSE: Duration = Duration::from_secs(1);
/// How old a policy is said to be at most that is the whole truth as far as anybody can tell.
const VOUCHED: Duration = Duration::from_secs(1);
/// The longest name of a verifier, or of its software, in characters.
const NAME_MAX: usize = 128;

pub(crate) type Watched =
    Pin<Box<dyn Stream<Item = Result<pb::WatchPolicyResponse, Status>> + Send>>;
type Telling = mpsc::Sender<Result<pb::WatchPolicyResponse, Error>>;

/// Needs to be a resource server, which showed `credentials`.
pub(crate) fn run(
    inner: Arc<Inner>,
    op: Op,
    credentials: Credentials,
    asked: Streaming<pb::WatchPolicyRequest>,
) -> Result<Watched, Error> {
    op.authorize_new(Action::WatchPolicy, &Resource::Whole)?;
    let Actor::ResourceServer(identifier) = op.actor().clone() else {
        return Err(Error::Denied("only a resource server follows its policy"));
    };
    // One message waits while the verifier takes another: one that is slow is told less often, and more at once.
    let (send, receive) = mpsc::channel(1);
    let watch = Watch { inner, identifier, credentials, asked, send: send.clone() };
    tokio::spawn(async move {
        if let Err(error) = watch.follow().await {
            let _ = send.send(Err(error)).await;
        }
    });
    // With the stream goes the call, which counts as in flight until the verifier goes away.
    let stream = ReceiverStream::new(receive)
        .map(move |part| part.map_err(|error| status::of(&error, &op.origin().request_id)));
    Ok(Box::pin(stream))
}

struct Watch {
    inner: Arc<Inner>,
    identifier: Identifier,
    credentials: Credentials,
    asked: Streaming<pb::WatchPolicyRequest>,
    send: Telling,
}

/// What the verifier was told last.
struct Sent {
    sequence: Option<u64>,
    keys: Option<Arc<str>>,
}

impl Watch {
    /// Until the verifier goes away.
    async fn follow(mut self) -> Result<(), Error> {
        let hello = match tokio::time::timeout(HELLO_TIME, self.asked.message()).await {
            Ok(Ok(Some(first))) => hello(first)?,
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(_)) => return Err(no_message()),
            Err(_) => return Err(Error::invalid("hello", Problem::Required)),
        };
        let history = self.inner.history().await?;
        let mut sent = Sent { sequence: update::resume(&hello.resume, history), keys: None };
        self.reach(sent.sequence).await?;
        let joined = self.inner.connected.join(&self.identifier, hello, self.inner.registry.now());
        let mut changed = self.inner.policy.watch(&self.identifier);
        let mut keys = self.inner.published_keys.clone();
        let mut check = interval_at(Instant::now() + SECRET_PAUSE, SECRET_PAUSE);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.tell_news(&mut sent, &mut keys, history).await?;
        loop {
            tokio::select! {
                asked = self.asked.message() => match asked {
                    Ok(Some(message)) => {
                        let ping = ping(message)?;
                        self.answer(&ping, &joined, &mut sent, &mut keys, history).await?;
                    }
                    Ok(None) => return Ok(()),
                    Err(_) => return Err(no_message()),
                },
                changed = changed.changed() => match changed {
                    Ok(()) => self.tell_news(&mut sent, &mut keys, history).await?,
                    Err(_) => return Ok(()),
                },
                _ = check.tick() => {
                    self.check_secret()?;
                    if keys.has_changed().unwrap_or(false) {
                        self.tell_news(&mut sent, &mut keys, history).await?;
                    }
                }
                () = self.send.closed() => return Ok(()),
            }
        }
    }

    /// Waits until this replica knows what the verifier knows: by one that knows less it would forget what was revoked.
    async fn reach(&self, sequence: Option<u64>) -> Result<(), Error> {
        let known = async {
            while self.inner.policy.sequence() < sequence.unwrap_or_default() {
                tokio::time::sleep(REACH_PAUSE).await;
            }
        };
        let reached = tokio::time::timeout(REACH_TIME, known).await;
        reached.map_err(|_| Error::Unavailable("this replica knows less than the verifier".into()))
    }

    /// Tells what is new, then how old that is at most.
    async fn answer(
        &self,
        ping: &pb::VerifierPing,
        joined: &Joined,
        sent: &mut Sent,
        keys: &mut watch::Receiver<Arc<str>>,
        history: &str,
    ) -> Result<(), Error> {
        let applied = u64::try_from(ping.applied_sequence).unwrap_or_default();
        joined.applied(applied.min(sent.sequence.unwrap_or_default()));
        // Before the news are looked at: they are at least as new.
        let age = vouched(self.inner.policy.standing());
        self.tell_news(sent, keys, history).await?;
        let pong = pb::VerifierPong {
            number: ping.number,
            age_millis: i64::try_from(age.as_millis()).unwrap_or(i64::MAX),
            sequence: sent.sequence.unwrap_or_default().cast_signed(),
            resume: update::place(sent.sequence.unwrap_or_default(), history),
        };
        self.tell(Told::Pong(pong)).await;
        Ok(())
    }

    async fn tell_news(
        &self,
        sent: &mut Sent,
        published: &mut watch::Receiver<Arc<str>>,
        history: &str,
    ) -> Result<(), Error> {
        self.check_secret()?;
        let now = self.inner.registry.now();
        let news = self.inner.policy.news(&self.identifier, sent.sequence);
        let keys = published.borrow_and_update().clone();
        let new_keys = (news.whole || sent.keys.as_ref() != Some(&keys)).then(|| keys.clone());
        let sequence = news.sequence;
        if news.whole || new_keys.is_some() || !(news.clients.is_empty() && news.revoked.is_empty())
        {
            let issuer = self.inner.verifiers.decides().issuer();
            let end = update::End { history, issuer, keys: new_keys.as_deref() };
            for part in update::parts(&news, &self.identifier, now, &end) {
                self.tell(Told::Update(part)).await;
            }
        }
        *sent = Sent { sequence: Some(sequence), keys: Some(keys) };
        Ok(())
    }

    /// A verifier that has gone away is noticed by the loop.
    async fn tell(&self, message: Told) {
        let _ = self.send.send(Ok(pb::WatchPolicyResponse { message: Some(message) })).await;
    }

    /// Whether the secret still opens the stream. A policy that cannot decide says so by its age.
    fn check_secret(&self) -> Result<(), Error> {
        let Credentials { id, secret, .. } = &self.credentials;
        match self.inner.secrets.find(id, secret, self.inner.registry.now()) {
            Ok(Some(Actor::ResourceServer(found))) if found == self.identifier => Ok(()),
            Err(Error::Unavailable(_)) => Ok(()),
            _ => Err(Error::Unauthenticated(
                "the secret was removed, or the resource server deleted",
            )),
        }
    }
}

/// How old the policy is for a verifier. While the store says that it is not there, nobody can change anything: as long as
/// introspection decides by what is known, verifiers may too.
fn vouched(standing: Standing) -> Duration {
    let Standing { applied, known, age, failing, stale } = standing;
    let is_out = failing == Some(ErrorCode::Unavailable) && !stale && known <= applied;
    if is_out { age.min(VOUCHED) } else { age }
}

/// What it sends cannot be read; or it has gone, and hears nothing of this.
fn no_message() -> Error {
    Error::invalid("message", Problem::Malformed("a WatchPolicyRequest"))
}

fn hello(message: pb::WatchPolicyRequest) -> Result<pb::VerifierHello, Error> {
    let Some(Asked::Hello(hello)) = message.message else {
        return Err(Error::invalid("hello", Problem::Required));
    };
    for (field, text) in [("hello.verifier", &hello.verifier), ("hello.software", &hello.software)]
    {
        if text.chars().count() > NAME_MAX {
            return Err(Error::invalid(
                field,
                Problem::TooLong { max: NAME_MAX, unit: "characters" },
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(Error::invalid(
                field,
                Problem::Characters("characters that can be printed"),
            ));
        }
    }
    Ok(hello)
}

fn ping(message: pb::WatchPolicyRequest) -> Result<pb::VerifierPing, Error> {
    match message.message {
        Some(Asked::Ping(ping)) => Ok(ping),
        _ => Err(Error::invalid("ping", Problem::Required)),
    }
}
