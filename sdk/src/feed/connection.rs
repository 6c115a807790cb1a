//! The stream, from one connection to the next.

use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, Streaming};
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::watch_policy_request::Message as Ask;
use turnpike_proto::v1::watch_policy_response::Message as Told;

use crate::connect;
use crate::feed::age::Moment;
use crate::feed::following::Following;
use crate::feed::transport::Transport;
use crate::feed::{Error, Last};
use crate::keys::{KeySet, Keys};
use crate::verifier::Issuer;

const SOFTWARE: &str = concat!("turnpike-sdk/", env!("CARGO_PKG_VERSION"));
/// How long a connection may take, answer included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time between two signs of life that are asked for.
const PING_PAUSE_MAX: Duration = Duration::from_secs(2);
/// The shortest: after an update, so that Turnpike can tell soon who knows it.
const PING_PAUSE_MIN: Duration = Duration::from_millis(50);
/// Parts of one update that are held until it is whole: millions of clients.
const PARTS_MAX: usize = 100_000;
/// After a stream that was up the first attempt comes soon, and at a random moment: so do those of all others.
const FIRST_PAUSE_MAX: Duration = Duration::from_millis(500);

/// What the task of a feed has.
pub(super) struct Connection {
    pub(super) credentials: HeaderValue,
    pub(super) following: Arc<Following>,
    pub(super) issuer: Issuer,
    pub(super) keys: Keys,
    pub(super) name: String,
    pub(super) stale_after: Duration,
    pub(super) tell: watch::Sender<Last>,
    pub(super) transport: Transport,
}

/// What is known of the stream that is up.
struct Session {
    asked: mpsc::Sender<pb::WatchPolicyRequest>,
    number: i64,
    /// When the next ping is due, and the last one was sent.
    next: Instant,
    pinged: Instant,
    /// Pings without an answer.
    open: VecDeque<(i64, Moment)>,
    /// Of an update that is not whole yet.
    parts: Vec<pb::PolicyUpdate>,
    applied: i64,
}

impl Connection {
    /// Follows for as long as the feed lives.
    pub(super) async fn run(self) {
        let mut resume = String::new();
        let mut failures = 0;
        loop {
            let error = match self.connect(&resume).await {
                Ok((session, stream)) => {
                    failures = 0;
                    self.follow(session, stream, &mut resume).await
                }
                Err(error) => error,
            };
            self.tell.send_modify(|last| {
                last.connected = false;
                last.error = Some(error);
            });
            if self.following.is_stale() {
                // Whatever it knows counts for nothing by now. Asked for all there is, a server answers also whose log
                // was put back to an earlier state, and which would never reach what this process has seen.
                resume.clear();
            }
            failures += 1;
            sleep(pause(failures, self.stale_after)).await;
        }
    }

    async fn connect(
        &self,
        resume: &str,
    ) -> Result<(Session, Streaming<pb::WatchPolicyResponse>), Error> {
        let (asked, requests) = mpsc::channel(8);
        let hello = pb::VerifierHello {
            verifier: self.name.clone(),
            software: SOFTWARE.to_owned(),
            resume: resume.to_owned(),
        };
        // There is room, and somebody who takes it.
        let _ = asked.try_send(pb::WatchPolicyRequest { message: Some(Ask::Hello(hello)) });
        let mut request = Request::new(ReceiverStream::new(requests));
        let mut credentials = tonic::metadata::MetadataValue::try_from(self.credentials.as_bytes())
            .map_err(|_| Error::NotUnderstood("the credentials"))?;
        credentials.set_sensitive(true);
        request.metadata_mut().insert("authorization", credentials);
        let mut client = self.transport.client();
        let answer = timeout(CONNECT_TIMEOUT, client.watch_policy(request)).await;
        let stream = answer.map_err(|_| Error::Timeout)?.map_err(ended)?.into_inner();
        let now = Instant::now();
        let session = Session {
            asked,
            number: 0,
            next: now,
            pinged: now,
            open: VecDeque::new(),
            parts: Vec::new(),
            applied: 0,
        };
        Ok((session, stream))
    }

    /// Until the stream ends, which it does with an error.
    async fn follow(
        &self,
        mut session: Session,
        mut stream: Streaming<pb::WatchPolicyResponse>,
        resume: &mut String,
    ) -> Error {
        let pause = (self.stale_after / 5).min(PING_PAUSE_MAX);
        let patience = self.stale_after.max(pause * 3).min(CONNECT_TIMEOUT.max(pause * 3));
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                told = stream.message() => {
                    heard = Instant::now();
                    let told = match told {
                        Ok(Some(told)) => told,
                        Ok(None) => return ended(Status::unavailable("the stream ended")),
                        Err(status) => return ended(status),
                    };
                    if let Err(error) = self.take(&mut session, told, resume) {
                        return error;
                    }
                }
                () = sleep_until(session.next) => {
                    if heard.elapsed() > patience {
                        return Error::Timeout;
                    }
                    session.ping(pause);
                }
            }
        }
    }

    fn take(
        &self,
        session: &mut Session,
        told: pb::WatchPolicyResponse,
        resume: &mut String,
    ) -> Result<(), Error> {
        match told.message {
            Some(Told::Update(part)) => {
                let whole = !part.more;
                session.parts.push(part);
                if whole {
                    self.apply(session, resume)
                } else if session.parts.len() > PARTS_MAX {
                    Err(Error::NotUnderstood("an update without an end"))
                } else {
                    Ok(())
                }
            }
            Some(Told::Pong(pong)) => {
                self.pong(session, pong, resume);
                Ok(())
            }
            // A newer server may say more.
            None => Ok(()),
        }
    }

    fn apply(&self, session: &mut Session, resume: &mut String) -> Result<(), Error> {
        let parts = std::mem::take(&mut session.parts);
        let Some(last) = parts.last() else { return Ok(()) };
        if !last.jwks.is_empty() {
            if last.issuer.is_empty() || !self.issuer.is_or_becomes(&last.issuer) {
                return Err(Error::OtherIssuer);
            }
            let keys = KeySet::from_jwks(&last.jwks);
            self.keys.replace(keys.map_err(|_| Error::NotUnderstood("the key set"))?);
        }
        let sequence = last.sequence;
        resume.clone_from(&last.resume);
        self.following.apply(parts);
        session.applied = sequence;
        // Somebody may wait to see that it is applied.
        session.next = session.next.min(session.pinged + PING_PAUSE_MIN);
        Ok(())
    }

    fn pong(&self, session: &mut Session, pong: pb::VerifierPong, resume: &mut String) {
        while let Some((number, asked)) = session.open.pop_front() {
            if number < pong.number {
                continue;
            }
            if number > pong.number {
                // No answer to anything that was asked.
                session.open.push_front((number, asked));
                return;
            }
            let age = Duration::from_millis(u64::try_from(pong.age_millis).unwrap_or(u64::MAX));
            self.following.heard(asked, age);
            session.applied = session.applied.max(pong.sequence);
            *resume = pong.resume;
            self.tell.send_modify(|last| {
                last.connected = true;
                last.error = None;
                last.sequence = Some(session.applied.max(0).cast_unsigned());
            });
            return;
        }
    }
}

impl Session {
    /// Asks for a sign of life. Where nothing can be sent there is none, and the age grows.
    fn ping(&mut self, pause: Duration) {
        let number = self.number + 1;
        let ping = pb::VerifierPing { number, applied_sequence: self.applied };
        let message = pb::WatchPolicyRequest { message: Some(Ask::Ping(ping)) };
        let asked = Moment::now();
        self.pinged = Instant::now();
        self.next = self.pinged + pause;
        if self.asked.try_send(message).is_ok() {
            self.number = number;
            self.open.push_back((number, asked));
        }
    }
}

/// How long to wait after the `failures`-th failure in a row: at once would be all at once.
fn pause(failures: u32, stale_after: Duration) -> Duration {
    if failures <= 1 {
        return connect::random_part(FIRST_PAUSE_MAX.min(stale_after / 2));
    }
    let most = connect::backoff(failures - 1).min(stale_after.max(Duration::from_secs(2)));
    connect::random_part(most)
}

fn ended(status: Status) -> Error {
    let message = status.message().to_owned();
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => Error::NotAccepted { message },
        // Of this side: there was no answer.
        Code::Unknown | Code::Unavailable | Code::Internal if status.source().is_some() => {
            Error::Transport(Arc::new(status))
        }
        code => Error::Ended { code: name(code), message },
    }
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
        Code::Unknown => "UNKNOWN",
    }
}
