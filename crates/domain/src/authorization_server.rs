//! The authorization-server seam: whoever issues access tokens.
//!
//! Two crates stand behind it: the embedded issuer, which runs in the process, and Cognito. What
//! both must agree on is the suite `turnpike_testkit::authorization_server`. One that lives elsewhere
//! also has a [`pool`], which the registry keeps up with its records.

pub mod pool;

use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::client::Client;
use crate::error::Error;
use crate::scope::Scope;
use crate::time::Timestamp;

/// The authorization server does not give every scope it was asked for (RFC 6749 `invalid_scope`).
pub const SCOPE_REFUSED: &str = "SCOPE_REFUSED";
/// It gives the client no tokens by client credentials (RFC 6749 `unauthorized_client`).
pub const GRANT_REFUSED: &str = "GRANT_REFUSED";

/// Issues access tokens, and publishes the keys by which they are verified.
#[async_trait]
pub trait AuthorizationServer: Debug + Send + Sync {
    /// The `iss` of every token: a URL, compared byte for byte. Nothing else is derived from it.
    fn issuer(&self) -> &str;

    /// A new token for the client that carries exactly the scopes asked for, issued about now and
    /// living as long as the client's tokens do. The caller has authenticated the client and decided
    /// on the scopes: nothing of that is asked again here.
    ///
    /// The token has Cognito's shape: header `kid` and `alg`, no `typ`; claims `sub` and
    /// `client_id` (the client), `token_use` ("access"), `scope`, `auth_time`, `iss`, `exp`, `iat`,
    /// `version` (2) and `jti`.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::RateLimited`] if it may succeed later;
    /// [`Error::Unauthenticated`] if the authorization server does not take the client's secret;
    /// [`Error::Precondition`] [`SCOPE_REFUSED`] if it does not give every scope, [`GRANT_REFUSED`] if
    /// it gives this client no token at all; [`Error::Internal`] for a defect, such as no scopes.
    async fn issue(&self, request: &TokenRequest<'_>) -> Result<IssuedToken, Error>;

    /// The keys that tokens issued now, before, and for a key set's lifetime from now on are
    /// verified with.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    async fn keys(&self) -> Result<PublishedKeys, Error>;

    /// Whether [`issue`](Self::issue) fails with [`Error::Unauthenticated`] for every secret that is not
    /// the client's. Only then can a secret that Turnpike does not know be proved by asking for a token.
    fn proves_secrets(&self) -> bool {
        false
    }
}

/// What a token is asked for.
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    /// For whom.
    pub client: &'a Client,
    /// With which scopes, in this order; at least one.
    pub scopes: &'a [Scope],
    /// The secret that the client has shown: an authorization server elsewhere asks for it too.
    pub secret: &'a str,
    /// When.
    pub now: Timestamp,
}

impl Debug for TokenRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("client_id", &self.client.client_id)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// A token, and how long it lives.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The token.
    pub access_token: AccessToken,
    /// Seconds from its issue to its end (RFC 6749 section 5.1 `expires_in`).
    pub expires_in: i64,
}

/// An access token in its compact form: whoever has it may use it, so it has no `Display`, its
/// `Debug` says nothing, and it is wiped when dropped.
#[derive(Clone)]
pub struct AccessToken(Zeroizing<String>);

impl AccessToken {
    /// From the compact form (RFC 7515 section 3.1).
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The compact form, to be sent to the client and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// Public keys, as they are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKeys {
    /// A JWK set (RFC 7517 section 5) in JSON, public members only.
    pub jwks: Arc<str>,
    /// The `alg` of the keys, each once (RFC 7518 section 3.1), the one that signs now first.
    pub algorithms: Vec<&'static str>,
}
