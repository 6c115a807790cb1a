//! A token before it is signed, to be bent in every way.

use super::issuer::Issuer;
use crate::base64url;

/// A token to be: header and claims as names and raw JSON, in order, repeats allowed.
#[derive(Clone, Debug)]
pub struct Draft<'i> {
    issuer: &'i Issuer,
    header: Vec<(String, String)>,
    claims: Vec<(String, String)>,
}

impl<'i> Draft<'i> {
    pub(super) fn new(issuer: &'i Issuer, client_id: &str, scope: &str, now: i64) -> Self {
        let mut id = [0; 16];
        // A test without randomness has a fixed id, which is no harm.
        let _ = aws_lc_rs::rand::fill(&mut id);
        Self { issuer, header: Vec::new(), claims: Vec::new() }
            .header("kid", quote(issuer.key_id()))
            .header("alg", quote(issuer.algorithm().name()))
            .claim("sub", quote(client_id))
            .claim("token_use", quote("access"))
            .claim("scope", quote(scope))
            .claim("auth_time", now)
            .claim("iss", quote(issuer.url()))
            .claim("exp", now + 3600)
            .claim("iat", now)
            .claim("version", 2)
            .claim("jti", quote(&base64url::encode(id)))
            .claim("client_id", quote(client_id))
    }

    /// Sets a claim to a value written in JSON; [`quote`] makes a string.
    #[must_use]
    pub fn claim(mut self, name: &str, json: impl ToString) -> Self {
        set(&mut self.claims, name, json.to_string());
        self
    }

    /// Adds a claim, also when there is one of that name.
    #[must_use]
    pub fn repeat_claim(mut self, name: &str, json: impl ToString) -> Self {
        self.claims.push((name.into(), json.to_string()));
        self
    }

    /// Leaves a claim out.
    #[must_use]
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.retain(|(member, _)| member != name);
        self
    }

    /// Sets a member of the header to a value written in JSON.
    #[must_use]
    pub fn header(mut self, name: &str, json: impl ToString) -> Self {
        set(&mut self.header, name, json.to_string());
        self
    }

    /// Adds a member to the header, also when there is one of that name.
    #[must_use]
    pub fn repeat_header(mut self, name: &str, json: impl ToString) -> Self {
        self.header.push((name.into(), json.to_string()));
        self
    }

    /// Leaves a member of the header out.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.retain(|(member, _)| member != name);
        self
    }

    /// The header, in JSON.
    #[must_use]
    pub fn header_text(&self) -> String {
        object(&self.header)
    }

    /// The claims, in JSON.
    #[must_use]
    pub fn claims_text(&self) -> String {
        object(&self.claims)
    }

    /// The token, signed by its issuer.
    #[must_use]
    pub fn token(&self) -> String {
        self.issuer.token_of(self.header_text(), self.claims_text())
    }
}

/// `text` as a JSON string.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn set(members: &mut Vec<(String, String)>, name: &str, json: String) {
    match members.iter_mut().find(|(member, _)| member == name) {
        Some((_, value)) => *value = json,
        None => members.push((name.into(), json)),
    }
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, json)| format!("{}:{json}", quote(name))).collect();
    format!("{{{}}}", members.join(","))
}
