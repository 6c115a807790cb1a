//! Asks an authorization server whether a token is still good (RFC 7662; feature `introspection`).
//!
//! A signature says what was true when a token was signed. Until a verifier hears of revocations by
//! itself, an API that must know of them within a second asks. It asks only about tokens that passed
//! every check that can be made here, so nobody drives its requests who cannot get tokens.
//!
//! An answer counts from the moment at which it was asked for, and for
//! [`keep_for`](Builder::keep_for): whoever comes within that time shares the question or its answer,
//! and nobody gets an answer that is older. Failures are not kept. They refuse the request, with 503:
//! a server that does not know whether a token is revoked has no business to accept it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::basic;
use crate::claims::Claims;
pub use crate::connect::AddressError;
use crate::fetch::{self, Fetcher};
use crate::json::{self, Limits, Value};
use crate::refusal::Refusal;
use crate::scope::Subset;

const LIMITS: Limits = Limits { depth: 8, members: 64 };
/// Bytes of the largest answer.
const MAX_ANSWER: usize = 64 * 1024;

/// An introspection endpoint, and what it said a moment ago. Clones share it.
#[derive(Clone)]
pub struct Introspection {
    shared: Arc<Shared>,
}

/// Why the last question brought no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The answer is no introspection response (RFC 7662 section 2.2), is about another token, or
    /// says of an active token nothing about its scopes.
    #[error("the answer of introspection is not understood")]
    BadAnswer,
    /// The tokio runtime that the request ran on has ended, or there is none.
    #[error("the request was interrupted")]
    Interrupted,
    /// The identifier or the secret is not accepted (RFC 7662 section 2.3).
    #[error("introspection does not accept the credentials")]
    NotAccepted,
    /// Another status than 200. Redirects are not followed: they would carry secret and token
    /// elsewhere.
    #[error("introspection answered with status {0}")]
    Status(u16),
    /// No whole answer in time.
    #[error("no answer of introspection in time")]
    Timeout,
    /// The answer is longer than any introspection response.
    #[error("the answer of introspection is too large")]
    TooLarge,
    /// No connection, or it broke.
    #[error("introspection cannot be reached")]
    Transport(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// The settings do not make an introspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address.
    #[error("the address of introspection: {0}")]
    Address(#[from] AddressError),
    /// The identifier or the secret is empty.
    #[error("the identifier or the secret is empty")]
    NoCredentials,
    /// A timeout of zero.
    #[error("the timeout is zero")]
    NoTime,
}

struct Shared {
    authorization: HeaderValue,
    fetcher: Fetcher,
    keep_for: Duration,
    last_error: Mutex<Option<Error>>,
    known: Mutex<Known>,
    timeout: Duration,
}

/// What the endpoint says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It is good, for these of its scopes.
    Active(Subset),
    Inactive,
    /// There is no answer.
    Nothing,
}

type Waiting = watch::Receiver<Option<Said>>;
/// Tokens are kept as their SHA-256 only.
type TokenHash = [u8; 32];

/// The newest questions and answers, in two halves: a full young half becomes the old one, and the
/// old one is dropped. An entry lives for a fraction of a second, so none is moved back.
#[derive(Default)]
struct Known {
    /// Of one half.
    max_entries: usize,
    old: HashMap<TokenHash, Entry>,
    young: HashMap<TokenHash, Entry>,
}

#[derive(Clone)]
struct Entry {
    state: State,
    until: Instant,
}

#[derive(Clone)]
enum State {
    /// Somebody asks; the answer goes to all who wait.
    Asking(Waiting),
    Said(Said),
}

impl Introspection {
    /// Starts the settings of an introspection at `address`, an `https` URL, or an `http` one on this
    /// machine, as the resource server `identifier` with one of its own secrets.
    pub fn builder(
        address: impl Into<String>,
        identifier: impl Into<String>,
        secret: impl Into<String>,
    ) -> Builder {
        Builder {
            address: address.into(),
            allow_plain: false,
            identifier: identifier.into(),
            keep_for: Duration::from_millis(500),
            max_entries: 10_000,
            secret: secret.into(),
            timeout: Duration::from_secs(2),
        }
    }

    /// Why the last question brought no answer; `None` when it did. For logs and readiness probes:
    /// a request that was refused for it has the reason `introspection_unavailable`.
    #[must_use]
    pub fn last_error(&self) -> Option<Error> {
        lock(&self.shared.last_error).clone()
    }

    /// The scopes of `claims` that are still good. `now` is the verifier's time, in seconds since the
    /// Unix epoch.
    pub(crate) async fn ask(
        &self,
        token: &str,
        claims: &Arc<Claims>,
        now: i64,
    ) -> Result<Subset, Refusal> {
        let said = match self.shared.entry(token, claims, now).state {
            State::Asking(mut waiting) => {
                match waiting.wait_for(Option::is_some).await.as_deref() {
                    Ok(Some(said)) => *said,
                    // The runtime that it ran on is gone.
                    _ => Said::Nothing,
                }
            }
            State::Said(said) => said,
        };
        match said {
            Said::Active(scopes) => Ok(scopes),
            Said::Inactive => Err(Refusal::NotActive),
            Said::Nothing => Err(Refusal::IntrospectionUnavailable),
        }
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("address", &self.shared.fetcher)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// What is known of the token, or the question that was just asked about it.
    fn entry(self: &Arc<Self>, token: &str, claims: &Arc<Claims>, now: i64) -> Entry {
        let mut hash = TokenHash::default();
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        // Leeway lets a token live beyond `exp`; an answer about it does not.
        let left = u64::try_from(claims.expires_at() - now).unwrap_or_default();
        let keep_for = self.keep_for.min(Duration::from_secs(left));

        let mut known = lock(&self.known);
        let moment = Instant::now();
        if let Some(entry) = known.get(&hash).filter(|entry| left > 0 && entry.holds(moment)) {
            return entry.clone();
        }
        let (landed, waiting) = watch::channel(None);
        let until = moment.checked_add(keep_for).unwrap_or(moment);
        let entry = Entry { state: State::Asking(waiting), until };
        known.put(hash, entry.clone());
        drop(known);

        // It runs on its own, so a caller that does not wait to the end takes nothing from the
        // others. Without a runtime `landed` is dropped here, and nobody waits.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            self.failed(Error::Interrupted);
            return entry;
        };
        let (shared, claims) = (self.clone(), claims.clone());
        let form = form(token);
        runtime.spawn(async move {
            let said = shared.question(form, &claims).await;
            lock(&shared.known).land(&hash, said, until);
            landed.send_replace(Some(said));
        });
        entry
    }

    async fn question(&self, form: String, claims: &Claims) -> Said {
        let mut request = Request::new(Full::from(Bytes::from(form)));
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, self.authorization.clone());
        let form = "application/x-www-form-urlencoded";
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(form));
        let answer = self.fetcher.send(request, self.timeout, MAX_ANSWER).await;
        match answer.map_err(Error::from).and_then(|answer| read(&answer, claims)) {
            Ok(said) => {
                *lock(&self.last_error) = None;
                said
            }
            Err(error) => self.failed(error),
        }
    }

    fn failed(&self, error: Error) -> Said {
        *lock(&self.last_error) = Some(error);
        Said::Nothing
    }
}

impl Known {
    fn get(&self, hash: &TokenHash) -> Option<&Entry> {
        self.young.get(hash).or_else(|| self.old.get(hash))
    }

    fn put(&mut self, hash: TokenHash, entry: Entry) {
        if self.young.len() >= self.max_entries && !self.young.contains_key(&hash) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, entry);
    }

    /// Puts an answer in the place of its question, which may have gone, or have been asked anew.
    fn land(&mut self, hash: &TokenHash, said: Said, until: Instant) {
        for half in [&mut self.young, &mut self.old] {
            let Some(entry) = half.get_mut(hash).filter(|entry| entry.until == until) else {
                continue;
            };
            if said == Said::Nothing {
                half.remove(hash);
            } else {
                entry.state = State::Said(said);
            }
        }
    }
}

impl Entry {
    fn holds(&self, now: Instant) -> bool {
        let gone = match &self.state {
            // The sender is dropped without an answer when its runtime ends.
            State::Asking(waiting) => waiting.has_changed().is_err(),
            State::Said(_) => false,
        };
        now < self.until && !gone
    }
}

/// What an answer says of the token with these claims (RFC 7662 section 2.2).
fn read(answer: &fetch::Answer, claims: &Claims) -> Result<Said, Error> {
    match answer.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(Error::NotAccepted),
        status => return Err(Error::Status(status.as_u16())),
    }
    let text = std::str::from_utf8(&answer.body).map_err(|_| Error::BadAnswer)?;
    let members = json::object(text, LIMITS).map_err(|_| Error::BadAnswer)?;
    let find = |name| members.iter().find(|(member, _)| member == name).map(|(_, value)| value);
    match find("active") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Ok(Said::Inactive),
        _ => return Err(Error::BadAnswer),
    }
    for (name, own) in [("client_id", claims.client_id()), ("jti", claims.jti())] {
        match find(name) {
            None => {}
            Some(Value::String(told)) if told == own => {}
            Some(_) => return Err(Error::BadAnswer),
        }
    }
    let Some(Value::String(scope)) = find("scope") else { return Err(Error::BadAnswer) };
    let told: Vec<&str> = scope.split(' ').collect();
    Ok(Said::Active(claims.scopes.filter(|held| told.contains(&held))))
}

/// The body of a question (RFC 7662 section 2.1).
fn form(token: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", token).append_pair("token_type_hint", "access_token");
    form.finish()
}

/// Nothing panics half-way while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<fetch::Error> for Error {
    fn from(error: fetch::Error) -> Self {
        match error {
            fetch::Error::Timeout => Self::Timeout,
            fetch::Error::TooLarge => Self::TooLarge,
            fetch::Error::Transport(source) => Self::Transport(source),
        }
    }
}

/// Settings of an [`Introspection`].
#[must_use]
pub struct Builder {
    address: String,
    allow_plain: bool,
    identifier: String,
    keep_for: Duration,
    max_entries: usize,
    secret: String,
    timeout: Duration,
}

impl Builder {
    /// Sends secret and tokens over plain `http` to another machine. Whoever is on the way can then
    /// use them, and answer what they like.
    pub fn dangerous_allow_plain_http(mut self) -> Self {
        self.allow_plain = true;
        self
    }

    /// At most this many answers are kept, for one token each; 10,000 unless told. With more tokens
    /// in use at once there are more questions.
    pub fn entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// For how long an answer counts, from when it was asked for: half a second unless told, and
    /// never beyond the `exp` of the token. It is also how late a revocation may be noticed. Zero
    /// asks anew for each request.
    pub fn keep_for(mut self, time: Duration) -> Self {
        self.keep_for = time;
        self
    }

    /// How long one question may take, all in all; 2 seconds unless told.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The introspection. Asks nobody yet.
    ///
    /// # Errors
    ///
    /// When a setting is not usable.
    pub fn build(self) -> Result<Introspection, BuildError> {
        let Self { address, allow_plain, identifier, keep_for, max_entries, secret, timeout } =
            self;
        if identifier.is_empty() || secret.is_empty() {
            return Err(BuildError::NoCredentials);
        }
        if timeout.is_zero() {
            return Err(BuildError::NoTime);
        }
        let fetcher = Fetcher::new(&address, allow_plain)?;
        let authorization = basic::header(&identifier, &secret).ok_or(BuildError::NoCredentials)?;
        let known = Known { max_entries: (max_entries / 2).max(1), ..Known::default() };
        let shared = Shared {
            authorization,
            fetcher,
            keep_for,
            last_error: Mutex::default(),
            known: Mutex::new(known),
            timeout,
        };
        Ok(Introspection { shared: Arc::new(shared) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("identifier", &self.identifier).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
