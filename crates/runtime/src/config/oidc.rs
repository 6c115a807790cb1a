//! `[oidc]`: the company's directory, by which people sign in.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use turnpike_domain::team::{AppRole, DirectoryGroup};
use turnpike_domain::url::HttpUrl;
use zeroize::Zeroizing;

use super::error::Error;
use super::tls::is_set;
use super::values::required;

/// An OpenID provider. Without `issuer` there is none.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Oidc {
    /// Its issuer, character for character as it says it.
    pub issuer: String,
    /// What it is.
    pub profile: Profile,
    /// The tenant's id, a GUID; the one in the issuer if empty. Of `entra` only.
    pub tenant: String,
    /// What it knows this installation as.
    pub client_id: String,
    /// How this installation shows that it is that.
    pub client_auth: ClientAuth,
    /// The secret, if it is not in a file: for the environment. It is not shown again.
    pub client_secret: Hidden,
    /// The file with the secret.
    pub client_secret_file: PathBuf,
    /// The file with the private key in PEM (PKCS #8), of `private_key_jwt`.
    pub client_key_file: PathBuf,
    /// What the directory calls the key; not sent if empty.
    pub client_key_id: String,
    /// The file with the key's certificate in PEM, if the directory knows the key by it.
    pub client_certificate_file: PathBuf,
    /// `aud` of assertions; the issuer if empty. Entra ID wants its token endpoint.
    pub client_assertion_audience: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The one algorithm that its ID tokens are signed with.
    pub id_token_algorithm: IdTokenAlgorithm,
    /// What people call it; the issuer's host if empty.
    pub display_name: String,
    /// The claim with the groups of a person.
    pub groups_claim: String,
    /// The claim with their app roles.
    pub roles_claim: String,
    /// Whoever has one of these app roles is a platform admin.
    pub admin_roles: Vec<String>,
    /// Whoever is in one of these groups is one too.
    pub admin_groups: Vec<String>,
    /// Whoever has one of these app roles is an auditor.
    pub auditor_roles: Vec<String>,
    /// Whoever is in one of these groups is one too.
    pub auditor_groups: Vec<String>,
    /// After how many minutes groups and roles are read anew.
    pub reread_minutes: u32,
    /// For how many minutes after that a session goes on while the directory does not answer.
    pub unreachable_minutes: u32,
    /// Microsoft Graph.
    pub graph: Graph,
}

/// Microsoft Graph, to ask for groups that are too many for a token.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Graph {
    /// Whether it is asked.
    pub enabled: bool,
    /// The API.
    pub url: String,
    /// The scope of a token for it.
    pub scope: String,
}

/// See [`Oidc::profile`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Microsoft Entra ID: people are `oid` of one tenant.
    Entra,
    /// Any other: people are `sub` of the issuer.
    Generic,
}

/// See [`Oidc::client_auth`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// The secret in a header.
    ClientSecretBasic,
    /// The secret in the request.
    ClientSecretPost,
    /// An assertion signed with a key.
    PrivateKeyJwt,
}

/// See [`Oidc::id_token_algorithm`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub enum IdTokenAlgorithm {
    /// ECDSA over P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA with PSS.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSA with PKCS #1 v1.5: what Entra ID and most others use.
    #[serde(rename = "RS256")]
    Rs256,
}

/// A secret among settings: read, and never written again.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "String")]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Serialize for Hidden {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

impl Default for Oidc {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            issuer: String::new(),
            profile: Profile::Entra,
            tenant: String::new(),
            client_id: String::new(),
            client_auth: ClientAuth::ClientSecretPost,
            client_secret: Hidden::default(),
            client_secret_file: PathBuf::new(),
            client_key_file: PathBuf::new(),
            client_key_id: String::new(),
            client_certificate_file: PathBuf::new(),
            client_assertion_audience: String::new(),
            scopes: texts(&["profile", "offline_access"]),
            id_token_algorithm: IdTokenAlgorithm::Rs256,
            display_name: String::new(),
            groups_claim: "groups".to_owned(),
            roles_claim: "roles".to_owned(),
            admin_roles: texts(&["Turnpike.Admin"]),
            admin_groups: Vec::new(),
            auditor_roles: texts(&["Turnpike.Auditor"]),
            auditor_groups: Vec::new(),
            reread_minutes: 30,
            unreachable_minutes: 60,
            graph: Graph::default(),
        }
    }
}

impl Default for Graph {
    fn default() -> Self {
        Self {
            enabled: false,
            url: "https://graph.microsoft.com".to_owned(),
            scope: "https://graph.microsoft.com/.default".to_owned(),
        }
    }
}

impl Oidc {
    /// Whether there is a directory.
    pub fn is_on(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// The tenant's id, in lower case: as it is set, or as it stands in the issuer. Empty if there is none.
    pub fn tenant(&self) -> String {
        let in_issuer = || self.issuer.split('/').find(|part| is_guid(part)).unwrap_or_default();
        let set = self.tenant.as_str();
        let tenant = if set.is_empty() { in_issuer() } else { set };
        tenant.to_ascii_lowercase()
    }

    /// Holds the section as a whole, for an installation that others find at `public_url`.
    ///
    /// # Errors
    ///
    /// The first key that makes no sense.
    pub fn check(&self, public_url: &str) -> Result<(), Error> {
        if !self.is_on() {
            return Ok(());
        }
        secure("oidc.issuer", &self.issuer)?;
        if !public_url.is_empty() {
            // Browsers keep our cookies for no other.
            secure("public_url", public_url)?;
        }
        required("oidc.client_id", &self.client_id)?;
        if self.profile == Profile::Entra {
            self.check_tenant()?;
        }
        self.check_client_auth()?;
        self.check_claims()?;
        if !(1..=60).contains(&self.reread_minutes) {
            return Err(Error::value("oidc.reread_minutes", "must be 1 to 60"));
        }
        if self.unreachable_minutes > 240 {
            return Err(Error::value("oidc.unreachable_minutes", "must be at most 240"));
        }
        self.graph.check(self.profile)
    }

    /// The tenant of an installation is one, by its id: with `common` or `organizations` in the issuer everyone's
    /// tenant would be taken.
    fn check_tenant(&self) -> Result<(), Error> {
        let tenant = self.tenant();
        if !is_guid(&tenant) {
            return Err(Error::value("oidc.tenant", "must be the tenant's id, a GUID"));
        }
        let theirs = self.issuer.contains("microsoftonline.");
        if theirs && !self.issuer.to_ascii_lowercase().contains(&tenant) {
            return Err(Error::value("oidc.issuer", "must be that of oidc.tenant"));
        }
        Ok(())
    }

    fn check_client_auth(&self) -> Result<(), Error> {
        let (text, file) =
            (!self.client_secret.expose().is_empty(), is_set(&self.client_secret_file));
        let wrong = match self.client_auth {
            ClientAuth::PrivateKeyJwt if is_set(&self.client_key_file) => return Ok(()),
            ClientAuth::PrivateKeyJwt => {
                ("oidc.client_key_file", "must be set for private_key_jwt")
            }
            _ if text && file => ("oidc.client_secret", "is set beside oidc.client_secret_file"),
            _ if text || file => return Ok(()),
            _ => ("oidc.client_secret_file", "must be set, or oidc.client_secret"),
        };
        Err(Error::value(wrong.0, wrong.1))
    }

    fn check_claims(&self) -> Result<(), Error> {
        let token = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        if self.scopes.iter().any(|scope| scope.is_empty() || !scope.bytes().all(token)) {
            return Err(Error::value("oidc.scopes", "must be scopes, each an entry of its own"));
        }
        required("oidc.groups_claim", &self.groups_claim)?;
        required("oidc.roles_claim", &self.roles_claim)?;
        let roles =
            [("oidc.admin_roles", &self.admin_roles), ("oidc.auditor_roles", &self.auditor_roles)];
        for (key, role) in
            roles.iter().flat_map(|(key, all)| all.iter().map(move |one| (*key, one)))
        {
            AppRole::parse(role).map_err(|problem| Error::value(key, problem))?;
        }
        let groups = [
            ("oidc.admin_groups", &self.admin_groups),
            ("oidc.auditor_groups", &self.auditor_groups),
        ];
        for (key, group) in
            groups.iter().flat_map(|(key, all)| all.iter().map(move |one| (*key, one)))
        {
            DirectoryGroup::parse(group).map_err(|problem| Error::value(key, problem))?;
        }
        Ok(())
    }
}

impl Graph {
    fn check(&self, profile: Profile) -> Result<(), Error> {
        let Self { enabled, url, scope } = self;
        if !enabled {
            return Ok(());
        }
        if profile != Profile::Entra {
            return Err(Error::value("oidc.graph.enabled", "goes with the profile `entra`"));
        }
        secure("oidc.graph.url", url)?;
        required("oidc.graph.scope", scope)
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// What goes there is secret: only through TLS, or not over a network at all.
fn secure(key: &str, url: &str) -> Result<(), Error> {
    let parsed = HttpUrl::parse(url).map_err(|problem| Error::value(key, problem))?;
    let authority = parsed.authority();
    let local = ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
        authority.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    });
    if url.starts_with("https://") || local {
        return Ok(());
    }
    Err(Error::value(key, "must begin with https://, but on this machine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "9f3e5a0c-1b2d-4c6f-8a9b-abcdefabcdef";

    fn entra() -> Oidc {
        Oidc {
            issuer: format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
            tenant: TENANT.to_owned(),
            client_id: "client".to_owned(),
            client_secret: Hidden::from("s3cret".to_owned()),
            ..Oidc::default()
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        Oidc::default().check("http://turnpike.example").unwrap();
        entra().check("https://turnpike.example").unwrap();
        entra().check("").unwrap();
        let short = Oidc { tenant: String::new(), ..entra() };
        short.check("").unwrap();
        assert_eq!(short.tenant(), TENANT);
        for (change, key) in [
            ((|c| c.issuer = "login".to_owned()) as fn(&mut Oidc), "oidc.issuer: "),
            (|c| c.issuer = format!("http://login.example/{TENANT}"), "oidc.issuer: "),
            (|c| c.issuer = "http://127.0.0.1.evil.example".to_owned(), "oidc.issuer: "),
            (
                |c| c.issuer = "https://login.microsoftonline.com/common/v2.0".to_owned(),
                "oidc.issuer: ",
            ),
            (|c| c.tenant = "contoso.onmicrosoft.com".to_owned(), "oidc.tenant: "),
            (|c| c.client_id.clear(), "oidc.client_id: "),
            (|c| c.client_secret = Hidden::default(), "oidc.client_secret_file: "),
            (|c| c.client_secret_file = "/run/secret".into(), "oidc.client_secret: "),
            (|c| c.client_auth = ClientAuth::PrivateKeyJwt, "oidc.client_key_file: "),
            (|c| c.scopes = vec!["profile email".to_owned()], "oidc.scopes: "),
            (|c| c.admin_roles = vec!["a b".to_owned()], "oidc.admin_roles: "),
            (|c| c.auditor_groups = vec![String::new()], "oidc.auditor_groups: "),
            (|c| c.reread_minutes = 0, "oidc.reread_minutes: "),
            (|c| c.unreachable_minutes = 241, "oidc.unreachable_minutes: "),
            (
                |c| {
                    c.profile = Profile::Generic;
                    c.graph.enabled = true;
                },
                "oidc.graph.enabled: ",
            ),
        ] {
            let mut config = entra();
            change(&mut config);
            let error = config.check("https://turnpike.example").unwrap_err().to_string();
            assert!(error.starts_with(key), "{error}");
        }
        let error = entra().check("http://turnpike.example").unwrap_err().to_string();
        assert!(error.starts_with("public_url: "), "{error}");
    }

    #[test]
    fn a_secret_is_read_and_never_written() {
        let read: Oidc = toml::from_str("client_secret = \"s3cret\"").unwrap();
        assert_eq!(read.client_secret.expose(), "s3cret");
        let written = toml::to_string(&read).unwrap();
        assert!(!written.contains("s3cret") && !format!("{read:?}").contains("s3cret"));
    }
}
