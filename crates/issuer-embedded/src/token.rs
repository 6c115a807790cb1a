//! Tokens of Cognito's shape.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use turnpike_domain::authorization_server::{AccessToken, IssuedToken};
use turnpike_domain::ports::Entropy;
use turnpike_domain::{Client, Error, Scope, Timestamp};

use crate::settings::Algorithm;
use crate::signing_key::SigningKey;

/// A key that signs, with the one header that its tokens have.
pub(crate) struct Signer {
    /// In base64url, the `.` behind it included.
    header: String,
    key: SigningKey,
}

#[derive(Serialize)]
struct Header<'a> {
    kid: &'a str,
    alg: &'a str,
}

/// The claims, in Cognito's order.
#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    token_use: &'a str,
    scope: &'a str,
    auth_time: i64,
    iss: &'a str,
    exp: i64,
    iat: i64,
    version: u8,
    jti: &'a str,
    client_id: &'a str,
}

impl Signer {
    pub(crate) fn new(key_id: &str, algorithm: Algorithm, key: SigningKey) -> Result<Self, Error> {
        let header = Header { kid: key_id, alg: algorithm.name() };
        let header = serde_json::to_vec(&header).map_err(Error::internal)?;
        Ok(Self { header: format!("{}.", URL_SAFE_NO_PAD.encode(header)), key })
    }

    /// A token for `client` with these scopes, issued at `now`.
    pub(crate) fn issue(
        &self,
        issuer: &str,
        client: &Client,
        scopes: &[Scope],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<IssuedToken, Error> {
        if scopes.is_empty() {
            return Err(Error::internal("a token without scopes opens nothing"));
        }
        let mut random = [0; 16];
        entropy.fill(&mut random);
        let id = uuid::Builder::from_random_bytes(random).into_uuid();
        let mut buffer = uuid::Uuid::encode_buffer();
        let expires_in = client.token_lifetime.seconds();
        let claims = Claims {
            sub: client.client_id.as_str(),
            token_use: "access",
            scope: &joined(scopes),
            auth_time: now.seconds(),
            iss: issuer,
            exp: now.seconds() + expires_in,
            iat: now.seconds(),
            version: 2,
            jti: id.hyphenated().encode_lower(&mut buffer),
            client_id: client.client_id.as_str(),
        };
        let claims = serde_json::to_vec(&claims).map_err(Error::internal)?;

        let length = self.header.len() + (claims.len() + self.key.signature_len()) * 4 / 3 + 8;
        let mut token = String::with_capacity(length);
        token.push_str(&self.header);
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let mut signature = String::new();
        self.key.sign_to(token.as_bytes(), &mut signature)?;
        token.push('.');
        token.push_str(&signature);
        Ok(IssuedToken { access_token: AccessToken::new(token), expires_in })
    }
}

fn joined(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
}
