//! Access tokens for a client: fetched with client credentials, kept, and renewed before they end
//! (feature `client`).
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use turnpike_sdk::client::TokenSource;
//!
//! let source = TokenSource::builder("https://turnpike.example/oauth2/token", "partner", "tp_…")
//!     .scopes(["lj-health-food/place-order"])
//!     .build()?;
//! let authorization = source.token().await?.authorization();
//! # let _ = authorization; Ok(()) }
//! ```
//!
//! Ask for the token before each request and do not keep it: most answers come from memory, in no
//! time. A token is asked for only when somebody wants one, because each may cost money; one call to
//! the server serves all who wait; and from about three quarters of its life on it is renewed in the
//! background while the old one is still given out. After a failure nobody asks again for a second,
//! then two, up to thirty, or for as long as the server said in `Retry-After`.

mod answer;
mod error;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use tokio::sync::watch;
use tokio::time::Instant;

pub use self::error::{BuildError, Error};
pub use self::token::AccessToken;
use crate::basic;
use crate::clock::{Clock, SystemClock};
use crate::connect;
pub use crate::connect::AddressError;
use crate::fetch::Fetcher;
use crate::scope;

/// Scope sets that are kept at once. A program asks for a few, always the same.
const MAX_SETS: usize = 256;
/// Bytes of the largest answer.
const MAX_ANSWER: usize = 64 * 1024;

/// Gets, keeps and renews the access tokens of one client. Clones share them.
#[derive(Clone)]
pub struct TokenSource {
    shared: Arc<Shared>,
}

struct Shared {
    authorization: HeaderValue,
    clock: Arc<dyn Clock>,
    fetcher: Fetcher,
    scopes: Scopes,
    slots: Mutex<HashMap<Scopes, Arc<Slot>>>,
    timeout: Duration,
}

/// Scopes to ask for: sorted, each once, with a space between; empty means all that are granted.
type Scopes = Box<str>;

/// What is known of one set of scopes.
#[derive(Default)]
struct Slot(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    /// A request that is under way; its result goes to all who wait.
    flight: Option<watch::Receiver<Option<Result<AccessToken, Error>>>>,
    /// Until when nobody asks again, and why.
    hold: Option<(Instant, Error)>,
    token: Option<AccessToken>,
}

impl TokenSource {
    /// Starts the settings of a source that asks at `address`, an `https` URL, or an `http` one on
    /// this machine, as the client `id` with one of its secrets.
    pub fn builder(
        address: impl Into<String>,
        id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Builder {
        Builder {
            address: address.into(),
            allow_plain: false,
            clock: Arc::new(SystemClock),
            id: id.into(),
            scopes: Vec::new(),
            secret: secret.into(),
            timeout: Duration::from_secs(10),
        }
    }

    /// A token with the scopes of the settings, from memory or from the server.
    ///
    /// # Errors
    ///
    /// When there is no token and the server gives none, or did not a moment ago.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        self.token_of(self.shared.scopes.clone()).await
    }

    /// A token with exactly `scopes`, apart from those with others; none means all that are granted.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token), and when one of `scopes` is no scope.
    pub async fn token_for<S: AsRef<str>>(
        &self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<AccessToken, Error> {
        let scopes = join(scopes.into_iter().map(|scope| scope.as_ref().to_owned()).collect());
        self.token_of(scopes.ok_or(Error::NotAScope)?).await
    }

    async fn token_of(&self, scopes: Scopes) -> Result<AccessToken, Error> {
        let slot = self.shared.slot(&scopes);
        let mut flight = {
            let mut state = slot.lock();
            let now = self.shared.clock.now();
            let held = state.hold.as_ref().filter(|(until, _)| Instant::now() < *until);
            if let Some(token) = state.token.as_ref().filter(|token| token.is_usable(now)) {
                let token = token.clone();
                if token.is_ageing(now) && held.is_none() {
                    self.shared.take_off(&slot, &mut state, scopes);
                }
                return Ok(token);
            }
            if let Some((_, error)) = held {
                return Err(error.clone());
            }
            self.shared.take_off(&slot, &mut state, scopes)
        };
        match flight.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(result)) => result.clone(),
            // The runtime that it ran on is gone.
            _ => {
                slot.lock().flight = None;
                Err(Error::Interrupted)
            }
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("address", &self.shared.fetcher).finish_non_exhaustive()
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn slot(&self, scopes: &Scopes) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(scopes) {
            return slot.clone();
        }
        if slots.len() >= MAX_SETS {
            let now = self.clock.now();
            slots.retain(|_, slot| {
                slot.lock().token.as_ref().is_some_and(|token| token.is_usable(now))
            });
        }
        if slots.len() >= MAX_SETS {
            slots.clear();
        }
        slots.entry(scopes.clone()).or_default().clone()
    }

    /// Joins the request that is under way, or sends one. It runs on its own, so a caller that does
    /// not wait to the end takes nothing from the others.
    fn take_off(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        state: &mut State,
        scopes: Scopes,
    ) -> watch::Receiver<Option<Result<AccessToken, Error>>> {
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let (landed, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let (shared, slot) = (self.clone(), slot.clone());
        // Without a runtime `landed` is dropped here, which those who wait take for an interruption.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let result = shared.ask(&scopes).await;
                slot.lock().land(&result);
                landed.send_replace(Some(result));
            });
        }
        flight
    }

    async fn ask(&self, scopes: &str) -> Result<AccessToken, Error> {
        let mut request = Request::new(Full::from(Bytes::from(form(scopes))));
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, self.authorization.clone());
        let form = "application/x-www-form-urlencoded";
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(form));
        // Before it is sent: what the way takes is taken from the token's life.
        let asked_at = self.clock.now();
        let answer = self.fetcher.send(request, self.timeout, MAX_ANSWER).await?;
        answer::read(&answer, scopes, asked_at)
    }
}

impl State {
    fn land(&mut self, result: &Result<AccessToken, Error>) {
        self.flight = None;
        match result {
            Ok(token) => {
                self.token = Some(token.clone());
                self.failures = 0;
                self.hold = None;
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                let wait = connect::backoff(self.failures);
                let wait = error.retry_after().map_or(wait, |told| told.max(wait));
                self.hold = Some((Instant::now() + wait, error.clone()));
            }
        }
    }
}

/// The body of a token request (RFC 6749 section 4.4.2).
fn form(scopes: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !scopes.is_empty() {
        form.append_pair("scope", scopes);
    }
    form.finish()
}

/// `None` when one of them is no scope.
fn join(mut scopes: Vec<String>) -> Option<Scopes> {
    scopes.sort_unstable();
    scopes.dedup();
    scopes.iter().all(|scope| scope::is_token(scope)).then(|| scopes.join(" ").into())
}

/// Settings of a [`TokenSource`].
#[must_use]
pub struct Builder {
    address: String,
    allow_plain: bool,
    clock: Arc<dyn Clock>,
    id: String,
    scopes: Vec<String>,
    secret: String,
    timeout: Duration,
}

impl Builder {
    /// Another clock than the system's, to tell when a token ends.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sends the secret over plain `http` to another machine. Whoever is on the way can then be this
    /// client.
    pub fn dangerous_allow_plain_http(mut self) -> Self {
        self.allow_plain = true;
        self
    }

    /// The scopes to ask for; all that are granted unless told. A program that needs one scope asks
    /// for one: that is all a thief of its token gets.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How long one request may take, all in all; 10 seconds unless told.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The source. Asks nobody yet.
    ///
    /// # Errors
    ///
    /// When a setting is not usable.
    pub fn build(self) -> Result<TokenSource, BuildError> {
        let Self { address, allow_plain, clock, id, scopes, secret, timeout } = self;
        if id.is_empty() || secret.is_empty() {
            return Err(BuildError::NoCredentials);
        }
        if timeout.is_zero() {
            return Err(BuildError::NoTime);
        }
        let scopes = join(scopes).ok_or(BuildError::NotAScope)?;
        let fetcher = Fetcher::new(&address, allow_plain)?;
        let authorization = basic::header(&id, &secret).ok_or(BuildError::NoCredentials)?;
        let slots = Mutex::default();
        let shared = Shared { authorization, clock, fetcher, scopes, slots, timeout };
        Ok(TokenSource { shared: Arc::new(shared) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_holds_back_the_next_request_and_a_token_ends_that() {
        let mut state = State::default();
        for failures in 1..=40 {
            let before = Instant::now();
            state.land(&Err(Error::Timeout));
            let (until, error) = state.hold.as_ref().expect("held back");
            let wait = (*until - before).as_secs_f64();
            assert!(wait >= 0.9 * f64::from(failures.min(5)), "{failures}: {wait}");
            assert!(wait < 34.0, "{failures}: {wait}");
            assert!(matches!(error, Error::Timeout));
        }
        let token = AccessToken::new("x", None, 0, 3600);
        state.land(&Ok(token.clone()));
        assert!(state.hold.is_none() && state.flight.is_none());
        assert_eq!((state.token, state.failures), (Some(token), 0));
    }

    #[test]
    fn a_server_may_ask_for_more() {
        let mut state = State::default();
        let hour = Duration::from_secs(3600);
        let before = Instant::now();
        state.land(&Err(Error::Throttled { retry_after: Some(hour) }));
        let (until, _) = state.hold.expect("held back");
        assert!(until - before >= hour);
    }

    #[test]
    fn tokens_age_at_three_quarters_and_end_early() {
        for life in [1, 10, 300, 3600, 86_400] {
            for _ in 0..50 {
                let token = AccessToken::new("x", None, 1000, life);
                assert!(token.is_usable(1000), "{life}");
                assert!(!token.is_usable(1000 + life));
                assert!(token.is_ageing(1000 + life * 83 / 100));
                assert!(!token.is_ageing(1000 + life / 2) || life < 4);
            }
        }
        assert!(!AccessToken::new("x", None, 0, 3600).is_usable(3570));
    }

    #[test]
    fn without_a_runtime_it_says_so() {
        let source = TokenSource::builder("http://127.0.0.1:9/", "id", "secret").build();
        let source = source.expect("a source");
        let mut future = Box::pin(async move { source.token().await });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let answer = future.as_mut().poll(&mut context);
        assert!(matches!(answer, std::task::Poll::Ready(Err(Error::Interrupted))));
    }
}
