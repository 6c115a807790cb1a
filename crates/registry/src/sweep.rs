//! What time does: grants reach their end, and what was only kept for a while is forgotten.

use turnpike_domain::actor::Actor;
use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::GrantId;
use turnpike_domain::{Error, Timestamp};

use crate::change::{Change, Origin, grant_at};
use crate::commit::unavailable;
use crate::keys;
use crate::registry::{Attempt, Registry};
use crate::store::{Precondition, Query, Range, Source, Write};

/// How many things one sweep ends or forgets.
const PER_SWEEP: usize = 100;

impl Registry {
    /// Ends the grants whose time has come and forgets what need not be kept. Any process may call it at any
    /// time; several at once do no harm. Answers with how much it did.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn sweep(&self) -> Result<usize, Error> {
        Ok(self.expire_grants().await? + self.forget_expired().await?)
    }

    async fn expire_grants(&self) -> Result<usize, Error> {
        let now = self.now();
        let query =
            Query::new(Source::Table, keys::TIMER, PER_SWEEP).range(Range::To(keys::until(now)));
        let due = self.query(&query).await?.items;
        for item in &due {
            let id = grant_at(&item.key.sk)?;
            self.transact(|| self.expire_grant(&id, now)).await?;
            // The entry is gone with the grant; one that was left behind is removed here.
            let left = Write::Delete { key: item.key.clone(), precondition: Precondition::Any };
            self.store.commit(&[left]).await.map_err(unavailable)?;
        }
        Ok(due.len())
    }

    async fn expire_grant(&self, id: &GrantId, now: Timestamp) -> Result<Attempt<()>, Error> {
        let Some(mut grant) = self.grant(id).await? else { return Ok(Attempt::Nothing(())) };
        let before = grant.value.clone();
        if !grant.value.expire(now) {
            return Ok(Attempt::Nothing(()));
        }
        let permit = decide(&Actor::System, Action::ExpireGrant, &Resource::Whole)
            .map_err(|_| Error::internal("the system may not end a grant at its time"))?;
        let origin = Origin { request_id: format!("expire-{id}"), method: String::new() };
        let mut change = Change::new(&permit, &origin);
        change.put_grant(&grant)?;
        if let Some(mut client) = self.client(&grant.value.client_id).await? {
            client.value.take_grant(&grant.value, now)?;
            client.value.update_time = now;
            change.put_client(&client)?;
        }
        let became = Became::Other(&before, &grant.value);
        change.event(EventDraft::of_grant(EventAction::GrantExpired, became, ""));
        Ok(Attempt::Change(Box::new(change), ()))
    }

    async fn forget_expired(&self) -> Result<usize, Error> {
        let query = Query::new(Source::Index1, keys::EXPIRING, PER_SWEEP)
            .range(Range::To(keys::until(self.now())));
        let due = self.query(&query).await?.items;
        for item in &due {
            // Whoever renewed it meanwhile keeps it.
            let precondition = Precondition::Version(item.version);
            let write = Write::Delete { key: item.key.clone(), precondition };
            match self.store.commit(&[write]).await {
                Ok(()) | Err(crate::store::Error::Precondition(_)) => {}
                Err(error) => return Err(unavailable(error)),
            }
        }
        Ok(due.len())
    }
}
