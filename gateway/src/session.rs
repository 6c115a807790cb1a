//! Sessions of browsers: a sealed cookie, and what it says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use turnpike_domain::actor::{Staff, Teams};
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_domain::{Error, Timestamp};

use crate::config::{Persona, SessionSettings};
use crate::ended::EndedSessions;
use crate::origin::Origin;
use crate::seal::{SealKeys, Sealer};

/// The sessions of a gateway. Clones share everything.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    cookie_name: String,
    sealer: Sealer,
    settings: SessionSettings,
    personas: BTreeMap<String, Persona>,
    ended: EndedSessions,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What the sealed cookie says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Its id: random, new at each login.
    id: [u8; 16],
    /// Key of the persona.
    persona: String,
    /// When the login was, when the session ends, and when it was last used, in milliseconds.
    issued: i64,
    expires: i64,
    seen: i64,
}

/// A session that is good now.
pub(crate) struct Session {
    content: Content,
    /// The person, with the teams and roles they have now.
    pub(crate) staff: Staff,
    /// The cookie to send back, so that the session does not end while it is used.
    pub(crate) renewed: Option<HeaderValue>,
}

/// What a request brought under our cookie's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cookie<'a> {
    /// Nothing.
    Absent,
    /// One value.
    One(&'a str),
    /// More than one: somebody else has set one of them, and nobody can tell which.
    Several,
}

impl Sessions {
    pub(crate) fn new(
        origin: &Origin,
        settings: SessionSettings,
        personas: &[Persona],
        keys: SealKeys,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        // Cookies know no ports: without it two gateways on one machine would overwrite each other's.
        let cookie_name = format!("__Host-turnpike-{}", origin.port());
        Self(Arc::new(Inner {
            sealer: Sealer::new(keys, cookie_name.clone()),
            cookie_name,
            settings,
            personas: personas.iter().map(|p| (p.id.clone(), p.clone())).collect(),
            ended: EndedSessions::default(),
            clock,
            entropy,
        }))
    }

    /// Begins a session of `persona`: the cookie to set. Its id is new, so a value that somebody planted
    /// in the browser before the login is worth nothing after it.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if it cannot be sealed.
    pub(crate) fn begin(&self, persona: &Persona) -> Result<HeaderValue, Error> {
        let now = self.0.clock.now();
        let mut id = [0u8; 16];
        self.0.entropy.fill(&mut id);
        let content = Content {
            id,
            persona: persona.id.clone(),
            issued: now.millis(),
            expires: now.plus_millis(millis(self.0.settings.lifetime)).millis(),
            seen: now.millis(),
        };
        self.cookie(&content, now)
    }

    /// The cookie of ours among `headers`.
    pub(crate) fn cookie_in<'a>(&self, headers: &'a HeaderMap) -> Cookie<'a> {
        let mut found = Cookie::Absent;
        for (name, value) in headers.get_all(COOKIE).iter().flat_map(pairs) {
            if name == self.0.cookie_name.as_bytes() {
                if found != Cookie::Absent {
                    return Cookie::Several;
                }
                found = Cookie::One(value);
            }
        }
        found
    }

    /// The session that `headers` carry, if it is good now.
    pub(crate) fn session_in(&self, headers: &HeaderMap) -> Option<Session> {
        match self.cookie_in(headers) {
            Cookie::One(value) => self.open(value),
            Cookie::Absent | Cookie::Several => None,
        }
    }

    /// The session sealed in `value`, if it is good now: neither ended nor idle for too long, and of
    /// somebody we still know.
    pub(crate) fn open(&self, value: &str) -> Option<Session> {
        let Inner { sealer, settings, personas, ended, clock, .. } = self.0.as_ref();
        let content: Content = serde_json::from_slice(&sealer.open(value)?).ok()?;
        let (now, idle) = (clock.now(), millis(settings.idle));
        let seen = Timestamp::from_millis(content.seen);
        let expires = Timestamp::from_millis(content.expires);
        if now >= expires || now >= seen.plus_millis(idle) || ended.contains(&content.id) {
            return None;
        }
        let Persona { id, display_name, teams, roles } = personas.get(&content.persona)?.clone();
        let staff = Staff {
            id,
            display_name,
            teams: Teams::Known(teams),
            roles,
            session_expire_time: expires,
        };
        // Not at each call: a cookie in each answer would be noise.
        let renewed = if now >= seen.plus_millis(idle / 12) {
            self.cookie(&Content { seen: now.millis(), persona: staff.id.clone(), ..content }, now)
                .ok()
        } else {
            None
        };
        Some(Session { content, staff, renewed })
    }

    /// Ends a session, wherever its cookie still is.
    pub(crate) fn end(&self, session: &Session) {
        let expires = Timestamp::from_millis(session.content.expires);
        self.0.ended.insert(session.content.id, expires, self.0.clock.now());
    }

    /// Makes a browser forget its cookie.
    pub(crate) fn clearing(&self) -> HeaderValue {
        let name = &self.0.cookie_name;
        header(format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"))
    }

    fn cookie(&self, content: &Content, now: Timestamp) -> Result<HeaderValue, Error> {
        let plain = serde_json::to_vec(content).map_err(Error::internal)?;
        let sealed = self.0.sealer.seal(&plain, self.0.entropy.as_ref())?;
        let left = (content.expires - now.millis()).min(millis(self.0.settings.idle)) / 1000;
        let name = &self.0.cookie_name;
        Ok(header(format!(
            "{name}={sealed}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={left}"
        )))
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("cookie", &self.0.cookie_name).finish_non_exhaustive()
    }
}

/// The cookies of one header (RFC 6265 section 4.2.1). Other sites of this machine may have set some
/// with any bytes: theirs do not hide ours.
fn pairs(header: &HeaderValue) -> impl Iterator<Item = (&[u8], &str)> {
    header.as_bytes().split(|byte| *byte == b';').filter_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        Some((name, std::str::from_utf8(&value[1..]).unwrap_or_default()))
    })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Cookie name and sealed value are ASCII by construction.
fn header(text: String) -> HeaderValue {
    let mut value = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
