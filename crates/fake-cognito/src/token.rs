//! The token endpoint: client credentials (developer guide, "The token issuer endpoint").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::world::{AppClient, Pool, World};

/// A refusal by its RFC 6749 code; the real ones have no description.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) &'static str);

/// What a request says.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) client_id: String,
    secret: String,
    grant_type: Option<String>,
    pub(crate) scope: Option<String>,
}

impl Request {
    /// Reads a form and an `Authorization` header.
    pub(crate) fn read(form: &[u8], authorization: Option<&str>) -> Result<Self, Refused> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(form).into_owned() {
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(Refused("invalid_request"));
            }
            fields.push((name, value));
        }
        let mut field = |name: &str| {
            let at = fields.iter().position(|(known, _)| known == name)?;
            Some(fields.swap_remove(at).1)
        };
        let (id, secret) = (field("client_id"), field("client_secret"));
        let (client_id, secret) = match authorization {
            Some(header) if secret.is_none() => {
                let (basic_id, basic_secret) = basic(header).ok_or(Refused("invalid_client"))?;
                if id.is_some_and(|id| id != basic_id) {
                    return Err(Refused("invalid_request"));
                }
                (basic_id, basic_secret)
            }
            Some(_) => return Err(Refused("invalid_request")),
            None => id.zip(secret).ok_or(Refused("invalid_client"))?,
        };
        let (grant_type, scope) = (field("grant_type"), field("scope"));
        Ok(Self { client_id, secret, grant_type, scope })
    }
}

impl World {
    /// The token that is asked for, and how long it lives.
    pub(crate) fn token(
        &mut self,
        request: &Request,
        issuer: impl Fn(&str) -> String,
    ) -> Result<Value, Refused> {
        let now = self.now().seconds();
        let found = self.pools.iter().find_map(|(id, pool)| {
            let client = pool.clients.get(&request.client_id)?;
            pool.domain.as_ref().map(|_| (id, pool, client))
        });
        let (pool_id, pool, client) = found.ok_or(Refused("invalid_client"))?;
        if !client.secrets.iter().any(|secret| secret.value == request.secret) {
            return Err(Refused("invalid_client"));
        }
        match request.grant_type.as_deref() {
            None => return Err(Refused("invalid_request")),
            Some("client_credentials") => {}
            Some("authorization_code" | "refresh_token") => return Err(Refused("invalid_grant")),
            Some(_) => return Err(Refused("unsupported_grant_type")),
        }
        if !client.list("AllowedOAuthFlows").contains(&"client_credentials") {
            return Err(Refused("unauthorized_client"));
        }
        let scopes = granted(pool, client, request.scope.as_deref())?;
        let expires_in = client.token_lifetime();
        let claims = json!({
            "sub": request.client_id,
            "token_use": "access",
            "scope": scopes.join(" "),
            "auth_time": now,
            "iss": issuer(pool_id),
            "exp": now + expires_in,
            "iat": now,
            "version": 2,
            "jti": uuid::Uuid::new_v4().to_string(),
            "client_id": request.client_id,
        });
        let token = pool.keys.sign(&claims).map_err(|_| Refused("server_error"))?;
        // No `scope`, although RFC 6749 section 5.1 wants it where it differs from what was asked.
        Ok(json!({ "access_token": token, "expires_in": expires_in, "token_type": "Bearer" }))
    }
}

/// The scopes of a token, in the order in which the client has them. One that no resource server offers
/// any more is left out in silence.
fn granted<'a>(
    pool: &Pool,
    client: &'a AppClient,
    asked: Option<&str>,
) -> Result<Vec<&'a str>, Refused> {
    let allowed = client.list("AllowedOAuthScopes");
    let asked: Option<Vec<&str>> = asked.map(|scope| scope.split_ascii_whitespace().collect());
    if asked.iter().flatten().any(|scope| !allowed.contains(scope)) {
        return Err(Refused("invalid_scope"));
    }
    let wanted = |scope: &&str| asked.as_ref().is_none_or(|asked| asked.contains(scope));
    let scopes: Vec<&str> = allowed.into_iter().filter(wanted).filter(|s| pool.offers(s)).collect();
    if scopes.is_empty() { Err(Refused("invalid_scope")) } else { Ok(scopes) }
}

/// RFC 6749 section 2.3.1: both parts form-encoded, then joined and in base64.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decode = |text: &str| {
        let form = format!("v={text}");
        form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    Some((decode(id)?, decode(secret)?))
}
