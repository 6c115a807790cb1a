//! Learns the secret of an adopted client: until somebody has shown it, the authorization server alone
//! knows what it is.

use turnpike_domain::actor::Actor;
use turnpike_domain::authorization_server::pool::SecretName;
use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::error::Subject as ErrorSubject;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::{ClientId, SecretId};
use turnpike_domain::secret::{SecretEntry, SecretHash};
use turnpike_domain::{Client, Error};

use super::Subject;
use crate::change::{Change, Origin};
use crate::registry::{Attempt, Registry};

impl Registry {
    /// Whether a client was adopted and its secret is not known yet.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn secret_unknown(&self, id: &ClientId) -> Result<bool, Error> {
        Ok(self.pool_entry(id).await?.is_some_and(|entry| entry.value.secret_unknown))
    }

    /// Keeps the hash of the secret of an adopted client, which the authorization server has taken. One
    /// that was learned before is not learned again. Answers with its key.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the client is gone, [`Error::Stale`] if another secret was learned
    /// meanwhile; [`Error::Unavailable`], [`Error::Internal`].
    pub async fn learn_secret(
        &self,
        id: &ClientId,
        hash: SecretHash,
        origin: &Origin,
    ) -> Result<SecretId, Error> {
        self.transact(|| self.decide_to_learn(id, hash, origin)).await
    }

    async fn decide_to_learn(
        &self,
        id: &ClientId,
        hash: SecretHash,
        origin: &Origin,
    ) -> Result<Attempt<SecretId>, Error> {
        let subject = || ErrorSubject::new("clients", id.as_str());
        let mut client = self.client(id).await?.ok_or_else(|| Error::NotFound(subject()))?;
        if let Some(known) = known(&client.value, hash) {
            return Ok(Attempt::Nothing(known));
        }
        let entry = self.pool_entry(id).await?.filter(|entry| entry.value.secret_unknown);
        let Some(mut entry) = entry else {
            // It may have been learned since the client was read.
            let client = self.client(id).await?.ok_or_else(|| Error::NotFound(subject()))?;
            let known = known(&client.value, hash).ok_or_else(|| Error::Stale(subject()))?;
            return Ok(Attempt::Nothing(known));
        };
        let now = self.now();
        let secret_id = SecretId::generate(self.entropy());
        let learned = SecretEntry { secret_id: secret_id.clone(), hash, create_time: now };
        entry.value.secret_unknown = false;
        let name = entry.value.unknown_secret.take().map(SecretName);
        entry.value.add_secret(&secret_id, name);

        let permit = decide(&Actor::System, Action::LearnSecret, &Resource::Whole)
            .map_err(|_| Error::internal("the system may not learn a secret"))?;
        let mut change = Change::new(&permit, origin);
        let before = client.value.clone();
        client.value.secrets.put(learned, &before.subject())?;
        client.value.update_time = now;
        let became = Became::Other(&before, &client.value);
        change.event(EventDraft::of_client(EventAction::ClientSecretLearned, became));
        change.put_client(&client)?;
        change.writes.push(entry.value.to_write(id, entry.version)?);
        Ok(Attempt::Change(Box::new(change), secret_id))
    }

    /// Whether the pool has yet to be told of something.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`].
    pub async fn is_pending(&self, subject: &Subject) -> Result<bool, Error> {
        Ok(self.get(&subject.mark_key()).await?.is_some())
    }
}

/// The secret of a client with that hash.
fn known(client: &Client, hash: SecretHash) -> Option<SecretId> {
    let found = client.secrets.list().iter().find(|secret| secret.hash == hash)?;
    Some(found.secret_id.clone())
}
