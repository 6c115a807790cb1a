//! Takes scopes from live grants: what the deletion of a scope, a resource server or a client does to them.

use std::collections::BTreeMap;

use turnpike_domain::error::Blocker;
use turnpike_domain::event::{Became, EventDraft};
use turnpike_domain::id::ClientId;
use turnpike_domain::impact::Effect;
use turnpike_domain::{Client, Error, Grant, Scope, Timestamp};

use crate::change::Change;
use crate::record::Versioned;
use crate::registry::Registry;
use crate::store::check;

/// Writes of one change that are left for grants; the rest is for what the change is about.
const WRITES_MAX: usize = 86;
/// The same in bytes, half of what a store takes.
const BYTES_MAX: usize = check::COMMIT_BYTES / 2;
/// The most writes one grant costs: itself, three lists, its client with its mark, its event.
const WRITES_PER_GRANT: usize = 7;

/// A live grant that is to lose scopes, and what that means to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// The grant.
    pub grant: Versioned<Grant>,
    /// What it loses: some of its scopes, or all.
    pub lost: Vec<Scope>,
    /// The same for the people it concerns.
    pub effect: Effect,
}

/// What became of affected grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many of them, from the first, are in the change: as many as fit.
    pub count: usize,
    /// The clients they belong to, with what is left to them; not yet in the change.
    pub clients: BTreeMap<ClientId, Versioned<Client>>,
}

impl Affected {
    /// Refuses to end grants if nobody said that they may end.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] with one `GRANT_IN_USE` a grant.
    pub fn check_force(force: bool, affected: &[Self]) -> Result<(), Error> {
        if force || affected.is_empty() {
            return Ok(());
        }
        let blocker = |affected: &Self| Blocker {
            kind: "GRANT_IN_USE",
            subject: affected.grant.value.subject(),
            description: affected.effect.describe(),
        };
        Err(Error::Precondition(affected.iter().map(blocker).collect()))
    }
}

impl Registry {
    /// The grants of a list that live now and hold scopes that `goes` takes away.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn affected(
        &self,
        grants: Vec<Versioned<Grant>>,
        goes: impl Fn(&Scope) -> bool,
    ) -> Result<Vec<Affected>, Error> {
        let now = self.now();
        let mut clients = BTreeMap::new();
        let mut affected = Vec::new();
        for grant in grants {
            let scopes = grant.value.scopes.list().iter();
            let lost: Vec<Scope> = scopes.filter(|scope| goes(scope)).cloned().collect();
            if lost.is_empty() || !grant.value.state_at(now).is_live() {
                continue;
            }
            let id = &grant.value.client_id;
            if !clients.contains_key(id) {
                clients.insert(id.clone(), self.client(id).await?);
            }
            let client = clients.get(id).and_then(Option::as_ref).map(|client| &client.value);
            let effect = Effect::on_grant(&grant.value, client, lost.clone());
            affected.push(Affected { grant, lost, effect });
        }
        Ok(affected)
    }

    /// Adds to a change that these grants end or shrink, each with its event: as many of them as fit.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn end_grants(
        &self,
        change: &mut Change,
        affected: &[Affected],
        reason: &str,
        now: Timestamp,
    ) -> Result<Ended, Error> {
        let mut ended = Ended::default();
        let mut bytes = 0;
        for Affected { grant, lost, .. } in affected {
            let writes = change.size() + 2 * ended.clients.len() + WRITES_PER_GRANT;
            if writes > WRITES_MAX || change.bytes() + bytes > BYTES_MAX {
                return Ok(ended);
            }
            let mut grant = grant.clone();
            let before = grant.value.clone();
            let action = grant.value.lose(lost, now, reason)?;
            let id = &grant.value.client_id;
            if !ended.clients.contains_key(id)
                && let Some(client) = self.client(id).await?
            {
                bytes += crate::record::client::to_item(&client)?.bytes();
                ended.clients.insert(id.clone(), client);
            }
            if let Some(client) = ended.clients.get_mut(id) {
                client.value.take_grant(&grant.value, now)?;
                client.value.update_time = now;
            }
            change.put_grant(&grant)?;
            change.event(EventDraft::of_grant(action, Became::Other(&before, &grant.value), ""));
            ended.count += 1;
        }
        Ok(ended)
    }
}
