//! Who calls the token endpoint or revokes: a client, by its secret.

use turnpike_domain::id::{ClientId, SecretId};
use turnpike_domain::{Client, Timestamp};
use turnpike_rpc::oauth::secret_holders::compare_with_nothing;
use turnpike_rpc::oauth::secret_uses::SecretOwner;
use turnpike_rpc::oauth::{Asked, Credentials, Refusal};
use zeroize::Zeroizing;

use crate::Inner;

/// A key that no client has: it is looked up where an id cannot be one, so that time does not tell.
const NOBODY: &str = "_";

/// A client that has shown its secret and is enabled. Does not print.
pub(crate) struct Authenticated {
    pub(crate) client: Client,
    /// The secret, for an authorization server that asks for it too.
    pub(crate) secret: Zeroizing<String>,
    /// The secret it has shown: it must still live when the token is issued.
    pub(crate) secret_id: SecretId,
    /// When its record was read, at the latest: a revocation after that counts from a later second.
    pub(crate) read_time: Timestamp,
    /// How to refuse it after all, should it be gone or disabled a moment later.
    pub(crate) by_header: bool,
}

/// The client that calls.
///
/// A client that is disabled is told so, as `invalid_client`: it has shown its secret, so nobody
/// else learns it; and not `unauthorized_client`, which would mean that another grant type could
/// work.
pub(crate) async fn client(inner: &Inner, asked: &Asked) -> Result<Authenticated, Refusal> {
    let credentials = Credentials::of(asked)?;
    let (now, by_header) = (inner.registry.now(), credentials.by_header);
    let id = ClientId::parse(&credentials.id);
    let known = id.is_ok() && credentials.id != NOBODY;
    let id = id.or_else(|_| ClientId::parse(NOBODY)).map_err(turnpike_domain::Error::internal)?;
    let client = inner.registry.client(&id).await?.filter(|_| known).map(|client| client.value);
    let secret = match &client {
        Some(client) => client.secrets.find(&credentials.secret),
        None => {
            compare_with_nothing(&credentials.secret);
            None
        }
    };
    let Some(secret) = secret.map(|entry| entry.secret_id.clone()) else {
        // The right secret always gets in: behind a proxy all callers have one address, and guesses of others must
        // not lock anyone out. Whoever guesses learns nothing while the throttle holds.
        inner.failures.refuse(&credentials.id, asked.peer, now)?;
        return Err(Credentials::refused(by_header));
    };
    inner.uses.note(|| SecretOwner::Client(id.clone()), &secret, now);
    let client = client.filter(|client| client.enabled).ok_or(disabled(by_header))?;
    Ok(Authenticated {
        client,
        secret: credentials.secret,
        secret_id: secret,
        read_time: now,
        by_header,
    })
}

/// The refusal of a client that is disabled.
pub(crate) const fn disabled(by_header: bool) -> Refusal {
    Refusal::Client { challenge: by_header, why: "the client is disabled" }
}
