//! What the directory says of a person is read anew while their session lasts: a group that is left, a role that is
//! taken, an account that is closed show there and nowhere else.
//!
//! A session whose facts are older than `reread` is used on while they are read in the background; when they are older
//! than that and `unreachable` together, nobody uses it before they are read. A directory that refuses ends the session.
//! Of all gateways one asks at a time: refresh tokens work once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tracing::{info, warn};

use turnpike_domain::session::{
    DirectoryEntry, EndReason, Session, SessionId, SessionState, SignIn,
};
use turnpike_domain::{Error, Timestamp};
use turnpike_registry::Versioned;

use super::{NoSession, Sessions, TRIES, Tokens};
use crate::oidc::{Oidc, Person};

/// For how long a gateway that asks keeps others from asking: longer than its requests may take.
const CLAIM_SECONDS: i64 = 60;
/// How long after a failure it is tried again.
const PAUSE_SECONDS: i64 = 30;

/// The sessions whose facts this process reads now, each with what completes when they are read.
pub(super) type Reading = Mutex<HashMap<SessionId, Shared<BoxFuture<'static, ()>>>>;

/// What became of reading.
enum Outcome {
    /// They are read, or somebody else reads them, or there is no need.
    Done,
    /// The directory does not tell now.
    Later,
}

impl Sessions {
    /// The session, if what the directory said of its person is not too old.
    pub(super) async fn vouched(&self, session: Arc<Session>) -> Result<Arc<Session>, NoSession> {
        let SignIn::Directory(entry) = &session.sign_in else { return Ok(session) };
        // An installation that turned to another directory, or to none, knows nobody of the one before.
        let oidc = self.0.oidc.as_ref().filter(|oidc| oidc.is(&entry.issuer));
        let oidc = oidc.ok_or(NoSession::Ended)?;
        let now = self.0.clock.now();
        let age = Duration::from_millis(
            u64::try_from(now.millis() - entry.read_time.millis()).unwrap_or(0),
        );
        if age < oidc.reread_after() {
            return Ok(session);
        }
        if age < oidc.useless_after() {
            if entry.claimed_until <= now {
                drop(self.read(oidc, &session.session_id));
            }
            return Ok(session);
        }
        let id = &session.session_id;
        self.read(oidc, id).await;
        let session = self.0.kept.live(id, false).await?;
        let known = match &session.sign_in {
            SignIn::Directory(entry) => {
                entry.read_time.plus_millis(millis(oidc.useless_after())) > now
            }
            SignIn::Link => false,
        };
        if known { Ok(session) } else { Err(NoSession::Unknown(silent())) }
    }

    /// Reads the facts of a session in a task of its own, whoever waits for it and however long: what comes of it must be
    /// kept. Many who ask at once share one.
    fn read(&self, oidc: &Arc<Oidc>, id: &SessionId) -> Shared<BoxFuture<'static, ()>> {
        let mut reading = self.reading();
        if let Some(read) = reading.get(id).filter(|read| read.peek().is_none()) {
            return read.clone();
        }
        let (sessions, oidc, owned) = (self.clone(), Arc::clone(oidc), id.clone());
        let task = tokio::spawn(async move {
            sessions.ask(&oidc, &owned).await;
            sessions.reading().remove(&owned);
        });
        let read = task.map(|_| ()).boxed().shared();
        reading.insert(id.clone(), read.clone());
        read
    }

    fn reading(&self) -> MutexGuard<'_, HashMap<SessionId, Shared<BoxFuture<'static, ()>>>> {
        // Nothing that runs under the lock leaves the map half changed.
        self.0.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the directory, unless somebody else does.
    async fn ask(&self, oidc: &Oidc, id: &SessionId) {
        let outcome = self.claim_and_ask(oidc, id).await;
        self.0.kept.forget(id);
        match outcome {
            Ok(Outcome::Done) => {}
            Ok(Outcome::Later) => {
                if let Err(error) = self.hold(id, PAUSE_SECONDS).await {
                    not_kept(&error);
                }
            }
            Err(error) => not_kept(&error),
        }
    }

    async fn claim_and_ask(&self, oidc: &Oidc, id: &SessionId) -> Result<Outcome, Error> {
        let Some(session) = self.claimed(oidc, id).await? else { return Ok(Outcome::Done) };
        let tokens = self.tokens(id).await?;
        let Some(refresh) = tokens.and_then(|tokens| tokens.refresh) else {
            // Such a session was made to end before it would be too old.
            return Ok(Outcome::Later);
        };
        match oidc.ask_again(&refresh, &session.person.id).await {
            Ok((person, mut tokens)) => {
                // One that is not replaced goes on (RFC 6749 section 6).
                tokens.refresh.get_or_insert(refresh);
                self.keep(id, &person, &tokens).await?;
                Ok(Outcome::Done)
            }
            Err(refused) if refused.ends_session() => {
                info!(
                    person = session.person.id,
                    oidc.refusal = refused.label(),
                    error = refused.to_string(),
                    "session.refused_by_directory"
                );
                self.end(id, EndReason::Refused).await?;
                Ok(Outcome::Done)
            }
            Err(refused) => {
                warn!(
                    person = session.person.id,
                    oidc.refusal = refused.label(),
                    error = refused.to_string(),
                    "session.not_reread"
                );
                Ok(Outcome::Later)
            }
        }
    }

    /// The session, if it is live, its facts are old, and it is now this gateway that reads them.
    async fn claimed(&self, oidc: &Oidc, id: &SessionId) -> Result<Option<Session>, Error> {
        let Some(session) = self.0.registry.session(id).await? else { return Ok(None) };
        let now = self.0.clock.now();
        let SignIn::Directory(entry) = &session.value.sign_in else { return Ok(None) };
        let old = entry.read_time.plus_millis(millis(oidc.reread_after())) <= now;
        let live = session.value.state_at(now) == SessionState::Live;
        if !old || !live || entry.claimed_until > now {
            return Ok(None);
        }
        let claimed = with_entry(session, |entry| {
            entry.claimed_until = now.plus_seconds(CLAIM_SECONDS);
        });
        let ours = self.0.registry.put_session(&claimed, None).await?;
        Ok(ours.then_some(claimed.value))
    }

    /// Keeps what was read, whatever else of the session changed meanwhile: the refresh token of before may be of no more
    /// use.
    async fn keep(&self, id: &SessionId, person: &Person, tokens: &Tokens) -> Result<(), Error> {
        let sealed = tokens.seal(&self.0.keys, id, self.0.entropy.as_ref())?;
        for _ in 0..TRIES {
            let Some(session) = self.0.registry.session(id).await? else { return Ok(()) };
            if session.value.end.is_some() {
                return Ok(());
            }
            let mut next = with_entry(session, |entry| {
                let before = std::mem::replace(entry, person.entry.clone());
                entry.login_id = before.login_id;
                entry.login_hint = entry.login_hint.take().or(before.login_hint);
            });
            next.value.person.display_name.clone_from(&person.principal.display_name);
            if self.0.registry.put_session(&next, Some(&sealed)).await? {
                self.0.people.note_teams(&next.value).await;
                return Ok(());
            }
        }
        Err(Error::Unavailable("others changed the session again and again".into()))
    }

    /// Keeps everyone from asking for a while.
    async fn hold(&self, id: &SessionId, seconds: i64) -> Result<(), Error> {
        let until = self.0.clock.now().plus_seconds(seconds);
        let Some(session) = self.0.registry.session(id).await? else { return Ok(()) };
        let held = with_entry(session, |entry| entry.claimed_until = until);
        // If something else changed meanwhile, the claim of before holds on.
        self.0.registry.put_session(&held, None).await.map(|_| ())
    }
}

fn with_entry(
    mut session: Versioned<Session>,
    change: impl FnOnce(&mut DirectoryEntry),
) -> Versioned<Session> {
    if let SignIn::Directory(entry) = &mut session.value.sign_in {
        change(entry);
    }
    session
}

fn silent() -> Error {
    Error::Unavailable("the directory has not vouched for the person for too long".into())
}

fn not_kept(error: &Error) {
    let error = turnpike_rpc::status::causes(error);
    warn!(error, "session.not_kept");
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(Timestamp::MAX.millis())
}
