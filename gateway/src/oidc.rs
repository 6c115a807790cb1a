//! Signing in by the company's directory: OpenID Connect, code flow with PKCE, as a confidential client (RFC 10017).
//!
//! ```text
//! GET /login           an attempt begins: state, nonce and verifier in a sealed cookie; off to the directory
//! GET /login/callback  it comes back, once: code for tokens, the ID token held against everything, a session
//! ```
//!
//! No token reaches the browser. What is left of them is kept beside the session, sealed, to ask again later what the
//! person may do ([`refresh`]) and to sign out at the directory too ([`logout`]).

mod attempt;
mod claims;
mod client_auth;
mod exchange;
mod graph;
mod http;
mod id_token;
mod logout;
mod provider;
mod refused;
mod return_to;
mod settings;
mod types;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::url::Url;
use openidconnect::{
    AuthUrl, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope,
};
use tokio::sync::Semaphore;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_domain::session::DirectoryEntry;
use turnpike_domain::{Error, Principal};
use turnpike_registry::Registry;

use crate::origin::Origin;
use crate::seal::SealKeys;
use crate::session::Tokens;

use self::attempt::{Attempt, Attempts};
use self::client_auth::Authenticator;
use self::graph::Asking;
use self::http::Http;
use self::id_token::Fault;
use self::provider::{Known, Provider, Unknown};
use self::types::Client;

pub(crate) use self::claims::{Person, roles};
pub(crate) use self::logout::{FRONT_CHANNEL, SIGNED_OUT};
pub(crate) use self::refused::Refused;
pub use self::settings::{
    ClientAuth, ClientSecret as OidcClientSecret, Graph, OidcSettings, PrivateKey, Profile,
    RoleRule,
};

/// Where the directory sends people back to.
pub(crate) const CALLBACK: &str = "/login/callback";
/// How many attempts are finished at once: each makes us ask the directory.
const AT_ONCE: usize = 32;

/// The directory of an installation.
pub(crate) struct Oidc {
    settings: OidcSettings,
    public: Origin,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    provider: Provider,
    http: Http,
    authenticator: Authenticator,
    attempts: Attempts,
    asking: Asking,
    registry: Registry,
    finishing: Semaphore,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What it needs.
pub(crate) struct Parts<'a> {
    pub(crate) settings: OidcSettings,
    pub(crate) public: &'a Origin,
    pub(crate) keys: SealKeys,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// An attempt that has begun.
pub(crate) struct Begun {
    /// Where the browser goes.
    pub(crate) to: Url,
    /// What it keeps.
    pub(crate) cookies: Vec<HeaderValue>,
}

/// What comes back with a browser.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) state: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
    pub(crate) iss: Option<String>,
}

/// A person whom the directory vouches for.
pub(crate) struct Vouched {
    pub(crate) person: Principal,
    pub(crate) entry: DirectoryEntry,
    pub(crate) tokens: Tokens,
    /// Where they wanted to go.
    pub(crate) return_to: String,
}

impl Oidc {
    /// # Errors
    ///
    /// [`Error::Internal`] if a setting cannot be used.
    pub(crate) fn new(parts: Parts<'_>) -> Result<Self, Error> {
        let Parts { settings, public, keys, registry, clock, entropy } = parts;
        let issuer =
            IssuerUrl::new(settings.issuer.as_str().to_owned()).map_err(Error::internal)?;
        let redirect = RedirectUrl::new(format!("{public}{CALLBACK}")).map_err(Error::internal)?;
        let OidcSettings { client_auth, client_id, .. } = &settings;
        let authenticator =
            Authenticator::new(client_auth, client_id, issuer.as_str(), Arc::clone(&entropy))?;
        let http = Http::new()?;
        Ok(Self {
            provider: Provider::new(issuer.clone(), http.clone()),
            settings,
            public: public.clone(),
            issuer,
            redirect,
            http,
            authenticator,
            attempts: Attempts::new(public, keys),
            asking: Asking::default(),
            registry,
            finishing: Semaphore::new(AT_ONCE),
            clock,
            entropy,
        })
    }

    /// What people call the directory.
    pub(crate) fn display_name(&self) -> &str {
        &self.settings.display_name
    }

    /// Whether this is the directory of that issuer.
    pub(crate) fn is(&self, issuer: &str) -> bool {
        self.settings.issuer.as_str() == issuer
    }

    /// After what time what it said of a person is read anew.
    pub(crate) const fn reread_after(&self) -> Duration {
        self.settings.reread
    }

    /// After what time nobody goes on what it said.
    pub(crate) const fn useless_after(&self) -> Duration {
        self.settings.reread.saturating_add(self.settings.unreachable)
    }

    /// The page of ours that is wanted, or the first.
    pub(crate) fn return_to(&self, wanted: Option<&str>) -> String {
        return_to::return_to(wanted)
    }

    /// Begins an attempt of the browser of a request, to come back to `wanted` if that is a page of ours.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub(crate) async fn begin(
        &self,
        wanted: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Begun, Refused> {
        let client = self.client(&self.known().await?)?;
        let return_to = return_to::return_to(wanted);
        let begun =
            self.attempts.begin(return_to, headers, self.clock.now(), self.entropy.as_ref());
        let (attempt, cookies) = begun.map_err(Refused::StoreDown)?;
        let Attempt { state, nonce, verifier, .. } = attempt;
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier));
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (state, nonce) = (|| CsrfToken::new(state), || Nonce::new(nonce));
        let request = client
            .authorize_url(flow, state, nonce)
            .set_pkce_challenge(challenge)
            // A form post would be a cross-site POST, with which no cookie of an attempt comes.
            .add_extra_param("response_mode", "query")
            .add_scopes(self.settings.scopes.iter().cloned().map(Scope::new));
        Ok(Begun { to: request.url().0, cookies })
    }

    /// The cookie that makes a browser forget the attempt that an answer belongs to.
    pub(crate) fn forgetting(&self, answer: &Answer) -> Option<HeaderValue> {
        answer.state.as_deref().map(|state| self.attempts.forgetting(state))
    }

    /// Finishes an attempt, once.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub(crate) async fn finish(
        &self,
        answer: &Answer,
        headers: &HeaderMap,
    ) -> Result<Vouched, Refused> {
        let Answer { state, code, error, error_description, iss } = answer;
        // First of all that it is an answer to what this browser asked: nothing else of it is looked at before.
        let state = state.as_deref().ok_or(Refused::Malformed("no `state`"))?;
        let attempt = self.attempts.find(state, headers, self.clock.now());
        let attempt = attempt.ok_or(Refused::AttemptUnknown)?;
        let _turn = self.finishing.try_acquire().map_err(|_| Refused::Busy)?;
        let seconds = 2 * attempt::LIFETIME_SECONDS;
        let first = self.registry.use_once("sign-in", state, seconds).await;
        if !first.map_err(Refused::StoreDown)? {
            return Err(Refused::AttemptUsed);
        }
        let known = self.known().await?;
        self.check_issuer(iss.as_deref(), &known)?;
        if let Some(error) = error {
            return Err(refused::by_directory(error, error_description.as_deref()));
        }
        let code = code.as_deref().ok_or(Refused::Malformed("neither `code` nor `error`"))?;
        let client = self.client(&known)?;
        let tokens = self.redeem(&client, code, &attempt.verifier).await?;
        let nonce = Nonce::new(attempt.nonce);
        let (person, tokens) = self.person(tokens, &known, Some(&nonce)).await?;
        Ok(Vouched {
            person: person.principal,
            entry: person.entry,
            tokens,
            return_to: attempt.return_to,
        })
    }

    /// What it says now of the person of a session.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub(crate) async fn ask_again(
        &self,
        refresh: &str,
        person_id: &str,
    ) -> Result<(Person, Tokens), Refused> {
        let known = self.known().await?;
        let client = self.client(&known)?;
        let answered = self.renew(&client, refresh).await?;
        let (person, tokens) = self.person(answered, &known, None).await?;
        if person.principal.id == person_id {
            Ok((person, tokens))
        } else {
            Err(Fault::Subject.into())
        }
    }

    /// Whether the answer comes from the directory we asked (RFC 9207 section 2.4).
    fn check_issuer(&self, iss: Option<&str>, known: &Known) -> Result<(), Refused> {
        let more = known.metadata.additional_metadata();
        match iss {
            Some(iss) if iss == self.issuer.as_str() => Ok(()),
            None if !more.authorization_response_iss_parameter_supported => Ok(()),
            _ => Err(Refused::MixedUp),
        }
    }

    async fn known(&self) -> Result<Known, Refused> {
        self.provider.known().await.map_err(|unknown| match unknown {
            Unknown::Down(_) => Refused::DirectoryDown(unknown.into()),
            Unknown::Unusable(_) => Refused::Misconfigured(unknown.into()),
        })
    }

    /// The library's view of us, before what the directory says of itself.
    fn client(&self, known: &Known) -> Result<Client, Refused> {
        let misfit = |why: &'static str| Refused::Misconfigured(why.into());
        let authorize = known.metadata.authorization_endpoint();
        let token = known.metadata.token_endpoint().ok_or_else(|| misfit("no token endpoint"))?;
        let (scheme, host) = (authorize.url().scheme(), authorize.url().host_str().unwrap_or(""));
        if scheme != "https" && !crate::origin::is_loopback(host) {
            return Err(misfit("the authorization endpoint is not https"));
        }
        let id = ClientId::new(self.settings.client_id.clone());
        let keys = known.keys.as_ref().clone();
        let client = openidconnect::Client::new(id, self.issuer.clone(), keys)
            .set_auth_uri(AuthUrl::from_url(authorize.url().clone()))
            .set_token_uri(token.clone())
            .set_redirect_uri(self.redirect.clone());
        Ok(match &self.authenticator {
            Authenticator::Secret(secret, kind) => client
                .set_client_secret(ClientSecret::new(secret.expose().to_owned()))
                .set_auth_type(kind.clone()),
            Authenticator::Key(_) => client.set_auth_type(openidconnect::AuthType::RequestBody),
        })
    }
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::IdToken(fault)
    }
}
