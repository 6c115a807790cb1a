//! What a kept token is for.

use std::fmt;

use turnpike_domain::id::{ClientId, SecretId};
use turnpike_domain::{Client, Scope};

/// What a kept token is for: nobody else gets it. The lifetime stands in it so that a client whose tokens
/// shall live shorter gets no longer one that was kept.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) client_id: ClientId,
    pub(crate) slot: Slot,
}

/// The same within one client.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) secret_id: SecretId,
    /// A set: each once, in byte order.
    pub(crate) scopes: Box<[Scope]>,
    lifetime: i64,
}

impl Key {
    /// `scopes` as the client holds them: each once, in byte order.
    pub(crate) fn new(client: &Client, secret_id: SecretId, scopes: &[Scope]) -> Self {
        let lifetime = client.token_lifetime.seconds();
        let slot = Slot { secret_id, scopes: scopes.into(), lifetime };
        Self { client_id: client.client_id.clone(), slot }
    }

    /// All of it as bytes, no two keys alike: scopes hold no spaces, ids no line ends.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Slot { secret_id, scopes, lifetime } = &self.slot;
        let scopes: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
        format!("{}\n{secret_id}\n{lifetime}\n{}", self.client_id, scopes.join(" ")).into_bytes()
    }
}

impl Slot {
    /// Roughly what it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let scopes = self.scopes.iter().map(|scope| scope.as_str().len() + size_of::<Scope>());
        self.secret_id.as_str().len() + scopes.sum::<usize>() + size_of::<Self>()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("client_id", &self.client_id)
            .field("scopes", &self.slot.scopes)
            .finish_non_exhaustive()
    }
}
