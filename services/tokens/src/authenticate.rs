//! Who calls the token endpoint or revokes: a client, by its secret.

use turnpike_domain::id::{ClientId, SecretId};
use turnpike_domain::secret::Secrets;
use turnpike_domain::{Client, Error, Timestamp};
use turnpike_rpc::oauth::secret_holders::compare_with_nothing;
use turnpike_rpc::oauth::secret_uses::SecretOwner;
use turnpike_rpc::oauth::{Asked, Credentials, Refusal};
use zeroize::Zeroizing;

use crate::Inner;
use crate::records::Source;

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
    /// Where its record was read.
    pub(crate) source: Source,
    /// How to refuse it after all, should it be gone or disabled a moment later.
    pub(crate) by_header: bool,
}

/// Somebody who shows a secret for an adopted client whose secret is not known yet. Does not print.
pub(crate) struct Unproven {
    pub(crate) client: Client,
    pub(crate) secret: Zeroizing<String>,
    pub(crate) by_header: bool,
}

/// Who calls, as far as Turnpike can tell.
pub(crate) enum Caller {
    Known(Box<Authenticated>),
    Unproven(Box<Unproven>),
}

/// The client that calls.
///
/// A client that is disabled is told so, as `invalid_client`: it has shown its secret, so nobody
/// else learns it; and not `unauthorized_client`, which would mean that another grant type could
/// work.
pub(crate) async fn client(inner: &Inner, asked: &Asked) -> Result<Authenticated, Refusal> {
    match caller(inner, asked).await? {
        Caller::Known(known) => Ok(*known),
        Caller::Unproven(unproven) => {
            Err(refuse(inner, asked, unproven.client.client_id.as_str(), unproven.by_header))
        }
    }
}

/// The client that calls, or somebody who shows what may be its secret.
pub(crate) async fn caller(inner: &Inner, asked: &Asked) -> Result<Caller, Refusal> {
    let credentials = Credentials::of(asked)?;
    let by_header = credentials.by_header;
    let id = ClientId::parse(&credentials.id);
    let known = id.is_ok() && credentials.id != NOBODY;
    let id = id.or_else(|_| ClientId::parse(NOBODY)).map_err(Error::internal)?;
    let mut now = inner.registry.now();
    let (client, mut source) = inner.records.client(&id).await?;
    let mut client = client.filter(|_| known);
    let mut secret = find_secret(client.as_ref(), &credentials.secret);
    if let (None, Some(found)) = (&secret, &client)
        && may_be_adopted(inner, found, source)
    {
        if inner.registry.secret_unknown(&id).await? {
            let (client, secret) = (found.clone(), credentials.secret);
            return Ok(Caller::Unproven(Box::new(Unproven { client, secret, by_header })));
        }
        // It may have been learned since the record was read.
        now = inner.registry.now();
        (client, source) = inner.records.client(&id).await?;
        secret = find_secret(client.as_ref(), &credentials.secret);
    }
    let secret_id = secret.ok_or_else(|| refuse(inner, asked, &credentials.id, by_header))?;
    inner.uses.note(|| SecretOwner::Client(id.clone()), &secret_id, now);
    let client = client.filter(|client| client.enabled).ok_or(disabled(by_header))?;
    let secret = credentials.secret;
    let known = Authenticated { client, secret, secret_id, read_time: now, source, by_header };
    Ok(Caller::Known(Box::new(known)))
}

impl Authenticated {
    /// The same client as it is now.
    ///
    /// # Errors
    ///
    /// Its refusal, should it be gone or disabled, or its secret be over.
    pub(crate) async fn again(self, inner: &Inner) -> Result<Self, Refusal> {
        // The time first: what is revoked after the record was read counts from a later second.
        let read_time = inner.registry.now();
        let (client, source) = inner.records.client(&self.client.client_id).await?;
        let client = client.filter(|client| client.enabled).ok_or(disabled(self.by_header))?;
        if !client.secrets.list().iter().any(|secret| secret.secret_id == self.secret_id) {
            return Err(Credentials::refused(self.by_header));
        }
        Ok(Self { client, read_time, source, ..self })
    }
}

/// Which of its secrets a client has shown; with as much work if there is no client.
fn find_secret(client: Option<&Client>, shown: &str) -> Option<SecretId> {
    let Some(client) = client else {
        compare_with_nothing(shown);
        return None;
    };
    client.secrets.find(shown).map(|entry| entry.secret_id.clone())
}

/// Whether the authorization server alone may know the secret of a client, and can be asked.
fn may_be_adopted(inner: &Inner, client: &Client, source: Source) -> bool {
    let proves = inner.issued_by.proves_secrets() && source == Source::Store;
    // Beside it there may be one that was made here, to replace it.
    proves && client.enabled && client.secrets.list().len() < Secrets::MAX
}

/// The refusal of a wrong secret, which is counted.
///
/// The right secret always gets in: behind a proxy all callers have one address, and guesses of others must
/// not lock anyone out. Whoever guesses learns nothing while the throttle holds.
pub(crate) fn refuse(inner: &Inner, asked: &Asked, id: &str, by_header: bool) -> Refusal {
    let counted = inner.failures.refuse(id, asked.peer, inner.registry.now());
    counted.err().map_or_else(|| Credentials::refused(by_header), Refusal::from)
}

/// The refusal of a client that is disabled.
pub(crate) const fn disabled(by_header: bool) -> Refusal {
    Refusal::Client { challenge: by_header, why: "the client is disabled" }
}
