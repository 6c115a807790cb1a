//! The one piece of code that decides on a token.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::base64url;
use crate::cache::{Cache, Known};
use crate::claims::{ClaimSet, Claims};
use crate::clock::Clock;
use crate::header::{self, Header};
#[cfg(feature = "introspection")]
use crate::introspection::Introspection;
#[cfg(feature = "jwks")]
use crate::jwks::{Asked, JwksSource};
use crate::keys::Keys;
use crate::policy::{GrantState, Policy, PolicyRefusal, TokenFacts};
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

pub(crate) struct Inner {
    pub(crate) audience: Option<Box<str>>,
    pub(crate) cache: Option<Cache>,
    pub(crate) clock: Arc<dyn Clock>,
    #[cfg(feature = "introspection")]
    pub(crate) introspection: Option<Introspection>,
    pub(crate) issuer: Issuer,
    pub(crate) keys: Keys,
    /// In seconds.
    pub(crate) leeway: i64,
    pub(crate) max_bytes: usize,
    pub(crate) policy: Arc<dyn Policy>,
    #[cfg(feature = "jwks")]
    pub(crate) source: Option<JwksSource>,
}

/// The issuer whose tokens are meant: set from the beginning, or once it is known, and never another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Issuer(Arc<OnceLock<Arc<str>>>);

impl Issuer {
    pub(crate) fn get(&self) -> Option<&Arc<str>> {
        self.0.get()
    }

    /// Whether it is, or has become just now, this one.
    #[cfg(feature = "feed")]
    pub(crate) fn is_or_becomes(&self, issuer: &str) -> bool {
        **self.0.get_or_init(|| issuer.into()) == *issuer
    }
}

impl From<String> for Issuer {
    fn from(issuer: String) -> Self {
        Self(Arc::new(OnceLock::from(Arc::from(issuer))))
    }
}

impl Verifier {
    /// Decides whether `token`, in the compact form of RFC 7515 section 3.1, is accepted for a
    /// request that needs `require`.
    ///
    /// Never waits and does no input or output, so it may be called anywhere. A token that names an
    /// unknown key is refused at once, and makes a [source of keys](crate::Builder::jwks) look for it.
    /// Where [introspection](crate::Builder::introspection) is set, which would have to be waited for,
    /// no token is accepted: [`Refusal::IntrospectionUnavailable`].
    ///
    /// # Errors
    ///
    /// The first check that failed, in the order of [`Check::ALL`].
    pub fn verify(&self, token: &str, require: &Require) -> Result<Verified, Refusal> {
        let verdict = self.inner.verify(token, require);
        #[cfg(feature = "jwks")]
        if let (Some(source), Err(refusal)) = (&self.inner.source, &verdict)
            && lacks_key(*refusal)
        {
            source.hint();
        }
        verdict.and_then(|verified| self.inner.accept_unasked(verified))
    }

    /// Decides like [`verify`](Self::verify), but when a token names an unknown key, it waits for a
    /// [source of keys](crate::Builder::jwks) to look for it. That is seldom, and shared by all callers.
    ///
    /// A token that passes every check is then asked about, where
    /// [introspection](crate::Builder::introspection) is set; scopes that it no longer holds there are
    /// left out of [`Verified::scopes`].
    ///
    /// # Errors
    ///
    /// The first check that failed, in the order of [`Check::ALL`]; then [`Refusal::NotActive`],
    /// [`Refusal::IntrospectionUnavailable`], or [`Refusal::ScopeNotGranted`] when a scope that is
    /// needed is no longer held.
    #[cfg(any(feature = "introspection", feature = "jwks"))]
    pub async fn verify_async(&self, token: &str, require: &Require) -> Result<Verified, Refusal> {
        let verified = self.verify_here(token, require).await?;
        #[cfg(feature = "introspection")]
        if let Some(introspection) = &self.inner.introspection {
            let now = self.inner.clock.now();
            let granted = introspection.ask(token, verified.shared_claims(), now).await?;
            return verified.narrowed(granted, require);
        }
        Ok(verified)
    }

    /// All but introspection.
    #[cfg(all(feature = "introspection", not(feature = "jwks")))]
    async fn verify_here(&self, token: &str, require: &Require) -> Result<Verified, Refusal> {
        self.inner.verify(token, require)
    }

    /// All but introspection.
    #[cfg(feature = "jwks")]
    async fn verify_here(&self, token: &str, require: &Require) -> Result<Verified, Refusal> {
        let mut verdict = self.inner.verify(token, require);
        let Some(source) = &self.inner.source else { return verdict };
        // Twice, because a fetch that was under way may have begun before the key was published.
        for _ in 0..2 {
            if !matches!(verdict, Err(refusal) if lacks_key(refusal)) {
                break;
            }
            let asked = source.refetch().await;
            if asked == Asked::Declined {
                break;
            }
            verdict = self.inner.verify(token, require);
            if asked == Asked::Started {
                break;
            }
        }
        verdict
    }

    /// The best that can be done where waiting is possible.
    #[cfg(feature = "__layer")]
    pub(crate) async fn decide(&self, token: &str, require: &Require) -> Result<Verified, Refusal> {
        #[cfg(any(feature = "introspection", feature = "jwks"))]
        return self.verify_async(token, require).await;
        #[cfg(not(any(feature = "introspection", feature = "jwks")))]
        self.verify(token, require)
    }

    /// Decides like [`verify`](Self::verify), from scratch, and tells about each check.
    /// [Introspection](crate::Builder::introspection) is none of them: where it is set, every check may
    /// pass, and the verdict is [`Refusal::IntrospectionUnavailable`] all the same.
    #[must_use]
    pub fn verify_traced(&self, token: &str, require: &Require) -> Trace {
        let mut recorder = Recorder::default();
        let verdict = self.inner.verify_traced(token, require, &mut recorder);
        recorder.finish(verdict)
    }

    /// The issuer whose tokens it accepts; empty while a feed has not told it yet.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.inner.issuer.get().map_or("", |issuer| issuer)
    }

    /// The handle to its keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("issuer", &self.issuer()).finish_non_exhaustive()
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
            self.check_age(now, require)?;
            let decision = self.ask(&claims, self.policy.epoch(now), now);
            return admit(claims, &decision, require, &mut Silent);
        };
        let probe = cache.probe(token);
        match cache.find(&probe).filter(|known| known.generation == generation) {
            Some(known) => {
                self.check_times(&known.claims, now, &mut Silent)?;
                self.check_age(now, require)?;
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
                self.check_age(now, require)?;
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
        self.check_age(now, require)?;
        let decision = self.ask(&claims, self.policy.epoch(now), now);
        self.accept_unasked(admit(claims, &decision, require, observer)?)
    }

    /// Without having asked introspection, which is fine where there is none.
    fn accept_unasked(&self, verified: Verified) -> Result<Verified, Refusal> {
        #[cfg(feature = "introspection")]
        if self.introspection.is_some() {
            return Err(Refusal::IntrospectionUnavailable);
        }
        Ok(verified)
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
        let issuer = self.issuer.get().filter(|_| !keys.is_empty());
        let issuer = issuer.ok_or(Refusal::KeysUnavailable)?;
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
        claims.check_issuer(issuer)?;
        observer.passed(Check::Issuer);
        claims.check_token_use()?;
        observer.passed(Check::TokenUse);
        claims.check_subject()?;
        observer.passed(Check::Subject);
        claims.check_audience(self.audience.as_deref())?;
        observer.passed(Check::Audience);

        let claims = Arc::new(claims.into_claims(issuer.clone(), key.id().clone()));
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

    /// Whether the policy is recent enough for the request.
    fn check_age(&self, now: i64, require: &Require) -> Result<(), Refusal> {
        let stale = self.policy.is_stale(now) && !require.accepts_stale();
        if stale { Err(Refusal::StalePolicy) } else { Ok(()) }
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

#[cfg(feature = "jwks")]
fn lacks_key(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::KeysUnavailable | Refusal::UnknownKey)
}

fn decode_text(part: &str) -> Result<String, Refusal> {
    String::from_utf8(base64url::decode(part)?).map_err(|_| Refusal::BadEncoding)
}

impl From<base64url::Error> for Refusal {
    fn from(base64url::Error: base64url::Error) -> Self {
        Self::BadEncoding
    }
}
