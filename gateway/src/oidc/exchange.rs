//! Codes and refresh tokens for ID tokens, at the directory's token endpoint.

use std::sync::Arc;

use openidconnect::core::{CoreErrorResponseType, CoreJsonWebKeySet};
use openidconnect::{
    AuthorizationCode, Nonce, OAuth2TokenResponse, PkceCodeVerifier, RefreshToken,
    RequestTokenError, TokenResponse,
};
use zeroize::Zeroizing;

use super::claims::{self, Person};
use super::client_auth::{ASSERTION_TYPE, Authenticator};
use super::http;
use super::id_token::{Expected, Fault, verify};
use super::provider::Known;
use super::types::{Client, IdToken, TokenError, Tokens as Answered};
use super::{Oidc, Refused};
use crate::session::Tokens;

type Failure = RequestTokenError<http::Error, TokenError>;

impl Oidc {
    /// What a code is worth.
    pub(super) async fn redeem(
        &self,
        client: &Client,
        code: &str,
        verifier: &str,
    ) -> Result<Answered, Refused> {
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        for (name, value) in self.assertion()? {
            request = request.add_extra_param(name, value);
        }
        request.request_async(&self.http).await.map_err(refused)
    }

    /// What a refresh token is worth.
    pub(super) async fn renew(&self, client: &Client, token: &str) -> Result<Answered, Refused> {
        let token = RefreshToken::new(token.to_owned());
        let mut request = client.exchange_refresh_token(&token);
        for (name, value) in self.assertion()? {
            request = request.add_extra_param(name, value);
        }
        request.request_async(&self.http).await.map_err(refused)
    }

    /// The person of an answer, if its ID token is good, and what to keep of it.
    pub(super) async fn person(
        &self,
        answered: Answered,
        known: &Known,
        nonce: Option<&Nonce>,
    ) -> Result<(Person, Tokens), Refused> {
        let token = answered.id_token().ok_or(Fault::Missing)?;
        let now = self.clock.now();
        let held = |keys: &Arc<CoreJsonWebKeySet>| {
            let (settings, issuer) = (&self.settings, &self.issuer);
            let expected = Expected { settings, issuer, keys, nonce, now };
            let claims = verify(token, &expected)?;
            claims::person(claims, settings, now)
        };
        let mut person = match held(&known.keys) {
            // The directory may have a new key. Who makes up names of keys learns nothing and costs little.
            Err(Fault::Key) if has_key_id(token) => match self.provider.keys_again().await {
                Some(keys) => held(&keys)?,
                None => return Err(Fault::Key.into()),
            },
            other => other?,
        };
        self.resolve_groups(&mut person, known).await;
        let tokens = Tokens {
            refresh: answered.refresh_token().map(|token| Zeroizing::new(token.secret().clone())),
            id: Zeroizing::new(token.to_string()),
        };
        Ok((person, tokens))
    }

    /// What goes with a request to show who we are, if that is an assertion.
    pub(super) fn assertion(&self) -> Result<Vec<(&'static str, String)>, Refused> {
        let Authenticator::Key(signer) = &self.authenticator else { return Ok(Vec::new()) };
        let assertion = signer.sign(self.clock.now());
        let assertion = assertion.map_err(|error| Refused::Misconfigured(error.into()))?;
        Ok(vec![
            ("client_assertion_type", ASSERTION_TYPE.to_owned()),
            ("client_assertion", assertion),
        ])
    }
}

/// Whether the token's own head names a key: without a name another look at the keys does not help.
fn has_key_id(token: &IdToken) -> bool {
    super::id_token::key_id(token).is_some_and(|id| !id.is_empty())
}

/// What a failure at the token endpoint means. Its words are the directory's and do not go further than its codes do.
pub(super) fn refused(failure: Failure) -> Refused {
    match failure {
        RequestTokenError::ServerResponse(answer) => {
            let description = answer.error_description().map(String::as_str);
            let said = super::refused::by_directory(&code_of(answer.error()), description);
            match answer.error() {
                CoreErrorResponseType::InvalidGrant => Refused::Code,
                CoreErrorResponseType::Extension(_) => said,
                _ => Refused::Misconfigured(said.into()),
            }
        }
        RequestTokenError::Request(error @ http::Error::Insecure(_)) => {
            Refused::Misconfigured(error.into())
        }
        RequestTokenError::Request(error) => Refused::DirectoryDown(error.into()),
        // Neither what could not be parsed nor where goes into a log: it may be a token.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Fault::Malformed.into(),
    }
}

fn code_of(error: &CoreErrorResponseType) -> String {
    match error {
        CoreErrorResponseType::Extension(code) => code.clone(),
        known => known.as_ref().to_owned(),
    }
}
