//! An authorization server that lives elsewhere, as far as the token endpoint can tell: it counts what it
//! issues, checks secrets, is slow, fails and throttles as it is told. Its tokens are real.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::Semaphore;
use turnpike_domain::authorization_server::{
    AuthorizationServer, IssuedToken, PublishedKeys, SCOPE_REFUSED, TokenRequest,
};
use turnpike_domain::{Error, Scope};
use turnpike_issuer_embedded::EmbeddedIssuer;

/// What becomes of a call.
#[derive(Debug)]
pub(crate) enum Answer {
    /// This error.
    Error(Error),
    /// A token without the last scope that was asked for.
    LeavesOut,
    /// None at all.
    Never,
}

/// See above.
#[derive(Debug)]
pub(crate) struct Paid {
    inner: Arc<EmbeddedIssuer>,
    /// Calls so far.
    calls: AtomicUsize,
    /// Tokens so far.
    issued: AtomicUsize,
    /// What becomes of the calls to come; when it is empty all goes well.
    answers: Mutex<VecDeque<Answer>>,
    down: AtomicBool,
    /// A call needs one of these.
    gate: Semaphore,
    /// Secrets that it checks, by client. Others are taken for right.
    secrets: Mutex<HashMap<String, String>>,
    /// Whether it checks secrets at all.
    proves: AtomicBool,
    /// How far its clock is ahead, in seconds.
    ahead: AtomicI64,
    /// Names of clients in the order in which it was asked.
    asked_by: Mutex<Vec<String>>,
}

impl Paid {
    pub(crate) fn new(inner: Arc<EmbeddedIssuer>) -> Self {
        Self {
            inner,
            calls: AtomicUsize::new(0),
            issued: AtomicUsize::new(0),
            answers: Mutex::default(),
            down: AtomicBool::new(false),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            secrets: Mutex::default(),
            proves: AtomicBool::new(true),
            ahead: AtomicI64::new(0),
            asked_by: Mutex::default(),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn issued(&self) -> usize {
        self.issued.load(Ordering::SeqCst)
    }

    pub(crate) fn asked_by(&self) -> Vec<String> {
        self.asked_by.lock().unwrap().clone()
    }

    pub(crate) fn on_calls(&self, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn set_proves(&self, proves: bool) {
        self.proves.store(proves, Ordering::SeqCst);
    }

    /// From now on calls wait.
    pub(crate) fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// So many calls go on.
    pub(crate) fn let_through(&self, calls: usize) {
        self.gate.add_permits(calls);
    }

    /// Waits until it has been called so often.
    pub(crate) async fn until_called(&self, calls: usize) {
        while self.calls() < calls {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    /// A client that this server alone knows the secret of.
    pub(crate) fn knows(&self, client_id: &str, secret: &str) {
        self.secrets.lock().unwrap().insert(client_id.to_owned(), secret.to_owned());
    }

    async fn give(&self, request: &TokenRequest<'_>) -> Result<IssuedToken, Error> {
        let now = request.now.plus_seconds(self.ahead.load(Ordering::SeqCst));
        let token = self.inner.issue(&TokenRequest { now, ..*request }).await?;
        self.issued.fetch_add(1, Ordering::SeqCst);
        Ok(token)
    }
}

#[async_trait]
impl AuthorizationServer for Paid {
    fn issuer(&self) -> &str {
        self.inner.issuer()
    }

    async fn issue(&self, request: &TokenRequest<'_>) -> Result<IssuedToken, Error> {
        self.asked_by.lock().unwrap().push(request.client.client_id.to_string());
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        if self.down.load(Ordering::SeqCst) {
            return Err(down());
        }
        let known = self.secrets.lock().unwrap().get(request.client.client_id.as_str()).cloned();
        if known.is_some_and(|known| known != request.secret) {
            return Err(Error::Unauthenticated("invalid_client"));
        }
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            None => self.give(request).await,
            Some(Answer::Error(error)) => Err(error),
            Some(Answer::LeavesOut) => {
                let scopes: &[Scope] = &request.scopes[..request.scopes.len() - 1];
                self.give(&TokenRequest { scopes, ..*request }).await
            }
            Some(Answer::Never) => std::future::pending().await,
        }
    }

    async fn keys(&self) -> Result<PublishedKeys, Error> {
        self.inner.keys().await
    }

    fn proves_secrets(&self) -> bool {
        self.proves.load(Ordering::SeqCst)
    }
}

pub(crate) fn down() -> Error {
    Error::Unavailable("nobody answers".into())
}

pub(crate) fn throttled(retry_after_ms: u64) -> Error {
    Error::RateLimited { retry_after_ms }
}

pub(crate) fn scope_refused() -> Error {
    Error::blocked(SCOPE_REFUSED, "scopes", "invalid_scope")
}
