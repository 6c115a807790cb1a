//! Sessions of browsers: a sealed cookie that names a record in the store.
//!
//! The cookie holds a random number and when it ends; all that is known of the person is in the store, under the hash
//! of that number, so that several gateways share it and whoever reads the store cannot play the browser. A gateway
//! keeps what it read for [`FRESH`]: that is how long a session that was ended elsewhere may still be used.

mod cookie;
mod kept;
mod people;
mod reread;
mod tokens;

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use turnpike_domain::actor::Staff;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_domain::session::{EndReason, Session, SessionId, SignIn};
use turnpike_domain::{Error, Principal};
use turnpike_registry::Registry;

use crate::config::{Persona, SessionSettings};
use crate::oidc::{Oidc, RoleRule};
use crate::origin::Origin;
use crate::seal::SealKeys;

use self::cookie::Cookies;
use self::kept::Kept;
use self::people::People;
use self::reread::Reading;

pub(crate) use self::cookie::{Cookie, pairs};
pub(crate) use self::kept::FRESH;
pub(crate) use self::tokens::Tokens;

/// How often a session is ended anew if something else of it changed meanwhile.
const TRIES: u32 = 5;

/// The sessions of a gateway. Clones share everything.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    cookies: Cookies,
    keys: SealKeys,
    kept: Kept,
    people: People,
    oidc: Option<Arc<Oidc>>,
    reading: Reading,
    settings: SessionSettings,
    registry: Registry,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What sessions need.
pub(crate) struct Parts<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) settings: SessionSettings,
    pub(crate) personas: &'a [Persona],
    /// Who of the directory is more than a member of teams.
    pub(crate) roles: Vec<RoleRule>,
    /// The directory.
    pub(crate) oidc: Option<Arc<Oidc>>,
    pub(crate) keys: SealKeys,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// A session that is good now.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    /// The person, with the teams and roles they have now.
    pub(crate) staff: Staff,
    /// What is kept of it.
    pub(crate) session: Session,
}

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum NoSession {
    /// It has ended, or never was.
    Ended,
    /// Nobody can tell now.
    Unknown(Error),
}

impl Sessions {
    pub(crate) fn new(parts: Parts<'_>) -> Self {
        let Parts { origin, settings, personas, roles, oidc, keys, registry, clock, entropy } =
            parts;
        Self(Arc::new(Inner {
            cookies: Cookies::new(origin, keys.clone()),
            keys,
            kept: Kept::new(registry.clone(), Arc::clone(&clock)),
            people: People::new(personas, roles, registry.clone(), Arc::clone(&clock)),
            oidc,
            reading: Reading::default(),
            settings,
            registry,
            clock,
            entropy,
        }))
    }

    /// Begins a session of a person: the cookie to set. Its number is new, so a value that somebody planted in the
    /// browser before the login is worth nothing after it.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`] if it cannot be kept or sealed.
    pub(crate) async fn begin(
        &self,
        person: Principal,
        sign_in: SignIn,
        tokens: Option<&Tokens>,
    ) -> Result<HeaderValue, Error> {
        let Inner { cookies, keys, people, settings, registry, clock, entropy, .. } =
            self.0.as_ref();
        let now = clock.now();
        let mut secret = [0u8; cookie::SECRET_BYTES];
        entropy.fill(&mut secret);
        let lifetime = match tokens {
            // Whom we cannot ask about again, we do not believe for long.
            Some(Tokens { refresh: None, .. }) => {
                let useless = self.0.oidc.as_ref().map(|oidc| oidc.useless_after());
                useless.map_or(settings.lifetime, |useless| settings.lifetime.min(useless))
            }
            _ => settings.lifetime,
        };
        let lifetime = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        let expire_time = now.plus_millis(lifetime);
        let session = Session {
            session_id: SessionId::of(&secret),
            person,
            sign_in,
            create_time: now,
            expire_time,
            seen_time: now,
            idle_seconds: i64::try_from(settings.idle.as_secs()).unwrap_or(i64::MAX),
            end: None,
        };
        let tokens = tokens.map(|t| t.seal(keys, &session.session_id, entropy.as_ref()));
        let tokens = tokens.transpose()?;
        registry.begin_session(&session, tokens.as_deref()).await?;
        people.note_teams(&session).await;
        cookies.set(&secret, expire_time, now, entropy.as_ref())
    }

    /// The cookie of ours among `headers`.
    pub(crate) fn cookie_in<'a>(&self, headers: &'a HeaderMap) -> Cookie<'a> {
        self.0.cookies.find(headers)
    }

    /// The session that `headers` carry, if it is good now.
    ///
    /// # Errors
    ///
    /// [`NoSession`].
    pub(crate) async fn session_in(&self, headers: &HeaderMap) -> Result<Live, NoSession> {
        match self.cookie_in(headers) {
            Cookie::One(value) => self.open(value).await,
            Cookie::Absent | Cookie::Several => Err(NoSession::Ended),
        }
    }

    /// The session that a cookie's value names, if it is good now: neither ended nor idle for too long, and of
    /// somebody we still know. Notes that it is used.
    ///
    /// # Errors
    ///
    /// [`NoSession`].
    pub(crate) async fn open(&self, value: &str) -> Result<Live, NoSession> {
        let Inner { cookies, kept, people, clock, .. } = self.0.as_ref();
        let secret = cookies.open(value, clock.now()).ok_or(NoSession::Ended)?;
        let session = kept.live(&SessionId::of(secret.as_ref()), true).await?;
        let session = self.vouched(session).await?;
        let staff = people.staff(&session).await?.ok_or(NoSession::Ended)?;
        Ok(Live { staff, session: session.as_ref().clone() })
    }

    /// Ends a session, wherever its cookie still is.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: it may have ended all the same. [`Error::Internal`].
    pub(crate) async fn end(&self, id: &SessionId, reason: EndReason) -> Result<(), Error> {
        let Inner { kept, registry, clock, .. } = self.0.as_ref();
        for _ in 0..TRIES {
            let Some(mut session) = registry.session(id).await? else { return Ok(()) };
            if !session.value.end(clock.now(), reason)
                || registry.put_session(&session, None).await?
            {
                kept.forget(id);
                return Ok(());
            }
        }
        Err(Error::Unavailable("others changed the session again and again".into()))
    }

    /// What the directory gave for a session, if it is kept and opens.
    pub(crate) async fn tokens(&self, id: &SessionId) -> Result<Option<Tokens>, Error> {
        let kept = self.0.registry.session_tokens(id).await?;
        Ok(kept.and_then(|text| Tokens::open(&text, &self.0.keys, id)))
    }

    /// Completes when a session is no longer good, for an answer that lasts. That one is open is no use of the session.
    pub(crate) async fn over(self, id: SessionId) {
        loop {
            tokio::time::sleep(FRESH).await;
            match self.0.kept.live(&id, false).await {
                // While the store does not answer the session's own end bounds it.
                Ok(_) | Err(NoSession::Unknown(_)) => {}
                Err(NoSession::Ended) => return,
            }
        }
    }

    /// Makes a browser forget its cookie.
    pub(crate) fn clearing(&self) -> HeaderValue {
        self.0.cookies.clearing()
    }
}

impl From<Error> for NoSession {
    fn from(error: Error) -> Self {
        Self::Unknown(error)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("cookies", &self.0.cookies).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
