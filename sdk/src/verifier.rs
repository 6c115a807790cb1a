//! The one piece of code that decides on a token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base64url;
use crate::cache::{Cache, Known, VerdictCache};
use crate::claims::{ClaimSet, Claims};
use crate::clock::{Clock, SystemClock};
use crate::header::{self, Header};
use crate::keys::Keys;
use crate::policy::{GrantState, NoPolicy, Policy, PolicyRefusal, TokenFacts};
use crate::refusal::Refusal;
use crate::require::Require;
use crate::trace::{Check, Observer, Recorder, Silent, Trace};
use crate::verdict::{Decision, Verified};

/// Bytes of the largest signature: an RSA key of 8192 bits.
const MAX_SIGNATURE: usize = 1024;

/// Verifies access tokens of one issuer. Clones share everything, cache included.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
}

struct Inner {
    audience: Option<Box<str>>,
    cache: Option<Cache>,
    clock: Arc<dyn Clock>,
    issuer: Arc<str>,
    keys: Keys,
    leeway: i64,
    max_bytes: usize,
    policy: Arc<dyn Policy>,
}

impl Verifier {
    /// Starts the settings of a verifier for tokens whose `iss` is exactly `issuer`. Nothing else is
    /// derived from it: where the keys come from is a setting of its own.
    pub fn builder(issuer: impl Into<String>) -> Builder {
        Builder {
            audience: None,
            cache: VerdictCache::by_token(),
            clock: Arc::new(SystemClock),
            issuer: issuer.into(),
            keys: None,
            leeway: Duration::from_secs(5),
            max_bytes: 8 * 1024,
            policy: Arc::new(NoPolicy),
        }
    }

    /// Decides whether `token`, in the compact form of RFC 7515 section 3.1, is accepted for a
    /// request that needs `require`.
    ///
    /// Never waits and does no input or output, so it may be called anywhere.
    ///
    /// # Errors
    ///
    /// The first check that failed, in the order of [`Check::ALL`].
    pub fn verify(&self, token: &str, require: &Require) -> Result<Verified, Refusal> {
        self.inner.verify(token, require)
    }

    /// Decides like [`verify`](Self::verify), from scratch, and tells about each check.
    #[must_use]
    pub fn verify_traced(&self, token: &str, require: &Require) -> Trace {
        let mut recorder = Recorder::default();
        let verdict = self.inner.verify_traced(token, require, &mut recorder);
        recorder.finish(verdict)
    }

    /// The issuer whose tokens it accepts.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// The handle to its keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.inner.keys
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("issuer", &self.inner.issuer).finish_non_exhaustive()
    }
}

impl Inner {
    fn verify(&self, token: &str, require: &Require) -> Result<Verified, Refusal> {
        self.check_size(token)?;
        let now = self.clock.now();
        // Read before the keys are: see `Known::generation`.
        let generation = self.keys.generation();
        let Some(cache) = &self.cache else {
            let claims = self.read(token, &mut Silent)?;
            self.check_times(&claims, now, &mut Silent)?;
            let decision = self.ask(&claims, self.policy.epoch(now), now);
            return admit(claims, &decision, require, &mut Silent);
        };
        let probe = cache.probe(token);
        match cache.find(&probe).filter(|known| known.generation == generation) {
            Some(known) => {
                self.check_times(&known.claims, now, &mut Silent)?;
                let epoch = self.policy.epoch(now);
                if known.decision.holds(epoch, now) {
                    return admit(known.claims, &known.decision, require, &mut Silent);
                }
                let decision = self.ask(&known.claims, epoch, now);
                cache.insert(&probe, Known { decision, ..known.clone() });
                admit(known.claims, &decision, require, &mut Silent)
            }
            None => {
                let claims = self.read(token, &mut Silent)?;
                self.check_times(&claims, now, &mut Silent)?;
                let decision = self.ask(&claims, self.policy.epoch(now), now);
                cache.insert(&probe, Known { claims: claims.clone(), decision, generation });
                admit(claims, &decision, require, &mut Silent)
            }
        }
    }

    fn verify_traced(
        &self,
        token: &str,
        require: &Require,
        observer: &mut impl Observer,
    ) -> Result<Verified, Refusal> {
        self.check_size(token)?;
        observer.passed(Check::Size);
        let now = self.clock.now();
        let claims = self.read(token, observer)?;
        self.check_times(&claims, now, observer)?;
        let decision = self.ask(&claims, self.policy.epoch(now), now);
        admit(claims, &decision, require, observer)
    }

    fn check_size(&self, token: &str) -> Result<(), Refusal> {
        if token.len() > self.max_bytes { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    /// All that does not depend on time, policy or request: form, signature, claims.
    fn read(&self, token: &str, observer: &mut impl Observer) -> Result<Arc<Claims>, Refusal> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        if claims.contains('.') {
            return Err(Refusal::Malformed);
        }
        if header.len() > header::MAX_ENCODED {
            return Err(Refusal::TooLarge);
        }
        observer.passed(Check::Parts);

        let header = decode_text(header)?;
        let claims = decode_text(claims)?;
        let mut buffer = [0; MAX_SIGNATURE];
        let signature = base64url::decode_into(signature, &mut buffer)?;
        observer.passed(Check::Encoding);

        let header = Header::parse(&header)?;
        observer.passed(Check::Header);

        let keys = self.keys.current();
        if keys.is_empty() {
            return Err(Refusal::KeysUnavailable);
        }
        let key = keys.find(&header.key_id).ok_or(Refusal::UnknownKey)?;
        observer.passed(Check::Key);

        if header.algorithm != key.algorithm().name() {
            return Err(Refusal::AlgorithmMismatch);
        }
        observer.passed(Check::Algorithm);

        if !key.verifies(signed.as_bytes(), signature) {
            return Err(Refusal::BadSignature);
        }
        observer.passed(Check::Signature);

        let claims = ClaimSet::parse(&claims)?;
        observer.passed(Check::Claims);
        claims.check_issuer(&self.issuer)?;
        observer.passed(Check::Issuer);
        claims.check_token_use()?;
        observer.passed(Check::TokenUse);
        claims.check_subject()?;
        observer.passed(Check::Subject);
        claims.check_audience(self.audience.as_deref())?;
        observer.passed(Check::Audience);

        let claims = Arc::new(claims.into_claims(self.issuer.clone(), key.id()));
        observer.signed(&claims);
        Ok(claims)
    }

    fn check_times(
        &self,
        claims: &Claims,
        now: i64,
        observer: &mut impl Observer,
    ) -> Result<(), Refusal> {
        // "On or after" `exp` a token must not be accepted (RFC 7519 section 4.1.4). The claims are
        // below 2^53 and the leeway is below a minute, so nothing overflows.
        if now >= claims.expires_at + self.leeway {
            return Err(Refusal::Expired);
        }
        observer.passed(Check::Expiry);
        let latest = now.saturating_add(self.leeway);
        if claims.not_before.is_some_and(|not_before| not_before > latest) {
            return Err(Refusal::NotYetValid);
        }
        observer.passed(Check::NotBefore);
        if claims.issued_at > latest {
            return Err(Refusal::IssuedInFuture);
        }
        observer.passed(Check::IssuedAt);
        Ok(())
    }

    /// Asks the policy. `epoch` was read before, so an answer that is overtaken by a change carries
    /// the older number and is asked for again.
    fn ask(&self, claims: &Claims, epoch: u64, now: i64) -> Decision {
        let facts = TokenFacts {
            client_id: &claims.client_id,
            expires_at: claims.expires_at,
            issued_at: claims.issued_at,
            jti: &claims.jti,
            now,
        };
        let mut until = i64::MAX;
        let outcome = self.policy.admits(&facts).map(|()| {
            claims.scopes.filter(|scope| match self.policy.grants(&facts, scope) {
                GrantState::Active => true,
                GrantState::ActiveUntil(end) => {
                    let active = now < end;
                    if active {
                        until = until.min(end);
                    }
                    active
                }
                GrantState::Ended => false,
            })
        });
        Decision { epoch, until, outcome }
    }
}

/// The last checks, from what the policy decided.
fn admit(
    claims: Arc<Claims>,
    decision: &Decision,
    require: &Require,
    observer: &mut impl Observer,
) -> Result<Verified, Refusal> {
    let granted = match decision.outcome {
        Ok(granted) => {
            observer.passed(Check::Revocation);
            granted
        }
        Err(refusal) => {
            match refusal {
                PolicyRefusal::Stale => {}
                PolicyRefusal::ClientDisabled | PolicyRefusal::ClientUnknown => {
                    observer.passed(Check::PolicyAge);
                }
                PolicyRefusal::TokenRevoked => observer.passed(Check::Client),
            }
            return Err(refusal.into());
        }
    };
    if granted.is_empty() {
        return Err(Refusal::ScopeNotGranted);
    }
    observer.passed(Check::Grants);
    let verified = Verified::new(claims, granted);
    verified.satisfies(require)?;
    observer.passed(Check::Scopes);
    Ok(verified)
}

fn decode_text(part: &str) -> Result<String, Refusal> {
    String::from_utf8(base64url::decode(part)?).map_err(|_| Refusal::BadEncoding)
}

impl From<base64url::Error> for Refusal {
    fn from(base64url::Error: base64url::Error) -> Self {
        Self::BadEncoding
    }
}

/// Settings of a [`Verifier`].
#[must_use]
pub struct Builder {
    audience: Option<String>,
    cache: VerdictCache,
    clock: Arc<dyn Clock>,
    issuer: String,
    keys: Option<Keys>,
    leeway: Duration,
    max_bytes: usize,
    policy: Arc<dyn Policy>,
}

/// The settings do not make a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An empty audience would be an audience that no token has.
    #[error("the audience is empty")]
    EmptyAudience,
    /// No token has an empty issuer.
    #[error("the issuer is empty")]
    EmptyIssuer,
    /// More than a minute of leeway is a clock to repair, not to allow for.
    #[error("the leeway is more than 60 seconds")]
    LeewayTooLong,
    /// Where the keys come from is not derived from the issuer.
    #[error("no keys are set")]
    NoKeys,
}

impl Builder {
    /// An audience that the token must name in `aud`, as its value or as one of an array. Cognito's
    /// own tokens have no `aud` and would be refused, so this is for issuers that write one. Unless
    /// told, a token with any `aud` but its own client id is refused, because it is for somebody
    /// else.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// How verdicts are remembered; [`VerdictCache::by_token`] unless told.
    pub fn cache(mut self, cache: VerdictCache) -> Self {
        self.cache = cache;
        self
    }

    /// Another clock than the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The keys of the issuer, supplied and replaced by the caller.
    pub fn keys(mut self, keys: Keys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// How far this machine's clock and the issuer's may be apart; 5 seconds unless told, 60 at
    /// most. Counted in whole seconds, rounded down. A token lives that much longer.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Bytes of the longest token that is looked at; 8 KiB unless told.
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Who knows what was revoked; [`NoPolicy`] unless told.
    pub fn policy(mut self, policy: Arc<dyn Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// The verifier.
    ///
    /// # Errors
    ///
    /// When a setting is missing or out of bounds.
    pub fn build(self) -> Result<Verifier, BuildError> {
        let Self { audience, cache, clock, issuer, keys, leeway, max_bytes, policy } = self;
        if issuer.is_empty() {
            return Err(BuildError::EmptyIssuer);
        }
        if audience.as_ref().is_some_and(String::is_empty) {
            return Err(BuildError::EmptyAudience);
        }
        if leeway > Duration::from_secs(60) {
            return Err(BuildError::LeewayTooLong);
        }
        let leeway = i64::try_from(leeway.as_secs()).map_err(|_| BuildError::LeewayTooLong)?;
        let inner = Inner {
            audience: audience.map(Into::into),
            cache: Cache::new(cache),
            clock,
            issuer: issuer.into(),
            keys: keys.ok_or(BuildError::NoKeys)?,
            leeway,
            max_bytes,
            policy,
        };
        Ok(Verifier { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
