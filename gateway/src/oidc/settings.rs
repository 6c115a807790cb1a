//! What a gateway is told of the directory by which people sign in.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use openidconnect::core::CoreJwsSigningAlgorithm;
use turnpike_domain::actor::Role;
use turnpike_domain::team::{AppRole, DirectoryGroup};
use turnpike_domain::url::HttpUrl;
use turnpike_runtime::{config, start};
use zeroize::Zeroizing;

/// An OpenID provider, and how this installation stands to it.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Its issuer, character for character as it says it.
    pub issuer: HttpUrl,
    /// What it is.
    pub profile: Profile,
    /// What it knows this installation as.
    pub client_id: String,
    /// How this installation shows that it is that.
    pub client_auth: ClientAuth,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The one algorithm that its ID tokens are signed with.
    pub id_token_algorithm: CoreJwsSigningAlgorithm,
    /// What people call it.
    pub display_name: String,
    /// Who is more than a member of teams.
    pub roles: Vec<RoleRule>,
    /// The claim with the groups of a person, and the one with their app roles.
    pub groups_claim: String,
    /// See [`OidcSettings::groups_claim`].
    pub roles_claim: String,
    /// After what time it is asked anew what groups and roles a person has.
    pub reread: Duration,
    /// For how long after that a session goes on while it does not answer.
    pub unreachable: Duration,
    /// Microsoft Graph, to ask for groups that are too many for a token.
    pub graph: Option<Graph>,
}

/// What kind of provider it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Microsoft Entra ID: people are `oid` of one tenant, tokens are of version 2.0.
    Entra {
        /// The tenant's id, a GUID in lower case.
        tenant: String,
    },
    /// Any other: people are `sub` of the issuer.
    Generic,
}

/// How this installation shows who it is at the token endpoint (OpenID Connect Core section 9).
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// `client_secret_basic`
    Basic(ClientSecret),
    /// `client_secret_post`
    Post(ClientSecret),
    /// `private_key_jwt`
    PrivateKey(PrivateKey),
}

/// A secret shared with the provider. It shows nothing of itself.
#[derive(Clone)]
pub struct ClientSecret(Zeroizing<String>);

/// A key with which assertions are signed (RFC 7523).
#[derive(Clone)]
pub struct PrivateKey {
    /// In PEM (PKCS #8).
    pub pem: Zeroizing<Vec<u8>>,
    /// `kid` in their headers, if any.
    pub key_id: Option<String>,
    /// The certificate in PEM, whose thumbprint goes into their headers (`x5t#S256`), if any.
    pub certificate_pem: Option<Vec<u8>>,
    /// `aud` of them; the issuer if `None` (draft-ietf-oauth-rfc7523bis). Entra ID wants its token endpoint.
    pub audience: Option<String>,
}

/// Who has a role beyond their teams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRule {
    /// The role.
    pub role: Role,
    /// Whoever has one of these app roles.
    pub app_roles: BTreeSet<AppRole>,
    /// Whoever is in one of these groups.
    pub groups: BTreeSet<DirectoryGroup>,
}

/// Where groups are asked for that are too many for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// The API, such as `https://graph.microsoft.com`.
    pub url: HttpUrl,
    /// The scope of a token for it.
    pub scope: String,
}

impl OidcSettings {
    /// What the configuration of a program says; `None` if there is no directory. Reads the files it names.
    ///
    /// # Errors
    ///
    /// The first setting that makes no sense, or whose file cannot be read.
    pub fn of(oidc: &config::Oidc) -> Result<Option<Self>, start::Error> {
        if !oidc.is_on() {
            return Ok(None);
        }
        let issuer = start::http_url("oidc.issuer", &oidc.issuer)?;
        let display_name = match oidc.display_name.as_str() {
            "" => issuer.authority().to_owned(),
            name => name.to_owned(),
        };
        let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
        let graph = match &oidc.graph {
            config::Graph { enabled: false, .. } => None,
            config::Graph { url, scope, .. } => {
                Some(Graph { url: start::http_url("oidc.graph.url", url)?, scope: scope.clone() })
            }
        };
        Ok(Some(Self {
            issuer,
            profile: match oidc.profile {
                config::Profile::Entra => Profile::Entra { tenant: oidc.tenant() },
                config::Profile::Generic => Profile::Generic,
            },
            client_id: oidc.client_id.clone(),
            client_auth: client_auth(oidc)?,
            scopes: oidc.scopes.clone(),
            id_token_algorithm: match oidc.id_token_algorithm {
                config::IdTokenAlgorithm::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
                config::IdTokenAlgorithm::Ps256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
                config::IdTokenAlgorithm::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            },
            display_name,
            roles: roles(oidc)?,
            groups_claim: oidc.groups_claim.clone(),
            roles_claim: oidc.roles_claim.clone(),
            reread: minutes(oidc.reread_minutes),
            unreachable: minutes(oidc.unreachable_minutes),
            graph,
        }))
    }
}

fn client_auth(oidc: &config::Oidc) -> Result<ClientAuth, start::Error> {
    // Editors end a file with a line feed, and it stays where that is made a variable; no secret has one.
    let trimmed = |text: &str| ClientSecret::new(text.trim_end_matches(['\r', '\n']).to_owned());
    let secret = || match oidc.client_secret.expose() {
        "" => {
            let bytes = read("oidc.client_secret_file", &oidc.client_secret_file)?;
            let text = std::str::from_utf8(&bytes)
                .map_err(|_| start::Error::setting("oidc.client_secret_file", "is not text"))?;
            Ok::<_, start::Error>(trimmed(text))
        }
        text => Ok(trimmed(text)),
    };
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Ok(match oidc.client_auth {
        config::ClientAuth::ClientSecretBasic => ClientAuth::Basic(secret()?),
        config::ClientAuth::ClientSecretPost => ClientAuth::Post(secret()?),
        config::ClientAuth::PrivateKeyJwt => {
            let certificate = &oidc.client_certificate_file;
            let certificate_pem = match certificate.as_os_str().is_empty() {
                true => None,
                false => Some(read("oidc.client_certificate_file", certificate)?.to_vec()),
            };
            ClientAuth::PrivateKey(PrivateKey {
                pem: read("oidc.client_key_file", &oidc.client_key_file)?,
                key_id: text(&oidc.client_key_id),
                certificate_pem,
                audience: text(&oidc.client_assertion_audience),
            })
        }
    })
}

fn read(key: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>, start::Error> {
    let bytes = std::fs::read(path);
    let told = |error| start::Error::setting(key, format!("{}: {error}", path.display()));
    bytes.map(Zeroizing::new).map_err(told)
}

fn roles(oidc: &config::Oidc) -> Result<Vec<RoleRule>, start::Error> {
    let rule = |role, role_key, app_roles: &[String], group_key, groups: &[String]| {
        let app_roles: Result<_, _> = app_roles.iter().map(|text| AppRole::parse(text)).collect();
        let groups: Result<_, _> = groups.iter().map(|text| DirectoryGroup::parse(text)).collect();
        Ok::<_, start::Error>(RoleRule {
            role,
            app_roles: app_roles.map_err(|problem| start::Error::setting(role_key, problem))?,
            groups: groups.map_err(|problem| start::Error::setting(group_key, problem))?,
        })
    };
    let config::Oidc { admin_roles, admin_groups, auditor_roles, auditor_groups, .. } = oidc;
    let admins = ("oidc.admin_roles", "oidc.admin_groups");
    let auditors = ("oidc.auditor_roles", "oidc.auditor_groups");
    Ok(vec![
        rule(Role::PlatformAdmin, admins.0, admin_roles, admins.1, admin_groups)?,
        rule(Role::Auditor, auditors.0, auditor_roles, auditors.1, auditor_groups)?,
    ])
}

impl ClientSecret {
    /// This text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key_id, audience, .. } = self;
        f.debug_struct("PrivateKey")
            .field("key_id", key_id)
            .field("audience", audience)
            .finish_non_exhaustive()
    }
}
