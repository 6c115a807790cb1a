//! A verdict together with every check that led to it, for people who ask why.

use std::sync::Arc;

use crate::claims::Claims;
use crate::refusal::Refusal;
use crate::verdict::Verified;

/// The checks, in the order in which they are made. The first that fails ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Check {
    /// The token is not longer than allowed.
    Size,
    /// It has three parts, and the first is not longer than any header needs to be.
    Parts,
    /// Each part is strict base64url, and header and claims are UTF-8.
    Encoding,
    /// The header is a JSON object that names a key and brings nothing dangerous.
    Header,
    /// The issuer has a key of that id.
    Key,
    /// The header names the algorithm of that key.
    Algorithm,
    /// That key made the signature.
    Signature,
    /// The claims are a JSON object with every claim that is needed, each of the right form.
    Claims,
    /// `iss` is the issuer.
    Issuer,
    /// `token_use` is "access".
    TokenUse,
    /// `sub`, when present, is the client.
    Subject,
    /// `aud` fits.
    Audience,
    /// `exp` has not passed.
    Expiry,
    /// `nbf` has come.
    NotBefore,
    /// `iat` is not in the future.
    IssuedAt,
    /// The policy is recent enough to decide.
    PolicyAge,
    /// The client is known and enabled.
    Client,
    /// Neither the token nor all of its client's tokens are revoked.
    Revocation,
    /// At least one scope is still granted.
    Grants,
    /// The scopes that the request needs are held and granted.
    Scopes,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 20] = [
        Self::Size,
        Self::Parts,
        Self::Encoding,
        Self::Header,
        Self::Key,
        Self::Algorithm,
        Self::Signature,
        Self::Claims,
        Self::Issuer,
        Self::TokenUse,
        Self::Subject,
        Self::Audience,
        Self::Expiry,
        Self::NotBefore,
        Self::IssuedAt,
        Self::PolicyAge,
        Self::Client,
        Self::Revocation,
        Self::Grants,
        Self::Scopes,
    ];

    /// A stable name, in `snake_case`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Parts => "parts",
            Self::Encoding => "encoding",
            Self::Header => "header",
            Self::Key => "key",
            Self::Algorithm => "algorithm",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::TokenUse => "token_use",
            Self::Subject => "subject",
            Self::Audience => "audience",
            Self::Expiry => "expiry",
            Self::NotBefore => "not_before",
            Self::IssuedAt => "issued_at",
            Self::PolicyAge => "policy_age",
            Self::Client => "client",
            Self::Revocation => "revocation",
            Self::Grants => "grants",
            Self::Scopes => "scopes",
        }
    }
}

/// How one check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It failed, and so did the token.
    Failed,
    /// An earlier check failed.
    NotReached,
    /// It passed.
    Passed,
}

/// A verdict and how it was reached.
#[derive(Clone, Debug)]
pub struct Trace {
    verdict: Result<Verified, Refusal>,
    passed: usize,
    claims: Option<Arc<Claims>>,
}

impl Trace {
    /// The verdict, the same that [`Verifier::verify`](crate::Verifier::verify) gives.
    ///
    /// # Errors
    ///
    /// When the token was refused.
    pub fn verdict(&self) -> Result<&Verified, Refusal> {
        self.verdict.as_ref().map_err(|refusal| *refusal)
    }

    /// Each check and how it went, in order.
    pub fn checks(&self) -> impl Iterator<Item = (Check, Outcome)> {
        Check::ALL.into_iter().enumerate().map(|(index, check)| {
            let outcome = match index.cmp(&self.passed) {
                std::cmp::Ordering::Less => Outcome::Passed,
                std::cmp::Ordering::Equal => Outcome::Failed,
                std::cmp::Ordering::Greater => Outcome::NotReached,
            };
            (check, outcome)
        })
    }

    /// What the token says, when the issuer signed it for us, also when it is refused for its
    /// times, by the policy or for its scopes. To explain a refusal and to revoke by it, never to
    /// let somebody in.
    #[must_use]
    pub fn claims(&self) -> Option<&Claims> {
        self.claims.as_deref()
    }
}

/// Is told what happens during a verification.
pub(crate) trait Observer {
    fn passed(&mut self, check: Check);
    fn signed(&mut self, claims: &Arc<Claims>);
}

/// Nobody asks why.
pub(crate) struct Silent;

impl Observer for Silent {
    fn passed(&mut self, _check: Check) {}
    fn signed(&mut self, _claims: &Arc<Claims>) {}
}

/// Keeps what a [`Trace`] needs.
#[derive(Default)]
pub(crate) struct Recorder {
    passed: usize,
    claims: Option<Arc<Claims>>,
}

impl Recorder {
    pub(crate) fn finish(self, verdict: Result<Verified, Refusal>) -> Trace {
        Trace { verdict, passed: self.passed, claims: self.claims }
    }
}

impl Observer for Recorder {
    fn passed(&mut self, check: Check) {
        self.passed = check as usize + 1;
    }

    fn signed(&mut self, claims: &Arc<Claims>) {
        self.claims = Some(claims.clone());
    }
}
