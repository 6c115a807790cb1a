//! What an authorization server that lives elsewhere keeps of its own: its *pool* of clients and
//! resource servers, such as a Cognito user pool. The registry is the truth and the pool its image:
//! everything here is told as a whole, never as a difference, so that telling it twice does no harm.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::{BoxError, Error as DomainError};
use crate::id::ClientId;
use crate::resource_server::ResourceServer;
use crate::scope::{Identifier, Scope};
use crate::secret::SecretValue;
use crate::time::TokenLifetime;

/// The pool of an authorization server. One call here is at most a few calls of its API.
///
/// Implementations bound each call in time, keep to the rates of the API by themselves (a call that
/// would wait for too long is [`Error::Busy`]), validate whatever the API would refuse before they
/// ask, and never send a part of an object.
#[async_trait]
pub trait Pool: Debug + Send + Sync {
    /// Makes a client, and answers with its key and with the pool's name of the secret. `secret` is
    /// the value by which the client shall authenticate; a pool that takes no chosen values
    /// ([`Pool::takes_secrets`]) makes one of its own, and ignores it.
    ///
    /// Not idempotent: after [`Error::Unknown`] there may be a client of that name, to be found by
    /// [`Pool::clients`] and deleted.
    ///
    /// # Errors
    ///
    /// [`Error`], all but [`Error::Missing`].
    async fn create_client(
        &self,
        client: &PoolClient,
        secret: &SecretValue,
    ) -> Result<CreatedClient, Error>;

    /// Makes the client be what is said, all of it.
    ///
    /// # Errors
    ///
    /// [`Error`]; [`Error::Missing`] if there is no such client.
    async fn put_client(&self, id: &ClientId, client: &PoolClient) -> Result<(), Error>;

    /// Deletes a client with its secrets. One that is not there is no error.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`], [`Error::Refused`], [`Error::Unknown`].
    async fn delete_client(&self, id: &ClientId) -> Result<(), Error>;

    /// Adds a second secret, and answers with the pool's name of it. Only if it
    /// [takes secrets](Pool::takes_secrets). Not idempotent.
    ///
    /// # Errors
    ///
    /// [`Error`]; [`Error::Full`] if two live already.
    async fn add_secret(&self, id: &ClientId, secret: &SecretValue) -> Result<SecretName, Error>;

    /// Ends a secret, and says whether it is gone: a pool that insists on one secret keeps the last, which
    /// can be ended once there is another. One that is not there, or whose client is not, is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`], [`Error::Refused`], [`Error::Unknown`].
    async fn remove_secret(&self, id: &ClientId, name: &SecretName) -> Result<bool, Error>;

    /// The pool's names of the secrets of a client, in no order; none if there is no such client, or the
    /// pool [takes none](Pool::takes_secrets).
    ///
    /// # Errors
    ///
    /// [`Error::Busy`], [`Error::Refused`], [`Error::Unknown`].
    async fn secrets(&self, id: &ClientId) -> Result<Vec<SecretName>, Error>;

    /// Whether the pool takes secrets of our choice. If not, what clients show is known to Turnpike
    /// alone, and Turnpike itself authenticates to the authorization server in their stead.
    fn takes_secrets(&self) -> bool;

    /// Makes the resource server be what is said, all of it, whether it was there or not.
    ///
    /// # Errors
    ///
    /// [`Error`]; [`Error::Full`] if the pool takes no more.
    async fn put_resource_server(&self, server: &PoolResourceServer) -> Result<(), Error>;

    /// Deletes a resource server. One that is not there is no error.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`], [`Error::Refused`], [`Error::Unknown`].
    async fn delete_resource_server(&self, identifier: &Identifier) -> Result<(), Error>;

    /// A page of all clients: their keys and names. `after` is the `next` of the page before.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`], [`Error::Refused`], [`Error::Unknown`].
    async fn clients(&self, after: Option<&str>) -> Result<Page<ListedClient>, Error>;

    /// A client as the pool has it.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`], [`Error::Refused`], [`Error::Unknown`].
    async fn client(&self, id: &ClientId) -> Result<Option<FoundClient>, Error>;

    /// A page of all resource servers, whole. `after` is the `next` of the page before.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`], [`Error::Refused`], [`Error::Unknown`].
    async fn resource_servers(
        &self,
        after: Option<&str>,
    ) -> Result<Page<FoundResourceServer>, Error>;

    /// A resource server as the pool has it.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`], [`Error::Refused`], [`Error::Unknown`].
    async fn resource_server(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<FoundResourceServer>, Error>;
}

/// What the pool shall say of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolClient {
    /// Its name there: decided at creation, and never again. It holds a part that no other has, by
    /// which it is found if the answer to its creation was lost. 1 to 128 characters of
    /// `[A-Za-z0-9_ +=,.@-]` (Cognito `ClientNameType`).
    pub name: String,
    /// How long its tokens live.
    pub token_lifetime: TokenLifetime,
    /// What it may ask for, in byte order. None: it gets no token at all.
    pub scopes: Vec<Scope>,
}

/// What the pool shall say of a resource server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolResourceServer {
    /// Its key.
    pub identifier: Identifier,
    /// Its name there: 1 to 256 characters of `[A-Za-z0-9_ +=,.@-]` (Cognito
    /// `ResourceServerNameType`).
    pub name: String,
    /// Names and descriptions of its scopes.
    pub scopes: Vec<(String, String)>,
}

impl PoolResourceServer {
    /// What the pool shall say of `server`.
    pub fn of(server: &ResourceServer) -> Self {
        let scopes = server.scopes.list().iter();
        Self {
            identifier: server.identifier.clone(),
            name: ascii_name(server.display_name.as_str(), 256),
            scopes: scopes.map(|s| (s.name.to_string(), s.description.to_string())).collect(),
        }
    }
}

/// A client that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedClient {
    /// Its key, chosen by the authorization server.
    pub client_id: ClientId,
    /// The pool's name of its secret; `None` if it [takes none](Pool::takes_secrets).
    pub secret: Option<SecretName>,
}

/// The pool's name of a secret (Cognito `ClientSecretId`); no secret itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName(pub String);

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What is on it; may be empty though there is more.
    pub items: Vec<T>,
    /// What the next page comes after; `None` on the last.
    pub next: Option<String>,
}

/// A client as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedClient {
    /// Its key.
    pub client_id: ClientId,
    /// Its name.
    pub name: String,
}

/// A client as the pool has it. Values as they are there: others may have written them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundClient {
    /// Its key.
    pub client_id: ClientId,
    /// Its name.
    pub name: String,
    /// How long its tokens live, in seconds.
    pub token_lifetime_seconds: i64,
    /// What it may ask for, in byte order; none if it may get no token by client credentials.
    pub scopes: Vec<String>,
    /// Whether it is one for machines alone: it has a secret, and no other flow than client
    /// credentials. Only such a client can be adopted, since all else of it would be lost.
    pub machine: bool,
    /// Each other setting that is not as Turnpike would have it: its name there, and its value as text.
    /// Never a secret.
    pub other: Vec<(String, String)>,
}

/// A resource server as the pool has it. Values as they are there: others may have written them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundResourceServer {
    /// Its key.
    pub identifier: String,
    /// Its name.
    pub name: String,
    /// Names and descriptions of its scopes.
    pub scopes: Vec<(String, String)>,
}

/// Why a pool did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too much is asked of it, or others change the same thing. Nothing was done.
    #[error("the authorization server is busy")]
    Busy {
        /// When to try again, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// A quota of the pool is used up; the text says which. Nothing was done.
    #[error("the authorization server takes no more: {0}")]
    Full(String),
    /// The client or resource server is not there.
    #[error("the authorization server does not have it")]
    Missing,
    /// The pool does not know this scope: its resource server has to be told first. Nothing was done.
    #[error("the authorization server does not have the scope `{0}`")]
    MissingScope(String),
    /// It refused what no retry makes right, such as for want of a permission. Holds no secret.
    #[error("the authorization server refused: {0}")]
    Refused(String),
    /// No answer, or a useless one: it may have been done, or not.
    #[error("the authorization server did not answer")]
    Unknown(#[source] BoxError),
}

impl Error {
    /// Whether the same call, unchanged, may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unknown(_))
    }

    /// What it means to a caller who waits for an answer.
    pub fn into_error(self) -> DomainError {
        match self {
            Self::Busy { retry_after_ms } => DomainError::RateLimited { retry_after_ms },
            Self::Full(what) => DomainError::blocked("QUOTA_REACHED", "authorization-server", what),
            Self::Unknown(cause) => DomainError::Unavailable(cause),
            Self::Missing | Self::MissingScope(_) | Self::Refused(_) => {
                DomainError::internal(self.to_string())
            }
        }
    }
}

/// A name as the pool takes it: whatever is not one of `[A-Za-z0-9_ +=,.@-]` becomes `-`, and what is
/// too long is cut. A name without a single letter or digit becomes `unnamed`.
pub fn ascii_name(name: &str, max: usize) -> String {
    let taken = |c: char| c.is_ascii_alphanumeric() || "_ +=,.@-".contains(c);
    let name: String = name.chars().map(|c| if taken(c) { c } else { '-' }).take(max).collect();
    let name = name.trim();
    if name.contains(|c: char| c.is_ascii_alphanumeric()) {
        name.to_owned()
    } else {
        "unnamed".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_one_that_the_pool_takes() {
        assert_eq!(ascii_name("Müller & Söhne", 256), "M-ller - S-hne");
        assert_eq!(ascii_name("Shop 1_a+b=c,d.e@f-g", 256), "Shop 1_a+b=c,d.e@f-g");
        assert_eq!(ascii_name("日本", 256), "unnamed");
        assert_eq!(ascii_name("abcdef ", 4), "abcd");
    }
}
