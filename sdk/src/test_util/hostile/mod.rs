//! Tokens that nobody may accept, each with the reason for which it must be refused.
//!
//! The list is for every way into a verifier: the sdk's own tests replay it against
//! [`Verifier`](crate::Verifier), those of a service over its own protocol.

mod claims;
mod form;
mod header;
mod payload;
mod signature;
mod times;

use super::draft::Draft;
use super::issuer::Issuer;
use crate::base64url;

/// What hostile tokens are made of: the issuer that is trusted, one that is not, and a client and
/// scope for which a token of the trusted issuer is accepted.
#[derive(Debug)]
pub struct Forge {
    client_id: String,
    issuer: Issuer,
    now: i64,
    scope: String,
    stranger: Issuer,
}

impl Forge {
    /// A forge against `issuer`, which must sign with RS256. `now` is the time of the verifier under
    /// attack, in seconds since the Unix epoch. The verifier must require `scope` and, when it
    /// follows a policy, know `client_id` with that scope granted: then only what is wrong with the
    /// token speaks against it.
    #[must_use]
    pub fn new(issuer: Issuer, client_id: &str, scope: &str, now: i64) -> Self {
        let stranger = Issuer::rs256(issuer.url());
        Self { client_id: client_id.into(), issuer, now, scope: scope.into(), stranger }
    }

    /// A token that is accepted, as the check on the set-up.
    #[must_use]
    pub fn good(&self) -> String {
        self.draft().token()
    }

    /// A good token before it is signed.
    #[must_use]
    pub fn draft(&self) -> Draft<'_> {
        self.issuer.draft(&self.client_id, &self.scope, self.now)
    }

    /// The issuer that is trusted.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The three parts of a good token.
    fn parts(&self) -> [String; 3] {
        split(&self.good())
    }

    /// Good claims under another header, signed.
    fn with_header(&self, header: impl AsRef<[u8]>) -> String {
        self.issuer.token_of(header, self.draft().claims_text())
    }

    /// Other claims under a good header, signed.
    fn with_claims(&self, claims: impl AsRef<[u8]>) -> String {
        self.issuer.token_of(self.draft().header_text(), claims)
    }

    /// Already encoded header and claims, signed as they are.
    fn sign_encoded(&self, header: &str, claims: &str) -> String {
        let input = format!("{header}.{claims}");
        let signature = base64url::encode(self.issuer.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }
}

/// One kind of hostile token.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    name: &'static str,
    reason: &'static str,
    make: fn(&Forge) -> String,
}

impl Kind {
    const fn new(name: &'static str, reason: &'static str, make: fn(&Forge) -> String) -> Self {
        Self { name, reason, make }
    }

    /// What is wrong with it, in a few words; unique in the list.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The [`reason`](crate::Refusal::reason) for which it must be refused.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Such a token.
    #[must_use]
    pub fn token(&self, forge: &Forge) -> String {
        (self.make)(forge)
    }
}

/// All kinds. None is longer than 20 KB, and none is empty.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    [form::KINDS, header::KINDS, signature::KINDS, payload::KINDS, times::KINDS, claims::KINDS]
        .into_iter()
        .flatten()
}

fn split(token: &str) -> [String; 3] {
    let mut parts = token.split('.').map(Into::into);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Puts `text` in place of the byte at `at`.
fn replace_at(part: &str, at: usize, text: &str) -> String {
    let (head, tail) = part.split_at(at);
    format!("{head}{text}{}", tail.get(1..).unwrap_or_default())
}
